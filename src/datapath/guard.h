/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port filter of one adapter in the kernel (H6): a program at the ingress of the bridge's port,
 * pinned under PINS/NAME, so that it holds without the daemon. New rules are one store of the map's
 * element: no frame passes unfiltered between, and none that both sets allow is lost.
 */
#pragma once

#include "base/problem.h"
#include "model/guard.h"

#include <stdbool.h>

struct guard;

/*
 * Load, or take over what is pinned under @pins/@name; the programs are then this build's. @rules
 * are in force before anything is attached.
 */
int guard_open(const char *pins, const char *name, const struct guard_rules *rules,
	       struct guard **ret_guard, struct problem *problem);
int guard_attach(struct guard *guard, int ifindex, struct problem *problem);
bool guard_attached(const struct guard *guard);
int guard_set_rules(struct guard *guard, const struct guard_rules *rules, struct problem *problem);
int guard_read_counts(const struct guard *guard, struct guard_counts *ret_counts);

/* Let go; the filter goes on. */
void guard_close(struct guard *guard);

/* Detach, unpin, close. */
void guard_remove(struct guard *guard);

/* Each name pinned under @pins, as datapath_each(). */
int guard_each(const char *pins, int (*found)(const char *name, void *data), void *data);
