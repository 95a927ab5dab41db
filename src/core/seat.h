/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sits in a slot, and whom a configured name means (T1).
 *
 * Theory of operation. A name is looked up among the devices that are there. A member that is
 * renamed while it is one stays it: nothing of its traffic need move because somebody has chosen
 * another word. So a name that no device bears means the device that was taken in under it. The
 * configuration wins where the two contradict: once another device bears the name, or the renamed
 * one bears that of another member, it leaves.
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

/* The slot that @device has in @notes, -1 if none. */
int plan_slot(const struct note_team *notes, const char *device);

/* The bond's member that sits in @slot; NULL if there is none now. */
const struct link *seat_holder(const struct seats *seats, int slot);

/* The device that @member, one of @want, means; NULL if it is not there. */
const struct link *seat_device(const struct team_config *want, const struct member_config *member,
			       const struct seats *seats);
