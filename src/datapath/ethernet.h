/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What each BPF program at a device begins with: verdicts, and MACs of a frame. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* "Go on with the next program": TCX_NEXT for tcx, TC_ACT_UNSPEC for a classifier. */
#define VERDICT_NEXT (-1)
#define VERDICT_DROP 2

/*
 * Three 16-bit words compare a MAC: Ethernet addresses are aligned to no more than that. The
 * result is a bool without branches on each word, so that the verifier walks one path.
 */
static __always_inline bool same_mac(const void *a, const void *b)
{
	const __u16 *x = a, *y = b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/*
 * Both MACs of a frame's header and those of our tables, as one word each: what the two have in
 * common is the six bytes of the MAC, the other two are shifted out. A load instead of three, and
 * no branch. Packets may be read so where the kernel does so itself, on amd64 and arm64.
 */
typedef __u64 __attribute__((may_alias)) mac_word;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MAC_DIFFERS(in_frame, in_table) (((in_frame) >> 16 ^ (in_table)) << 16)
#else
#define MAC_DIFFERS(in_frame, in_table) (((in_frame) << 16 ^ (in_table)) >> 16)
#endif

/* The last two bytes of the destination, and the source. */
static __always_inline __u64 source_word(const struct ethhdr *eth)
{
	return *(const mac_word *)(eth->h_dest + 4);
}

/* @table: six bytes and two of padding, aligned. */
static __always_inline bool is_source(const struct ethhdr *eth, const __u8 *table)
{
	return !MAC_DIFFERS(source_word(eth), *(const mac_word *)table);
}

typedef __u32 __attribute__((may_alias)) mac_first;
typedef __u16 __attribute__((may_alias)) mac_last;

static __always_inline void write_source(struct ethhdr *eth, const __u8 *table)
{
	__u8 *source =
		(__u8 *)eth + ETH_ALEN; /* not by name: a header's fields have no alignment */

	*(mac_first *)source = *(const mac_first *)table;
	*(mac_last *)(source + 4) = *(const mac_last *)(table + 4);
}

/* 01:80:c2:00:00:0x: never leaves its cable. STP, pause frames, LACP, LLDP. */
static __always_inline bool is_link_local(const __u8 *mac)
{
	const __u16 *words = (const __u16 *)mac;

	return words[0] == bpf_htons(0x0180) && words[1] == bpf_htons(0xc200) &&
	       !(words[2] & bpf_htons(0xfff0));
}
