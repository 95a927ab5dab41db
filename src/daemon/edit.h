/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One change of the configuration on behalf of a caller: from the files as they are, through
 * checks, to files and kernel; all or nothing (C1).
 *
 * A change begins with the files, so that a hand edit is neither lost nor overwritten: it is
 * applied together with the change.
 */
#pragma once

#include "daemon/manager.h"
#include "daemon/varlink.h"

struct edit {
	struct manager *manager;
	unsigned int confirm;	   /* seconds, 0 = the change needs no confirmation (C5) */
	struct handover *handover; /* what it moves, NULL = nothing */
	struct team *heir_team;	   /* a member of it gets its addresses: the primary, before … */
	int heir_slot;		   /* … so that peers know them at its MAC already */
	struct store *store;  /* what shall be; the caller changes it between begin and commit */
	struct store *before; /* the files as they were */
	char *text;	      /* what the file that is changed will say */
	struct varlink_reply *reply;
	struct problem problem;
};

/*
 * Read the files, and "confirm" of the call's @parameters. On failure the reply is an error
 * already; edit_end() is owed all the same. While a change waits to be confirmed, all are refused.
 */
int edit_begin(struct edit *edit, struct manager *manager, const json_t *parameters,
	       struct varlink_reply *reply);

/*
 * Let @team take the addresses and routes of those of its members that are not in it yet. If
 * @first, it is a new team, and such a member becomes the first: its MAC is the team's then, and
 * peers need not learn anew (T8).
 */
int edit_take(struct edit *edit, struct team_config *team, bool first);

/*
 * Let the member @device of @team have the team's addresses and routes. @leaving is the member
 * that leaves, NULL: all do.
 */
int edit_give(struct edit *edit, const char *team, const char *device, const char *leaving);

/* Let the switch @sw, which is new, take the addresses and routes of its NIC. */
int edit_take_nic(struct edit *edit, const struct switch_config *sw);

/* Let @device, the NIC of the switch @sw that goes, have the switch's addresses and routes. */
int edit_give_nic(struct edit *edit, const struct switch_config *sw, const char *device);

/* Make @err and the edit's problem the reply, Refused. Returns @err; 0 does nothing. */
int edit_refuse(struct edit *edit, int err);

/* The team that shall be changed; NULL and NotFound if there is none. */
struct team_config *edit_team(struct edit *edit, const char *name);

/*
 * Check, write or delete the file of @object, apply. The reply is what was done, or an error; on an
 * error files and kernel are as they were. Refused where a drop-in would win over the change.
 */
void edit_commit(struct edit *edit, struct store_object object);

/* Would edit_reload() begin? If not, the reply says why. Of @edit, manager, store and reply count. */
int edit_check(struct edit *edit);

/* As edit_commit() with the files as they are: no file is written. */
void edit_reload(struct edit *edit);

void edit_end(struct edit *edit);
