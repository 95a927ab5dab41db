/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network devices by rtnetlink. */
#pragma once

#include "base/problem.h"
#include "kernel/netlink.h"
#include "model/link.h"

#include <stdbool.h>

/*
 * RTM_NEWLINK or RTM_DELLINK into @ret_link. @message must have nlmsg_len bytes.
 *   -ENOMSG        another type of message
 *   -EAFNOSUPPORT  a report of a part of the device (as a bridge port, for IPv6, for wireless
 *                  extensions): no device, and as RTM_DELLINK no removal of one. Pass over it.
 *   -EBADMSG       malformed
 */
int rtnl_link_decode(const struct nlmsghdr *message, struct link *ret_link);

/*
 * All devices. @ret_table is a table (zeroed at first), replaced on success only.
 * Errors of netlink_dump(), -EBADMSG, -ENOMEM.
 */
int rtnl_link_dump(struct netlink *netlink, struct link_table *ret_table);

/* One device. -ENODEV; errors of netlink_query(). */
int rtnl_link_get(struct netlink *netlink, int ifindex, struct link *ret_link);

/* Set IFF_UP or take it away. */
int rtnl_link_set_up(struct netlink *netlink, int ifindex, bool up, struct problem *problem);

int rtnl_link_set_mtu(struct netlink *netlink, int ifindex, uint32_t mtu, struct problem *problem);

/* Errors are the driver's; a VF's: its host does not let it (-EADDRNOTAVAIL …). */
int rtnl_link_set_mac(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem);

/* -EEXIST: another one has the name. -EBUSY: before Linux 6.2, the interface is up. */
int rtnl_link_set_name(struct netlink *netlink, int ifindex, const char *name,
		       struct problem *problem);

/* A text that goes with the device: shown by "ip link", kept for as long as the device is there. */
int rtnl_link_set_alias(struct netlink *netlink, int ifindex, const char *alias,
			struct problem *problem);

/* The alias of a device that was made in a group (rtnl_bridge.h), which it leaves by that. */
int rtnl_link_name_made(struct netlink *netlink, int ifindex, const char *alias,
			struct problem *problem);
/* Make it a port of the bridge, or a member of the bond, @master; 0 = of none. */
int rtnl_link_set_master(struct netlink *netlink, int ifindex, int master, struct problem *problem);

/*
 * Into another namespace, with another name, down there. -EEXIST: @name is another one's there,
 * and the device may be there nevertheless, with the name that it had.
 */
int rtnl_link_move(struct netlink *netlink, int ifindex, int netns_fd, const char *name,
		   struct problem *problem);

/* -EOPNOTSUPP for devices that are not software's. */
int rtnl_link_delete(struct netlink *netlink, int ifindex, struct problem *problem);
