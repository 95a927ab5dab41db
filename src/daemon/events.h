/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling what has changed (T20): to those who monitor, and to the scripts of the hook directory.
 *
 * After whatever the loop has done, the teams are compared with how they were told last. So
 * nothing of this stands in the fast path, and nobody who changes a state has to tell.
 */
#pragma once

#include "daemon/varlink.h"

struct manager;
struct events;

/*
 * All that it takes. Scripts are in "hooks.d" of the directory @config; they find the daemon at
 * @socket. Tells nothing before events_begin(), so that what can fail fails before a team is made.
 */
int events_open(struct manager *manager, struct varlink_server *server, const char *config,
		const char *socket, struct events **ret_events);

/* Begin to tell: first of all, what there is. */
void events_begin(struct events *events);
void events_close(struct events *events);

/*
 * The first message to one who monitors: the teams as they are, all or the one called @team. The
 * next event has the next number, so that nothing is missed between. NULL: no memory.
 */
json_t *events_snapshot(struct events *events, const char *team);

/* May one more monitor? */
bool events_have_room(const struct events *events);
