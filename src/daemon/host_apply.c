// SPDX-License-Identifier: GPL-2.0-or-later
/* Carrying out the host's steps, one request to the kernel after the other. */
#include "daemon/host_private.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/permit.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/udev.h"
#include "kernel/rtnl_bridge.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_vf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <string.h>

#define PVID_USUAL 1

static struct netlink *requests(const struct host *host)
{
	return host->context->observed->requests;
}

static const struct link_table *links(const struct host *host)
{
	return &host->context->observed->links;
}

/* What reading has failed to see is seen by the next one. */
static void look_around(const struct host *host)
{
	if (observe_own(host->context->observed))
		(void)observe_own(host->context->observed);
}

/* Of a device that is down the kernel does not tell what has changed. */
static void look(const struct host *host, int ifindex)
{
	look_around(host);
	if (link_by_index(links(host), ifindex) && observe_link(host->context->observed, ifindex))
		look_around(host);
}

/* Somebody may have been faster. */
static int delete_link(struct host *host, int ifindex, struct problem *problem)
{
	struct problem refused = {};
	int err = rtnl_link_delete(requests(host), ifindex, &refused);

	(void)observe_own(host->context->observed);
	return err && err != -ENODEV ? problem_set(problem, err, "%s", refused.text) : 0;
}

/* --- switches --- */

int host_set_mark(struct host *host, int ifindex, const char *mark, struct problem *problem)
{
	const struct link *link = link_by_index(links(host), ifindex);
	int err = link && link->group == HOST_MARK_GROUP
			  ? rtnl_link_name_made(requests(host), ifindex, mark, problem)
			  : rtnl_link_set_alias(requests(host), ifindex, mark, problem);

	look(host, ifindex);
	return err;
}

/*
 * The device @name was asked for, with result @err. Without its mark it is nobody's and must not
 * stay; nor if the request has failed, for what is lost may have been the answer alone.
 */
static int mark_made(struct host *host, const char *name, int err, const char *mark,
		     struct problem *problem)
{
	const struct link *made;
	int ifindex;

	look_around(host);
	made = err == -EEXIST ? NULL : link_by_name(links(host), name);
	ifindex = made ? made->ifindex : 0;
	if (!err && !made)
		err = problem_set(problem, -ENODEV, "%s is gone already", name);
	if (!err)
		err = host_set_mark(host, ifindex, mark, problem);
	if (err && ifindex)
		(void)rtnl_link_delete(requests(host), ifindex, NULL);
	look_around(host);
	return err;
}

static int apply_switch_make(struct host *host, const struct host_step *step,
			     struct problem *problem)
{
	const struct host_mark mark = {};
	char text[LINK_ALIAS_SIZE];
	int err = rtnl_bridge_create(requests(host), step->sw->name, true, HOST_MARK_GROUP, NULL);

	if (err == -EOPNOTSUPP) /* one that knows no VLANs is enough for adapters without */
		err = rtnl_bridge_create(requests(host), step->sw->name, false, HOST_MARK_GROUP,
					 problem);
	else if (err)
		(void)problem_set(problem, err, "%s", strerror(-err));
	err = mark_made(host, step->sw->name, err, host_mark_switch(&mark, text), problem);
	return err ? problem_prefix(problem, "%s cannot be made", step->sw->name) : 0;
}

/* What the NIC's filter was given for guests behind the switch. */
static void release_filter(struct host *host, const char *sw, int nic)
{
	const struct host_nic_memory *memory = host_nic_memory(host, sw);

	for (size_t i = 0; memory && memory->ifindex == nic && i < memory->put_count; i++)
		(void)rtnl_fdb_del_self(requests(host), nic, &memory->put[i], NULL);
}

/* The NIC as it was before; VFs that we have made go with the switch. */
static int release_nic(struct host *host, const struct link *bridge, const struct host_mark *mark,
		       struct problem *problem)
{
	const struct link *nic = link_by_index(links(host), mark->nic);
	struct host_step vfs = {
		.kind = HOST_VFS_MAKE, .ifindex = mark->nic, .number = mark->vfs_before};
	int err = 0;

	if (!nic || nic->master != bridge->ifindex)
		return 0;
	(void)text_copy(vfs.object, sizeof(vfs.object), bridge->name);
	(void)text_copy(vfs.device, sizeof(vfs.device), nic->bus_id);
	(void)snprintf(vfs.text, sizeof(vfs.text), "%s has %u VFs again", nic->name, vfs.number);
	release_filter(host, bridge->name, mark->nic);
	if (mark->made_vfs)
		err = host_begin(host, &vfs, problem);
	if (!err)
		err = rtnl_link_set_master(requests(host), mark->nic, 0, problem);
	if (!err && !mark->nic_up)
		err = rtnl_link_set_up(requests(host), mark->nic, false, problem);
	return err;
}

/*
 * How it was before is noted when it joins first: once we have set it up, it says nothing. A NIC
 * that the switch had before is given back.
 */
static int note_nic(struct host *host, const struct link *nic, int bridge, struct problem *problem)
{
	const struct link *link = link_by_index(links(host), bridge);
	char text[LINK_ALIAS_SIZE];
	struct host_mark mark, next;
	int err;

	if (!link || !host_mark_read(link, &mark) || mark.nic == nic->ifindex)
		return 0;
	next = (struct host_mark){.nic = nic->ifindex, .nic_up = nic->flags & IFF_UP};
	err = release_nic(host, link, &mark, problem);
	if (err)
		return err;
	look(host, mark.nic);
	return host_set_mark(host, bridge, host_mark_switch(&next, text), problem);
}

/*
 * What the NIC has goes to the bridge in this step (handover): taken off it before, for a port must have
 * none, and made there at once. A bridge of ours has the NIC's MAC then, by which peers know it, and
 * keeps it whichever ports come.
 */
static int take_addresses(struct host *host, const struct host_step *step, const struct link *nic,
			  struct problem *problem)
{
	const struct link *bridge = link_by_index(links(host), step->master);
	struct mac mac = nic->mac;
	int err = 0;

	if (!handover_moves(host->context->handover, step->ifindex))
		return 0;
	if (bridge && !step->sw->adopt)
		err = rtnl_link_set_mac(requests(host), bridge->ifindex, &mac, problem);
	if (!err)
		handover_lift(host->context->handover, host->context, step->ifindex);
	return err;
}

/*
 * Up before it joins, and behind the note of how it was: whenever we may die, the next daemon finds it
 * up, or not in the switch yet. One that is in the switch is set up by nobody.
 */
static int apply_nic_join(struct host *host, const struct host_step *step, struct problem *problem)
{
	const struct link *nic = link_by_index(links(host), step->ifindex);
	bool up = nic && nic->flags & IFF_UP;
	int err;

	if (!nic)
		return problem_set(problem, -ENODEV, "%s is gone", step->device);
	err = note_nic(host, nic, step->master, problem);
	nic = link_by_index(links(host), step->ifindex);
	if (!err && nic)
		err = take_addresses(host, step, nic, problem);
	if (!err && !up)
		err = rtnl_link_set_up(requests(host), step->ifindex, true, problem);
	if (!err)
		err = rtnl_link_set_master(requests(host), step->ifindex, step->master, problem);
	if (!err && step->number)
		err = rtnl_bridge_set_vlans(requests(host), step->ifindex, PVID_USUAL, step->tagged,
					    problem);
	if (!err)
		err = handover_land(host->context->handover, host->context, step->ifindex, problem);
	if (err) {
		(void)rtnl_link_set_master(requests(host), step->ifindex, 0, NULL);
		if (!up)
			(void)rtnl_link_set_up(requests(host), step->ifindex, false, NULL);
		(void)problem_prefix(problem, "%s cannot be the uplink of %s", step->device,
				     step->object);
	}
	look(host, step->ifindex);
	return err;
}

static int apply_switch_remove(struct host *host, const struct host_step *step,
			       struct problem *problem)
{
	const struct link *bridge = link_by_index(links(host), step->ifindex);
	struct host_mark mark;
	int err;

	if (!bridge || !host_mark_read(bridge, &mark))
		return 0;
	err = release_nic(host, bridge, &mark, problem);
	return err ? err : delete_link(host, step->ifindex, problem);
}

/* --- ports --- */

static int open_namespace(const struct vm_config *vm, int *ret_fd, struct problem *problem)
{
	char path[sizeof(HOST_NETNS_DIRECTORY) + VM_NAME_SIZE + 1];

	(void)snprintf(path, sizeof(path), HOST_NETNS_DIRECTORY "/%s", vm->netns);
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? problem_set(problem, -errno, "cannot open the namespace %s: %s",
					 vm->netns, strerror(errno))
			   : 0;
}

static int make_veth(struct host *host, const struct host_step *step, struct problem *problem)
{
	const struct link *nic = host_nic(step->sw, links(host));
	_cleanup_close_ int netns = -1;
	int err = open_namespace(step->vm, &netns, problem);
	const struct veth_ends ends = {.name = step->device,
				       .group = HOST_MARK_GROUP,
				       .peer = step->adapter->name,
				       .mac = step->adapter->mac,
				       .netns_fd = netns,
				       .mtu = nic ? nic->mtu : 0};
	struct problem refusal = {};

	if (err)
		return err;
	err = rtnl_veth_create(requests(host), &ends, &refusal);
	if (err == -EEXIST && !link_by_name(links(host), step->device))
		return problem_set(problem, err,
				   "there is an interface %s in the namespace %s already; rename "
				   "it",
				   ends.peer, step->vm->netns);
	return err ? problem_set(problem, err, "%s", refusal.text) : 0;
}

static int apply_port_make(struct host *host, const struct host_step *step, struct problem *problem)
{
	_cleanup_close_ int tap = -1;
	char mark[LINK_ALIAS_SIZE];
	int err = *step->vm->netns ? make_veth(host, step, problem)
				   : tap_create(step->device, false, &tap, problem);

	err = mark_made(host, step->device, err, host_mark_port(step->vm, step->adapter, mark),
			problem);
	if (!err && tap >= 0)
		err = tap_stay(tap, problem);
	close_fd(&tap); /* one that does not stay goes */
	look_around(host);
	return err ? problem_prefix(problem, "the port of %s cannot be made", step->object) : 0;
}

static void drop_guard(struct host *host, const char *port)
{
	struct host_guard *guard = host_guard_of(host, port);

	if (!guard)
		return;
	guard_remove(guard->guard);
	*guard = host->guards[--host->guard_count];
}

/*
 * Somebody else's port. For a lost uplink it was set down by us, and nobody else sets it up again: so
 * first that, for once it is out of the switch it is not come back to.
 */
static int give_port_back(struct host *host, const struct link *port, struct problem *problem)
{
	const struct host_guard *guard = host_guard_of(host, port->name);
	bool up = guard && guard->was_up && !(port->flags & IFF_UP);
	int ifindex = port->ifindex, err = 0;

	if (up)
		err = rtnl_link_set_up(requests(host), ifindex, true, problem);
	return err ? err : rtnl_link_set_master(requests(host), ifindex, 0, problem);
}

static int apply_port_remove(struct host *host, const struct host_step *step,
			     struct problem *problem)
{
	const struct link *port = link_by_index(links(host), step->ifindex);
	int err = 0;

	if (port && host_mark_is_port(port))
		err = delete_link(host, port->ifindex, problem);
	else if (port && step->master && port->master == step->master)
		err = give_port_back(host, port, problem);
	(void)observe_own(host->context->observed);
	if (!err)
		drop_guard(host, step->device);
	return err;
}

/* A dot may not be in the name of a pin, a colon not in that of an interface. */
static const char *guard_name(const char *port, char *name)
{
	size_t i;

	for (i = 0; port[i]; i++)
		name[i] = port[i] == '.' ? ':' : port[i];
	name[i] = '\0';
	return name;
}

static struct host_guard *new_guard(struct host *host, const char *port)
{
	struct host_guard *guards =
		reallocarray(host->guards, host->guard_count + 1, sizeof(*guards));

	if (!guards)
		return NULL;
	host->guards = guards;
	guards += host->guard_count++;
	*guards = (struct host_guard){};
	(void)text_copy(guards->port, sizeof(guards->port), port);
	return guards;
}

int host_take_guard(struct host *host, const char *port, const struct guard_rules *rules,
		    struct problem *problem)
{
	struct host_guard *guard = new_guard(host, port);
	char name[LINK_NAME_SIZE];
	int err;

	if (!guard)
		return problem_set(problem, -ENOMEM, "out of memory");
	err = guard_open(host->guard_pins, guard_name(port, name), host->context->netns, rules,
			 &guard->guard, problem);
	if (err) {
		host->guard_count--;
		return err;
	}
	guard->rules = *rules;
	return 0;
}

static int apply_port_guard(struct host *host, const struct host_step *step,
			    struct problem *problem)
{
	struct host_guard *guard = host_guard_of(host, step->device);
	struct guard_rules rules;
	int err = 0;

	permit_macs(step->vm, step->adapter, &rules);
	if (!guard)
		err = host_take_guard(host, step->device, &rules, problem);
	else if (memcmp(&guard->rules, &rules, sizeof(rules)) != 0)
		err = guard_set_rules(guard->guard, &rules, problem);
	guard = host_guard_of(host, step->device);
	if (!err)
		guard->rules = rules;
	if (!err && (guard->ifindex != step->ifindex || !guard_attached(guard->guard)))
		err = guard_attach(guard->guard, step->ifindex, problem);
	if (!err)
		guard->ifindex = step->ifindex;
	return err ? problem_prefix(problem, "%s cannot be filtered", step->device) : 0;
}

/*
 * Somebody else's port may be up: it must not be in VLAN 1 for a moment. One that cannot join is left
 * as it was.
 */
static int apply_port_join(struct host *host, const struct host_step *step, struct problem *problem)
{
	const struct link *port = link_by_index(links(host), step->ifindex);
	struct host_guard *guard = host_guard_of(host, step->device);
	bool up = port && port->flags & IFF_UP;
	int err = rtnl_link_set_up(requests(host), step->ifindex, false, problem);

	if (guard)
		guard->was_up |= up;
	if (!err)
		err = rtnl_link_set_master(requests(host), step->ifindex, step->master, problem);
	if (!err && step->number)
		err = rtnl_bridge_set_vlans(requests(host), step->ifindex, (uint16_t)step->number,
					    NULL, problem);
	if (err)
		(void)rtnl_link_set_master(requests(host), step->ifindex, 0, NULL);
	if (err && up)
		(void)rtnl_link_set_up(requests(host), step->ifindex, true, NULL);
	look(host, step->ifindex);
	return err ? problem_prefix(problem, "%s cannot be a port of %s", step->device,
				    step->adapter->switch_name)
		   : 0;
}

static int set_up(struct host *host, const struct host_step *step, bool up, struct problem *problem)
{
	int err = rtnl_link_set_up(requests(host), step->ifindex, up, problem);

	(void)observe_own(host->context->observed);
	return err;
}

/* --- VFs --- */

/* Noted before they are made: that they are ours, and how many there were. */
static int apply_vfs_make(struct host *host, const struct host_step *step, struct problem *problem)
{
	const struct link *bridge = link_by_name(links(host), step->sw->name);
	char text[LINK_ALIAS_SIZE];
	struct host_mark mark;
	int err = 0;

	if (bridge && host_mark_read(bridge, &mark) && mark.made_vfs != (step->sw->iov != 0)) {
		mark.made_vfs = step->sw->iov;
		mark.vfs_before = step->vf;
		err = host_set_mark(host, bridge->ifindex, host_mark_switch(&mark, text), problem);
	}
	return err ? err : host_begin(host, step, problem);
}

static void remember_vf(struct host *host, const struct host_step *step)
{
	struct host_nic_memory *nic =
		host_remember_nic(host, host_step_switch(step), step->ifindex);
	bool ours = !mac_is_zero(&step->mac);

	if (nic && step->vf < HOST_VFS_MAX) {
		nic->ours[step->vf / 64] &= ~(1ULL << (step->vf % 64));
		nic->ours[step->vf / 64] |= (uint64_t)ours << (step->vf % 64);
	}
	host_hold(host, step->object, step->ifindex, (int)step->vf, &step->mac);
}

static int apply_vf_mac(struct host *host, const struct host_step *step, struct problem *problem)
{
	int err = rtnl_vf_set_mac(requests(host), step->ifindex, step->vf, &step->mac, problem);

	if (!err)
		remember_vf(host, step);
	return err;
}

/* What a driver cannot is asked once, and said in the state (H6). */
static int or_noted(struct host *host, const struct host_step *step, int err)
{
	struct host_nic_memory *nic;

	if (err != -EOPNOTSUPP)
		return err;
	nic = host_remember_nic(host, host_step_switch(step), step->ifindex);
	if (nic && step->kind == HOST_VF_LINK)
		nic->no_link = true;
	else if (nic && step->kind == HOST_VF_TRUST)
		nic->no_trust = true;
	else if (nic)
		nic->no_spoofchk = true;
	return 0;
}

static int apply_vf_setting(struct host *host, const struct host_step *step,
			    struct problem *problem)
{
	struct problem refused = {};
	int err;

	if (step->kind == HOST_VF_LINK)
		err = rtnl_vf_set_link_state(requests(host), step->ifindex, step->vf,
					     (enum vf_link_state)step->number, &refused);
	else if (step->kind == HOST_VF_TRUST)
		err = rtnl_vf_set_trust(requests(host), step->ifindex, step->vf, step->number,
					&refused);
	else
		err = rtnl_vf_set_spoofchk(requests(host), step->ifindex, step->vf, step->number,
					   &refused);
	err = or_noted(host, step, err);
	return err ? problem_set(problem, err, "%s", refused.text) : 0;
}

static int apply_vf_move(struct host *host, const struct host_step *step, struct problem *problem)
{
	char name[ADAPTER_NAME_SIZE + sizeof(ADAPTER_VF_SUFFIX)];
	_cleanup_close_ int netns = -1;
	int err;

	if (!udev_is_done(step->ifindex))
		return problem_set(problem, -EAGAIN, "udev is not done with VF %u yet", step->vf);
	(void)snprintf(name, sizeof(name), "%s" ADAPTER_VF_SUFFIX, step->adapter->name);
	err = open_namespace(step->vm, &netns, problem);
	if (!err)
		err = rtnl_link_move(requests(host), step->ifindex, netns, name, problem);
	(void)observe_own(host->context->observed);
	return err;
}

/* --- the NIC's filter --- */

static int apply_fdb(struct host *host, const struct host_step *step, struct problem *problem)
{
	int err;

	if (step->kind == HOST_FDB_DEL)
		return rtnl_fdb_del_self(requests(host), step->ifindex, &step->mac, problem);
	err = rtnl_fdb_add_self(requests(host), step->ifindex, &step->mac, problem);
	if (!err)
		host_note_put(host, host_step_switch(step), step->ifindex, &step->mac);
	return err;
}

int host_apply(struct host *host, const struct host_step *step, struct problem *problem)
{
	switch (step->kind) {
	case HOST_SWITCH_MAKE:
		return apply_switch_make(host, step, problem);
	case HOST_SWITCH_UP:
	case HOST_PORT_UP:
		return set_up(host, step, true, problem);
	case HOST_PORT_DOWN:
		return set_up(host, step, false, problem);
	case HOST_SWITCH_REMOVE:
		return apply_switch_remove(host, step, problem);
	case HOST_NIC_JOIN:
		return apply_nic_join(host, step, problem);
	case HOST_NIC_VLANS:
		return rtnl_bridge_set_vlans(requests(host), step->ifindex, PVID_USUAL,
					     step->tagged, problem);
	case HOST_PORT_MAKE:
		return apply_port_make(host, step, problem);
	case HOST_PORT_REMOVE:
		return apply_port_remove(host, step, problem);
	case HOST_PORT_GUARD:
		return apply_port_guard(host, step, problem);
	case HOST_PORT_MTU:
		return rtnl_link_set_mtu(requests(host), step->ifindex, step->number, problem);
	case HOST_PORT_JOIN:
		return apply_port_join(host, step, problem);
	case HOST_PORT_VLAN:
		return rtnl_bridge_set_vlans(requests(host), step->ifindex, (uint16_t)step->number,
					     NULL, problem);
	case HOST_VF_MAC:
		return apply_vf_mac(host, step, problem);
	case HOST_VF_VLAN:
		return rtnl_vf_set_vlan(requests(host), step->ifindex, step->vf,
					(uint16_t)step->number, problem);
	case HOST_VF_SPOOFCHK:
	case HOST_VF_TRUST:
	case HOST_VF_LINK:
		return apply_vf_setting(host, step, problem);
	case HOST_VF_MOVE:
		return apply_vf_move(host, step, problem);
	case HOST_FDB_ADD:
	case HOST_FDB_DEL:
		return apply_fdb(host, step, problem);
	case HOST_ENTRY_ADD:
		return rtnl_fdb_add_port(requests(host), step->ifindex, &step->mac,
					 (uint16_t)step->number, problem);
	case HOST_ENTRY_DEL:
		return rtnl_fdb_del_port(requests(host), step->ifindex, &step->mac,
					 (uint16_t)step->number, problem);
	case HOST_VFS_MAKE:
		return apply_vfs_make(host, step, problem);
	case HOST_VF_BIND:
	case HOST_VF_UNBIND:
		return host_begin(host, step, problem);
	case HOST_WAIT:
	case HOST_REFUSE:
	case HOST_STEP_COUNT:
		break;
	}
	return 0;
}
