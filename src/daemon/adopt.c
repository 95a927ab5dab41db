// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/adopt.h"

#include "core/adopt.h"
#include "daemon/announce.h"
#include "daemon/clock.h"
#include "daemon/probing.h"
#include "kernel/rtnl_bond.h"

#include <errno.h>

bool adopt_is_adopted(const struct team *team)
{
	return team->datapath && datapath_notes(team->datapath)->bond.adopted;
}

/*
 * Queue ids steer once our program is gone or not there yet: a forwarded frame still carries the
 * queue that it came in on, and bonding would take that for a choice.
 */
static void clear_queue_ids(const struct team_context *context, int bond_ifindex)
{
	const struct link_table *links = &context->observed->links;

	for (size_t i = 0; i < links->count; i++)
		if (links->links[i].master == bond_ifindex && links->links[i].slave.queue_id)
			(void)rtnl_bond_set_queue_id(context->observed->requests,
						     links->links[i].ifindex, 0, NULL);
}

/* Slots that the slaves of an earlier bond of this name had. */
static void forget_slots(struct team *team)
{
	struct note_team *notes = datapath_notes(team->datapath);

	datapath_state(team->datapath)->usable = 0;
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (*notes->members[slot].device) {
			datapath_detach_member(team->datapath, slot);
			notes->members[slot] = (struct note_member){};
		}
	team_run_init(&team->run);
}

static void note_bond(struct team *team, const struct link_bond *bond)
{
	datapath_notes(team->datapath)->bond = (struct note_bond){
		.adopted = 1,
		.all_slaves_active = bond->all_slaves_active,
		.primary_reselect = bond->primary_reselect,
		.miimon = bond->miimon,
	};
}

int adopt_bond(struct team *team, const struct team_context *context, int ifindex,
	       struct problem *problem)
{
	const struct link *bond = link_by_index(&context->observed->links, ifindex);
	bool pinned;
	int err = 0;

	if (!bond)
		return problem_set(problem, -ENODEV, "%s is gone", team->config.name);
	if (!team->datapath)
		err = datapath_open(context->pins, team->config.name, context->netns,
				    context->carrier, &team->datapath, &pinned, problem);
	if (err)
		return err;
	forget_slots(team);
	note_bond(team, &bond->bond);
	clear_queue_ids(context, ifindex);
	(void)observe_own(context->observed);
	team->ifindex = ifindex;
	return datapath_attach_team(team->datapath, ifindex, problem);
}

/* Peers that still use another slave's MAC would not be heard once that delivers no more. */
static void announce(struct team *team, const struct team_context *context)
{
	const struct link *bond = link_by_index(&context->observed->links, team->ifindex);
	struct announcer announcer = {
		.observed = context->observed,
		.datapath = team->datapath,
		.packet_fd = context->packet_fd,
		.team_ifindex = team->ifindex,
	};

	if (bond)
		announcer.member =
			link_by_index(&context->observed->links, bond->bond.active_ifindex);
	if (announcer.member)
		(void)announce_team(&announcer, ANNOUNCE_ALL);
}

/*
 * The bond's attributes as they were. With primary_reselect=always bonding chooses the active slave
 * anew at that moment, the first of those with the highest prio, so all slaves deliver until peers
 * know of it.
 */
static void restore_attributes(struct team *team, const struct team_context *context,
			       const struct link_bond *is)
{
	const struct note_bond note = datapath_notes(team->datapath)->bond;
	struct link_bond before, delivering;

	adopt_attributes_before(&note, is, &before);
	delivering = before;
	delivering.all_slaves_active = is->all_slaves_active;
	(void)rtnl_bond_set(context->observed->requests, team->ifindex, &delivering, NULL);
	(void)observe_own(context->observed);
	announce(team, context);
	clock_pause_ms(100); /* frames under way arrive meanwhile */
	(void)rtnl_bond_set(context->observed->requests, team->ifindex, &before, NULL);
}

/*
 * With nobody usable the program leaves every frame to bonding. Then the queue ids go, and the
 * slaves that are not active stop delivering, and last the programs that saw to both.
 */
void adopt_release(struct team *team, const struct team_context *context)
{
	const struct link *bond = link_by_index(&context->observed->links, team->ifindex);

	__atomic_store_n(&datapath_state(team->datapath)->usable, 0, __ATOMIC_RELEASE);
	if (bond) {
		const struct link_bond is = bond->bond; /* looks replace @bond */

		clear_queue_ids(context, team->ifindex);
		restore_attributes(team, context, &is);
	}
	probing_stop(team);
	datapath_remove(team->datapath);
	team->datapath = NULL;
	team->ifindex = 0;
	team_run_init(&team->run);
	(void)observe_own(context->observed);
}
