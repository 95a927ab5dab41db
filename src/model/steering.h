/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the daemon and the BPF programs share through maps: buckets, the team's state, verdicts.
 * model/pick.h has the logic on it, and says who writes what.
 */
#pragma once

#include <linux/types.h>

#define PICK_BUCKETS 1024 /* a power of two: the hash's low bits choose */
#define PICK_SLOTS 32	  /* members of a team, TEAM_MEMBERS_MAX */
#define PICK_NOBODY 0xff  /* no slot */

/*
 * Changes with the layout or meaning of any struct here. Maps of PICK_LAYOUT_OLDEST and later are
 * taken over by copying (datapath/carry.h): since then structs have only grown at their ends,
 * and zero in what is new means what was before. Others are not adopted.
 */
#define PICK_LAYOUT 4
#define PICK_LAYOUT_OLDEST 1

/* T3, enum distribution of model/team.h: what a bucket is computed from. */
enum pick_by {
	PICK_BY_PORTS,	   /* the kernel's flow hash */
	PICK_BY_ADDRESSES, /* both IP addresses */
	PICK_BY_MACS,	   /* the destination's MAC and the VLAN */
};

/* A bucket as the daemon deals it. */
struct pick_deal {
	__u8 home;     /* slot, or PICK_NOBODY */
	__u8 fallback; /* slot, or PICK_NOBODY */
};

/* A bucket as the program holds it. */
struct pick_hold {
	__u64 seen_ns; /* the last frame while away from home, 0 at home */
	__u8 holder;   /* slot + 1, 0 = not held yet: the home's */
	__u8 pad[7];
};

struct pick_state {
	__u32 layout;		     /* PICK_LAYOUT */
	__u32 ifindex;		     /* the team's interface */
	__u64 netns;		     /* cookie of its network namespace */
	__u32 usable;		     /* a bit per slot: the daemon wants it and it is well */
	__u32 primary;		     /* slot that receives broadcast and multicast (T7, T9) */
	__u64 idle_ns;		     /* T5 */
	__u64 dealt_ns;		     /* when homes were dealt last */
	__u64 return_by[PICK_SLOTS]; /* ns: then all buckets of this home are back; 0 = no hurry */
	__u8 team_mac[6];	     /* what the team's interface sends with */
	__u8 pad[2];
	__u8 member_macs[PICK_SLOTS][8]; /* by slot, 6 bytes and two of padding; zero = free */
	/* since layout 2 */
	__u32 by;      /* enum pick_by */
	__u32 one_mac; /* T8 `team`: the primary has the team's MAC, whoever it is */
	__u32 active;  /* slot + 1 of bonding's active slave as last seen, 0 = not yet (one_mac) */
	/* since layout 3 */
	__u32 lost; /* a bit per slot: its driver has reported that the carrier is gone (T17) */
	__u32 heir; /* slot + 1 of who is primary while the primary is lost so, 0 = nobody */
	__u32 return_ms; /* T5: what return_by is set by, 0 = no hurry */
};

/* Why a frame goes where it goes. */
enum pick_why {
	PICK_HOME,	/* the bucket's home */
	PICK_HELD,	/* away from home, until the flow pauses */
	PICK_FALLBACK,	/* home is lost */
	PICK_UNUSABLE,	/* neither home nor fallback is usable: bonding decides */
	PICK_MULTICAST, /* T7, for the primary: broadcast and multicast, … */
	PICK_FOREIGN,	/* … a source that is not the team's (bridge, macvlan, VRRP) */
	PICK_ARP,	/* T7, for bonding's active slave: ARP, … */
	PICK_DISCOVERY, /* … IPv6 neighbour and router discovery */
	PICK_WHY_COUNT,
};

/* Bits of verdict: what a question (BPF_PROG_TEST_RUN) reads back in cb[0]. */
#define PICK_VERDICT(why, slot) ((__u32)(why) << 16 | (__u32)(slot))
#define PICK_VERDICT_WHY(verdict) ((verdict) >> 16)
#define PICK_VERDICT_SLOT(verdict) ((verdict)&0xffff)
