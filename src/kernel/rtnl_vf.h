/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions as their PF has them (IFLA_VFINFO_LIST). Each setting is one request of its
 * own: drivers refuse some of them, and a request with several is then half done (H6).
 */
#pragma once

#include "base/problem.h"
#include "kernel/netlink.h"
#include "model/adapter.h"

/*
 * RTM_NEWLINK of a PF, asked for with its VFs, into @ret_table, which the caller frees. The table
 * is dense: vfs[i].index is i. A VF of which the driver tells nothing has zeros.
 *   -ENOMSG        another type of message
 *   -EAFNOSUPPORT  a report of a part of the device
 *   -EBADMSG       malformed, or more VFs than any NIC has
 *   -ENOMEM
 */
int rtnl_vf_decode(const struct nlmsghdr *message, struct vf_table *ret_table);

/*
 * Index, MAC, VLAN, flags and link state of each VF of the PF @ifindex; none where it is no PF.
 * -ENODEV; errors of netlink_query() and rtnl_vf_decode(). -EBADMSG also above 220 VFs on a kernel
 * that adds each VF's counters (before 6.2): the list has 64 KiB at most.
 */
int rtnl_vf_dump(struct netlink *netlink, int ifindex, struct vf_table *ret_table);

/*
 * The kernel's or the driver's error: -EOPNOTSUPP where the driver has no such setting (igb: link
 * state), -EINVAL where there is no such VF. While the PF is down, some drivers refuse all.
 */
int rtnl_vf_set_mac(struct netlink *netlink, int ifindex, uint32_t vf, const struct mac *mac,
		    struct problem *problem);
int rtnl_vf_set_vlan(struct netlink *netlink, int ifindex, uint32_t vf, uint16_t vlan,
		     struct problem *problem);
int rtnl_vf_set_spoofchk(struct netlink *netlink, int ifindex, uint32_t vf, bool on,
			 struct problem *problem);
int rtnl_vf_set_trust(struct netlink *netlink, int ifindex, uint32_t vf, bool on,
		      struct problem *problem);
int rtnl_vf_set_link_state(struct netlink *netlink, int ifindex, uint32_t vf,
			   enum vf_link_state state, struct problem *problem);
