// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/doctor.h"

#include "base/strings.h"
#include "core/doctor_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct finding *doctor_find(struct doctor *doctor, const char *subject)
{
	struct finding *found = finding_list_add(doctor->findings);

	if (!found) {
		doctor->error = -ENOMEM;
		found = &doctor->spare;
		*found = (struct finding){};
	}
	found->severity = doctor->check->severity;
	found->check = doctor->check->name;
	(void)snprintf(found->subject, sizeof(found->subject), "%s", subject);
	return found;
}

struct pci_address {
	unsigned int domain, bus, device, function;
};

static bool read_pci(const struct link *link, struct pci_address *ret_address)
{
	return strcmp(link->bus, "pci") == 0 &&
	       sscanf(link->bus_id, "%x:%x:%x.%x", &ret_address->domain, &ret_address->bus,
		      &ret_address->device, &ret_address->function) == 4;
}

/*
 * Two of one bus, one of which is not function 0: a second port, or VFs beside it. What a VM is
 * given is function 0 each, and its bus tells nothing of the host's.
 */
bool doctor_one_card(const struct link *a, const struct link *b)
{
	struct pci_address at, bt;

	return read_pci(a, &at) && read_pci(b, &bt) && at.domain == bt.domain && at.bus == bt.bus &&
	       (at.function || bt.function);
}

const struct link *doctor_below(const struct doctor *doctor, const struct link *link)
{
	/* Of others (veth) the device below is a peer, maybe of another namespace. */
	static const char *const kinds[] = {"vlan", "macvlan", "macvtap", "ipvlan"};
	const struct link *below = NULL;

	if (name_lookup(kinds, ARRAY_SIZE(kinds), link->kind) >= 0)
		below = link_by_index(doctor->facts->links, link->lower);
	return below ? below : link;
}

static void look_at_team(struct doctor *doctor, const struct doctor_team *team)
{
	const struct doctor_check *check = doctor->check;

	if (check->team)
		check->team(doctor, team);
	for (uint32_t i = 0; check->member && i < team->config->member_count; i++)
		check->member(doctor, team, &team->members[i]);
}

static void look_at_vm(struct doctor *doctor, const struct vm_config *vm)
{
	const struct doctor_check *check = doctor->check;

	if (check->vm)
		check->vm(doctor, vm);
	for (uint32_t i = 0; check->adapter && i < vm->adapter_count; i++)
		check->adapter(doctor, vm, &vm->adapters[i]);
}

static void look(struct doctor *doctor, const struct doctor_check *check)
{
	const struct doctor_facts *facts = doctor->facts;

	doctor->check = check;
	if (check->machine)
		check->machine(doctor);
	for (size_t i = 0; i < facts->team_count; i++)
		look_at_team(doctor, &facts->teams[i]);
	for (uint32_t i = 0; check->sw && i < facts->switches->count; i++)
		check->sw(doctor, &facts->switches->switches[i]);
	for (uint32_t i = 0; i < facts->vms->count; i++)
		look_at_vm(doctor, &facts->vms->vms[i]);
}

static void look_for(struct doctor *doctor, const struct doctor_check *checks, size_t count,
		     enum finding_severity severity)
{
	for (size_t i = 0; i < count; i++)
		if (checks[i].severity == severity)
			look(doctor, &checks[i]);
}

int doctor_examine(const struct doctor_facts *facts, struct finding_list *findings)
{
	struct doctor doctor = {.facts = facts, .findings = findings};

	for (int severity = 0; severity < FINDING_SEVERITY_COUNT; severity++) {
		look_for(&doctor, doctor_guest_checks, doctor_guest_check_count, severity);
		look_for(&doctor, doctor_host_checks, doctor_host_check_count, severity);
		look_for(&doctor, doctor_nic_checks, doctor_nic_check_count, severity);
	}
	return doctor.error;
}
