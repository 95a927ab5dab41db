/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Desired minus observed for a host (C2): the steps that make switches and adapters what their
 * configuration says. No steps means that all is as wanted.
 *
 * Theory of operation. Each step is the next one that is possible: of an adapter without a port the
 * plan says "make it", and what belongs on the port follows once it is seen. So who applies a plan
 * makes another one of what is there then, until none is left; and whatever a stranger has changed
 * is a step like any other. Nothing is remembered but what devices themselves bear (core/host_mark):
 * which VF an adapter has is read from the NIC, the VF's MAC being the adapter's.
 *
 * A command may fail and is taken back then; but a port that is made again has lost what its guest
 * had given it. So a command removes ports and switches once nothing else is left (enum host_turn).
 *
 * Two things are left to people once they have been done: whether a NIC is up (setting it down is how
 * one takes an uplink away), and VFs that somebody else uses.
 */
#pragma once

#include "core/host_mark.h"
#include "model/bridge.h"
#include "model/guard.h"

#include <stddef.h>

#define HOST_TEXT_SIZE 256
#define HOST_OBJECT_SIZE 80 /* "VM/ADAPTER" or a switch */
#define HOST_VFS_MAX 256

enum host_step_kind {
	HOST_SWITCH_MAKE,   /* the bridge */
	HOST_SWITCH_UP,	    /* set it up */
	HOST_SWITCH_REMOVE, /* give the NIC back, delete the bridge */
	HOST_NIC_JOIN,	    /* the NIC becomes the bridge's port, and up */
	HOST_NIC_VLANS,	    /* those of the switch's ports pass there */
	HOST_PORT_MAKE,	    /* a tap or a veth */
	HOST_PORT_REMOVE, /* delete it with its filter; somebody else's is taken out of the bridge */
	HOST_PORT_GUARD,  /* filter what the guest sends (H5 a) */
	HOST_PORT_MTU,	  /* that of the switch's NIC */
	HOST_PORT_JOIN,	  /* into the bridge, with its VLAN */
	HOST_PORT_VLAN,
	HOST_PORT_UP,
	HOST_PORT_DOWN, /* the guest shall see that the uplink is lost (H5 b) */
	HOST_VFS_MAKE,	/* set the NIC's number of VFs; slow */
	HOST_VF_MAC,	/* settings of a VF, one request each (H6) */
	HOST_VF_VLAN,
	HOST_VF_SPOOFCHK,
	HOST_VF_TRUST,
	HOST_VF_LINK,
	HOST_VF_BIND,	/* to the driver that the guest wants; slow */
	HOST_VF_UNBIND, /* take it away from whoever has it; slow */
	HOST_VF_MOVE,	/* its netdev into the guest's namespace */
	HOST_FDB_ADD,	/* the NIC's own filter (H9) */
	HOST_FDB_DEL,
	HOST_ENTRY_ADD, /* of the bridge, at a port */
	HOST_ENTRY_DEL,
	HOST_WAIT,   /* something is not there yet; nothing is done */
	HOST_REFUSE, /* something is there, and cannot be used so; nothing is done */
	HOST_STEP_COUNT,
};
extern const char *const host_step_names[HOST_STEP_COUNT];

/* When a command does it: once of an earlier turn no step is left that can be done. */
enum host_turn {
	HOST_AT_ONCE,
	HOST_REMOVING,
	HOST_AFTER_REMOVAL, /* something that goes is in its way, or may be */
	HOST_TURN_COUNT,
};

struct host_step {
	enum host_step_kind kind;
	enum host_turn turn;
	char object[HOST_OBJECT_SIZE];	/* whose step it is */
	const struct switch_config *sw; /* in the configuration, NULL: it is not wanted */
	const struct vm_config *vm;	/* … */
	const struct adapter_config *adapter;
	char device[MEMBER_DEVICE_SIZE]; /* interface, or PCI function of a VF */
	int ifindex;			 /* of the device, or of the NIC whose VF it is */
	int master;			 /* the bridge */
	uint32_t vf;			 /* index; of HOST_VFS_MAKE how many there are */
	uint32_t number;		 /* the value that is set; a VLAN of 0: none is */
	const struct vlan_set *tagged;	 /* of a NIC: VLANs that pass with a tag */
	struct mac mac;
	bool upkeep; /* it only puts right what somebody has changed */
	char text[HOST_TEXT_SIZE];
};

struct host_steps {
	struct host_step *steps;
	size_t count, room;
	bool incomplete;	  /* there was no memory for all */
	struct vlan_set *uplinks; /* of each switch; steps point to them */
};
void host_steps_done(struct host_steps *list);

/* Does this step change anything? */
static inline bool host_step_acts(const struct host_step *step)
{
	return step->kind != HOST_WAIT && step->kind != HOST_REFUSE;
}

/* --- what is observed --- */

/* The NIC of a switch, by position of the switch in the configuration. */
struct host_nic {
	struct vf_table vfs;
	uint32_t total; /* VFs that it can have; 0: none, or no driver for them */
	bool busy;	/* a slow step is under way: VFs are left alone */
	bool refused;	/* the NIC has refused to make so many: not tried again by itself */
	bool no_trust, no_spoofchk, no_link; /* the driver has refused that setting before */
	bool bars_vms;	       /* its VFs can be given to namespaces, but to no VM (H2) */
	bool again;	       /* somebody has asked to deal its VFs anew (H4) */
	uint64_t ours[4];      /* VFs that this daemon has set, whoever has made them */
	uint64_t known[4];     /* VFs of which it is known who had them last (struct host_port) */
	const struct mac *put; /* … and addresses that it has put into the NIC's filter */
	size_t put_count;
};

/* An adapter, by position in the VMs. */
struct host_port {
	const struct guard_rules *rules; /* in force at its port; NULL: no filter is there */
	bool guest_missing;		 /* the namespace that it belongs into is not there */
	int vf; /* of its switch's NIC, that it had last with the MAC it has, -1 = none is known */
};

/* A switch that is not wanted any more, while its bridge is there. */
struct host_leaving {
	const char *sw;
	const struct link *link; /* its NIC */
	struct host_nic nic;
};

struct host_view {
	const struct link_table *links;
	const struct link_address *addresses;
	size_t address_count;
	const int *taken; /* ifindexes of devices whose addresses a change moves on */
	size_t taken_count;
	int default_routes[2]; /* ifindex of the device that has IPv4's and IPv6's, 0 = none */
	const struct bridge_vlan *vlans;
	size_t vlan_count;
	const struct bridge_fdb *fdb;
	size_t fdb_count;
	const struct host_nic *nics;
	const struct host_port (*ports)[VM_ADAPTERS_MAX];
	const struct host_leaving *leaving;
	size_t leaving_count;
	const char (*guards)[LINK_NAME_SIZE]; /* names of all filters that are there */
	size_t guard_count;
};

struct host_config {
	const struct switch_list *switches;
	const struct vm_list *vms;
};

/* The interface that is the adapter's port: as given, "VM.ADAPTER", or "ivt" and a hash. */
const char *host_port_name(const struct vm_config *vm, const struct adapter_config *adapter,
			   char ret_name[static LINK_NAME_SIZE]);

const struct link *host_port_link(const struct vm_config *vm, const struct adapter_config *adapter,
				  const struct link_table *links);

/*
 * Is @port in its switch's bridge, there in its VLAN, and filtered by @rules (NULL: it is not), so
 * that it may be up? @view has links and VLANs.
 */
bool host_port_is_ready(const struct vm_config *vm, const struct adapter_config *adapter,
			const struct link *port, const struct guard_rules *rules,
			const struct host_view *view);

/*
 * The device that is the switch's NIC: as it is configured or, if that is a name that no device has
 * now, what the switch has in its bridge; NULL: there is none.
 */
struct link *host_nic(const struct switch_config *sw, const struct link_table *links);

enum uplink_state host_uplink(const struct switch_config *sw, const struct link_table *links);

/* H5 b: shall the guest be told that its switch has lost the outside? */
bool host_is_cut_off(const struct adapter_config *adapter, const struct switch_config *sw,
		     const struct link_table *links);

/*
 * H4: which VF of its switch's NIC each adapter shall have, @ret_got as @view->ports by position;
 * and which one it has now, @ret_held. -1 = none. Who has one keeps it, unless the NIC's are dealt
 * again: then one that is ours may be taken from a lighter adapter.
 */
void host_allot(const struct host_config *want, const struct host_view *view, uint32_t sw,
		int (*ret_got)[VM_ADAPTERS_MAX], int (*ret_held)[VM_ADAPTERS_MAX]);

/*
 * H10. The VF that a QEMU guest can be given, of an adapter that shall have @got and has @held: bound
 * to vfio-pci. NULL: none, or it is to be taken back.
 */
const struct vf *host_vf_for_qemu(const struct host_nic *nic, int got, int held);

/* Append the steps for all switches and adapters, and for what is there and not wanted. */
void host_plan(const struct host_config *want, const struct host_view *view,
	       struct host_steps *list);
