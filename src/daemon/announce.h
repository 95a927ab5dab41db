/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling known neighbours by unicast where the team's addresses are now (T10). The broadcast
 * announcements are bonding's own; a neighbour that misses them need not wait for its cache.
 */
#pragma once

#include "daemon/observe.h"

/*
 * Tell each neighbour of the team's interface, and of VLANs on it, each address of its family.
 * @team_mac is the team's MAC now; what is observed may still be the one before. Frames that
 * cannot be sent are skipped. Returns how many were sent.
 */
unsigned int announce_team(const struct observed *observed, int packet_fd, int team_ifindex,
			   const struct mac *team_mac);
