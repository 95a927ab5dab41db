/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices sit on top of a team, and how their frames look on the wire (T10). Pure. */
#pragma once

#include "model/link.h"

#define UPPER_TAGS_MAX 2

struct upper {
	const struct link *link;
	uint16_t tags[UPPER_TAGS_MAX]; /* VLAN tags, the innermost first */
	unsigned int tag_count;
	bool bridged; /* a bridge is between it and the team, or it is one */
};

/*
 * The device @ifindex if it is the team, or sits on it through VLANs, macvlan and bridges, on
 * whatever of them. False: it does not, or in a way that is not known.
 */
bool upper_find(const struct link_table *links, int ifindex, int team_ifindex,
		struct upper *ret_upper);
