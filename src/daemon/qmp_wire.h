/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to one QEMU's control socket: it is made again whenever it is gone, speaks QMP's
 * handshake, and carries one question at a time. Nothing here waits.
 *
 * QEMU may be in a guest's hand. It is read with bounds, and what it says that is not expected ends
 * the connection.
 */
#pragma once

#include "base/problem.h"

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

struct qmp_wire;

struct qmp_wire_calls {
	/* Questions can be asked. */
	void (*ready)(void *data);
	/* To the question: @value, or NULL and @error. Negative: not what was asked for. */
	int (*answer)(void *data, json_t *value, const json_t *error);
	void (*event)(void *data, const char *name);
	/* A question that was asked is forgotten. */
	void (*lost)(void *data, const struct problem *why);
	/* The last call of the loop's turn: this one may close. */
	void (*turn)(void *data);
};

/* @path, @calls and @data stay the caller's. -ENAMETOOLONG: no socket can have this path. */
int qmp_wire_open(sd_event *loop, const char *path, const struct qmp_wire_calls *calls, void *data,
		  struct qmp_wire **ret_wire);
void qmp_wire_close(struct qmp_wire *wire);

/* Can a question be asked now? */
bool qmp_wire_free(const struct qmp_wire *wire);

/* The rest of a command, from the value of "execute" to its last brace. */
void qmp_wire_ask(struct qmp_wire *wire, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Need these words no escape in JSON? */
bool qmp_wire_plain(const char *words);
