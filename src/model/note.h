/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the daemon must know of a team after its own death: who sits in which slot, and how each
 * device was before it became a member (T1: it is given back like that; bonding itself restores MAC and MTU). Kept beside the other
 * maps; no program reads it.
 */
#pragma once

#include <linux/types.h>

struct note_member {
	char device[48];    /* as the configuration names the member, "" = free slot */
	__u32 ifindex;	    /* the device that the programs are attached to, 0 = none */
	__u8 up_before;	    /* the device was administratively up */
	__u8 clsact_before; /* it had a clsact qdisc of somebody else's */
	__u8 drained;	    /* T20: an administrator keeps traffic off it */
	__u8 path;	    /* T14: enum member_path, as last seen */
	__u32 failures;	    /* times that it was lost since the team was made */
};

/* T21: how a bond that somebody else has made was before it was adopted. */
struct note_bond {
	__u8 adopted; /* 0 = the bond is our own, and the rest of this means nothing */
	__u8 all_slaves_active;
	__u8 primary_reselect;
	__u8 pad;
	__u32 miimon;
};

struct note_team {
	struct note_member members[32];
	struct note_bond bond;
	__u8 second[32]; /* T13: 1 = the other path of the member of that name sits here */
};
