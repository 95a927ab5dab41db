/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes by rtnetlink. */
#pragma once

#include "kernel/netlink.h"
#include "model/route.h"

/*
 * RTM_NEWROUTE or RTM_DELROUTE. -ENOMSG: another type; -EAFNOSUPPORT: neither IPv4 nor IPv6;
 * -EBADMSG: malformed.
 */
int rtnl_route_decode(const struct nlmsghdr *message, struct route *ret_route);

/*
 * The device through which packets to @address leave (4 or 16 bytes in network order), as the
 * kernel's routing decides now. -ENETUNREACH and the like.
 */
int rtnl_route_device(struct netlink *netlink, uint8_t family, const void *address,
		      int *ret_ifindex);
