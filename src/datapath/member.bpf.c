// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * At each member: what the team receives through it (T9), and the source that it sends (T7).
 *
 * Receiving. The bond delivers frames of all its slaves (all_slaves_active), each as its own
 * driver has judged it: unicast to a member's MAC is for this host on whichever member it
 * arrives. So a frame that a peer still sends to the former primary is received, without a
 * moment of loss while the primary changes. What would arrive twice is taken from the primary
 * only: broadcast, multicast, and unicast to somebody else, which a bridge on the team may want.
 *
 * One instance is loaded for each member, which knows its slot as a constant.
 */
#include "datapath/bpf.h"

#define PACKET_HOST 0 /* linux/if_packet.h: unicast to the device's own MAC */

char licence[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 slot;

static __always_inline int drop(enum drop_cause cause)
{
	__sync_fetch_and_add(&drops.frames[slot & (PICK_SLOTS - 1)][cause], 1);
	return VERDICT_DROP;
}

/* 01:80:c2:00:00:0x never leaves its cable: LLDP and its like belong to the member (T19). */
static __always_inline bool is_link_local(const __u8 *mac)
{
	const __u16 *words = (const __u16 *)mac;

	return words[0] == bpf_htons(0x0180) && words[1] == bpf_htons(0xc200) &&
	       !(words[2] & bpf_htons(0xfff0));
}

/*
 * Our own unicast on a member that is not the primary: what sits on the team (a bridge, macvlan)
 * knows the team's MAC only, so the frame shall be addressed to it.
 */
static __always_inline int receive_own(struct __sk_buff *skb)
{
	if (slot != state.primary)
		(void)bpf_skb_store_bytes(skb, 0, state.team_mac, ETH_ALEN, 0);
	return VERDICT_NEXT;
}

/*
 * A broadcast that the team has just sent for a station on top of it. One that comes later is the
 * station's own, from outside: it has moved there, and is not the team's any more.
 */
static __always_inline bool is_reflection(const struct __sk_buff *skb, const struct ethhdr *eth)
{
	const struct station *known;
	struct station_key key;

	if (!(eth->h_dest[0] & 1))
		return false;
	station_of(skb, eth, &key);
	known = bpf_map_lookup_elem(&stations, &key);
	if (!known)
		return false;
	if ((__s64)(bpf_ktime_get_ns() - known->flooded_ns) < REFLECTION_NS)
		return true;
	(void)bpf_map_delete_elem(&stations, &key);
	return false;
}

static __always_inline int receive_other(const struct __sk_buff *skb, const struct ethhdr *eth)
{
	if (slot_of_mac(eth->h_source) != PICK_NOBODY || is_reflection(skb, eth))
		return drop(DROP_REFLECTED);
	if (slot == state.primary) {
		if (!(eth->h_dest[0] & 1) && slot_of_mac(eth->h_dest) != PICK_NOBODY)
			return drop(DROP_OTHER_MEMBER);
		return VERDICT_NEXT;
	}
	return is_link_local(eth->h_dest) ? VERDICT_NEXT : drop(DROP_NOT_PRIMARY);
}

SEC("tc")
int member_ingress(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;

	if (skb->pkt_type == PACKET_HOST)
		return receive_own(skb);
	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return VERDICT_NEXT;
	return receive_other(skb, eth);
}

/*
 * The queue that chose this member must not choose the member's own transmit queue, or one queue
 * would carry everything. And a frame with a team mate's source, chosen for that mate but sent
 * here, gets ours, so that no switch ever sees one MAC on two ports.
 */
SEC("tc")
int member_egress(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;
	const __u8 *own = state.member_macs[slot & (PICK_SLOTS - 1)];

	skb->queue_mapping = 0;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end || same_mac(eth->h_source, own))
		return VERDICT_NEXT;
	if (same_mac(eth->h_source, state.team_mac) || slot_of_mac(eth->h_source) != PICK_NOBODY)
		(void)bpf_skb_store_bytes(skb, ETH_ALEN, own, ETH_ALEN, 0);
	return VERDICT_NEXT;
}
