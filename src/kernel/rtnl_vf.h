/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual functions as their PF has them (IFLA_VFINFO_LIST). Each setting is one request of its
 * own: drivers refuse some of them, and a request with several is then half done (H6).
 */
#pragma once

#include "base/problem.h"
#include "kernel/netlink.h"
#include "model/adapter.h"

/* Index, MAC, VLAN, flags and link state of each VF of the PF @ifindex; the caller frees. */
int rtnl_vf_dump(struct netlink *netlink, int ifindex, struct vf_table *ret_table);

int rtnl_vf_set_mac(struct netlink *netlink, int ifindex, uint32_t vf, const struct mac *mac,
		    struct problem *problem);
int rtnl_vf_set_vlan(struct netlink *netlink, int ifindex, uint32_t vf, uint16_t vlan,
		     struct problem *problem);
int rtnl_vf_set_spoofchk(struct netlink *netlink, int ifindex, uint32_t vf, bool on,
			 struct problem *problem);
int rtnl_vf_set_trust(struct netlink *netlink, int ifindex, uint32_t vf, bool on,
		      struct problem *problem);
/* -EOPNOTSUPP: the driver cannot (igb). */
int rtnl_vf_set_link_state(struct netlink *netlink, int ifindex, uint32_t vf,
			   enum vf_link_state state, struct problem *problem);
