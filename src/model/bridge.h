/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of bridges' ports, and of the filters of NICs. */
#pragma once

#include "base/mac.h"

/* The port's untagged VLAN (0 = none), and whether it is a trunk. */
struct bridge_vlan {
	int port;
	uint16_t pvid;
	bool trunk;
};

/* An address that a NIC's own filter has (NTF_SELF), or that a bridge has (NTF_MASTER). */
struct bridge_fdb {
	int ifindex;
	struct mac mac;
	bool self;	/* the device's own filter; else the bridge's, at this port */
	bool permanent; /* somebody has set it; else it was learnt */
};
