/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to somebody outside the team, each sent by one member with its own MAC (T12): to the
 * addresses that are configured, else to neighbours that the team knows. Never with an address of
 * the team, which would tell neighbours to send there.
 */
#pragma once

#include "daemon/team.h"

#define PROBE_ASK_NEIGHBOURS 2 /* of those that are known, at a time */

/*
 * Ask through @member, whose MAC is @from, by a packet socket. @round: counts up; other neighbours
 * are asked in each.
 */
void probe_ask(const struct team *team, const struct team_context *context, int packet_fd,
	       const struct link *member, const struct mac *from, unsigned int round);
