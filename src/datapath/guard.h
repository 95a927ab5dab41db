/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port filter of one adapter in the kernel (H6): a program at the ingress of the bridge's port,
 * pinned under PINS/NAME, so that it holds without the daemon. The rules are constants of the
 * program; new ones are a new program in the old one's place. The kernel exchanges the two with one
 * store: no frame passes unfiltered between, and none that both allow is lost.
 *
 * PINS is a directory for port filters alone; NAME has no dot and no slash.
 */
#pragma once

#include "base/problem.h"
#include "model/guard.h"

#include <stdbool.h>
#include <stdint.h>

struct guard;

/*
 * Load with @rules, or take over what is pinned under @pins/@name: its counts go on. What is attached
 * there goes on with its own rules until guard_attach().
 * -EBUSY: it belongs to another network namespace than @netns.
 */
int guard_open(const char *pins, const char *name, uint64_t netns, const struct guard_rules *rules,
	       struct guard **ret_guard, struct problem *problem);

/*
 * Attach to the port, or put the program in the place of the one there. If it was attached to
 * another device, that one is given back first.
 */
int guard_attach(struct guard *guard, int ifindex, struct problem *problem);

/* Is it still where it was attached? Somebody may have detached it. */
bool guard_attached(const struct guard *guard);

/*
 * In force at once where it was attached, anew if somebody has detached it; else by guard_attach().
 * On failure the old ones stay in force.
 */
int guard_set_rules(struct guard *guard, const struct guard_rules *rules, struct problem *problem);

int guard_read_counts(const struct guard *guard, struct guard_counts *ret_counts);

/* Let go; the filter goes on. */
void guard_close(struct guard *guard);

/* Detach, unpin, close. */
void guard_remove(struct guard *guard);

/* Each name pinned under @pins, as datapath_each(). */
int guard_each(const char *pins, int (*found)(const char *name, void *data), void *data);
