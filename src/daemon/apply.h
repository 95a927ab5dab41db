/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out the plan's steps, one kernel request after the other. */
#pragma once

#include "daemon/team.h"

/*
 * Do one step. A step that fails takes back what it had done itself; what earlier steps did
 * stays for the caller to take back, by planning anew.
 */
int apply_action(struct team *team, const struct team_context *context, const struct action *action,
		 struct problem *problem);

/*
 * Give all members back, delete the bond, unload the programs. A member or the bond that the
 * kernel does not let go is an error: what is left is a team still.
 */
int apply_removal(struct team *team, const struct team_context *context, struct problem *problem);
