/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sweep's driver and the library in the daemon share: one file, mapped by both. fault.py
 * has the same layout.
 */
#pragma once

#include <stdint.h>

#define FAULT_FILE_VARIABLE "IOVTEAM_FAULT_FILE"
#define FAULT_POINTS_MAX 65536
#define FAULT_STACK_MAX 32
#define FAULT_KILLS (-1) /* for an errno: the daemon dies there */

enum fault_kind {
	FAULT_NONE,
	FAULT_ALLOCATION,
	FAULT_KERNEL,
};

struct fault_control {
	uint32_t kind;	/* what is counted now; the driver's */
	int32_t error;	/* errno of what fails, or FAULT_KILLS; the driver's */
	uint32_t first; /* the points that fail, counted from 1; the driver's. 0: none, … */
	uint32_t last;
	uint32_t trace; /* … and the sites of all are written down; the driver's */
	uint32_t seen;	/* points so far */
	uint32_t failed;
	uint32_t depth; /* of the stack of the first that failed */
	int64_t live;	/* allocated blocks */
	char name[32];	/* which function the first was */
	char only[32];	/* the only function that counts, "" = all; the driver's */
	char stack[FAULT_STACK_MAX][128]; /* "object+0xoffset", innermost first */
	uint64_t sites[FAULT_POINTS_MAX]; /* a hash of each point's call stack */
};
