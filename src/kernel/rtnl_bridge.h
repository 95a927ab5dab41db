/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bridges, their ports, VLANs and forwarding entries, and veth and tap ports, by rtnetlink. */
#pragma once

#include "base/problem.h"
#include "kernel/netlink.h"
#include "model/bridge.h"

#include <stdbool.h>

/*
 * A bridge without STP, down, in @group (0 = the usual one); with @vlans it knows VLANs, default PVID
 * 1. -EEXIST: the name is taken; -EOPNOTSUPP: the kernel has no such bridges. The kernel takes no
 * alias when a device is made, but a group.
 */
int rtnl_bridge_create(struct netlink *netlink, const char *name, bool vlans, uint32_t group,
		       struct problem *problem);

/*
 * Which VLAN the frames of a port belong to that carry no tag: @vlan, 1 = the usual one; and those
 * that pass with a tag, @tagged (NULL: none). All other VLANs of the port are taken away. At no
 * moment has the port no VLAN for frames without a tag. Thousands of them on a NIC can take seconds.
 * -EOPNOTSUPP: it is no bridge's port; -EINVAL: no VLAN.
 */
int rtnl_bridge_set_vlans(struct netlink *netlink, int port, uint16_t vlan,
			  const struct vlan_set *tagged, struct problem *problem);

/*
 * RTM_NEWLINK of AF_BRIDGE. -ENOMSG: another type; -EAFNOSUPPORT: no bridge's report of a port;
 * -EBADMSG: malformed.
 */
int rtnl_bridge_decode_vlan(const struct nlmsghdr *message, struct bridge_vlan *ret_vlan);

/* All ports of all bridges, and the bridges themselves. The caller frees *ret_vlans. */
int rtnl_bridge_dump_vlans(struct netlink *netlink, struct bridge_vlan **ret_vlans,
			   size_t *ret_count);

/*
 * RTM_NEWNEIGH of AF_BRIDGE. -ENOMSG: another type; -EAFNOSUPPORT: another family, or no MAC;
 * -EBADMSG: malformed.
 */
int rtnl_fdb_decode(const struct nlmsghdr *message, struct bridge_fdb *ret_entry);

/*
 * Entries of one device (and of its bridge, at this port), 0 = of all. The ports' own addresses,
 * which a bridge has in each VLAN, are left out; another one that it has in several VLANs comes
 * several times. The caller frees *ret_entries.
 */
int rtnl_fdb_dump(struct netlink *netlink, int ifindex, struct bridge_fdb **ret_entries,
		  size_t *ret_count);

/*
 * In the device's own filter (self). Adding what is there and deleting what is not are no errors.
 * -ENOMEM, -ENOSPC: the NIC's filter is full.
 */
int rtnl_fdb_add_self(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem);
int rtnl_fdb_del_self(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem);

/*
 * An entry of the bridge that @port is in, which stays at that port: the bridge learns the MAC nowhere
 * else. @vlan is one that the port is in, 0 = the bridge knows none. Adding what is there and deleting
 * what is not are no errors. -EINVAL: the port is not in that VLAN.
 */
int rtnl_fdb_add_port(struct netlink *netlink, int port, const struct mac *mac, uint16_t vlan,
		      struct problem *problem);
int rtnl_fdb_del_port(struct netlink *netlink, int port, const struct mac *mac, uint16_t vlan,
		      struct problem *problem);

/* The ends of a veth pair. */
struct veth_ends {
	const char *name; /* here */
	uint32_t group;	  /* here, 0 = the usual one */
	const char *peer; /* there */
	struct mac mac;	  /* there */
	int netns_fd;	  /* where "there" is */
	uint32_t mtu;	  /* of both, 0 = the usual one */
};

/* Both down. Nothing is left on failure. -EEXIST: one of the names is taken. */
int rtnl_veth_create(struct netlink *netlink, const struct veth_ends *ends,
		     struct problem *problem);

/*
 * A tap with vnet headers, down, which goes when @ret_fd is closed unless it was told to stay. QEMU
 * opens one that is @multi_queue if it is given several queues, and only then (-EINVAL otherwise,
 * there). -EEXIST: the name is taken.
 */
int tap_create(const char *name, bool multi_queue, int *ret_fd, struct problem *problem);
int tap_stay(int fd, struct problem *problem);
