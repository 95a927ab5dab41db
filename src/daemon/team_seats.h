/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who sits in a team, and as what: the configuration's word, and what the devices are (T14). */
#pragma once

#include "daemon/team.h"

/* Give the team's members that have a slot their seats, in the configuration's order. */
void team_arrange(struct team *team, const struct link_table *links);

/*
 * What carries each member now; one that is away is what it was. Returns whether any is another
 * than before: a VF has come below a device that is a member already, or has gone from there. Where
 * speeds count, one that is known now and was not is such a change, too.
 */
bool team_look_at_paths(struct team *team, const struct link_table *links);

/* Of a bond and its members that are down the kernel does not tell who changes their attributes. */
void team_look_at_silent(const struct team *team, struct observed *observed);
