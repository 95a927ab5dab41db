/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling where the team's addresses are now (T10), by frames sent on the new primary itself.
 *
 * Bonding announces, too, but only once it has changed over, which takes a second where the lost
 * NIC does not answer; peers must know at once. And known neighbours are told by unicast, so
 * that one who misses the broadcast does not wait for its cache.
 */
#pragma once

#include "daemon/observe.h"

/*
 * Announce each address of the team's interface, and of VLANs on it, at @member's MAC: to all,
 * and to each known neighbour. Frames that cannot be sent are skipped. Returns how many were
 * sent.
 */
unsigned int announce_team(const struct observed *observed, int packet_fd, int team_ifindex,
			   const struct link *member);
