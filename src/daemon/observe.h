/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel has: devices, addresses, and the neighbours of teams, kept in step by
 * netlink's events. Lost events, a restart and somebody else's change are one case: observe
 * again.
 */
#pragma once

#include "kernel/netlink.h"
#include "model/link.h"

#include <stdbool.h>

/*
 * Neighbours are remembered beyond the kernel's own table, which is flushed at the very moment
 * that they must be told (T10). The oldest are forgotten first.
 */
#define OBSERVE_NEIGHBOURS 1024

struct observed {
	struct netlink *requests;
	struct netlink *events;
	struct link_table links;
	struct link_address *addresses;
	size_t address_count;
	struct link_neighbour neighbours[OBSERVE_NEIGHBOURS]; /* a ring */
	size_t neighbour_count; /* ever put in, not bounded by the ring */
	bool stale;		/* the last reading failed: the next one observes everything */
};

/* What observe_read() has seen. */
struct observe_changes {
	bool links;
	bool addresses;
	bool devices; /* some came, went, or have another name */
};

int observe_open(struct observed *observed);
void observe_close(struct observed *observed);

/* Everything anew. */
int observe_all(struct observed *observed);

/*
 * Take the events that wait. After an overrun, and after a call that failed, everything is
 * observed anew; a caller that gets an error calls again later.
 */
int observe_read(struct observed *observed, struct observe_changes *ret_changes);

/*
 * Take the events of our own requests, which are there when a request is answered. Not asking for
 * the device keeps what is observed in the kernel's order: an older event never follows a newer
 * state.
 */
int observe_own(struct observed *observed);

/*
 * As observe_own(), when whoever changes devices now has ended: bonding lets go of a member in
 * several steps, with a wait between them, and tells of each at once.
 */
int observe_settled(struct observed *observed, int ifindex);

/*
 * Ask for one device, after a change of which the kernel sends no event: of attributes of a bond or
 * of its member while that device is down. What waits in the event socket is older, and is taken
 * first; what comes into it meanwhile is put right by the next event or comparison.
 */
int observe_link(struct observed *observed, int ifindex);

/* The devices' counters as they are now; nothing else of what is observed changes. */
int observe_counters(struct observed *observed);
