/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Teams of unlike members (T14): one has hardware below it, a VF for instance, and another only
 * the host's software, as virtio. Windows teams them as equals and does not know.
 *
 * Pure. A member's path is told by its device; what is not known to be either is left alone.
 */
#pragma once

#include "core/failover.h"
#include "model/note.h"

/*
 * A PCI function with a driver of its own is hardware; a paravirtual device and those NICs that
 * only hypervisors still emulate are synthetic. A VLAN or macvlan is what is below it. A device
 * that has taken a VF as its own second path (net_failover, netvsc) is hardware while it has one.
 */
enum member_path mixed_path(const struct link *link, const struct link_table *links);

/*
 * What carries the member of @note, which keeps it: one that is away (@link NULL) is what it was, also for a
 * daemon that begins meanwhile.
 */
enum member_path mixed_note_path(struct note_member *note, const struct link *link,
				 const struct link_table *links);

/* Is there a member of either kind? */
bool mixed_is(const struct team_seat *seats, unsigned int count);

/*
 * Does @policy change anything for these seats? A standby that the configuration names is the
 * administrator's own answer, and nothing else is done then.
 */
bool mixed_applies(enum mixed_policy policy, const struct team_seat *seats, unsigned int count);

/*
 * Change roles and weights as @policy says. MIXED_STANDBY: synthetic members stand by.
 * MIXED_WEIGHTED: weights are multiplied by the speeds; a member that tells none counts as a
 * quarter of the fastest if it is synthetic, else as the fastest.
 */
void mixed_arrange(enum mixed_policy policy, struct team_seat *seats, unsigned int count);
