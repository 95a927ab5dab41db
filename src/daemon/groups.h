/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The team's multicast groups on a member that takes them before bonding does (T9, T19).
 *
 * The primary's NIC must let the team's groups in, or what is sent to them is lost. Bonding gives
 * them to its active slave: at a switchover it takes the filter from the old one first, and after
 * a loss it may follow the primary seconds later (core/quirk.h). Meanwhile a packet socket holds
 * them on the new primary.
 */
#pragma once

struct groups {
	int fd;
	int ifindex; /* the member that has them by us, 0 = none: then @fd is nothing */
};

/* Hold the groups of @team_ifindex at @member_ifindex, and no more where they were held before. */
void groups_hold(struct groups *groups, int team_ifindex, int member_ifindex);

/* The member has them by bonding now, or is not the primary. */
void groups_drop(struct groups *groups);
