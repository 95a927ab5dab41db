/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between core/host_plan.c, core/host_switch.c, core/host_vf.c and core/host_fdb.c. */
#pragma once

#include "base/problem.h"
#include "core/host_plan.h"

#define PVID_USUAL 1 /* frames without a tag */

/* One plan that is being made. */
struct host_planning {
	const struct host_config *want;
	const struct host_view *view;
	struct host_steps *list;
	char (*ports)[LINK_NAME_SIZE]; /* of all adapters, sorted */
	size_t port_count;
};

/* Append @step with its sentence; it is the caller's to say whose it is. */
__attribute__((format(printf, 3, 4))) void host_say(const struct host_planning *plan,
						    struct host_step step, const char *format, ...);

/* A step of an adapter or of a switch. */
struct host_step host_adapter_step(enum host_step_kind kind, const struct vm_config *vm,
				   const struct adapter_config *adapter);
struct host_step host_switch_step(enum host_step_kind kind, const struct switch_config *sw);

/* @step is about the device @link. */
struct host_step host_about(struct host_step step, const struct link *link);

/* NULL: @port has none. */
const struct bridge_vlan *host_vlan_of(const struct host_view *view, int port);

/* @pvid for what has no tag, and @tagged (NULL: none), which has @pvid too or not. */
bool host_has_vlans(const struct bridge_vlan *vlan, uint16_t pvid, const struct vlan_set *tagged);

/* @as: "NIC" or "port" of the switch that has @bridge (NULL: not made yet). */
int host_admit_device(const struct link *device, const char *as, const struct link *bridge,
		      const struct host_view *view, struct problem *problem);

/*
 * What shall pass at the uplinks with a tag: VLANs in which another port of the bridge is, or the
 * bridge itself. Those that somebody else has put there are among them; and those of adapters whose
 * port is not there yet.
 */
bool host_find_uplinks(const struct host_planning *plan);
void host_plan_switch(const struct host_planning *plan, const struct switch_config *sw);

/* One switch's part of a plan. */
struct host_vf_planning {
	const struct host_planning *plan;
	const struct switch_config *sw; /* NULL: it is not wanted any more */
	const struct link *bridge;
	const struct link *link; /* the NIC */
	const struct host_nic *nic;
	int (*got)[VM_ADAPTERS_MAX], (*held)[VM_ADAPTERS_MAX];
};

/* Is @adapter on the switch @sw? */
static inline bool host_is_on(const struct adapter_config *adapter, const struct switch_config *sw)
{
	return strcmp(adapter->switch_name, sw->name) == 0;
}

/* May the guest use @mac at that adapter: its own, or a team mate's (H5)? */
bool host_may_send(const struct vm_config *vm, const struct adapter_config *adapter,
		   const struct mac *mac);

/* The VF that has @mac, -1 = none. */
int host_find_vf(const struct vf_table *vfs, const struct mac *mac);

/* Take back the VFs of a switch that goes. False: none is out any more. */
bool host_plan_leaving(const struct host_planning *plan, const struct link *bridge);

/* H9: in the VF's filter or in the NIC's, never in both: @adding comes after the VFs are set. */
void host_plan_filters(const struct host_vf_planning *of, bool adding);

/* Entries of the bridge at the ports of those adapters that have no VF and do not team. */
void host_plan_entries(const struct host_vf_planning *of);

/*
 * What keeps MACs of @step's adapter at its @port goes, but for the one that it has in @vlan; -1: all do.
 * True: that one is there.
 */
bool host_plan_entries_leave(const struct host_planning *plan, struct host_step step,
			     const struct link *port, int vlan);

/* VFs, and all that belongs to them, of the switch at position @sw. */
void host_plan_vfs(const struct host_planning *plan, uint32_t sw);
