/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking over a bond that somebody else has made, and letting go of it (T21). */
#pragma once

#include "daemon/team.h"

/*
 * Note how the bond @ifindex is, and load the programs for it. Members and attributes follow, as
 * steps of their own; until then bonding goes on as it did.
 */
int adopt_bond(struct team *team, const struct team_context *context, int ifindex,
	       struct problem *problem);

/* Is the team's bond somebody else's, by what is noted of it? */
bool adopt_is_adopted(const struct team *team);

/*
 * Give the bond's attributes and its slaves' back, and unload the programs; bond and slaves go on
 * without a break. Never stops half way.
 */
void adopt_release(struct team *team, const struct team_context *context);
