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

/* 01:80:c2:00:00:0x: never leaves its cable. STP, pause frames, LACP, LLDP. */
static __always_inline bool is_link_local(const __u8 *mac)
{
	const __u16 *words = (const __u16 *)mac;

	return words[0] == bpf_htons(0x0180) && words[1] == bpf_htons(0xc200) &&
	       !(words[2] & bpf_htons(0xfff0));
}
