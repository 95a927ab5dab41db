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
 * Learning. Where the team has one MAC (T8 `team`) the interface's MAC does not tell who the
 * primary is. But ARP and discovery leave on bonding's active slave by design, and with no queue
 * chosen: a slave on which such a frame leaves that is not the one of the last such frame has
 * become active, and bonding has exchanged the MACs of the two. So does this program.
 *
 * Hearing (T12). Probes of other members end here; frames from outside leave a time behind
 * (probe_receive.h).
 *
 * One instance is loaded for each member, which knows its slot as a constant.
 */
#include "datapath/probe_receive.h"

#define AF_PACKET 17
#define PACKET_HOST 0 /* linux/if_packet.h: unicast to the device's own MAC */

char licence[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 slot;

static __always_inline int drop(enum drop_cause cause)
{
	__sync_fetch_and_add(&drops.frames[slot & (PICK_SLOTS - 1)][cause], 1);
	return VERDICT_DROP;
}

/*
 * A member that was lost with the team's MAC returns with it, and has it until the daemon has given
 * it another one: what a switch floods to that MAC the primary receives as well.
 */
static __always_inline bool has_stale_mac(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;

	return state.one_mac && !pick_usable(&state, (__u8)slot) &&
	       (void *)(eth + 1) <= (void *)(long)skb->data_end &&
	       same_mac(eth->h_dest, state.team_mac);
}

/*
 * Our own unicast. On a member that is not the primary: what sits on the team (a bridge, macvlan)
 * knows the team's MAC only, so the frame shall be addressed to it.
 */
static __noinline int receive_own(struct __sk_buff *skb)
{
	if (probes.session && (may_be_probe(skb) ? receive_probe(skb, slot) : hear(skb, slot)))
		return VERDICT_DROP;
	if (slot == state.primary)
		return VERDICT_NEXT;
	if (has_stale_mac(skb))
		return drop(DROP_NOT_PRIMARY);
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

static __noinline int receive_other(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return VERDICT_NEXT;
	if (slot_of_mac(eth->h_source) != PICK_NOBODY || is_reflection(skb, eth))
		return drop(DROP_REFLECTED);
	if (probes.session)
		hear_outside(slot);
	if (slot == pick_primary(&state)) {
		if (!(eth->h_dest[0] & 1) && slot_of_mac(eth->h_dest) != PICK_NOBODY)
			return drop(DROP_OTHER_MEMBER);
		return VERDICT_NEXT;
	}
	/* LLDP and its like belong to the member (T19). */
	return is_link_local(eth->h_dest) ? VERDICT_NEXT : drop(DROP_NOT_PRIMARY);
}

SEC("tc")
int member_ingress(struct __sk_buff *skb)
{
	if (skb->pkt_type != PACKET_HOST)
		return receive_other(skb);
	/* Nearly all that a team receives: nobody listens, and nothing is to be done. */
	if (slot == state.primary && !probes.session)
		return VERDICT_NEXT;
	return receive_own(skb);
}

/* Whoever had the team's MAC has ours now, and we have the team's: as bonding has done it. */
static __always_inline void take_over(void)
{
	__u32 before = slot_of_mac(state.team_mac);
	__u8 *own = state.member_macs[slot & (PICK_SLOTS - 1)];

	state.primary = slot;
	if (before == slot)
		return;
	if (before != PICK_NOBODY)
		__builtin_memcpy(state.member_macs[before & (PICK_SLOTS - 1)], own, ETH_ALEN);
	__builtin_memcpy(own, state.team_mac, ETH_ALEN);
}

/*
 * A frame of the team's own leaves here: did bonding choose, by its active slave, and is that a
 * new one? One processor tells the others by exchanging the number, and acts alone.
 */
static __noinline void learn(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;
	struct bpf_sock *sk = skb->sk;
	__u32 before = state.active;

	if (before == slot + 1 || skb->queue_mapping)
		return;
	if ((void *)(eth + 1) > (void *)(long)skb->data_end || !is_source(eth, state.team_mac))
		return;
	if (sk && sk->family == AF_PACKET)
		return;
	/* A frame that was on its way while its member was lost is no news. */
	if (pick_mask(&state) && !pick_usable(&state, (__u8)slot))
		return;
	if (__sync_val_compare_and_swap(&state.active, before, slot + 1) == before && before)
		take_over();
}

/* Of our own, but not for this member: bonding has sent it here, or somebody directly. */
static __noinline int correct_source(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return VERDICT_NEXT;
	if (is_source(eth, state.team_mac) || slot_of_mac(eth->h_source) != PICK_NOBODY)
		(void)bpf_skb_store_bytes(skb, ETH_ALEN, state.member_macs[slot & (PICK_SLOTS - 1)],
					  ETH_ALEN, 0);
	return VERDICT_NEXT;
}

/*
 * The queue that chose this member must not choose the member's own transmit queue, or one queue
 * would carry everything. And a frame with a team mate's source, chosen for that mate but sent
 * here, gets ours, so that no switch ever sees one MAC on two ports.
 */
SEC("tc")
int member_egress(struct __sk_buff *skb)
{
	const struct ethhdr *eth;

	if (state.one_mac)
		learn(skb);
	skb->queue_mapping = 0;
	eth = (void *)(long)skb->data;
	if ((void *)(eth + 1) <= (void *)(long)skb->data_end &&
	    is_source(eth, state.member_macs[slot & (PICK_SLOTS - 1)]))
		return VERDICT_NEXT;
	return correct_source(skb);
}
