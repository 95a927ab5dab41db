/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What selection-meter and dpdk_selection.c share: the frame that a member is chosen for, and how
 * the choice is timed: in the thread's own time, so that others of the machine count little. A run
 * takes some milliseconds; the cheapest and the median of many are printed.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SELECTION_REPEAT 100000 /* frames in a run */
#define SELECTION_RUNS 101
#define SELECTION_MEMBERS 2
#define SELECTION_PORT_AT 34 /* where the TCP source port is */

/* Ethernet, IPv4 from 192.0.2.1 to 192.0.2.2, TCP from port 49153 to 443: 54 bytes. */
static const uint8_t selection_frame[] = "\x02\x00\x00\x00\x00\xfe\x02\x00\x00\x00\x00\x0a\x08\x00"
					 "\x45\x00\x00\x28\x12\x34\x40\x00\x40\x06\x00\x00\xc0\x00"
					 "\x02\x01\xc0\x00\x02\x02"
					 "\xc0\x01\x01\xbb\x00\x00\x00\x01\x00\x00\x00\x00\x50\x10"
					 "\x20\x00\x00\x00\x00\x00";
#define SELECTION_FRAME_LENGTH (sizeof(selection_frame) - 1)

static inline double selection_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int selection_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Each call of @run does it for SELECTION_REPEAT frames; it returns 0 or -errno. */
static inline int selection_measure(const char *what, int (*run)(void *data), void *data)
{
	double ns[SELECTION_RUNS];

	for (int i = 0; i < SELECTION_RUNS; i++) {
		double begin = selection_now_ns();
		int err = run(data);

		if (err)
			return err;
		ns[i] = (selection_now_ns() - begin) / SELECTION_REPEAT;
	}
	qsort(ns, SELECTION_RUNS, sizeof(ns[0]), selection_compare);
	printf("{\"what\": \"%s\", \"ns_min\": %.2f, \"ns_p50\": %.2f}\n", what, ns[0],
	       ns[SELECTION_RUNS / 2]);
	return 0;
}
