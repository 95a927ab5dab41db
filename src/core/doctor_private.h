/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of core/doctor share. */
#pragma once

#include "core/doctor.h"

struct doctor_check;

/* An examination under way. */
struct doctor {
	const struct doctor_facts *facts;
	const struct doctor_check *check; /* that looks now */
	struct finding_list *findings;
	struct finding spare; /* what is said without memory */
	int error;
};

/* Each row has one function: for the machine, or for each team, member, switch, VM or adapter. */
struct doctor_check {
	const char *name;
	enum finding_severity severity;
	void (*machine)(struct doctor *);
	void (*team)(struct doctor *, const struct doctor_team *);
	void (*member)(struct doctor *, const struct doctor_team *, const struct doctor_member *);
	void (*sw)(struct doctor *, const struct switch_config *);
	void (*vm)(struct doctor *, const struct vm_config *);
	void (*adapter)(struct doctor *, const struct vm_config *, const struct adapter_config *);
};

extern const struct doctor_check doctor_guest_checks[], doctor_host_checks[], doctor_nic_checks[];
extern const size_t doctor_guest_check_count, doctor_host_check_count, doctor_nic_check_count;

/* A finding of the check that looks now; its texts are the caller's to fill. Never NULL. */
struct finding *doctor_find(struct doctor *doctor, const char *subject);

/* Two functions of what looks like one PCI card? False also where it cannot be told. */
bool doctor_one_card(const struct link *a, const struct link *b);

/* The device that the frames of @link leave by: the one below a VLAN or a macvlan. */
const struct link *doctor_below(const struct doctor *doctor, const struct link *link);

/* --- of a host (core/doctor_host.c) --- */

/* NULL: there is none. */
const struct switch_config *doctor_switch(const struct doctor *doctor,
					  const struct adapter_config *adapter);
const struct link *doctor_nic(const struct doctor *doctor, const struct switch_config *sw);

/* Adapters of the VM that allow teaming. */
uint32_t doctor_count_teaming(const struct vm_config *vm);

/* Could an adapter of the VM have a VF, as far as its switch's NIC is concerned (H2)? */
bool doctor_can_have_vf(const struct doctor *doctor, const struct vm_config *vm,
			const struct switch_config *sw);

/* doctor_find() with the subject "VM/ADAPTER". */
struct finding *doctor_find_adapter(struct doctor *doctor, const struct vm_config *vm,
				    const struct adapter_config *adapter);
