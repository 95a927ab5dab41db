/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sits in a slot, and whom a configured name means (T1).
 *
 * Theory of operation. A name is looked up among the devices that are there. A member that is
 * renamed while it is one stays it: nothing of its traffic need move because somebody has chosen
 * another word. So a name that no device bears means the device that was taken in under it. The
 * configuration wins where the two contradict: once another device bears the name, or the renamed
 * one bears that of another member, it leaves.
 *
 * Two paths (T13). A VF and a device of the host's software of one permanent MAC are two ways to one
 * adapter, and so one member. Each has a slot: the first that of the member, as configured, the
 * other one more, which is noted as the member's (note_team.second). Both slots are kept while a
 * device is away, so that a VF that comes back, under whatever name, finds its own again.
 */
#pragma once

#include "model/note.h"
#include "model/team.h"

/* The team as it is: @notes may be NULL, @bond_ifindex 0. */
struct seats {
	const struct link_table *links;
	const struct note_team *notes;
	int bond_ifindex;
};

/* The slot that the member @device has in @notes, and that of its other path; -1 if none. */
int plan_slot(const struct note_team *notes, const char *device);
int plan_other_slot(const struct note_team *notes, const char *device);

/* The bond's slave that sits in @slot; NULL if there is none now. */
const struct link *seat_holder(const struct seats *seats, int slot);

/* The device that @member, one of @want, means; of two paths the first. NULL if it is not there. */
const struct link *seat_device(const struct team_config *want, const struct member_config *member,
			       const struct seats *seats);

/*
 * T13: may members of @want have two paths? Not where one MAC wanders over the members, nor where
 * somebody else decides who is a member.
 */
bool seat_pairs(const struct team_config *want);

/* T13: do the two have one permanent MAC, and is one of them hardware and the other one not? */
bool seat_is_pair(const struct link *a, const struct link *b, const struct link_table *links);

/* T13: the device that is the other path of @member, one of @want; NULL if there is none. */
const struct link *seat_other(const struct team_config *want, const struct member_config *member,
			      const struct seats *seats);
