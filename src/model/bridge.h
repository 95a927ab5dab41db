/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of bridges' ports, and of the filters of NICs. */
#pragma once

#include "base/mac.h"

/* The VLANs of a port. It is as rtnl_bridge_set_vlan() makes it if both are so and !mixed. */
struct bridge_vlan {
	int port;
	uint16_t pvid; /* of frames without a tag, 0 = they are dropped */
	bool trunk;    /* it has 1 to 4094 */
	bool mixed;    /* others than @pvid, but not all; or tags are taken off differently */
};

/* An address that a NIC's own filter has (NTF_SELF), or that a bridge has, at this port. */
struct bridge_fdb {
	int ifindex;
	struct mac mac;
	bool self;	/* the device's own filter; else the bridge's */
	bool permanent; /* somebody has set it; else it was learnt */
};
