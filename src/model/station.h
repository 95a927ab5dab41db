/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Stations: senders on top of the team that have a MAC of their own (VMs on a bridge, macvlan, a
 * virtual router). Switches must learn them anew behind the new primary, and what they broadcast
 * must not come back (T7, T9, T10).
 *
 * The sending program remembers them; the receiving program forgets one that is heard from
 * outside, because it has moved there; the daemon reads them at a failover.
 */
#pragma once

#include <linux/types.h>

#define STATIONS_MAX 4096
#define STATION_VLAN_MASK 0xfff

/* A switch learns a MAC in each VLAN apart. */
struct station_key {
	__u8 mac[6];
	__u16 vlan; /* 0 = untagged */
};

/* Nanoseconds of the monotonic clock. */
struct station {
	__u64 seen_ns;	  /* its last frame, to STATION_SEEN_NS */
	__u64 flooded_ns; /* its last broadcast or multicast, or one that the daemon sent for it */
};

/* How exact seen_ns is: a frame of a busy station must not cost a store each. */
#define STATION_SEEN_NS 1000000000ULL
