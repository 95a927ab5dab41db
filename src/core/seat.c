// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/seat.h"

#include <string.h>

int plan_slot(const struct note_team *notes, const char *device)
{
	for (int slot = 0; notes && slot < TEAM_MEMBERS_MAX; slot++)
		if (*notes->members[slot].device &&
		    strcmp(notes->members[slot].device, device) == 0)
			return slot;
	return -1;
}

const struct link *seat_holder(const struct seats *seats, int slot)
{
	const struct link *link;

	if (!seats->notes || !seats->bond_ifindex || slot < 0)
		return NULL;
	link = link_by_index(seats->links, (int)seats->notes->members[slot].ifindex);
	return link && link->master == seats->bond_ifindex ? link : NULL;
}

static bool is_named(const struct team_config *want, const struct link *link,
		     const struct seats *seats)
{
	for (uint32_t i = 0; i < want->member_count; i++)
		if (member_link(&want->members[i], seats->links) == link)
			return true;
	return false;
}

const struct link *seat_device(const struct team_config *want, const struct member_config *member,
			       const struct seats *seats)
{
	const struct link *holder = seat_holder(seats, plan_slot(seats->notes, member->device));
	const struct link *link = member_link(member, seats->links);

	if (holder && member_means(member, holder)) /* though there may be another of its MAC */
		return holder;
	if (link || !holder)
		return link;
	return is_named(want, holder, seats) ? NULL : holder;
}
