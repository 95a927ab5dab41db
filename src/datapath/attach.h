/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One program at one hook of one device: by a pinned tcx link where the kernel has them (6.6),
 * as a classifier of a clsact qdisc below. Both outlive the process.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>

struct attach_hook {
	int ifindex;
	bool ingress;
	const char *pin; /* path for the tcx link */
};

/*
 * Attach, or put the new program in the place of the one that is there (atomically).
 * -ENODEV: no such device; other errors are the kernel's.
 */
int attach_program(const struct attach_hook *hook, int program_fd, struct problem *problem);

/* Detach; it is no error if nothing is attached or the device is gone. */
void attach_remove(const struct attach_hook *hook);

/* Is a program of ours at the hook? Somebody may have detached it. */
bool attach_is_there(const struct attach_hook *hook);

/* Does the device have a clsact qdisc now? Asked before ours, so that it can be given back. */
bool attach_has_clsact(int ifindex);

/* Remove the clsact qdisc, if no classifier is left on it. */
void attach_drop_clsact(int ifindex);
