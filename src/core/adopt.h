/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bonds that somebody else has made, and keeps (T21).
 *
 * Theory of operation. An adopted team has the bond and the members that its manager
 * (NetworkManager, networkd, netplan, ifupdown, a person) made; ours are the programs, the
 * members' queue_id, and the few attributes of adopt_attributes(). So the members that are
 * wanted are the slaves that are there: adopt_expand() says which, and from then on an adopted
 * team is compared and judged as any other. Sections [Member] in the file give settings to
 * members; they make none.
 */
#pragma once

#include "base/problem.h"
#include "model/note.h"
#include "model/team.h"

#define BOND_MODE_ACTIVE_BACKUP 1
#define PRIMARY_RESELECT_FAILURE 2 /* bonding never goes back to its `primary` by itself */
#define MIIMON_MS 100		   /* the kernel's own check, for when the daemon is dead (T16) */

/*
 * Can the bond of @want's name be adopted as it is? -ENODEV: it is not there; -EINVAL: its
 * manager must make it otherwise, and the sentence says by which option.
 */
int adopt_check(const struct team_config *want, const struct link_table *links,
		struct problem *problem);

/* What a bond that has the attributes @is shall have while it is ours. */
void adopt_attributes(const struct link_bond *is, struct link_bond *ret_bond);

/* What it had before, all else as it is now. */
void adopt_attributes_before(const struct note_bond *note, const struct link_bond *is,
			     struct link_bond *ret_bond);

/*
 * @want with the bond's slaves as members: those in the file first, then the active slave, then
 * the others by ifindex. Of a team that is not adopted: @want as it is.
 */
void adopt_expand(const struct team_config *want, const struct link_table *links,
		  struct team_config *ret_team);
