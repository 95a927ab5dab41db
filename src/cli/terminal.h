/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live view: its own screen, keys without Enter, everything put back at the end whatever ends
 * it: q, Ctrl-C, Ctrl-Z, a signal or a lost line. One at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum terminal_event {
	TERMINAL_TICK,	 /* the time has come */
	TERMINAL_REDRAW, /* the screen has another size, or was others' for a while */
	TERMINAL_LEAVE,	 /* q, Ctrl-C or a signal that ends */
};

/* Take the signals, and the screen if @live. A descriptor that is readable when a signal waits. */
int terminal_enter(bool live);

/* Put all of it back. */
void terminal_leave(void);

/* Show @text of @size, whole lines, from the top; what does not fit is cut. */
void terminal_draw(const char *text, size_t size);

/* Wait until @tick_ms of the monotonic clock, or for something earlier. */
enum terminal_event terminal_wait(uint64_t tick_ms);
