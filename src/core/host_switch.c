// SPDX-License-Identifier: GPL-2.0-or-later
/* Switches: the bridge, which devices may be its NIC, and what passes there (H1). */
#include "base/problem.h"
#include "base/strings.h"
#include "core/admit.h"
#include "core/host_private.h"
#include "core/iov.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <stdlib.h>
#include <string.h>

#define SCOPE_LINK 253 /* RT_SCOPE_LINK: addresses that the kernel makes by itself */

/* --- which devices may be used --- */

static bool is_taken(const struct host_view *view, int ifindex)
{
	for (size_t i = 0; i < view->taken_count; i++)
		if (view->taken[i] == ifindex)
			return true;
	return false;
}

static int admit_addresses(const struct link *nic, const char *as, const struct host_view *view,
			   struct problem *problem)
{
	bool movable = strcmp(as, "NIC") == 0;
	char text[INET6_ADDRSTRLEN];

	if (is_taken(view, nic->ifindex))
		return 0;
	if (nic->ifindex == view->default_routes[0] || nic->ifindex == view->default_routes[1])
		return problem_set(problem, -1,
				   "%s carries the default route of this machine; %slet another "
				   "interface have it first: ip route",
				   nic->name,
				   movable ? "--take-addresses moves it to the switch, or " : "");
	for (size_t i = 0; i < view->address_count; i++) {
		const struct link_address *address = &view->addresses[i];

		if (address->ifindex != nic->ifindex || address->scope == SCOPE_LINK)
			continue;
		(void)inet_ntop(address->family, address->bytes, text, sizeof(text));
		if (movable)
			return problem_set(problem, -1,
					   "%s has the address %s/%u, and the NIC of a switch has "
					   "none; --take-addresses moves it to the switch",
					   nic->name, text, address->prefix);
		return problem_set(problem, -1,
				   "%s has the address %s/%u, and the %s of a switch has none; "
				   "take it off first: ip address del %s/%u dev %s",
				   nic->name, text, address->prefix, as, text, address->prefix,
				   nic->name);
	}
	return 0;
}

int host_admit_device(const struct link *device, const char *as, const struct link *bridge,
		      const struct host_view *view, struct problem *problem)
{
	if (device->flags & IFF_LOOPBACK || device->type != ARPHRD_ETHER ||
	    strcmp(device->kind, "bridge") == 0)
		return problem_set(problem, -1, "%s is no Ethernet device that a switch could have",
				   device->name);
	if (admit_master(device, bridge ? bridge->ifindex : 0, view->links, problem))
		return -1;
	return device->master ? 0 : admit_addresses(device, as, view, problem);
}

/* H1: a team that the host makes hides SR-IOV, and VFs pass it by. */
static int admit_teamed(const struct switch_config *sw, const struct link *nic,
			struct problem *problem)
{
	if (!sw->iov || !iov_look(nic).teamed)
		return 0;
	return problem_set(problem, -1,
			   "%s is a %s, which hides SR-IOV; make a switch on each of its NICs and "
			   "team in the guest, or set iov=off",
			   nic->name, nic->kind);
}

static int admit_nic(const struct switch_config *sw, const struct link *nic,
		     const struct link *bridge, const struct host_view *view,
		     struct problem *problem)
{
	const struct link *master = link_by_index(view->links, nic->master);
	struct host_mark mark;

	if (master && master != bridge && host_mark_read(master, &mark))
		return problem_set(problem, -1, "%s is %s of the switch %s already", nic->name,
				   mark.nic == nic->ifindex ? "the NIC" : "a port", master->name);
	if (admit_teamed(sw, nic, problem))
		return -1;
	return host_admit_device(nic, "NIC", bridge, view, problem);
}

/* --- what passes at the uplinks --- */

/* The switch that has @bridge; -1: none has, or an adopted one, whose uplink is left alone. */
static int switch_of(const struct host_planning *plan, int bridge)
{
	const struct link *link = link_by_index(plan->view->links, bridge);
	const struct switch_config *sw =
		link ? switch_list_find((struct switch_list *)plan->want->switches, link->name)
		     : NULL;

	return sw && !sw->adopt ? (int)(sw - plan->want->switches->switches) : -1;
}

bool host_find_uplinks(const struct host_planning *plan)
{
	const struct host_view *view = plan->view;
	struct vlan_set *sets = calloc(SWITCHES_MAX, sizeof(*sets));

	plan->list->uplinks = sets;
	if (!sets)
		return false;
	for (size_t i = 0; i < view->vlan_count; i++) {
		const struct bridge_vlan *vlan = &view->vlans[i];
		const struct link *port = link_by_index(view->links, vlan->port);
		int sw = port ? switch_of(plan, port->master ? port->master : port->ifindex) : -1;

		if (sw < 0 || switch_means(&plan->want->switches->switches[sw], port))
			continue;
		for (size_t word = 0; word < ARRAY_SIZE(vlan->vlans.bits); word++)
			sets[sw].bits[word] |= vlan->vlans.bits[word];
	}
	for (uint32_t i = 0; i < plan->want->vms->count; i++)
		for (uint32_t j = 0; j < plan->want->vms->vms[i].adapter_count; j++) {
			const struct adapter_config *adapter = &plan->want->vms->vms[i].adapters[j];
			const struct switch_config *sw = switch_list_find(
				(struct switch_list *)plan->want->switches, adapter->switch_name);

			if (sw && adapter->vlan)
				vlan_set_add(&sets[sw - plan->want->switches->switches],
					     adapter->vlan);
		}
	return true;
}

/* --- the plan --- */

/* May a bridge of that name be the switch's? */
static bool admit_bridge(const struct host_planning *plan, const struct switch_config *sw,
			 const struct link *bridge)
{
	struct host_mark mark;

	if (!bridge && sw->adopt)
		host_say(plan, host_switch_step(HOST_WAIT, sw),
			 "wait for the bridge %s, which is not there", sw->name);
	else if (bridge && strcmp(bridge->kind, "bridge") != 0)
		host_say(plan, host_switch_step(HOST_REFUSE, sw),
			 "there is an interface %s already, and it is no bridge; choose another "
			 "name",
			 sw->name);
	else if (bridge && !sw->adopt && !host_mark_read(bridge, &mark))
		host_say(plan, host_switch_step(HOST_REFUSE, sw),
			 "there is a bridge %s already; choose another name, or take it on with "
			 "adopt=yes",
			 sw->name);
	else
		return true;
	return false;
}

/* The switch had another NIC, and was changed while nobody saw to it: there is no STP to save us. */
static bool has_former_nic(const struct link *bridge, const struct link *nic,
			   const struct link_table *links)
{
	struct host_mark mark;
	const struct link *former;

	if (!host_mark_read(bridge, &mark) || mark.nic == nic->ifindex)
		return false;
	former = link_by_index(links, mark.nic);
	return former && former->master == bridge->ifindex;
}

static void plan_nic(const struct host_planning *plan, const struct switch_config *sw,
		     const struct link *bridge)
{
	const struct link *nic = host_nic(sw, plan->view->links);
	struct host_step step = host_switch_step(HOST_WAIT, sw);
	const struct bridge_vlan *vlan;
	struct problem problem = {};

	if (!nic) {
		(void)text_copy(step.device, sizeof(step.device), sw->nic);
		host_say(plan, step, "wait for the NIC %s, which is not there", sw->nic);
		return;
	}
	step = host_about(step, nic);
	step.master = bridge ? bridge->ifindex : 0;
	if (admit_nic(sw, nic, bridge, plan->view, &problem)) {
		step.kind = HOST_REFUSE;
		host_say(plan, step, "%s", problem.text);
		return;
	}
	if (!bridge)
		return;
	step.number = !sw->adopt && bridge->bridge.vlan_filtering ? PVID_USUAL : 0;
	step.tagged = &plan->list->uplinks[sw - plan->want->switches->switches];
	if (nic->master != bridge->ifindex || has_former_nic(bridge, nic, plan->view->links)) {
		step.kind = HOST_NIC_JOIN;
		host_say(plan, step, "%s becomes the uplink of %s", nic->name, sw->name);
		return;
	}
	vlan = host_vlan_of(plan->view, nic->ifindex);
	step.kind = HOST_NIC_VLANS;
	step.upkeep = true;
	if (step.number && !host_has_vlans(vlan, PVID_USUAL, step.tagged))
		host_say(plan, step, "%s carries the VLANs of %s", nic->name, sw->name);
}

void host_plan_switch(const struct host_planning *plan, const struct switch_config *sw)
{
	const struct link *bridge = link_by_name(plan->view->links, sw->name);
	struct host_step step = host_switch_step(HOST_SWITCH_MAKE, sw);

	if (!admit_bridge(plan, sw, bridge))
		return;
	if (!bridge)
		host_say(plan, step, "make the switch %s on %s", sw->name, sw->nic);
	else if (!(bridge->flags & IFF_UP)) {
		step = host_about(step, bridge);
		step.kind = HOST_SWITCH_UP;
		step.upkeep = true;
		host_say(plan, step, "set %s up", sw->name);
	}
	plan_nic(plan, sw, bridge);
}
