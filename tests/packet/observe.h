/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pair of programs around the program under test at one hook: see observer.bpf.c. */
#pragma once

#include "observer.h"

#include <stdbool.h>

struct observer_bpf;

struct observer {
	struct observer_bpf *programs;
	int before, after; /* links, -1 = none */
};

/* Behind all programs at the hook; with @marked another one before them all, which sets a queue. */
void observer_attach(struct observer *observer, int ifindex, bool ingress, bool marked);
void observer_detach(struct observer *observer);

/* The frame number @number, counted from 1; waits for it. No more may have come. */
const volatile struct observed *observer_frame(const struct observer *observer, unsigned number);
unsigned observer_frames(const struct observer *observer);
