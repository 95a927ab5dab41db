/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The carrier program in the kernel (T17): loaded once for all teams, attached to the kernel's
 * carrier functions, its links pinned as PINS/carrier_off and PINS/carrier_on beside the teams, so
 * that it outlives the daemon. Its maps belong to the program alone. The next daemon fills new ones,
 * and exchanges the links when they are full: meanwhile both programs are there, and write the same.
 *
 * Where the kernel permits no tracing all of this does nothing, and says why.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

struct carrier;

/*
 * Nothing is loaded yet. What an earlier daemon has left is taken away at once if there is no team
 * under @pins any more. NULL: no memory.
 */
struct carrier *carrier_new(const char *pins);

/* Let go; what is attached goes on. */
void carrier_free(struct carrier *carrier);

/*
 * From carrier_attach() on, or at once if that has been, the program keeps the bit of @slot in the
 * team's state, the map @state_fd, in step with the device @ifindex of the namespace @netns
 * (cookie). Does nothing if that is so already.
 */
void carrier_watch(struct carrier *carrier, uint64_t netns, int ifindex, int state_fd,
		   unsigned slot);

/* No longer. When it returns no processor writes for that device any more. */
void carrier_forget(struct carrier *carrier, uint64_t netns, int ifindex);

/* The descriptor is about to be closed; what is attached goes on with the map. */
void carrier_let_go(struct carrier *carrier, int state_fd);

/*
 * Attach if anything is watched and it is not attached, also when somebody has taken it away; if
 * nothing is watched, carrier_tidy().
 * What the kernel has refused is not tried again, unless it was for want of memory. -EALREADY, and
 * no problem: that was so before. Other errors are told once.
 */
int carrier_attach(struct carrier *carrier, struct problem *problem);

/* If nothing is watched, take it out of the kernel. */
void carrier_tidy(struct carrier *carrier);

/* "attached", "idle" before there is a member, or "not permitted: why". */
const char *carrier_text(const struct carrier *carrier);
