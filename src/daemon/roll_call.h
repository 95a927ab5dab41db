/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Have all processors run? Those of a virtual machine stand still now and then, each by itself, for
 * as long as a second where more is promised than the host has. What a NIC has delivered to such a
 * processor is not taken in meanwhile, and looks as if it had not come (core/probe.h).
 *
 * A thread goes from processor to processor: it comes to one when that runs, and by then the one has
 * taken in what was waiting for it.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

struct roll_call;

/* @answered is called from the loop whenever a roll call is over. -errno. */
int roll_call_open(sd_event *loop, void (*answered)(void *data), void *data,
		   struct roll_call **ret_call);
/* Waits for the one that is under way, as long as a processor is held. NULL is fine. */
void roll_call_close(struct roll_call *call);

/* Unless one is under way. */
void roll_call_start(struct roll_call *call, uint64_t now_ns);

/*
 * Since when all processors that the daemon may use have run. One that is kept busy by somebody of
 * higher priority does not let us in: it is waited for three seconds, then this is @now_ns.
 */
uint64_t roll_call_since(const struct roll_call *call, uint64_t now_ns);
