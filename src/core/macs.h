/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which MAC each member of a team with one MAC shall have (T8 `team`).
 *
 * Theory of operation. The primary has the team's MAC. That MAC is a member's own to begin with;
 * when another one takes it over its former owner is left without, and gets what the other has
 * laid down. So all members together always have the MACs that they brought, each of them once,
 * and after any number of changes nobody but the two concerned has changed its MAC. Nothing need
 * be remembered for this: what is free is seen from what the others have.
 */
#pragma once

#include "model/link.h"
#include "model/steering.h"

/*
 * @links by slot, NULL = not there. @ret_macs by slot, valid where there is a link: the team's MAC
 * for @primary; for others what they have, or if that is the team's, their own if nobody has it,
 * else another member's own that nobody has. Where none is free they keep what they have.
 */
void macs_assign(const struct link *const *links, int primary, const struct mac *team_mac,
		 struct mac *ret_macs);
