// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/team_seats.h"

#include "core/mixed.h"
#include "core/plan.h"
#include "kernel/ethtool.h"

#include <net/if.h>

bool team_look_at_paths(struct team *team, const struct link_table *links)
{
	const struct note_team *notes = datapath_notes(team->datapath);
	bool changed = false;

	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		const struct link *link = team_member_link(team, links, slot);
		enum member_path path = team->paths[slot];

		if (link)
			path = mixed_path(link, links);
		else if (!*notes->members[slot].device)
			path = MEMBER_PATH_UNKNOWN;
		changed |= path != team->paths[slot];
		team->paths[slot] = path;
	}
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

/* Only where it counts: the question may have to wait. */
static void ask_speeds(const struct team *team, const struct link_table *links,
		       struct team_seat *seats, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct link *link = team_member_link(team, links, seats[i].slot);

		if (link)
			(void)ethtool_speed(link->name, &seats[i].speed);
	}
}

void team_arrange(struct team *team, const struct link_table *links)
{
	const struct note_team *notes = datapath_notes(team->datapath);
	struct team_seat seats[PICK_SLOTS];
	unsigned int count = 0;

	(void)team_look_at_paths(team, links);
	for (uint32_t i = 0; i < team->config.member_count; i++) {
		const struct member_config *member = &team->config.members[i];
		int slot = plan_slot(notes, member->device);

		if (slot >= 0)
			seats[count++] = (struct team_seat){
				.slot = (uint8_t)slot,
				.role = member->role,
				.weight = member->weight,
				.drained = notes->members[slot].drained,
				.path = team->paths[slot],
			};
	}
	if (team->config.mixed == MIXED_WEIGHTED && mixed_is(seats, count))
		ask_speeds(team, links, seats, count);
	mixed_arrange(team->config.mixed, seats, count);
	team_run_arrange(&team->run, seats, count);
}
