// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/team_drain.h"

#include "core/deal.h"
#include "core/paths.h"
#include "daemon/clock.h"

#include <errno.h>

#define DRAIN_BOUND_NS (10000 * NS_PER_MS) /* where flows have no bound to return by */

void team_drain_begin(struct team *team, int slot)
{
	uint64_t bound_ns =
		team->config.return_ms ? team->config.return_ms * NS_PER_MS : DRAIN_BOUND_NS;

	team->drain_by_ns[slot] = clock_now_ns() + bound_ns;
}

/* T20: another one becomes primary first, in a planned way: team_follow(). */
static bool hands_over(const struct team *team, int slot)
{
	return slot == team->run.primary && failover_preferred(&team->run) != FAILOVER_NO_PRIMARY;
}

void team_drain_end(struct team *team, uint64_t now_ns)
{
	for (unsigned int i = 0; i < team->run.count; i++) {
		const struct team_seat *seat = &team->run.seats[i];

		if (!seat->drained || (team->run.retired >> seat->slot & 1))
			continue;
		if (now_ns >= team->drain_by_ns[seat->slot] ||
		    (!hands_over(team, seat->slot) &&
		     !deal_lingering(datapath_deal(team->datapath), datapath_hold(team->datapath),
				     datapath_state(team->datapath), seat->slot, now_ns)))
			team->run.retired |= 1U << seat->slot;
	}
}

/* What a hand-made change of the members' parts needs: homes dealt anew, flows on their way. */
static void rearrange(struct team *team, const struct team_context *context)
{
	team_settle(team, &context->observed->links);
	(void)team_update(team, context, clock_now_ns());
	(void)team_follow(team, context);
}

int team_drain(struct team *team, const struct team_context *context, int slot,
	       struct problem *problem)
{
	const struct link *link = team_member_link(team, &context->observed->links, slot);
	struct note_member *note = &datapath_notes(team->datapath)->members[slot];
	int other = paths_other(&team->run, slot);

	if (note->drained)
		return 0;
	if (!failover_can_drain(&team->run, slot))
		return problem_set(problem, -EBUSY,
				   "%s cannot be drained: no other member could carry its traffic",
				   link ? link->name : note->device);
	note->drained = 1;
	team_drain_begin(team, slot);
	if (other >= 0) {
		datapath_notes(team->datapath)->members[other].drained = 1;
		team->drain_by_ns[other] = team->drain_by_ns[slot];
	}
	rearrange(team, context);
	return 0;
}

static void restore_path(struct team *team, int slot)
{
	if (!(team->run.retired >> slot & 1))
		team->drain_by_ns[slot] = 0;
	datapath_notes(team->datapath)->members[slot].drained = 0;
}

void team_restore(struct team *team, const struct team_context *context, int slot)
{
	int other = paths_other(&team->run, slot);

	restore_path(team, slot);
	if (other >= 0)
		restore_path(team, other);
	rearrange(team, context);
}
