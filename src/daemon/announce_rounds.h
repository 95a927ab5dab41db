/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When is announced (T10): at once, and then AnnounceCount times, AnnounceIntervalMs apart.
 * Bonding does the latter for addresses of the team, of VLANs and of macvlan on it; here is the
 * rest, for which it does nothing.
 */
#pragma once

struct team;
struct team_context;
struct announce_rounds;

/* The team has a new primary: announce, and go on in rounds. Those of an earlier one end. */
void announce_primary(struct team *team, const struct team_context *context);

void announce_rounds_free(struct announce_rounds *rounds);
