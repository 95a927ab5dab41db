/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual switch of the host (SPEC H1, H2): a VLAN-aware bridge on one NIC, and that NIC's own
 * switch for its virtual functions.
 */
#pragma once

#include "model/team.h"

#define SWITCHES_MAX 32
#define SWITCH_NAME_SIZE LINK_NAME_SIZE /* the bridge's interface has this name */

/* What a configuration file with [Switch] holds. */
struct switch_config {
	char name[SWITCH_NAME_SIZE];
	char nic[MEMBER_DEVICE_SIZE]; /* as a member's device: name, permanent MAC, "pci-…" */
	uint32_t iov;		      /* 1 = VFs of the NIC are given to adapters */
	uint32_t vf_count; /* VFs that the NIC shall have while iov is on, 0 = all that it can */
	uint32_t adopt;	   /* 1 = the bridge is somebody else's: neither made nor deleted by us */
};

/* H2. Why a switch with iov on gives no VF; a bit each, so that all are told at once. */
enum iov_reason {
	IOV_REASON_NO_NIC,	  /* there is no such device now */
	IOV_REASON_NOT_PCI,	  /* the NIC is no PCI function: a bond, a VLAN, virtio … */
	IOV_REASON_TEAMED,	  /* the NIC is a bond or team: team in the guest instead */
	IOV_REASON_NO_CAPABILITY, /* the device has no SR-IOV capability, or it is off in firmware */
	IOV_REASON_NO_DRIVER,	  /* its driver cannot make VFs */
	IOV_REASON_NO_BUS,	  /* no PCI bus numbers behind the slot */
	IOV_REASON_NO_BAR_SPACE,  /* no memory space for the VFs' BARs */
	IOV_REASON_NO_IOMMU,	  /* VFs work in namespaces, but none can be given to a VM */
	IOV_REASON_NO_ACS,	  /* the VF shares its IOMMU group with others */
	IOV_REASON_REFUSED,	  /* making VFs failed otherwise; what it said goes with it */
	IOV_REASON_COUNT,
};
extern const char *const iov_reason_names[IOV_REASON_COUNT];	 /* "no-iommu" */
extern const char *const iov_reason_sentences[IOV_REASON_COUNT]; /* what it is, and what to do */

/* Is the memory there that the VFs' BARs need (sysfs, "resource", lines 8 to 13)? */
enum iov_memory {
	IOV_MEMORY_UNKNOWN,
	IOV_MEMORY_THERE,
	IOV_MEMORY_MISSING,
};

/* What can be seen of a NIC as to its VFs. */
struct iov_facts {
	bool present;	 /* there is such a device; without it nothing else counts */
	bool pci;	 /* it is a PCI function; without it nothing below counts */
	bool teamed;	 /* it is a bond or a team */
	uint32_t total;	 /* VFs that it can have, 0 = it has no SR-IOV */
	bool has_driver; /* whether it can make VFs the attempt tells */
	bool iommu;
	bool shares_group; /* some VF is in one IOMMU group with others */
	enum iov_memory memory;
	int error; /* negative errno of the last attempt to make VFs, 0 = none failed */
};

enum uplink_state {
	UPLINK_UP,
	UPLINK_DOWN,	/* no carrier, set down, or not in the switch's bridge (yet) */
	UPLINK_MISSING, /* there is no such device now */
	UPLINK_TAKEN,	/* it is in a bridge, bond or team of somebody else's */
	UPLINK_STATE_COUNT,
};
extern const char *const uplink_state_names[UPLINK_STATE_COUNT]; /* "up" "down" "not-present" */

struct switch_list {
	uint32_t count;
	struct switch_config switches[SWITCHES_MAX];
};

struct switch_config *switch_list_find(struct switch_list *list, const char *name);

/* Is @link the NIC that the switch names? */
bool switch_means(const struct switch_config *config, const struct link *link);
struct link *switch_nic(const struct switch_config *config, const struct link_table *links);
