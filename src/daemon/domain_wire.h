/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process iovteam-libvirt that speaks with libvirt for one domain: it is started, started again
 * whenever it is gone, and ended when it says nothing for too long. One request at a time. Nothing
 * here waits.
 */
#pragma once

#include "daemon/domain_message.h"

#include <systemd/sd-event.h>

struct domain_wire;

struct domain_wire_calls {
	/* It says how the domain is. @answer: the request was carried out, or @text says why not. */
	void (*told)(void *data, bool answer, const char *text, const struct domain_view *view);
	/* The process, and a request that was under way, are gone. */
	void (*lost)(void *data, const char *why);
	/* The last call of the loop's turn: this one may close. */
	void (*turn)(void *data);
};

/* @program, @name, @calls and @data stay the caller's. @program NULL: there is none. */
int domain_wire_open(sd_event *loop, const char *program, const char *name,
		     const struct domain_wire_calls *calls, void *data,
		     struct domain_wire **ret_wire);
void domain_wire_close(struct domain_wire *wire);

/* Can a step be asked for now? */
bool domain_wire_free(const struct domain_wire *wire);
void domain_wire_ask(struct domain_wire *wire, const struct domain_step *step);
