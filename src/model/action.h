/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One step from what is to what is wanted: made by core/plan, carried out by daemon/apply. */
#pragma once

#include "model/team.h"

enum action_kind {
	ACTION_LEAVE,	  /* give a member back as it was */
	ACTION_REMOVE,	  /* give all members back, delete the team */
	ACTION_CREATE,	  /* load the programs, make the bond */
	ACTION_ADOPT,	  /* load the programs for a bond that somebody else has made (T21) */
	ACTION_RELEASE,	  /* … and let go of it */
	ACTION_SET,	  /* change the bond's attributes */
	ACTION_CONFIGURE, /* change settings that are the daemon's and the programs' alone */
	ACTION_JOIN,	  /* take a device in as member */
	ACTION_QUEUE,	  /* give a member its queue_id back */
	ACTION_ATTACH,	  /* attach programs that somebody has detached */
	ACTION_DETACH,	  /* take our programs off a device that is a member no more */
	ACTION_RENAME,	  /* give the team's interface its name back */
	ACTION_MTU,	  /* give a member the team's MTU */
	ACTION_MAC,	  /* give a member its own MAC back, or the one that it shall have (T8) */
	ACTION_HOST,	  /* a step of core/host_plan, which has its own words */
	ACTION_WAIT,	  /* the device is not there yet; nothing is done */
	ACTION_REFUSE,	  /* the device is there, but cannot be a member now; nothing is done */
	ACTION_KIND_COUNT,
};

extern const char *const action_names[ACTION_KIND_COUNT];

#define ACTION_TEXT_SIZE 256
#define ACTION_DEVICE_SIZE 80 /* "VM/ADAPTER", too */

struct action {
	enum action_kind kind;
	const char *word;		 /* of a step of the host (static), else NULL */
	char team[LINK_NAME_SIZE];	 /* "" = it is about the host */
	char device[ACTION_DEVICE_SIZE]; /* as configured; "" where the team is meant */
	int slot;			 /* the device's; -1 where the team is meant */
	uint8_t path_of;	     /* T13: slot + 1 of the member that it is a second path of */
	int ifindex;		     /* the device's, 0 = none */
	char text[ACTION_TEXT_SIZE]; /* a sentence for people */
};

struct action_list {
	struct action *actions;
	unsigned int count, room;
	bool incomplete; /* there was no memory for all */
};

/* Append a copy. Without memory the list is marked incomplete, and must not be acted on. */
void action_list_add(struct action_list *list, const struct action *action);

void action_list_done(struct action_list *list);

/* Does this step change anything? Waiting and refusing do not. */
static inline bool action_acts(const struct action *action)
{
	return action->kind != ACTION_WAIT && action->kind != ACTION_REFUSE;
}

/*
 * Does it only put right what somebody has changed? If that is impossible, it must not stop what
 * else is to be done.
 */
bool action_is_upkeep(const struct action *action);
