/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's bonding driver by rtnetlink. What a bond and its members are is read from the
 * devices themselves (rtnl_link.h); here they are changed.
 *
 * All return the kernel's error, and @problem has its sentence.
 */
#pragma once

#include "base/problem.h"
#include "kernel/netlink.h"
#include "model/link.h"

/*
 * A new bond, down and without members, with all of @settings but active_ifindex. @tx_queues
 * transmit queues are allocated for good; 0 = as many as the driver's parameter says (16).
 *   -EEXIST      there is a device of this name
 *   -EINVAL      @name is none; or see rtnl_bond_set() on delays
 *   -EOPNOTSUPP  this kernel has no bonding driver and could load none
 */
int rtnl_bond_create(struct netlink *netlink, const char *name, const struct link_bond *settings,
		     uint32_t tx_queues, struct problem *problem);

/*
 * The settings that can change while the bond is in use: all_slaves_active, num_peer_notif,
 * peer_notif_delay, resend_igmp, miimon, updelay, downdelay, use_carrier, primary,
 * primary_reselect. The others (mode, fail_over_mac, active_ifindex) are not looked at. -EINVAL
 * where a delay is no multiple of miimon: the kernel
 * would round it, so that the bond would never be as wanted.
 */
int rtnl_bond_set(struct netlink *netlink, int ifindex, const struct link_bond *settings,
		  struct problem *problem);

/* Make @ifindex a member. It must be down (-EPERM otherwise); the bond sets it up. */
int rtnl_bond_enslave(struct netlink *netlink, int ifindex, int bond_ifindex,
		      struct problem *problem);

/* Take @ifindex from its master, whichever that is. */
int rtnl_bond_release(struct netlink *netlink, int ifindex, struct problem *problem);

/* Which MAC bond and members have. The driver takes it only while the bond has no members. */
int rtnl_bond_set_fail_over_mac(struct netlink *netlink, int ifindex, uint8_t fail_over_mac,
				struct problem *problem);

/*
 * The number by which tc chooses this member (queue_mapping); 0 = none. At most the bond's
 * transmit queues and another one for each member; otherwise the driver's answer is -EPERM.
 */
int rtnl_bond_set_queue_id(struct netlink *netlink, int ifindex, uint16_t queue_id,
			   struct problem *problem);

/*
 * Make the member @ifindex the active one; 0 = let the driver choose. -EINVAL if it is not a
 * member or its link is down.
 */
int rtnl_bond_set_active(struct netlink *netlink, int bond_ifindex, int ifindex,
			 struct problem *problem);
