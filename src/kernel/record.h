/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the kernel kept whole: what an address or a route is, with every attribute, also
 * those that this program knows nothing of. kernel/replay sends them again.
 */
#pragma once

#include "kernel/netlink.h"

struct record_list {
	struct nlmsghdr **records; /* each malloc'd */
	size_t count, room;
};

/* Append a copy of @message. -ENOMEM; -EBADMSG: shorter than it says of itself. */
int record_list_add(struct record_list *list, const struct nlmsghdr *message);

void record_list_clear(struct record_list *list);
void record_list_done(struct record_list *list);

/*
 * All messages of one device that a dump of @type (RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH) and
 * @family gives, in the kernel's order. Errors of netlink_dump(); -ENOMEM.
 */
int record_dump(struct netlink *netlink, uint16_t type, uint8_t family, int ifindex,
		struct record_list *ret_list);
