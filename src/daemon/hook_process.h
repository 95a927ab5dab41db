/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of a hook: the process, its output, its time. */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

struct hook_process;

/*
 * Run @directory/@name for @event, which it gets as JSON on standard input and by variables
 * IOVTEAM_…, with @socket and @dropped among them. What it prints is logged. @ended is called
 * when it is over, by itself or because its time was; then the caller frees it.
 */
int hook_process_start(sd_event *loop, const char *directory, const char *name, json_t *event,
		       const char *socket, unsigned int dropped, void (*ended)(void *data),
		       void *data, struct hook_process **ret_process);

/* Ends it if it still runs, with all that it has started. */
void hook_process_free(struct hook_process *process);
