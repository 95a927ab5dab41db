/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bridges, their ports, VLANs and forwarding entries, and veth and tap ports, by rtnetlink. */
#pragma once

#include "base/problem.h"
#include "kernel/netlink.h"
#include "model/bridge.h"
#include "model/link.h"

#include <stdbool.h>

/* A VLAN-aware bridge without STP, default PVID 1, down. -EEXIST: the name is taken. */
int rtnl_bridge_create(struct netlink *netlink, const char *name, struct problem *problem);

/* Make @ifindex a port of @bridge, or with 0 of none. */
int rtnl_link_set_master(struct netlink *netlink, int ifindex, int master, struct problem *problem);

/*
 * Which VLAN the frames of a port belong to that carry no tag: @vlan alone, 1 = the usual one. All
 * other VLANs of the port are taken away, unless it is a @trunk, which has 1 to 4094.
 */
int rtnl_bridge_set_vlan(struct netlink *netlink, int port, uint16_t vlan, bool trunk,
			 struct problem *problem);

/* All ports of all bridges; the caller frees *ret_vlans. */
int rtnl_bridge_dump_vlans(struct netlink *netlink, struct bridge_vlan **ret_vlans,
			   size_t *ret_count);

/* Entries of one device (and bridge, where it is a port). The caller frees *ret_entries. */
int rtnl_fdb_dump(struct netlink *netlink, struct bridge_fdb **ret_entries, size_t *ret_count);
/* In the device's own filter (self). Adding what is there and deleting what is not are no errors. */
int rtnl_fdb_add_self(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem);
int rtnl_fdb_del_self(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem);

/*
 * A veth pair: @name here, and its peer as @peer with @mac in the namespace of @netns_fd. Both
 * down. Nothing is left on failure.
 */
int rtnl_veth_create(struct netlink *netlink, const char *name, const char *peer,
		     const struct mac *mac, int netns_fd, struct problem *problem);

/* Into another namespace, named and down there; @mac NULL: its own. */
int rtnl_link_move(struct netlink *netlink, int ifindex, int netns_fd, const char *name,
		   struct problem *problem);

/* A persistent tap with vnet headers and up to @queues queues, down. Not netlink: /dev/net/tun. */
int tap_create(const char *name, unsigned int queues, struct problem *problem);
