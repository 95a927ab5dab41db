// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/seat.h"

#include "core/mixed.h"

#include <string.h>

static int find_slot(const struct note_team *notes, const char *device, bool second)
{
	for (int slot = 0; notes && slot < TEAM_MEMBERS_MAX; slot++)
		if (*notes->members[slot].device && notes->second[slot] == second &&
		    strcmp(notes->members[slot].device, device) == 0)
			return slot;
	return -1;
}

int plan_slot(const struct note_team *notes, const char *device)
{
	return find_slot(notes, device, false);
}

int plan_other_slot(const struct note_team *notes, const char *device)
{
	return find_slot(notes, device, true);
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

bool seat_pairs(const struct team_config *want)
{
	return !want->adopt && want->mac_policy == MAC_POLICY_MEMBER;
}

static bool is_hardware(const struct link *link, const struct link_table *links)
{
	return mixed_path(link, links) == MEMBER_PATH_HARDWARE;
}

bool seat_is_pair(const struct link *a, const struct link *b, const struct link_table *links)
{
	const struct mac *mac = link_own_mac(a);

	return a != b && !mac_is_zero(mac) && mac_equal(mac, link_own_mac(b)) &&
	       is_hardware(a, links) != is_hardware(b, links);
}

/* A device that is another member by its own name is no path of @member. */
static bool is_anothers(const struct team_config *want, const struct member_config *member,
			const struct link *link, const struct seats *seats)
{
	for (uint32_t i = 0; i < want->member_count; i++) {
		const struct member_config *other = &want->members[i];

		if (strcmp(other->device, member->device) != 0 &&
		    member_link(other, seats->links) == link)
			return true;
	}
	return false;
}

/* A device that is free to be the other path beside @beside; NULL if there is none. */
static const struct link *find_beside(const struct team_config *want,
				      const struct member_config *member, const struct link *beside,
				      const struct seats *seats)
{
	for (size_t i = 0; i < seats->links->count; i++) {
		const struct link *link = &seats->links->links[i];

		if ((!link->master || link->master == seats->bond_ifindex) &&
		    seat_is_pair(link, beside, seats->links) &&
		    !is_anothers(want, member, link, seats))
			return link;
	}
	return NULL;
}

const struct link *seat_device(const struct team_config *want, const struct member_config *member,
			       const struct seats *seats)
{
	const struct link *holder = seat_holder(seats, plan_slot(seats->notes, member->device));
	const struct link *other =
		seat_holder(seats, plan_other_slot(seats->notes, member->device));
	const struct link *link = member_link(member, seats->links);

	if (holder && member_means(member, holder)) /* though there may be another of its MAC */
		return holder;
	if (link == other)
		link = NULL;
	if (!link && !holder && other && seat_pairs(want))
		return find_beside(want, member, other, seats);
	if (link || !holder)
		return link;
	return is_named(want, holder, seats) ? NULL : holder;
}

const struct link *seat_other(const struct team_config *want, const struct member_config *member,
			      const struct seats *seats)
{
	const struct link *holder =
		seat_holder(seats, plan_other_slot(seats->notes, member->device));
	const struct link *first = seat_device(want, member, seats);

	if (!seat_pairs(want))
		return NULL;
	if (!first || (holder && seat_is_pair(holder, first, seats->links)))
		return holder;
	return find_beside(want, member, first, seats);
}
