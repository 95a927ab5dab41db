/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses of devices by rtnetlink. */
#pragma once

#include "kernel/netlink.h"
#include "model/link.h"

#include <stddef.h>

/*
 * RTM_NEWADDR or RTM_DELADDR. Of an address with a peer, our end.
 * -ENOMSG: another type; -EAFNOSUPPORT: neither IPv4 nor IPv6; -EBADMSG: malformed.
 */
int rtnl_address_decode(const struct nlmsghdr *message, struct link_address *ret_address);

/*
 * All addresses of IPv4 and IPv6 in the kernel's order. The caller frees @ret_addresses
 * (NULL when there are none). Errors of netlink_dump(), -EBADMSG, -ENOMEM.
 */
int rtnl_address_dump(struct netlink *netlink, struct link_address **ret_addresses,
		      size_t *ret_count);
