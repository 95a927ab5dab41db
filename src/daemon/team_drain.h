/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping traffic off a member, with nothing lost (T20). A drained member is at home with nobody, so
 * its flows leave as they pause; then, or at a bound, it is retired: the datapath uses it no more.
 */
#pragma once

#include "daemon/team.h"

/*
 * Keep traffic off the member in @slot, until it is restored. Its flows leave as they pause, at the
 * latest after the team's return bound (10 s if that is 0); the primary hands over first.
 * -EBUSY: nobody else could carry them.
 */
int team_drain(struct team *team, const struct team_context *context, int slot,
	       struct problem *problem);
void team_restore(struct team *team, const struct team_context *context, int slot);

/* The bound runs from now on. */
void team_drain_begin(struct team *team, int slot);

/* Retire whom no flow needs any more. */
void team_drain_end(struct team *team, uint64_t now_ns);
