// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/apply.h"

#include "base/strings.h"
#include "core/adopt.h"
#include "core/plan.h"
#include "core/quirk.h"
#include "daemon/adopt.h"
#include "daemon/clock.h"
#include "daemon/handover.h"
#include "daemon/probing.h"
#include "daemon/team_mac.h"
#include "daemon/team_seats.h"
#include "daemon/udev.h"
#include "kernel/rtnl_bond.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <net/if.h>

/* queue_ids are slot + 1, and 0 is "no choice". */
#define BOND_TX_QUEUES (PICK_SLOTS + 1)

/* The answer may have been lost, not the request. */
static void delete_stray(const struct team *team, const struct team_context *context)
{
	const struct link *bond;

	if (observe_own(context->observed))
		return;
	bond = link_by_name(&context->observed->links, team->config.name);
	if (bond && strcmp(bond->kind, "bond") == 0)
		(void)rtnl_link_delete(context->observed->requests, bond->ifindex, NULL);
	(void)observe_own(context->observed);
}

static int create_bond(const struct team *team, const struct team_context *context,
		       struct problem *problem)
{
	struct netlink *netlink = context->observed->requests;
	bool is_taken = link_by_name(&context->observed->links, team->config.name) != NULL;
	struct link_bond settings;
	int err;

	plan_bond(&team->config, &context->observed->links, &settings);
	err = rtnl_bond_create(netlink, team->config.name, &settings, BOND_TX_QUEUES, problem);
	if (err) {
		(void)problem_prefix(problem, "%s cannot be made", team->config.name);
		if (err != -EEXIST && !is_taken)
			delete_stray(team, context);
		return err;
	}
	err = observe_own(context->observed);
	if (err) {
		delete_stray(team, context);
		return problem_set(problem, err, "cannot read the kernel's events: %s",
				   strerror(-err));
	}
	return 0;
}

/* Nobody is used of a bond that somebody has deleted. How its members were before is still noted. */
static void forget_members(struct team *team)
{
	datapath_state(team->datapath)->usable = 0;
	datapath_state(team->datapath)->ifindex = 0;
	team_run_init(&team->run);
}

static int apply_create(struct team *team, const struct team_context *context,
			struct problem *problem)
{
	bool adopted = false;
	const struct link *bond;
	int err = 0;

	if (!team->datapath)
		err = datapath_open(context->pins, team->config.name, context->netns,
				    context->carrier, &team->datapath, &adopted, problem);
	if (err)
		return err;
	forget_members(team);
	err = create_bond(team, context, problem);
	if (err)
		return err;
	bond = link_by_name(&context->observed->links, team->config.name);
	if (!bond)
		return problem_set(problem, -ENODEV, "%s is gone already", team->config.name);
	team->ifindex = bond->ifindex;
	err = datapath_attach_team(team->datapath, team->ifindex, problem);
	if (!err)
		err = rtnl_link_set_up(context->observed->requests, team->ifindex, true, problem);
	if (err) {
		(void)rtnl_link_delete(context->observed->requests, team->ifindex, NULL);
		(void)observe_own(context->observed);
		team->ifindex = 0;
	}
	return err;
}

/*
 * Failed or not, what it is now must be known: it is compared with. The kernel tells of changed
 * attributes only while the device is up. Returns @err.
 */
static int told_or_asked(const struct team_context *context, int ifindex, int err)
{
	const struct link *link;

	(void)observe_own(context->observed);
	link = link_by_index(&context->observed->links, ifindex);
	if (link && !(link->flags & IFF_UP))
		(void)observe_link(context->observed, ifindex);
	return err;
}

static int apply_set(struct team *team, const struct team_context *context, struct problem *problem)
{
	const struct link *bond = link_by_index(&context->observed->links, team->ifindex);
	struct link_bond settings;
	int err = 0;

	if (!bond)
		return problem_set(problem, -ENODEV, "%s is gone", team->config.name);
	if (adopt_is_adopted(team))
		adopt_attributes(&bond->bond, &settings);
	else
		plan_bond(&team->config, &context->observed->links, &settings);
	/* Only while it has no members: the steps before have taken them out. */
	if (!adopt_is_adopted(team) && bond->bond.fail_over_mac != settings.fail_over_mac)
		err = rtnl_bond_set_fail_over_mac(context->observed->requests, team->ifindex,
						  settings.fail_over_mac, problem);
	if (err)
		return err;
	return told_or_asked(
		context, team->ifindex,
		rtnl_bond_set(context->observed->requests, team->ifindex, &settings, problem));
}

/* Bonding refuses an id that another member has: somebody may have exchanged them. */
static int set_queue_id(const struct team *team, const struct team_context *context,
			const struct action *action, struct problem *problem)
{
	const struct link_table *links = &context->observed->links;
	uint16_t queue_id = (uint16_t)(action->slot + 1);

	(void)observe_own(context->observed); /* what the step before has changed */
	for (size_t i = 0; i < links->count; i++) {
		const struct link *link = &links->links[i];

		if (link->master == team->ifindex && link->ifindex != action->ifindex &&
		    link->slave.queue_id == queue_id)
			(void)rtnl_bond_set_queue_id(context->observed->requests, link->ifindex, 0,
						     NULL);
	}
	return rtnl_bond_set_queue_id(context->observed->requests, action->ifindex, queue_id,
				      problem);
}

/*
 * A VF that was reset a moment ago has no answer of its PF yet, and its driver refuses the VLANs that
 * bonding puts on it (igbvf, for as long as it must rest after a loss; core/quirk.h).
 */
static int enslave_once_ready(const struct team *team, const struct team_context *context,
			      int ifindex, struct problem *problem)
{
	const struct link *link = link_by_index(&context->observed->links, ifindex);
	uint64_t rest_ns = link ? quirk_rest_ms(link->driver) * NS_PER_MS : 0;
	uint64_t until_ns = clock_now_ns() + rest_ns;

	for (;;) {
		struct problem refusal = {}; /* of this try alone */
		int err = rtnl_bond_enslave(context->observed->requests, ifindex, team->ifindex,
					    &refusal);

		if (err != -EINVAL || clock_now_ns() >= until_ns)
			return err ? problem_set(problem, err, "%s", refusal.text) : 0;
		clock_pause_ms(200);
	}
}

/* Down, because bonding takes a device only so; the bond sets it up again. */
static int enslave(struct team *team, const struct team_context *context,
		   const struct action *action, struct problem *problem)
{
	struct netlink *netlink = context->observed->requests;
	int err;

	handover_lift(context->handover, context, action->ifindex);
	err = rtnl_link_set_up(netlink, action->ifindex, false, problem);
	if (!err)
		err = team_mac_try(team, context, action->slot, action->ifindex, problem);
	if (!err)
		err = enslave_once_ready(team, context, action->ifindex, problem);
	if (!err)
		err = set_queue_id(team, context, action, problem);
	return err;
}

/*
 * Set up again what was up; the kernel has given MAC and MTU back. Tried twice: nobody will know
 * any more that it was up.
 */
static void restore_device(const struct team_context *context, int ifindex, bool up)
{
	struct netlink *netlink = context->observed->requests;

	if (up && rtnl_link_set_up(netlink, ifindex, true, NULL))
		(void)rtnl_link_set_up(netlink, ifindex, true, NULL);
	(void)observe_own(context->observed);
}

static void clear_slot(struct team *team, int slot)
{
	struct pick_state *state = datapath_state(team->datapath);

	memset(state->member_macs[slot], 0, sizeof(state->member_macs[slot]));
	datapath_notes(team->datapath)->members[slot] = (struct note_member){};
	datapath_notes(team->datapath)->second[slot] = 0;
	probing_forget(team, slot);
}

/*
 * The receiving program is there before the device is a member: all slaves deliver, so a member
 * without it would deliver broadcasts twice.
 */
static int apply_join(struct team *team, const struct team_context *context,
		      const struct action *action, struct problem *problem)
{
	struct note_member *note = &datapath_notes(team->datapath)->members[action->slot];
	struct pick_state *state = datapath_state(team->datapath);
	bool up, returns = (int)note->ifindex == action->ifindex;
	bool known = strcmp(note->device, action->device) == 0;
	int err = observe_settled(context->observed, action->ifindex);
	const struct link *link = link_by_index(&context->observed->links, action->ifindex);

	if (err)
		return problem_set(problem, err, "cannot read the kernel's events: %s",
				   strerror(-err));
	if (!link)
		return problem_set(problem, -ENODEV, "%s is gone", action->device);
	if (!adopt_is_adopted(team) && !udev_await(action->ifindex))
		return problem_set(problem, -EAGAIN, "udev is not done with %s yet", link->name);
	if (note->ifindex && !returns)
		datapath_detach_member(team->datapath, (unsigned int)action->slot);
	(void)text_copy(note->device, sizeof(note->device), action->device);
	datapath_notes(team->datapath)->second[action->slot] = action->path_of ? 1 : 0;
	/* One that somebody has taken out of the bond is down by that, and was noted before. */
	if (!returns)
		note->up_before = link->flags & IFF_UP ? 1 : 0;
	memcpy(state->member_macs[action->slot], link->mac.bytes, sizeof(link->mac.bytes));
	err = datapath_attach_member(team->datapath, (unsigned int)action->slot, action->ifindex,
				     problem);
	if (!err && link->master != team->ifindex)
		err = enslave(team, context, action, problem);
	else if (!err)
		err = rtnl_bond_set_queue_id(context->observed->requests, action->ifindex,
					     (uint16_t)(action->slot + 1), problem);
	if (!err)
		err = observe_own(context->observed);
	if (!err)
		err = handover_land(context->handover, context, action->ifindex, problem);
	if (!err) {
		team_mac_mend(team, context, action->slot);
		return 0;
	}
	if (!adopt_is_adopted(team))
		(void)rtnl_bond_release(context->observed->requests, action->ifindex, NULL);
	up = note->up_before;
	datapath_detach_member(team->datapath, (unsigned int)action->slot);
	if (known) /* it may have gone just now; its slot waits for it */
		memset(state->member_macs[action->slot], 0, sizeof(state->member_macs[0]));
	else
		clear_slot(team, action->slot);
	if (!adopt_is_adopted(team))
		restore_device(context, action->ifindex, up);
	(void)problem_set(problem, err, "%s", strerror(-err));
	(void)problem_prefix(problem, "%s cannot join %s", action->device, team->config.name);
	return err;
}

/* Who sits in the slot next begins anew, even if that is with the same step of the plan. */
static void forget_member(struct team *team, int slot)
{
	team->run.usable &= ~(1U << slot);
	failover_unbar(&team->run, slot);
	health_init(&team->run.health[slot]);
	if (team->run.primary == slot)
		team->run.primary = FAILOVER_NO_PRIMARY;
}

/* Whether a member is out of the bond now. An answer that was lost says nothing: look. */
static int release(const struct team *team, const struct team_context *context, int slot,
		   struct problem *problem)
{
	const struct link *link = team_member_link(team, &context->observed->links, slot);
	int err;

	if (!link)
		return 0;
	err = rtnl_bond_release(context->observed->requests, link->ifindex, problem);
	if (err)
		(void)observe_own(context->observed);
	return err && team_member_link(team, &context->observed->links, slot) ? err : 0;
}

/* Out of use first, out of the bond second: its flows move before its queue goes. */
static int leave(struct team *team, const struct team_context *context, int slot,
		 struct problem *problem)
{
	const struct note_member note = datapath_notes(team->datapath)->members[slot];
	__u32 *usable = &datapath_state(team->datapath)->usable;
	/* A member of an adopted bond is given back by who has made it one. */
	bool present =
		!adopt_is_adopted(team) && team_member_link(team, &context->observed->links, slot);
	int err = 0;

	__atomic_and_fetch(usable, ~(1U << slot), __ATOMIC_RELEASE);
	if (present)
		err = release(team, context, slot, problem);
	if (err) {
		__atomic_or_fetch(usable, team->run.usable & 1U << slot, __ATOMIC_RELEASE);
		(void)problem_prefix(problem, "%s cannot leave %s", note.device, team->config.name);
		return err;
	}
	datapath_detach_member(team->datapath, (unsigned int)slot);
	clear_slot(team, slot);
	forget_member(team, slot);
	if (present)
		restore_device(context, (int)note.ifindex, note.up_before);
	return 0;
}

/* Nobody is worse than one that goes, not even who stands by. Its other path is on its own then. */
static void part(struct team_run *run, int slot)
{
	for (unsigned int i = 0; i < run->count; i++) {
		struct team_seat *seat = &run->seats[i];
		bool goes = seat->slot == slot;

		seat->drained |= goes;
		if (!goes && seat->other != slot + 1)
			continue;
		seat->other = 0;
		seat->spare = false;
	}
}

/* A primary that leaves hands over first, if there is somebody to take over. */
static int apply_leave(struct team *team, const struct team_context *context, int slot,
		       struct problem *problem)
{
	bool was_primary = team->run.primary == slot;
	int err;

	part(&team->run, slot);
	for (unsigned int i = 0; team->run.primary == slot && i < team->run.count; i++)
		if (team->run.seats[i].slot != slot)
			(void)team_switchover(team, context, team->run.seats[i].slot, NULL);
	err = leave(team, context, slot, problem);
	if (err)
		team_arrange(team, &context->observed->links);
	if (err && was_primary)
		(void)team_switchover(team, context, slot, NULL);
	return err;
}

/* Our filter must not stay at a device that is somebody else's now, nor its MAC be taken for ours. */
static void apply_detach(struct team *team, int slot)
{
	struct pick_state *state = datapath_state(team->datapath);

	datapath_detach_member(team->datapath, (unsigned int)slot);
	memset(state->member_macs[slot], 0, sizeof(state->member_macs[slot]));
}

static int apply_attach(struct team *team, const struct action *action, struct problem *problem)
{
	int err;

	if (action->slot < 0)
		return datapath_attach_team(team->datapath, team->ifindex, problem);
	err = datapath_attach_member(team->datapath, (unsigned int)action->slot, action->ifindex,
				     problem);
	if (err) /* it goes just now, perhaps: the kernel takes programs off before it says so */
		apply_detach(team, action->slot);
	return err;
}

static int apply_rename(struct team *team, const struct team_context *context,
			struct problem *problem)
{
	int err = rtnl_link_set_name(context->observed->requests, team->ifindex, team->config.name,
				     problem);

	team->rename_refused = err == -EBUSY;
	return err;
}

static int apply_mtu(const struct team *team, const struct team_context *context,
		     const struct action *action, struct problem *problem)
{
	const struct link *bond = link_by_index(&context->observed->links, team->ifindex);

	if (!bond)
		return 0;
	return rtnl_link_set_mtu(context->observed->requests, action->ifindex, bond->mtu, problem);
}

static int apply_mac(const struct team *team, const struct team_context *context,
		     const struct action *action, struct problem *problem)
{
	const struct link *link = link_by_index(&context->observed->links, action->ifindex);

	if (!link)
		return 0;
	if (team_mac_is_one(team, &context->observed->links)) {
		team_mac_mend(team, context, action->slot);
		return 0;
	}
	return rtnl_link_set_mac(context->observed->requests, action->ifindex, &link->slave.mac,
				 problem);
}

int apply_action(struct team *team, const struct team_context *context, const struct action *action,
		 struct problem *problem)
{
	switch (action->kind) {
	case ACTION_LEAVE:
		return apply_leave(team, context, action->slot, problem);
	case ACTION_REMOVE:
	case ACTION_RELEASE:
		return apply_removal(team, context, problem);
	case ACTION_ADOPT:
		return adopt_bond(team, context, action->ifindex, problem);
	case ACTION_CREATE:
		return apply_create(team, context, problem);
	case ACTION_SET:
		return apply_set(team, context, problem);
	case ACTION_JOIN:
		return apply_join(team, context, action, problem);
	case ACTION_QUEUE:
		return told_or_asked(context, action->ifindex,
				     set_queue_id(team, context, action, problem));
	case ACTION_ATTACH:
		return apply_attach(team, action, problem);
	case ACTION_DETACH:
		apply_detach(team, action->slot);
		return 0;
	case ACTION_RENAME:
		return apply_rename(team, context, problem);
	case ACTION_MTU:
		return apply_mtu(team, context, action, problem);
	case ACTION_MAC:
		return apply_mac(team, context, action, problem);
	case ACTION_CONFIGURE: /* team_settle() follows each step */
	case ACTION_HOST:
	case ACTION_WAIT:
	case ACTION_REFUSE:
	case ACTION_KIND_COUNT:
		break;
	}
	return 0;
}

/*
 * The primary leaves last: with one member after the other leaving, the interface's MAC would
 * wander and be announced for nothing. And a removal that fails halfway leaves a team that works.
 */
static int leave_all(struct team *team, const struct team_context *context, struct problem *problem)
{
	const struct note_team *notes = datapath_notes(team->datapath);
	int primary = team->run.primary, err = 0;

	for (int slot = 0; !err && slot < PICK_SLOTS; slot++)
		if (slot != primary && *notes->members[slot].device)
			err = leave(team, context, slot, problem);
	if (!err && primary >= 0 && primary < PICK_SLOTS && *notes->members[primary].device)
		err = leave(team, context, primary, problem);
	return err;
}

static int delete_bond(struct team *team, const struct team_context *context,
		       struct problem *problem)
{
	int err = 0;

	if (team->ifindex)
		err = rtnl_link_delete(context->observed->requests, team->ifindex, problem);
	(void)observe_own(context->observed);
	if (err && link_by_index(&context->observed->links, team->ifindex)) {
		(void)problem_prefix(problem, "%s cannot be deleted", team->config.name);
		return err;
	}
	team->ifindex = 0;
	return 0;
}

int apply_removal(struct team *team, const struct team_context *context, struct problem *problem)
{
	int err = 0;

	if (adopt_is_adopted(team)) {
		adopt_release(team, context);
		return 0;
	}
	if (team->datapath)
		err = leave_all(team, context, problem);
	if (!err)
		err = delete_bond(team, context, problem);
	if (err)
		return err;
	probing_stop(team);
	if (team->datapath)
		datapath_remove(team->datapath);
	team->datapath = NULL;
	return 0;
}
