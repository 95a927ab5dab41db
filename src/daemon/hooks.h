/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripts that are run on events (T20): the executable files of a directory, in the order of
 * their names, one at a time, each event after the one before it. The loop never waits for one.
 * Events that come faster than the scripts end are kept up to a bound; then the oldest go.
 */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

struct hooks;

/*
 * Run what is in "hooks.d" of the directory @config. Scripts find the daemon at @socket. The
 * caller has SIGCHLD blocked. The directory need not exist; it is read anew for each event.
 */
int hooks_open(sd_event *loop, const char *config, const char *socket, struct hooks **ret_hooks);

/* Ends the one that runs; the others are not run. */
void hooks_close(struct hooks *hooks);

/* Let the scripts know of @event, an object. It is not changed any more. */
void hooks_add(struct hooks *hooks, json_t *event);
