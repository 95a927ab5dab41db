/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network devices as the kernel reports them (RTM_NEWLINK), reduced to what teams need.
 * Filled by kernel/link, read by core/; nothing here is wanted state.
 */
#pragma once

#include "base/mac.h"

#include <stdbool.h>
#include <stdint.h>

#define LINK_NAME_SIZE 16 /* IFNAMSIZ */
#define LINK_KIND_SIZE 16
#define LINK_DRIVER_SIZE 32
#define LINK_BUS_SIZE 40 /* "0000:3b:02.1" and the like */
#define LINK_ALIAS_SIZE 128

#define LINK_FAIL_OVER_MAC_ACTIVE 1 /* the bond has the active member's MAC */
#define LINK_FAIL_OVER_MAC_FOLLOW 2 /* the bond has one; the old and the new active one exchange */

/* The bonding attributes that iovteam uses (IFLA_INFO_DATA of kind "bond"). */
struct link_bond {
	uint8_t mode;		   /* BOND_MODE_* of the kernel, 1 = active-backup */
	uint8_t fail_over_mac;	   /* LINK_FAIL_OVER_MAC_* */
	uint8_t all_slaves_active; /* 1 = frames of backup members are delivered */
	uint8_t num_peer_notif;	   /* announcements after a failover */
	uint32_t peer_notif_delay; /* ms between them, a multiple of miimon */
	uint32_t resend_igmp;	   /* membership reports after a failover */
	uint32_t miimon;	   /* ms between the kernel's own carrier checks */
	uint32_t updelay;	   /* ms that bonding itself waits before it takes a return … */
	uint32_t downdelay;	   /* … and a loss for true; multiples of miimon */
	uint8_t use_carrier;	   /* 1 = it looks at carriers, 0 = it asks drivers by MII */
	uint32_t arp_interval;	   /* ms between its probes of addresses, 0 = none */
	int primary_ifindex;	   /* the slave that it prefers by itself, 0 = none */
	uint8_t primary_reselect;  /* when it goes back to that one; 2 = never */
	int active_ifindex;	   /* the active slave, 0 = none */
};

/* Attributes of a bond's member (IFLA_INFO_SLAVE_DATA of slave kind "bond"). */
struct link_bond_slave {
	uint16_t queue_id;  /* 0 = none */
	uint8_t mii_status; /* BOND_LINK_* of the kernel, 0 = up */
	struct mac mac;	    /* that it had when it joined */
};

/* Attributes of a bridge (IFLA_INFO_DATA of kind "bridge"). */
struct link_bridge {
	uint8_t vlan_filtering; /* 1 = it knows VLANs */
	uint32_t stp;		/* 0 = no spanning tree, 1 = the kernel's, 2 = a daemon's */
};

struct link_counters {
	uint64_t rx_packets, tx_packets;
	uint64_t rx_bytes, tx_bytes;
	uint64_t rx_dropped, tx_dropped;
};

struct link {
	int ifindex; /* in the daemon's network namespace */
	char name[LINK_NAME_SIZE];
	char kind[LINK_KIND_SIZE];	 /* IFLA_INFO_KIND, "" for a physical device */
	char slave_kind[LINK_KIND_SIZE]; /* "bond", "bridge", …: what its master is */
	char bus[LINK_BUS_SIZE];	 /* IFLA_PARENT_DEV_BUS_NAME: "pci", "virtio", "" */
	char bus_id[LINK_BUS_SIZE];	 /* IFLA_PARENT_DEV_NAME: "0000:00:04.0", "" */
	char driver[LINK_DRIVER_SIZE];	 /* of a PCI function: "igbvf", "" if unknown */
	char alias[LINK_ALIAS_SIZE];	 /* IFLA_IFALIAS, a longer one cut off; "" = none */
	uint32_t group;			 /* IFLA_GROUP, 0 = the usual one */
	uint16_t type;			 /* ARPHRD_*, 1 = Ethernet */
	uint32_t flags;			 /* IFF_* */
	int master;			 /* ifindex of the master, 0 = none */
	int lower;			 /* IFLA_LINK: ifindex of the device below, 0 = none */
	uint16_t vlan_id;		 /* IFLA_VLAN_ID of kind "vlan" */
	uint32_t mtu;
	uint32_t tx_queues; /* allocated transmit queues (IFLA_NUM_TX_QUEUES) */
	bool carrier;	    /* IFLA_CARRIER: the driver's word, whatever the flags say */
	struct mac mac;
	struct mac permanent_mac; /* zero where the driver has none */
	struct link_counters counters;
	struct link_bond bond;	      /* valid if kind is "bond" */
	struct link_bridge bridge;    /* valid if kind is "bridge" */
	struct link_bond_slave slave; /* valid if slave_kind is "bond" */
};

/* Programs that configure devices, too. */
enum device_manager {
	DEVICE_MANAGER_NONE,
	DEVICE_MANAGER_NETWORKD,
	DEVICE_MANAGER_NETWORKMANAGER,
};

/* An IP address of a device (RTM_NEWADDR). */
struct link_address {
	int ifindex;
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t prefix;
	uint8_t scope;	   /* RT_SCOPE_*: 253 = link */
	uint8_t protocol;  /* IFAPROT_*: 3 = a link-local address that the kernel has made */
	uint32_t flags;	   /* IFA_F_*: tentative, dadfailed, … */
	uint8_t bytes[16]; /* network order; the first 4 for AF_INET */
};

/* A neighbour that the kernel knows (RTM_NEWNEIGH). */
struct link_neighbour {
	int ifindex;
	uint8_t family;
	uint16_t state;	       /* NUD_* */
	bool router;	       /* of IPv6 */
	uint64_t forgotten_ns; /* when the kernel said so, 0 = it knows it; daemon/observe */
	uint8_t bytes[16];
	struct mac mac;
};

/* All devices of the namespace, sorted by ifindex. */
struct link_table {
	struct link *links;
	size_t count, room;
};

/* NULL if there is none. Pointers live until the next change of the table. */
struct link *link_by_index(const struct link_table *table, int ifindex);
struct link *link_by_name(const struct link_table *table, const char *name);

/* Insert or replace by ifindex. -ENOMEM. */
int link_table_put(struct link_table *table, const struct link *link);
void link_table_drop(struct link_table *table, int ifindex);
void link_table_done(struct link_table *table);
