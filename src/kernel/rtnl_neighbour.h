/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's neighbour tables (ARP and neighbour discovery) by rtnetlink. */
#pragma once

#include "kernel/netlink.h"
#include "model/link.h"

#include <stddef.h>

/*
 * RTM_NEWNEIGH or RTM_DELNEIGH. The MAC is zero where it is not known (see the state).
 * -ENOMSG: another type; -EAFNOSUPPORT: neither IPv4 nor IPv6 (a bridge's forwarding entry);
 * -EBADMSG: malformed.
 */
int rtnl_neighbour_decode(const struct nlmsghdr *message, struct link_neighbour *ret_neighbour);

/*
 * All neighbours of IPv4 and IPv6 in the kernel's order. The caller frees @ret_neighbours
 * (NULL when there are none). Errors of netlink_dump(), -EBADMSG, -ENOMEM.
 */
int rtnl_neighbour_dump(struct netlink *netlink, struct link_neighbour **ret_neighbours,
			size_t *ret_count);

/* Make it known. What the kernel has learnt of it by itself stays; what waits for it is sent. */
int rtnl_neighbour_put(struct netlink *netlink, const struct link_neighbour *neighbour,
		       struct problem *problem);
