// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/neighbours.h"

#include "core/upper.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "kernel/rtnl_neighbour.h"

#include <linux/neighbour.h>

/* What was forgotten at about the time of the change was forgotten because of it. */
#define ABOUT_NS (1000 * NS_PER_MS)

static void see_mac(struct neighbours *neighbours, const struct link *team, uint64_t now_ns)
{
	if (mac_equal(&neighbours->mac, &team->mac) &&
	    neighbours->active_ifindex == team->bond.active_ifindex)
		return;
	neighbours->changed_ns = mac_is_zero(&neighbours->mac) ? 0 : now_ns;
	neighbours->mac = team->mac;
	neighbours->active_ifindex = team->bond.active_ifindex;
}

static void put_back(const struct observed *observed, struct link_neighbour *neighbour)
{
	struct problem problem = {};

	if (!(neighbour->state & NUD_PERMANENT))
		neighbour->state = NUD_STALE;
	neighbour->forgotten_ns = 0;
	if (rtnl_neighbour_put(observed->requests, neighbour, &problem))
		log_debug("a neighbour is asked for anew: %s", problem.text);
}

void neighbours_follow(struct neighbours *neighbours, struct observed *observed,
		       const struct link *team)
{
	uint64_t now_ns = clock_now_ns();
	struct upper upper;

	see_mac(neighbours, team, now_ns);
	if (!neighbours->changed_ns || now_ns > neighbours->changed_ns + ABOUT_NS)
		return;
	for (size_t i = 0; i < OBSERVE_NEIGHBOURS; i++) {
		struct link_neighbour *neighbour = &observed->neighbours[i];

		if (neighbour->forgotten_ns &&
		    neighbour->forgotten_ns + ABOUT_NS > neighbours->changed_ns &&
		    upper_find(&observed->links, neighbour->ifindex, team->ifindex, &upper))
			put_back(observed, neighbour);
	}
}
