// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/team_seats.h"

#include "core/mixed.h"
#include "core/paths.h"
#include "core/plan.h"
#include "kernel/ethtool.h"

#include <net/if.h>

/* Only where it counts: the question may have to wait. A link that is down tells none. */
static bool ask_speed(struct team *team, const struct link_table *links, int slot)
{
	const struct link *link = team_member_link(team, links, slot);
	uint32_t speed, before = team->speeds[slot];

	if (!*datapath_notes(team->datapath)->members[slot].device)
		team->speeds[slot] = 0;
	else if (link && link->carrier && !ethtool_speed(link->name, &speed))
		team->speeds[slot] = speed;
	return team->speeds[slot] != before;
}

static bool is_weighted(const struct team *team)
{
	struct team_seat seats[PICK_SLOTS] = {};

	for (int slot = 0; slot < PICK_SLOTS; slot++)
		seats[slot].path = team->paths[slot];
	return team->config.mixed == MIXED_WEIGHTED && mixed_is(seats, PICK_SLOTS);
}

bool team_look_at_paths(struct team *team, const struct link_table *links)
{
	struct note_member *notes = datapath_notes(team->datapath)->members;
	bool changed = false;

	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		enum member_path path =
			mixed_note_path(&notes[slot], team_member_link(team, links, slot), links);

		changed |= path != team->paths[slot];
		team->paths[slot] = path;
	}
	if (!is_weighted(team))
		return changed;
	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (!team->speeds[slot])
			changed |= ask_speed(team, links, slot);
	return changed;
}

static void look_if_down(struct observed *observed, int ifindex)
{
	const struct link *link = link_by_index(&observed->links, ifindex);

	if (link && !(link->flags & IFF_UP))
		(void)observe_link(observed, ifindex);
}

void team_look_at_silent(const struct team *team, struct observed *observed)
{
	look_if_down(observed, team->ifindex);
	for (int slot = 0; team->datapath && slot < PICK_SLOTS; slot++)
		look_if_down(observed, (int)datapath_notes(team->datapath)->members[slot].ifindex);
}

static struct team_seat seat_of(const struct team *team, const struct member_config *member,
				int slot, int other)
{
	const struct note_member *notes = datapath_notes(team->datapath)->members;

	return (struct team_seat){
		.slot = (uint8_t)slot,
		.role = member->role,
		.weight = member->weight,
		.drained = notes[slot].drained || (other >= 0 && notes[other].drained),
		.path = team->paths[slot],
		.other = (uint8_t)(other + 1),
	};
}

void team_arrange(struct team *team, const struct link_table *links)
{
	const struct note_team *notes = datapath_notes(team->datapath);
	struct team_seat seats[PICK_SLOTS];
	unsigned int count = 0;
	bool weighted;

	(void)team_look_at_paths(team, links);
	weighted = is_weighted(team);
	for (uint32_t i = 0; i < team->config.member_count; i++) {
		const struct member_config *member = &team->config.members[i];
		int slot = plan_slot(notes, member->device);
		int other = slot < 0 ? -1 : plan_other_slot(notes, member->device);

		if (slot >= 0)
			seats[count++] = seat_of(team, member, slot, other);
		if (other >= 0)
			seats[count++] = seat_of(team, member, other, slot);
	}
	for (unsigned int i = 0; weighted && i < count; i++) {
		(void)ask_speed(team, links, seats[i].slot);
		seats[i].speed = team->speeds[seats[i].slot];
	}
	paths_arrange(seats, count);
	mixed_arrange(team->config.mixed, seats, count);
	team_run_arrange(&team->run, seats, count);
}
