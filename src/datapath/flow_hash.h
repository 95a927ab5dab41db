/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The hash that a frame is dealt by (T3), for the sending program.
 *
 *   transport-ports  the kernel's flow hash; what is not IP has the destination's MAC beside it
 *   ip-addresses     source and destination address of the outermost IP header; else the MAC
 *   mac-addresses    the destination's MAC and the VLAN. The source is the team's, and says
 *                    nothing.
 *
 * A bucket is ten bits of it, so each bit of an address must reach those: addresses of a network
 * are consecutive, and so are the MACs of one delivery of machines.
 */
#pragma once

#include "datapath/bpf.h"

#include <linux/ip.h>
#include <linux/ipv6.h>

#define HASH_GOLDEN 0x9e3779b1U /* 2^32 divided by the golden ratio */
#define VLAN_ID_MASK 0x0fff

/* What a frame carries: its EtherType and where that begins, both behind VLAN tags. */
struct payload {
	__be16 protocol;
	__u32 network;
};

static __always_inline bool is_tag(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/*
 * Behind tags that are in the frame; a tag beside it is already out of the way. A BPF function
 * returns one word: the EtherType below, where it begins above.
 */
static __noinline __u32 payload_behind_tags(struct __sk_buff *skb)
{
	__be16 protocol = (__be16)skb->protocol;
	__u32 network = ETH_HLEN;

	for (int tags = 0; tags < 2 && is_tag(protocol); tags++) {
		if (bpf_skb_load_bytes(skb, network + 2, &protocol, sizeof(protocol)))
			break;
		network += 4;
	}
	return network << 16 | protocol;
}

/* Most frames have no tag, and the frame need not be asked. */
static __always_inline struct payload payload_of(struct __sk_buff *skb)
{
	__be16 protocol = (__be16)skb->protocol;
	__u32 behind;

	if (!is_tag(protocol))
		return (struct payload){protocol, ETH_HLEN};
	behind = payload_behind_tags(skb);
	return (struct payload){(__be16)behind, behind >> 16};
}

/* One more word into a hash: multiplying carries bits up, shifting brings them down again. */
static __always_inline __u32 hash_word(__u32 hash, __u32 word)
{
	hash = (hash ^ word) * HASH_GOLDEN;
	return hash ^ hash >> 15;
}

/* The last step, MurmurHash3's: each bit changes each other with a chance of a half. */
static __always_inline __u32 hash_finish(__u32 hash)
{
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}

/*
 * T3, the last resort: the destination's MAC, each bit of which reaches the low bits that choose
 * a bucket. The source says nothing: it is the team's, and changes with the primary.
 */
static __always_inline __u32 mac_hash(const struct ethhdr *eth)
{
	const __u16 *words = (const __u16 *)eth->h_dest;
	__u32 hash = 0;

	for (int i = 0; i < ETH_ALEN / 2; i++)
		hash = (hash ^ words[i]) * HASH_GOLDEN;
	return hash ^ hash >> 16;
}

/* The outermost VLAN, beside the frame or in it; 0 = none. */
static __always_inline __u32 vlan_of(struct __sk_buff *skb)
{
	__be16 tag = 0;

	if (skb->vlan_present)
		return skb->vlan_tci & VLAN_ID_MASK;
	if (is_tag((__be16)skb->protocol))
		(void)bpf_skb_load_bytes(skb, ETH_HLEN, &tag, sizeof(tag));
	return bpf_ntohs(tag) & VLAN_ID_MASK;
}

/* The same neighbour in two VLANs is two: each has its order of frames by itself. */
static __always_inline __u32 hash_by_mac(struct __sk_buff *skb)
{
	__u32 vlan = vlan_of(skb);
	const struct ethhdr *eth = (void *)(long)skb->data;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return 0;
	return hash_finish(hash_word(mac_hash(eth), vlan));
}

/* Both addresses of an IP header that is whole, 0 if it is not. */
static __always_inline __u32 hash_by_address(struct __sk_buff *skb, __be16 protocol, __u32 network)
{
	__u32 words[8] = {}, hash = 0;
	long err;

	if (protocol == bpf_htons(ETH_P_IP))
		err = bpf_skb_load_bytes(skb, network + __builtin_offsetof(struct iphdr, saddr),
					 words, 2 * sizeof(words[0]));
	else
		err = bpf_skb_load_bytes(skb, network + __builtin_offsetof(struct ipv6hdr, saddr),
					 words, sizeof(words));
	if (err)
		return 0;
	for (int i = 0; i < 8; i++)
		hash = hash_word(hash, words[i]);
	return hash_finish(hash);
}

/*
 * The kernel's flow hash. A frame of a socket has the socket's already, if that has one, and need
 * not be asked for it; what a NIC has given to a forwarded frame may be of addresses alone.
 */
static __always_inline __u32 kernel_hash(struct __sk_buff *skb)
{
	__u32 hash = skb->sk ? skb->hash : 0;

	return hash ? hash : bpf_get_hash_recalc(skb);
}

/*
 * The kernel's flow hash is the same for all frames that it cannot look into. It does look into
 * some that are not IP (MPLS, PPPoE), so that what is not IP has both.
 */
static __always_inline __u32 hash_beyond_ip(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return 0;
	return mac_hash(eth) ^ kernel_hash(skb);
}

static __noinline __u32 hash_of_others(struct __sk_buff *skb, __be16 protocol, __u32 network)
{
	bool ip = protocol == bpf_htons(ETH_P_IP) || protocol == bpf_htons(ETH_P_IPV6);

	if (state.by == PICK_BY_PORTS)
		return ip ? kernel_hash(skb) : hash_beyond_ip(skb);
	if (state.by == PICK_BY_ADDRESSES && ip)
		return hash_by_address(skb, protocol, network);
	return hash_by_mac(skb);
}

/* What most teams send most is decided first. */
static __always_inline __u32 flow_hash(struct __sk_buff *skb, struct payload payload)
{
	if (state.by == PICK_BY_PORTS && payload.protocol == bpf_htons(ETH_P_IP))
		return kernel_hash(skb);
	return hash_of_others(skb, payload.protocol, payload.network);
}
