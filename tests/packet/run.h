/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of a loaded program on one frame (BPF_PROG_TEST_RUN). */
#pragma once

#include "frame.h"

#define RUN_NEXT (-1) /* go on with the next program */
#define RUN_DROP 2
#define RUN_LO 1 /* the loopback's ifindex, in every network namespace */

struct run {
	uint8_t in[FRAME_MAX], out[FRAME_MAX];
	size_t in_length, out_length;
	int ifindex;	/* the device; its MAC decides whether the frame is for this host */
	uint32_t cb[2]; /* given to the program, and what it has left there */
	int verdict;
};

/* Run program @fd on @frame (frame.h) at device @ifindex with hash @hash (0: the kernel's own). */
void run_text(int fd, const char *frame, uint8_t vary, int ifindex, uint32_t hash,
	      struct run *ret_run);

/* Run it on what stands in run->in and run->cb. */
void run_again(int fd, struct run *run);

/* The clock that the programs read: nanoseconds. */
uint64_t monotonic(void);
