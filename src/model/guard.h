/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the port filter (datapath/guard.bpf.c) knows of its adapter, and what it counts. It stands
 * where frames of the guest enter the host: at the ingress of the bridge's port.
 */
#pragma once

#include <linux/types.h>

#define GUARD_MACS 8 /* VM_ADAPTERS_MAX: an adapter and its team mates */

/* Constants of the loaded program: no other build ever reads them. */
struct guard_rules {
	__u32 any;		  /* mac-spoofing: each unicast source passes */
	__u32 count;		  /* of macs */
	__u8 macs[GUARD_MACS][8]; /* 6 bytes and two of zero; the first is the adapter's own */
};

/* Written by the program, on each CPU its own. Of another size than ours: they begin anew. */
struct guard_counts {
	__u64 passed;
	__u64 refused;	     /* the source is not permitted */
	__u64 passed_mate;   /* of passed: from a team mate's MAC (H5 a) */
	__u64 refused_group; /* to a group that ends at a switch: STP, LLDP, … */
};

/* The loader's memory, in a map that no program reads. */
struct guard_note {
	__u64 netns;	     /* cookie of the network namespace */
	__u32 ifindex;	     /* the device that it is attached to, 0 = none */
	__u32 clsact_before; /* that device had a clsact qdisc */
};
