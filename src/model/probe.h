/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Path probes (T12): the frame, and what the daemon and the receiving program share of it.
 *
 * A probe goes from one member of a team to another, through the physical network. Both ends are the
 * same team, so what a probe may be is known exactly: the daemon puts a random token and the time
 * into the map before it sends, and the program takes a frame only if it is that one, and only once
 * at each receiver. docs/probing.md says against what this helps.
 *
 * Who writes what: the daemon session, answers_wanted, sent and memory; the program pairs and ears.
 */
#pragma once

#include "model/steering.h"

/* IEEE 802, "local experimental 1": nobody owns it, so each frame begins with our magic, too. */
#define PROBE_ETHERTYPE 0x88b5
#define PROBE_MAGIC 0x696f7650U /* "iovP" */
#define PROBE_VERSION 1
#define PROBE_WINDOW 128 /* probes of one sender that can be on their way; a power of two */

/* Behind the Ethernet header; numbers are big-endian, session and token have no order. */
struct probe_frame {
	__be32 magic;
	__u8 version;
	__u8 sender, receiver; /* slots */
	__u8 reserved;	       /* zero */
	__be32 sequence;       /* of the sender, one for all receivers, from 1 */
	__u64 session;	       /* random, for as long as the daemon runs */
	__u64 token;	       /* random, of this probe */
} __attribute__((packed));

/* A probe that was sent. */
struct probe_sent {
	__u64 token;
	__u64 at_ns;
	__u32 sequence; /* 0 = none */
	__u32 reserved;
};

/* What one member has heard of another one. */
struct probe_pair {
	__u64 frames;	/* ever, over restarts of the daemon: is there a way between them? */
	__u64 seen;	/* bit n: number newest - n has come */
	__u64 delay_ns; /* the longest on its way since the daemon has set it to zero */
	__u32 newest;	/* the highest sequence, 0 = none of this session */
	__u32 reserved;
};

/* What one member hears besides. */
struct probe_ear {
	__u64 outside_ns;  /* the last frame of somebody who is not in the team */
	__u64 answered_ns; /* the last answer to a question that was asked with the member's MAC */
	__u64 answers;
	__u64 refused; /* of our EtherType, but forged, replayed, stale or garbage */
};

/* The daemon's memory of what it decided. */
struct probe_memory {
	__u32 silent; /* a bit per slot */
	__u32 reserved;
};

struct probe_state {
	__u64 session;
	__u32 answers_wanted; /* look for answers */
	__u32 reserved;
	struct probe_memory memory;
	struct probe_ear ears[PICK_SLOTS];
	struct probe_pair pairs[PICK_SLOTS][PICK_SLOTS]; /* [receiver][sender] */
	struct probe_sent sent[PICK_SLOTS][PROBE_WINDOW];
};

/*
 * The address from which a member asks for IPv6 neighbours: link-local, of its MAC, but not the one
 * that hosts derive from a MAC (RFC 4291, EUI-64), which may be the team's. Universal bit 0: local.
 */
static inline void probe_link_local(const __u8 *mac, __u8 *ret_address)
{
	static const __u8 prefix[8] = {0xfe, 0x80};

	__builtin_memcpy(ret_address, prefix, sizeof(prefix));
	ret_address[8] = mac[0] & (__u8)~2;
	ret_address[9] = mac[1];
	ret_address[10] = mac[2];
	ret_address[11] = PROBE_ETHERTYPE >> 8;
	ret_address[12] = PROBE_ETHERTYPE & 0xff;
	ret_address[13] = mac[3];
	ret_address[14] = mac[4];
	ret_address[15] = mac[5];
}
