/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A team that keeps its one MAC (T8 `team`).
 *
 * Theory of operation. The bond's fail_over_mac is "follow": when bonding changes its active slave
 * it exchanges the MACs of the old one and the new one, also with this daemon dead. With the daemon
 * alive that would be late (bonding waits for a lost NIC first), and nothing would be known of a
 * driver that refuses. So we give the new primary the team's MAC first; then announce; then let
 * bonding change over, which finds nothing left to exchange; and last, by a step of the plan, the
 * old primary gets the MAC that the new one has laid down (core/macs.h). In between it goes on
 * receiving what peers still send to it (T9), and sends with its future MAC already: no switch
 * ever sees the team's MAC from two members.
 */
#pragma once

#include "daemon/team.h"

/* Has the team, as it is in the kernel, one MAC? */
bool team_mac_is_one(const struct team *team, const struct link_table *links);

/* Tell the programs what each member sends with, by what is observed. */
void team_mac_store(const struct team *team, const struct link_table *links);

/*
 * Give the member in @slot the team's MAC, if it has not got it; 0 also where each member has its
 * own. A refusal is noted (mac-not-permitted) and has a sentence in @problem.
 */
int team_mac_take(struct team *team, const struct team_context *context, int slot,
		  struct problem *problem);

/*
 * Give the primary the team's MAC; where it may not have it the next best becomes primary (T15).
 * Returns whether peers must be told.
 */
bool team_mac_follow(struct team *team, const struct team_context *context);

/* A member that is not the primary and has the team's MAC gets another one. */
void team_mac_mend(const struct team *team, const struct team_context *context, int slot);

/*
 * A device that is about to join, and is down: would it be given the team's MAC? It is asked by
 * trying. -errno only if its own MAC could not be set again.
 */
int team_mac_try(struct team *team, const struct team_context *context, int slot, int ifindex,
		 struct problem *problem);
