/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling where the team's addresses are now (T10), by frames sent on the new primary itself.
 *
 * Bonding announces, too, but only once it has changed over, which takes a second where the lost
 * NIC does not answer; peers must know at once. And known neighbours are told by unicast, so
 * that one who misses the broadcast does not wait for its cache.
 *
 * What has a MAC of its own on top of the team (a VM on a bridge, macvlan, a virtual router) is
 * in the neighbours' caches rightly, but switches must learn that it is behind another port now:
 * each such station that was seen lately gets one broadcast in its name.
 */
#pragma once

#include "daemon/observe.h"
#include "datapath/datapath.h"

struct announcer {
	const struct observed *observed;
	struct datapath
		*datapath; /* NULL: no team, or one that is being made: no members, no stations */
	int packet_fd;
	int team_ifindex;
	const struct link *member; /* the new primary */
};

enum announce_part {
	ANNOUNCE_ALL,
	ANNOUNCE_REST, /* what bonding does not repeat: bridges' addresses, and stations */
};

/*
 * Announce each address of the team's interface, and of what sits on it: to all, and to each
 * known neighbour; then the stations. Frames that cannot be sent are skipped. Returns how many
 * were sent.
 */
unsigned int announce_team(const struct announcer *announcer, enum announce_part part);
