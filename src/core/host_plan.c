// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/host_plan.h"

#include "base/problem.h"
#include "base/strings.h"
#include "core/host_private.h"
#include "core/permit.h"

#include <linux/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FNV_BASIS 2166136261U
#define FNV_PRIME 16777619U

const char *const host_step_names[] = {
	[HOST_SWITCH_MAKE] = "switch-make",
	[HOST_SWITCH_UP] = "switch-up",
	[HOST_SWITCH_REMOVE] = "switch-remove",
	[HOST_NIC_JOIN] = "nic-join",
	[HOST_NIC_VLANS] = "nic-vlans",
	[HOST_PORT_MAKE] = "port-make",
	[HOST_PORT_REMOVE] = "port-remove",
	[HOST_PORT_GUARD] = "port-guard",
	[HOST_PORT_MTU] = "port-mtu",
	[HOST_PORT_JOIN] = "port-join",
	[HOST_PORT_VLAN] = "port-vlan",
	[HOST_PORT_UP] = "port-up",
	[HOST_PORT_DOWN] = "port-down",
	[HOST_VFS_MAKE] = "vfs-make",
	[HOST_VF_MAC] = "vf-mac",
	[HOST_VF_VLAN] = "vf-vlan",
	[HOST_VF_SPOOFCHK] = "vf-spoofchk",
	[HOST_VF_TRUST] = "vf-trust",
	[HOST_VF_LINK] = "vf-link",
	[HOST_VF_BIND] = "vf-bind",
	[HOST_VF_UNBIND] = "vf-unbind",
	[HOST_VF_MOVE] = "vf-move",
	[HOST_FDB_ADD] = "fdb-add",
	[HOST_FDB_DEL] = "fdb-del",
	[HOST_ENTRY_ADD] = "entry-add",
	[HOST_ENTRY_DEL] = "entry-del",
	[HOST_WAIT] = "wait",
	[HOST_REFUSE] = "refuse",
};
NAME_TABLE_COMPLETE(host_step_names, HOST_STEP_COUNT);

void host_steps_done(struct host_steps *list)
{
	free(list->steps);
	free(list->uplinks);
	*list = (struct host_steps){};
}

static struct host_step *append(struct host_steps *list)
{
	size_t room = list->room ? 2 * list->room : 16;
	struct host_step *steps;

	if (list->count == list->room) {
		steps = reallocarray(list->steps, room, sizeof(*steps));
		if (!steps)
			return NULL;
		list->steps = steps;
		list->room = room;
	}
	return &list->steps[list->count++];
}

void host_say(const struct host_planning *plan, struct host_step step, const char *format, ...)
{
	struct host_step *place = append(plan->list);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(step.text, sizeof(step.text), format, args);
	va_end(args);
	if (place)
		*place = step;
	else
		plan->list->incomplete = true;
}

struct host_step host_switch_step(enum host_step_kind kind, const struct switch_config *sw)
{
	struct host_step step = {.kind = kind, .sw = sw};

	(void)text_copy(step.object, sizeof(step.object), sw->name);
	return step;
}

struct host_step host_adapter_step(enum host_step_kind kind, const struct vm_config *vm,
				   const struct adapter_config *adapter)
{
	struct host_step step = {.kind = kind, .vm = vm, .adapter = adapter};

	(void)snprintf(step.object, sizeof(step.object), "%s/%s", vm->name, adapter->name);
	return step;
}

struct host_step host_about(struct host_step step, const struct link *link)
{
	step.ifindex = link->ifindex;
	(void)text_copy(step.device, sizeof(step.device), link->name);
	return step;
}

static uint32_t hash_text(uint32_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * FNV_PRIME;
	return hash;
}

const char *host_port_name(const struct vm_config *vm, const struct adapter_config *adapter,
			   char ret_name[static LINK_NAME_SIZE])
{
	char whole[VM_NAME_SIZE + ADAPTER_NAME_SIZE + 1];

	if (*adapter->port)
		return strcpy(ret_name, adapter->port);
	(void)snprintf(whole, sizeof(whole), "%s.%s", vm->name, adapter->name);
	if (text_copy(ret_name, LINK_NAME_SIZE, whole))
		(void)snprintf(ret_name, LINK_NAME_SIZE, "ivt%08x", hash_text(FNV_BASIS, whole));
	return ret_name;
}

const struct link *host_port_link(const struct vm_config *vm, const struct adapter_config *adapter,
				  const struct link_table *links)
{
	char name[LINK_NAME_SIZE];

	return link_by_name(links, host_port_name(vm, adapter, name));
}

/* Which it has taken, and the kernel has another name for now. */
static struct link *renamed_nic(const struct link *bridge, const struct link_table *links)
{
	struct host_mark mark;
	struct link *nic = NULL;

	if (bridge && host_mark_read(bridge, &mark) && mark.nic)
		nic = link_by_index(links, mark.nic);
	/* A number is used again; what is in the bridge is what was put there. */
	return nic && nic->master == bridge->ifindex ? nic : NULL;
}

struct link *host_nic(const struct switch_config *sw, const struct link_table *links)
{
	struct link *nic = switch_nic(sw, links);

	return nic ? nic : renamed_nic(link_by_name(links, sw->name), links);
}

enum uplink_state host_uplink(const struct switch_config *sw, const struct link_table *links)
{
	const struct link *nic = host_nic(sw, links), *bridge = link_by_name(links, sw->name);

	if (!nic)
		return UPLINK_MISSING;
	if (bridge && nic->master != bridge->ifindex)
		return nic->master ? UPLINK_TAKEN : UPLINK_DOWN;
	return nic->flags & IFF_UP && nic->carrier ? UPLINK_UP : UPLINK_DOWN;
}

bool host_is_cut_off(const struct adapter_config *adapter, const struct switch_config *sw,
		     const struct link_table *links)
{
	return adapter->allow_teaming && host_uplink(sw, links) != UPLINK_UP;
}

const struct bridge_vlan *host_vlan_of(const struct host_view *view, int port)
{
	for (size_t i = 0; i < view->vlan_count; i++)
		if (view->vlans[i].port == port)
			return &view->vlans[i];
	return NULL;
}

bool host_has_vlans(const struct bridge_vlan *vlan, uint16_t pvid, const struct vlan_set *tagged)
{
	struct vlan_set wanted = tagged ? *tagged : (struct vlan_set){};

	vlan_set_add(&wanted, pvid);
	return vlan && !vlan->mixed && vlan->pvid == pvid &&
	       memcmp(&vlan->vlans, &wanted, sizeof(wanted)) == 0;
}

/* --- which devices may be used --- */

/* The bridge that @port is in, if that is a switch of ours, adopted ones among them. */
static const struct link *our_master(const struct host_planning *plan, const struct link *port)
{
	const struct link *master = link_by_index(plan->view->links, port->master);
	struct host_mark mark;

	if (master && (host_mark_read(master, &mark) ||
		       switch_list_find((struct switch_list *)plan->want->switches, master->name)))
		return master;
	return NULL;
}

/* May the interface that an adapter names be its port? From one of our switches it may move. */
static int admit_port(const struct host_planning *plan, const struct link *port,
		      struct problem *problem)
{
	for (uint32_t i = 0; i < plan->want->switches->count; i++)
		if (switch_means(&plan->want->switches->switches[i], port))
			return problem_set(problem, -1, "%s is the NIC of the switch %s",
					   port->name, plan->want->switches->switches[i].name);
	if (host_mark_is_port(port))
		return problem_set(problem, -1,
				   "%s is the port that is made for an adapter without port=; name "
				   "another interface",
				   port->name);
	if (strcmp(port->kind, "bond") == 0)
		return problem_set(problem, -1,
				   "%s is itself a bond; the port of an adapter is a single "
				   "interface",
				   port->name);
	return host_admit_device(port, "port", our_master(plan, port), plan->view, problem);
}

/* --- ports --- */

/* Frames pass the filter before the bridge ever sees one. */
static void plan_guard(const struct host_planning *plan, struct host_step step,
		       const struct guard_rules *rules)
{
	struct guard_rules wanted;

	permit_macs(step.vm, step.adapter, &wanted);
	if (rules && memcmp(rules, &wanted, sizeof(wanted)) == 0)
		return;
	step.kind = HOST_PORT_GUARD;
	host_say(plan, step, "%s may send from %s", step.object,
		 wanted.any	     ? "any MAC"
		 : wanted.count == 1 ? "its own MAC"
				     : "its own MAC and its team mates'");
}

/*
 * A bridge whose MTU follows its smallest port, the host's own address on it among them, would carry
 * less than the NIC does. Somebody else's port has the MTU that he gave it.
 */
static void plan_mtu(const struct host_planning *plan, struct host_step step,
		     const struct switch_config *sw, const struct link *port)
{
	const struct link *nic = host_nic(sw, plan->view->links);

	if (*step.adapter->port || !nic || nic->mtu == port->mtu)
		return;
	step.kind = HOST_PORT_MTU;
	step.number = nic->mtu;
	step.upkeep = true;
	host_say(plan, step, "%s has the MTU of %s, %u", port->name, nic->name, nic->mtu);
}

/* False: the port is not there yet, and what follows waits. */
static bool plan_place(const struct host_planning *plan, struct host_step step,
		       const struct switch_config *sw, const struct link *port,
		       const struct link *bridge)
{
	uint16_t wanted = (uint16_t)(step.adapter->vlan ? step.adapter->vlan : PVID_USUAL);
	const struct bridge_vlan *vlan = host_vlan_of(plan->view, port->ifindex);

	step.number = bridge->bridge.vlan_filtering ? wanted : 0;
	step.master = bridge->ifindex;
	if (port->master != bridge->ifindex) {
		step.kind = HOST_PORT_JOIN;
		host_say(plan, step, "%s becomes a port of %s", port->name, sw->name);
	} else if (step.number && !host_has_vlans(vlan, wanted, NULL)) {
		(void)host_plan_entries_leave(plan, step, port, wanted);
		step.kind = HOST_PORT_VLAN;
		host_say(plan, step, "%s is in VLAN %u of %s", step.object, wanted, sw->name);
	}
	return port->master == bridge->ifindex;
}

/* A kernel may be without VLAN-aware bridges, and an adopted bridge may be an ordinary one. */
static bool admit_vlan(const struct host_planning *plan, struct host_step step,
		       const struct link *bridge)
{
	if (!bridge || bridge->bridge.vlan_filtering || !step.adapter->vlan)
		return true;
	step.kind = HOST_REFUSE;
	host_say(plan, step,
		 "the bridge %s knows no VLANs, so %s cannot be in VLAN %u; a kernel with "
		 "CONFIG_BRIDGE_VLAN_FILTERING makes one that does",
		 bridge->name, step.object, step.adapter->vlan);
	return false;
}

/* H5 b: of a namespace the veth's carrier tells; QEMU is told by its own socket (daemon/host). */
static void plan_state(const struct host_planning *plan, struct host_step step,
		       const struct switch_config *sw, const struct link *port)
{
	bool down = *step.vm->netns && host_is_cut_off(step.adapter, sw, plan->view->links);

	step.upkeep = true;
	if (down && port->flags & IFF_UP) {
		step.kind = HOST_PORT_DOWN;
		host_say(plan, step, "%s is disconnected, for %s has lost its uplink", step.object,
			 sw->name);
	} else if (!down && !(port->flags & IFF_UP)) {
		step.kind = HOST_PORT_UP;
		host_say(plan, step, "%s is connected", step.object);
	}
}

static bool has_port(const struct vm_config *vm, const struct link *port)
{
	char name[LINK_NAME_SIZE], mark[LINK_ALIAS_SIZE];

	for (uint32_t i = 0; i < vm->adapter_count; i++)
		if (strcmp(host_port_name(vm, &vm->adapters[i], name), port->name) == 0 &&
		    strcmp(host_mark_port(vm, &vm->adapters[i], mark), port->alias) == 0)
			return true;
	return false;
}

/*
 * The other end of a port that goes is in the VM's namespace, maybe by the name that a new one shall
 * have: the VM was renamed.
 */
static bool has_leaving_port(const struct host_planning *plan, const struct vm_config *vm)
{
	for (size_t i = 0; *vm->netns && i < plan->view->links->count; i++)
		if (host_mark_is_in(&plan->view->links->links[i], vm->netns) &&
		    !has_port(vm, &plan->view->links->links[i]))
			return true;
	return false;
}

/* Whether the port is there, and the adapter's. */
static bool plan_port_device(const struct host_planning *plan, struct host_step step,
			     const struct link *port, bool guest_missing)
{
	const struct adapter_config *adapter = step.adapter;
	char name[LINK_NAME_SIZE], mark[LINK_ALIAS_SIZE];
	struct problem problem = {};

	(void)text_copy(step.device, sizeof(step.device), host_port_name(step.vm, adapter, name));
	if (!port && *adapter->port)
		host_say(plan, step, "wait for the port %s, which is not there", name);
	else if (!port && guest_missing)
		host_say(plan, step, "wait for the namespace %s, which is not there",
			 step.vm->netns);
	else if (!port) {
		step.kind = HOST_PORT_MAKE;
		step.turn = has_leaving_port(plan, step.vm) ? HOST_AFTER_REMOVAL : HOST_AT_ONCE;
		host_say(plan, step, "make the port %s for %s", name, step.object);
	} else if (*adapter->port && admit_port(plan, port, &problem)) {
		step.kind = HOST_REFUSE;
		host_say(plan, step, "%s", problem.text);
	} else if (!*adapter->port && !host_mark_is_port(port)) {
		step.kind = HOST_REFUSE;
		host_say(plan, step,
			 "there is an interface %s already, which the port of %s "
			 "should be called; rename it",
			 name, step.object);
	} else if (!*adapter->port &&
		   strcmp(port->alias, host_mark_port(step.vm, adapter, mark)) != 0) {
		step.kind = HOST_PORT_REMOVE;
		step.turn = HOST_REMOVING;
		host_say(plan, host_about(step, port), "the port %s is made anew for %s", name,
			 step.object);
	} else
		return true;
	return false;
}

bool host_port_is_ready(const struct vm_config *vm, const struct adapter_config *adapter,
			const struct link *port, const struct guard_rules *rules,
			const struct host_view *view)
{
	const struct link *bridge = link_by_name(view->links, adapter->switch_name);
	uint16_t vlan = (uint16_t)(adapter->vlan ? adapter->vlan : PVID_USUAL);
	struct guard_rules wanted;

	permit_macs(vm, adapter, &wanted);
	return bridge && port->master == bridge->ifindex && rules &&
	       memcmp(rules, &wanted, sizeof(wanted)) == 0 &&
	       (!bridge->bridge.vlan_filtering ||
		host_has_vlans(host_vlan_of(view, port->ifindex), vlan, NULL));
}

static void plan_port(const struct host_planning *plan, uint32_t vm, uint32_t place)
{
	const struct vm_config *config = &plan->want->vms->vms[vm];
	const struct adapter_config *adapter = &config->adapters[place];
	const struct host_port *seen = &plan->view->ports[vm][place];
	const struct link *port = host_port_link(config, adapter, plan->view->links);
	const struct switch_config *sw =
		switch_list_find((struct switch_list *)plan->want->switches, adapter->switch_name);
	const struct link *bridge = link_by_name(plan->view->links, adapter->switch_name);
	struct host_step step = host_adapter_step(HOST_WAIT, config, adapter);

	step.sw = sw;
	if (!sw || !admit_vlan(plan, step, bridge) ||
	    !plan_port_device(plan, step, port, seen->guest_missing))
		return;
	step = host_about(step, port);
	plan_guard(plan, step, seen->rules);
	plan_mtu(plan, step, sw, port);
	if (!bridge || strcmp(bridge->kind, "bridge") != 0)
		return;
	if (plan_place(plan, step, sw, port, bridge) && seen->rules)
		plan_state(plan, step, sw, port);
}

/* --- what is not wanted --- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Sorted, for every link of the machine is looked for among them. */
static bool name_ports(struct host_planning *plan)
{
	const struct vm_list *vms = plan->want->vms;
	size_t room = 1;

	for (uint32_t vm = 0; vm < vms->count; vm++)
		room += vms->vms[vm].adapter_count;
	plan->ports = calloc(room, sizeof(*plan->ports));
	if (!plan->ports)
		return false;
	for (uint32_t vm = 0; vm < vms->count; vm++)
		for (uint32_t i = 0; i < vms->vms[vm].adapter_count; i++)
			(void)host_port_name(&vms->vms[vm], &vms->vms[vm].adapters[i],
					     plan->ports[plan->port_count++]);
	qsort(plan->ports, plan->port_count, sizeof(*plan->ports), compare_names);
	return true;
}

static bool is_wanted_port(const struct host_planning *plan, const char *name)
{
	return bsearch(name, plan->ports, plan->port_count, sizeof(*plan->ports), compare_names);
}

static struct host_step removal_step(enum host_step_kind kind, const char *name)
{
	struct host_step step = {.kind = kind, .turn = HOST_REMOVING};

	(void)text_copy(step.object, sizeof(step.object), name);
	(void)text_copy(step.device, sizeof(step.device), name);
	return step;
}

static void plan_unwanted_links(const struct host_planning *plan, bool bridges)
{
	struct host_mark mark;

	for (size_t i = 0; i < plan->view->links->count; i++) {
		const struct link *link = &plan->view->links->links[i];
		struct host_step step = removal_step(HOST_PORT_REMOVE, link->name);

		if (!bridges && host_mark_is_port(link) && !is_wanted_port(plan, link->name))
			host_say(plan, host_about(step, link), "remove the port %s", link->name);
		step.kind = HOST_SWITCH_REMOVE;
		if (bridges && strcmp(link->kind, "bridge") == 0 && host_mark_read(link, &mark) &&
		    !switch_list_find((struct switch_list *)plan->want->switches, link->name) &&
		    !host_plan_leaving(plan, link))
			host_say(plan, host_about(step, link), "remove the switch %s", link->name);
	}
}

/* A filter whose port is no adapter's any more: the port was somebody else's, or is gone. */
static void plan_unwanted_guards(const struct host_planning *plan)
{
	for (size_t i = 0; i < plan->view->guard_count; i++) {
		const char *name = plan->view->guards[i];
		const struct link *link = link_by_name(plan->view->links, name);
		struct host_step step = removal_step(HOST_PORT_REMOVE, name);

		if (is_wanted_port(plan, name) || (link && host_mark_is_port(link)))
			continue;
		if (link)
			step = host_about(step, link);
		if (link && our_master(plan, link))
			step.master = link->master;
		host_say(plan, step, "take the filter off %s", name);
	}
}

void host_plan(const struct host_config *want, const struct host_view *view,
	       struct host_steps *list)
{
	struct host_planning plan = {.want = want, .view = view, .list = list};

	if (!name_ports(&plan) || !host_find_uplinks(&plan)) {
		free(plan.ports);
		list->incomplete = true;
		return;
	}
	plan_unwanted_links(&plan, false);
	plan_unwanted_guards(&plan);
	plan_unwanted_links(&plan, true);
	for (uint32_t i = 0; i < want->switches->count; i++)
		host_plan_switch(&plan, &want->switches->switches[i]);
	for (uint32_t vm = 0; vm < want->vms->count; vm++)
		for (uint32_t i = 0; i < want->vms->vms[vm].adapter_count; i++)
			plan_port(&plan, vm, i);
	for (uint32_t i = 0; i < want->switches->count; i++)
		host_plan_vfs(&plan, i);
	free(plan.ports);
}
