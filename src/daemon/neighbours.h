/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours that outlive a change of the team's MAC (T5, T10).
 *
 * When a device's MAC changes the kernel forgets its neighbours, and with them the packets that
 * wait for an answer. A change of the primary changes the MAC of the team, and of VLANs and
 * bridges that have it: so each flow, also one whose member stays, would wait for ARP or discovery
 * then, and a second change would throw away what waits. But the neighbours have not moved. So
 * what the kernel has forgotten it is told again, whoever has changed the primary; as stale, so
 * that it asks by itself whether that is true while it sends.
 */
#pragma once

#include "daemon/observe.h"

/*
 * The team's MAC as last seen, and since when; zero before. The kernel forgets also when bonding
 * changes over to a slave of the same MAC (T13).
 */
struct neighbours {
	struct mac mac;
	int active_ifindex;
	uint64_t changed_ns;
};

/* The team is as @team says: tell the kernel again what it has forgotten with the last MAC. */
void neighbours_follow(struct neighbours *neighbours, struct observed *observed,
		       const struct link *team);
