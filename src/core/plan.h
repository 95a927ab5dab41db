/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Desired minus observed (C2): the steps that make a team what its configuration says. No steps
 * means that all is as wanted.
 */
#pragma once

#include "core/seat.h"
#include "model/action.h"
#include "model/note.h"

/* What is observed of one team. */
struct plan_view {
	const struct link_table *links;
	const struct link_address *addresses;
	size_t address_count;
	const struct note_team *notes;	   /* NULL: its programs are not loaded */
	const struct team_config *running; /* the settings in force; NULL: there is no team yet */
	int ifindex;			   /* of the bond that we made, 0 = none */
	bool detached;			   /* the team's program has been detached … */
	uint32_t detached_members;	   /* … and those of the members in these slots */
	int primary;			   /* slot; counts where the team has one MAC (T8 `team`) */
	bool rename_refused;		   /* the kernel does not rename an interface that is up */
	const int *taken; /* devices whose addresses the team takes: they may have some */
	size_t taken_count;
};

/*
 * The bond's attributes that @want asks for, with members that @links has; active_ifindex
 * stays 0.
 */
void plan_bond(const struct team_config *want, const struct link_table *links,
	       struct link_bond *ret_bond);

/* Each attribute that differs, with both values, as text; returns its length, 0 if none does. */
size_t plan_bond_difference(const struct team_config *want, const struct link_table *links,
			    const struct link *bond, char *text, size_t size);

/* Append the steps for a wanted team. */
void plan_team(const struct team_config *want, const struct plan_view *view,
	       struct action_list *list);

/* Append the steps for a team that exists and is no longer wanted. @adopted: T21. */
void plan_removal(const char *name, bool adopted, struct action_list *list);
