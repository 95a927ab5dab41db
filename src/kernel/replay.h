/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded addresses, routes and neighbours (kernel/record), made again or taken away: on the
 * device that they were recorded of, or on another one.
 *
 * Attributes are sent as they came, so nothing is lost that this program does not know. What
 * names the device is replaced (its index, also in the legs of a multipath route, and the label
 * of an IPv4 address); what the kernel has only reported is left out.
 */
#pragma once

#include "kernel/record.h"

#include <stdbool.h>

struct replay {
	int from, to;			 /* ifindexes: of the record, and where it shall be */
	const char *from_name, *to_name; /* the same devices' names, for labels */
	uint32_t elapsed_s;		 /* since it was recorded; lifetimes have run on */
	uint32_t advertised_max_s;	 /* routes of a router's advertisement live no longer */
};

/*
 * Make it. One that is there already is fine, and so is one whose lifetime is over: 0. An IPv6
 * address that was in use needs no duplicate address detection again, and is usable at once.
 */
int replay_add(struct netlink *netlink, const struct nlmsghdr *record, const struct replay *replay,
	       struct problem *problem);

/* Take it away. One that is not there is fine. */
int replay_delete(struct netlink *netlink, const struct nlmsghdr *record,
		  const struct replay *replay, struct problem *problem);

/* Is @record, put onto the device replay->to, the same as @other, which was recorded there? */
bool replay_same(const struct nlmsghdr *record, const struct replay *replay,
		 const struct nlmsghdr *other);
