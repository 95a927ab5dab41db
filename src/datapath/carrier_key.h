/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* How the carrier program and the uplink program know a device. */
#pragma once

#include <linux/types.h>

#define CARRIER_MEMBERS_MAX 2048 /* 64 teams of 32 */
#define UPLINKS_MAX 64		 /* 32 switches, with room for NICs that change */

/* The number of a device is its namespace's own. No hole: maps compare whole keys. */
struct carrier_key {
	__u64 netns; /* cookie */
	__u32 ifindex;
	__u32 zero;
};
