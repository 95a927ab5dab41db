// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes that move addresses and routes: between a team and its members (T1), a switch and its NIC. */
#include "core/paths.h"
#include "core/seat.h"
#include "daemon/api_error.h"
#include "daemon/edit.h"
#include "daemon/handover.h"

#include <errno.h>
#include <string.h>

/* What it moves is known to the plan, and to the steps, from here on. */
static int begin(struct edit *edit)
{
	edit->handover = handover_new();
	if (!edit->handover)
		return problem_set(&edit->problem, -ENOMEM, "out of memory");
	edit->manager->context.handover = edit->handover;
	return 0;
}

static int note_interface(struct edit *edit, const char *name)
{
	const struct team *team = manager_team(edit->manager, name);
	const struct link *link =
		team ? link_by_index(&edit->manager->observed.links, team->ifindex) : NULL;

	return link ? handover_note(edit->handover, &edit->manager->context, link, &edit->problem)
		    : 0;
}

/* The member at @place moves to the front, the others stay in their order. */
static void put_first(struct team_config *team, uint32_t place)
{
	struct member_config first = team->members[place];

	memmove(&team->members[1], &team->members[0], place * sizeof(team->members[0]));
	team->members[0] = first;
}

static int take_from(struct edit *edit, const struct team_config *team, const struct link *link)
{
	if (!link || link->master)
		return 0;
	return handover_move(edit->handover, &edit->manager->context, link, team->name,
			     &edit->problem);
}

int edit_take(struct edit *edit, struct team_config *team, bool first)
{
	const struct link_table *links = &edit->manager->observed.links;
	const struct seats seats = {.links = links};
	int err = begin(edit);

	if (!err)
		err = note_interface(edit, team->name);
	for (uint32_t i = 0; !err && i < team->member_count; i++) {
		const struct link *link = member_link(&team->members[i], links);
		unsigned int before = edit->handover->move_count;

		err = take_from(edit, team, link);
		if (!err)
			err = take_from(edit, team, seat_other(team, &team->members[i], &seats));
		if (!err && first && !before && edit->handover->move_count)
			put_first(team, i);
	}
	return edit_refuse(edit, err);
}

int edit_give(struct edit *edit, const char *name, const char *device, const char *leaving)
{
	const struct link_table *links = &edit->manager->observed.links;
	struct team *team = manager_team(edit->manager, name);
	int slot = team ? team_slot(team, links, device) : -1;
	const struct link *member =
		slot >= 0 ? team_member_link(team, links, paths_front(&team->run, slot)) : NULL;
	int err;

	if (!member)
		return edit_refuse(edit, problem_set(&edit->problem, -ENODEV,
						     "%s is not a member of %s that is there",
						     device, name));
	if (leaving && team_slot(team, links, leaving) != slot)
		return edit_refuse(edit, problem_set(&edit->problem, -EINVAL,
						     "%s stays in %s; only the member that leaves "
						     "can have the addresses",
						     device, name));
	err = begin(edit);
	if (!err)
		err = handover_move_last(edit->handover, &edit->manager->context,
					 link_by_index(links, team->ifindex), member->name,
					 &edit->problem);
	edit->heir_team = team;
	edit->heir_slot = slot;
	return edit_refuse(edit, err);
}

int edit_take_nic(struct edit *edit, const struct switch_config *sw)
{
	const struct link_table *links = &edit->manager->observed.links;
	const struct link *nic = host_nic(sw, links), *bridge = link_by_name(links, sw->name);
	int err = begin(edit);

	/* An adopted bridge may have addresses of its own. */
	if (!err && bridge)
		err = handover_note(edit->handover, &edit->manager->context, bridge,
				    &edit->problem);
	if (!err && nic && !nic->master)
		err = handover_move(edit->handover, &edit->manager->context, nic, sw->name,
				    &edit->problem);
	return edit_refuse(edit, err);
}

int edit_give_nic(struct edit *edit, const struct switch_config *sw, const char *device)
{
	const struct link_table *links = &edit->manager->observed.links;
	const struct link *bridge = link_by_name(links, sw->name), *nic = host_nic(sw, links);
	int err;

	if (!nic || (strcmp(device, nic->name) != 0 && strcmp(device, sw->nic) != 0))
		return edit_refuse(edit, problem_set(&edit->problem, -ENODEV,
						     "%s is not the NIC of %s; only that can have "
						     "the addresses",
						     device, sw->name));
	if (sw->adopt)
		return edit_refuse(edit, problem_set(&edit->problem, -EINVAL,
						     "the bridge %s stays, and keeps its addresses",
						     sw->name));
	err = begin(edit);
	if (!err && bridge)
		err = handover_move_last(edit->handover, &edit->manager->context, bridge, nic->name,
					 &edit->problem);
	return edit_refuse(edit, err);
}
