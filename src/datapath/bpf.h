/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the BPF programs share: the team's maps as global data. */
#pragma once

#include "datapath/ethernet.h"

#define PICK_NOW() bpf_ktime_get_ns()

#include "model/drop.h"
#include "model/pick.h"
#include "model/probe.h"
#include "model/station.h"

struct pick_state state SEC(".data.state");
struct drop_counts drops SEC(".data.drops");
struct probe_state probes SEC(".data.probes");

/* Foreign sources (a bridge, macvlan, VRRP on the team) that the team sends for. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STATIONS_MAX);
	__type(key, struct station_key);
	__type(value, struct station);
} stations SEC(".maps");

/* How long after it was sent a broadcast can come back; a VM that has moved away is quiet so long. */
#define REFLECTION_NS 500000000LL

/* The tag is beside the frame on both ways: devices and the stack put it there. */
static __always_inline void station_of(const struct __sk_buff *skb, const struct ethhdr *eth,
				       struct station_key *key)
{
	__builtin_memcpy(key->mac, eth->h_source, ETH_ALEN);
	key->vlan = skb->vlan_present ? skb->vlan_tci & STATION_VLAN_MASK : 0;
}

/* The slot whose member has this MAC, or PICK_NOBODY. Free slots are zero, which is nobody's. */
static __always_inline __u32 slot_of_mac(const void *mac)
{
	const __u16 *words = mac;

	if (!(words[0] | words[1] | words[2]))
		return PICK_NOBODY;
	for (__u32 slot = 0; slot < PICK_SLOTS; slot++)
		if (same_mac(state.member_macs[slot], mac))
			return slot;
	return PICK_NOBODY;
}
