// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a switch's NIC and its bridge must know of MACs, so that VFs and what is behind the bridge reach
 * each other: the NIC's own filter (H9), and entries of the bridge.
 */
#include "core/host_private.h"

#include <string.h>

/* --- the NIC's own filter --- */

static bool is_filtered(const struct host_vf_planning *of, const struct mac *mac)
{
	const struct host_view *view = of->plan->view;

	for (size_t i = 0; i < view->fdb_count; i++)
		if (view->fdb[i].self && view->fdb[i].ifindex == of->link->ifindex &&
		    mac_equal(&view->fdb[i].mac, mac))
			return true;
	return false;
}

/* Learnt by the bridge at that port: the guest uses it there. */
static bool is_learnt(const struct host_view *view, int port, const struct mac *mac)
{
	for (size_t i = 0; i < view->fdb_count; i++)
		if (!view->fdb[i].self && view->fdb[i].ifindex == port &&
		    mac_equal(&view->fdb[i].mac, mac))
			return true;
	return false;
}

/*
 * Does @mac live behind the bridge? The adapter's own does where it has no VF. A team mate's does
 * while the guest uses it there: put in for good, it would keep VFs of this NIC from the mate
 * itself, which is on another switch.
 */
static bool lives_here(const struct host_vf_planning *of, const struct mac *mac)
{
	const struct host_config *want = of->plan->want;
	const struct host_view *view = of->plan->view;

	for (uint32_t i = 0; i < want->vms->count; i++)
		for (uint32_t j = 0; j < want->vms->vms[i].adapter_count; j++) {
			const struct vm_config *vm = &want->vms->vms[i];
			const struct adapter_config *adapter = &vm->adapters[j];
			bool own = mac_equal(&adapter->mac, mac);
			const struct link *port;

			if (!host_is_on(adapter, of->sw) || of->got[i][j] >= 0 ||
			    (!own && !host_may_send(vm, adapter, mac)))
				continue;
			port = host_port_link(vm, adapter, view->links); /* costly, so last */
			if (port && (own || is_learnt(view, port->ifindex, mac)))
				return true;
		}
	return false;
}

static void plan_filter(const struct host_vf_planning *of, const struct mac *mac, bool wanted)
{
	struct host_step step = host_switch_step(wanted ? HOST_FDB_ADD : HOST_FDB_DEL, of->sw);
	char text[MAC_TEXT_SIZE];

	if (wanted == is_filtered(of, mac))
		return;
	step.ifindex = of->link->ifindex;
	step.mac = *mac;
	step.upkeep = true;
	(void)strncpy(step.device, of->link->name, sizeof(step.device) - 1);
	host_say(of->plan, step, "%s %s %s, %s", of->link->name, wanted ? "receives" : "leaves",
		 mac_format(mac, text),
		 wanted ? "which lives behind the switch"
			: "which does not live behind the switch");
}

void host_plan_filters(const struct host_vf_planning *of, bool adding)
{
	const struct vm_list *vms = of->plan->want->vms;

	for (uint32_t i = 0; i < vms->count; i++)
		for (uint32_t j = 0; j < vms->vms[i].adapter_count; j++) {
			const struct mac *mac = &vms->vms[i].adapters[j].mac;
			bool wanted = host_find_vf(&of->nic->vfs, mac) < 0 && lives_here(of, mac);

			if (of->nic->vfs.count && wanted == adding)
				plan_filter(of, mac, wanted);
		}
	for (size_t i = 0; !adding && i < of->nic->put_count; i++)
		if (!of->nic->vfs.count || !lives_here(of, &of->nic->put[i]))
			plan_filter(of, &of->nic->put[i], false);
}

/* --- the bridge's entries --- */

/*
 * With VFs a NIC switches inside, and some hand the PF's own broadcasts back to it: the bridge would
 * learn a guest's MAC at the uplink. An entry that stays keeps it at its port. A MAC that team mates may
 * use elsewhere must be free to move, and so must that of a VF, which is behind the uplink.
 */
static bool is_fixed(const struct host_vf_planning *of, uint32_t vm, uint32_t place)
{
	return of->nic->vfs.count && of->got[vm][place] < 0 && of->held[vm][place] < 0 &&
	       !of->plan->want->vms->vms[vm].adapters[place].allow_teaming;
}

/* Does @entry keep a MAC at @port, that is the adapter's or was? */
static bool is_entry_of(const struct host_step *step, const struct link *port,
			const struct bridge_fdb *entry)
{
	return !entry->self && entry->sticky && entry->ifindex == port->ifindex &&
	       (mac_equal(&entry->mac, &step->adapter->mac) ||
		(!step->adapter->mac_spoofing &&
		 !host_may_send(step->vm, step->adapter, &entry->mac)));
}

/* Linux before 6.13 refuses to delete what is in a VLAN that the port is not in; it does no harm. */
static bool can_leave(const struct host_view *view, const struct link *port, uint16_t vlan)
{
	const struct bridge_vlan *of = host_vlan_of(view, port->ifindex);

	return !vlan || (of && vlan_set_has(&of->vlans, vlan));
}

bool host_plan_entries_leave(const struct host_planning *plan, struct host_step step,
			     const struct link *port, int vlan)
{
	const struct host_view *view = plan->view;
	bool there = false;

	step = host_about(step, port);
	step.kind = HOST_ENTRY_DEL;
	for (size_t i = 0; i < view->fdb_count; i++) {
		const struct bridge_fdb *entry = &view->fdb[i];
		bool stays = entry->vlan == vlan && mac_equal(&entry->mac, &step.adapter->mac);

		if (!is_entry_of(&step, port, entry) ||
		    (!stays && !can_leave(view, port, entry->vlan)))
			continue;
		there |= stays;
		step.mac = entry->mac;
		step.number = entry->vlan;
		if (!stays)
			host_say(plan, step, "a MAC of %s may be learnt elsewhere", step.object);
	}
	return there;
}

static void plan_entry(const struct host_vf_planning *of, struct host_step step,
		       const struct link *port, uint16_t vlan, bool wanted)
{
	bool there = host_plan_entries_leave(of->plan, step, port, wanted ? vlan : -1);

	step = host_about(step, port);
	step.number = vlan;
	if (wanted && !there)
		host_say(of->plan, step, "the MAC of %s stays at its port", step.object);
}

void host_plan_entries(const struct host_vf_planning *of)
{
	const struct vm_list *vms = of->plan->want->vms;
	const struct host_view *view = of->plan->view;

	for (uint32_t i = 0; i < vms->count; i++)
		for (uint32_t j = 0; j < vms->vms[i].adapter_count; j++) {
			const struct vm_config *vm = &vms->vms[i];
			const struct adapter_config *adapter = &vm->adapters[j];
			struct host_step step = host_adapter_step(HOST_ENTRY_ADD, vm, adapter);
			bool filtering = of->bridge->bridge.vlan_filtering;
			uint16_t vlan = (uint16_t)(adapter->vlan ? adapter->vlan : PVID_USUAL);
			const struct link *port;

			if (!host_is_on(adapter, of->sw))
				continue;
			port = host_port_link(vm, adapter, view->links);
			if (!port || port->master != of->bridge->ifindex ||
			    (filtering &&
			     !host_has_vlans(host_vlan_of(view, port->ifindex), vlan, NULL)))
				continue;
			step.sw = of->sw;
			step.mac = adapter->mac;
			step.upkeep = true;
			plan_entry(of, step, port, filtering ? vlan : 0, is_fixed(of, i, j));
		}
}
