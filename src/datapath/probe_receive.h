/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a member hears (T12): probes of its team mates, answers to its own questions, and anybody
 * outside. Part of member.bpf.c.
 *
 * A probe is taken here, before bonding, a bridge on the team or user space sees it: whatever is on
 * top of the team changes nothing, and a flood of frames of this kind wakes nobody.
 */
#pragma once

#include "datapath/bpf.h"

#include <linux/in.h>
#include <linux/ipv6.h>

#define NEIGHBOUR_ADVERTISEMENT 136 /* RFC 4861 */
#define ARP_OPERATION 6		    /* of an ARP packet, where … */
#define ARP_REPLY 2
#define ARP_TARGET 24 /* … and the IPv4 address that it is told to */

static __always_inline struct probe_ear *own_ear(__u32 slot)
{
	return &probes.ears[slot & (PICK_SLOTS - 1)];
}

/* One store for each tick of the clock, however many frames. */
static __always_inline void hear_outside(__u32 slot)
{
	struct probe_ear *ear = own_ear(slot);
	__u64 now = bpf_ktime_get_coarse_ns();

	if (ear->outside_ns != now)
		ear->outside_ns = now;
}

/* Is this exactly the probe that the daemon has sent under that number? */
static __always_inline bool probe_is_genuine(const struct probe_frame *frame, __u32 slot)
{
	__u32 receiver = frame->receiver, sender = frame->sender,
	      sequence = bpf_ntohl(frame->sequence);
	const struct probe_sent *sent;

	if (frame->version != PROBE_VERSION || sender >= PICK_SLOTS || sender == slot ||
	    receiver >= PICK_SLOTS || !sequence)
		return false;
	/* What is for the member's other path comes by whichever the host chooses (T13). */
	if (receiver != slot &&
	    !same_mac(state.member_macs[receiver], state.member_macs[slot & (PICK_SLOTS - 1)]))
		return false;
	sent = &probes.sent[sender][sequence & (PROBE_WINDOW - 1)];
	return sent->sequence == sequence && sent->token && frame->session == probes.session &&
	       frame->token == sent->token;
}

/* Has this number not come before? Notes it. Frames of one sender come in one queue of the NIC. */
static __always_inline bool probe_is_first(struct probe_pair *pair, __u32 sequence)
{
	__u32 newer = sequence - pair->newest, older = pair->newest - sequence;

	if (sequence > pair->newest) {
		pair->seen = newer < 64 ? pair->seen << newer | 1 : 1;
		pair->newest = sequence;
		return true;
	}
	if (older >= 64 || pair->seen >> older & 1)
		return false;
	pair->seen |= 1ULL << older;
	return true;
}

static __always_inline bool probe_take(const struct probe_frame *frame, __u32 slot)
{
	__u32 sequence = bpf_ntohl(frame->sequence), sender = frame->sender;
	struct probe_pair *pair;
	__u64 delay;

	if (!probe_is_genuine(frame, slot))
		return false;
	pair = &probes.pairs[frame->receiver & (PICK_SLOTS - 1)][sender & (PICK_SLOTS - 1)];
	if (!probe_is_first(pair, sequence))
		return false;
	delay = bpf_ktime_get_ns() -
		probes.sent[sender & (PICK_SLOTS - 1)][sequence & (PROBE_WINDOW - 1)].at_ns;
	if (delay > pair->delay_ns)
		pair->delay_ns = delay;
	__sync_fetch_and_add(&pair->frames, 1);
	return true;
}

static __always_inline bool may_be_probe(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(PROBE_ETHERTYPE) && !skb->vlan_present;
}

/*
 * A frame of our EtherType to this member. Returns whether it ends here; what is not ours goes on,
 * since others may use that type, too.
 */
static __always_inline bool receive_probe(struct __sk_buff *skb, __u32 slot)
{
	struct probe_frame frame;
	bool whole = !bpf_skb_load_bytes(skb, ETH_HLEN, &frame, sizeof(frame)) &&
		     bpf_ntohl(frame.magic) == PROBE_MAGIC;

	if (!whole || !probe_take(&frame, slot))
		__sync_fetch_and_add(&own_ear(slot)->refused, 1);
	return whole;
}

static __always_inline void hear_answer(__u32 slot)
{
	struct probe_ear *ear = own_ear(slot);

	ear->answered_ns = bpf_ktime_get_ns();
	__sync_fetch_and_add(&ear->answers, 1);
}

/* A reply to who has said no address of his own: ours, or a check for a duplicate. */
static __always_inline bool is_arp_answer(struct __sk_buff *skb)
{
	__be16 operation = 0;
	__be32 target = 1;

	return !bpf_skb_load_bytes(skb, ETH_HLEN + ARP_OPERATION, &operation, sizeof(operation)) &&
	       operation == bpf_htons(ARP_REPLY) &&
	       !bpf_skb_load_bytes(skb, ETH_HLEN + ARP_TARGET, &target, sizeof(target)) && !target;
}

/* An advertisement to the address that the member asks from. */
static __always_inline bool is_advertisement(struct __sk_buff *skb, __u32 slot)
{
	__u64 asked_from[2], asked[2];
	__u8 type = 0;
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.nexthdr != IPPROTO_ICMPV6 ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), &type, sizeof(type)) ||
	    type != NEIGHBOUR_ADVERTISEMENT)
		return false;
	probe_link_local(state.member_macs[slot & (PICK_SLOTS - 1)], (__u8 *)asked_from);
	__builtin_memcpy(asked, &ip.daddr, sizeof(asked));
	return asked[0] == asked_from[0] && asked[1] == asked_from[1];
}

/* A frame to this member from outside. Returns whether it was for us alone. */
static __always_inline bool hear(struct __sk_buff *skb, __u32 slot)
{
	hear_outside(slot);
	if (!probes.answers_wanted)
		return false;
	if (skb->protocol == bpf_htons(ETH_P_ARP) && is_arp_answer(skb))
		hear_answer(slot);
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || !is_advertisement(skb, slot))
		return false;
	hear_answer(slot);
	return true;
}
