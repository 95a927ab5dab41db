/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of bridges' ports, and of the filters of NICs. */
#pragma once

#include "base/mac.h"

#include <stdint.h>

#define VLAN_MAX 4094

/* VLANs 1 to VLAN_MAX, a bit each. */
struct vlan_set {
	uint64_t bits[VLAN_MAX / 64 + 1];
};

static inline bool vlan_set_has(const struct vlan_set *set, unsigned vlan)
{
	return set->bits[vlan / 64] >> vlan % 64 & 1;
}

static inline void vlan_set_add(struct vlan_set *set, unsigned vlan)
{
	set->bits[vlan / 64] |= 1ULL << vlan % 64;
}

/* The VLANs of a port. It is as rtnl_bridge_set_vlans() makes it if both are so and !mixed. */
struct bridge_vlan {
	int port;
	uint16_t pvid;	       /* of frames without a tag, 0 = they are dropped */
	bool mixed;	       /* tags are taken off otherwise than of @pvid alone */
	struct vlan_set vlans; /* with @pvid */
};

/* An address that a NIC's own filter has (NTF_SELF), or that a bridge has, at this port. */
struct bridge_fdb {
	int ifindex;
	struct mac mac;
	bool self;	/* the device's own filter; else the bridge's */
	bool permanent; /* somebody has set it; else it was learnt */
	bool sticky;	/* … and it stays at this port, whatever the bridge sees */
	uint16_t vlan;	/* 0 = none */
};
