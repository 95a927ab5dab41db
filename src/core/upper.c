// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/upper.h"

#include <string.h>

/* Devices between an address and the team; a circle of them ends here, too. */
#define DEPTH_MAX 8

static bool go_down(const struct link_table *links, const struct link *link, int team_ifindex,
		    unsigned int depth, struct upper *upper);

/* A bridge sits on the team if one of its ports does. */
static bool go_through_ports(const struct link_table *links, const struct link *bridge,
			     int team_ifindex, unsigned int depth, struct upper *upper)
{
	const struct upper before = *upper;

	for (size_t i = 0; i < links->count; i++) {
		if (links->links[i].master != bridge->ifindex)
			continue;
		if (go_down(links, &links->links[i], team_ifindex, depth, upper)) {
			upper->bridged = true;
			return true;
		}
		*upper = before;
	}
	return false;
}

static bool go_down(const struct link_table *links, const struct link *link, int team_ifindex,
		    unsigned int depth, struct upper *upper)
{
	if (!link || depth > DEPTH_MAX)
		return false;
	if (link->ifindex == team_ifindex)
		return true;
	if (strcmp(link->kind, "bridge") == 0)
		return go_through_ports(links, link, team_ifindex, depth + 1, upper);
	if (strcmp(link->kind, "vlan") == 0) {
		if (upper->tag_count == UPPER_TAGS_MAX)
			return false;
		upper->tags[upper->tag_count++] = link->vlan_id;
	} else if (strcmp(link->kind, "macvlan") != 0) {
		return false;
	}
	return go_down(links, link_by_index(links, link->lower), team_ifindex, depth + 1, upper);
}

bool upper_find(const struct link_table *links, int ifindex, int team_ifindex,
		struct upper *ret_upper)
{
	struct upper upper = {.link = link_by_index(links, ifindex)};

	if (!go_down(links, upper.link, team_ifindex, 0, &upper))
		return false;
	*ret_upper = upper;
	return true;
}
