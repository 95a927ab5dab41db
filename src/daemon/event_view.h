/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a team is told when it changes, and the difference of two such views as events
 * (org.iovteam.varlink: Event).
 *
 * Events are found by comparing, not told at each place that changes something: whatever it is
 * that changes a state, the change cannot be forgotten. What comes and goes between two looks is
 * in the team's records, which are told one by one.
 */
#pragma once

#include "model/action.h"
#include "model/team.h"

#include <jansson.h>

#define EVENT_NAME_SIZE MEMBER_DEVICE_SIZE

struct event_member {
	char device[MEMBER_DEVICE_SIZE]; /* as configured */
	char name[EVENT_NAME_SIZE];	 /* the interface's, else as configured */
	enum member_state state;
	enum member_reason reason;
};

struct team_record;

struct event_view {
	char team[LINK_NAME_SIZE];
	enum team_state state;
	char primary[LINK_NAME_SIZE]; /* "" = none */
	char trouble[ACTION_TEXT_SIZE];
	const struct team_record *records; /* the ring, and how many there have ever been */
	unsigned int record_count;
	unsigned int member_count;
	struct event_member members[TEAM_MEMBERS_MAX];
};

/* Takes ownership of @event: "event", "team", and what belongs to this kind of event. */
typedef void (*event_found)(void *data, json_t *event);

/*
 * Call @found for each difference in the order of their making. Both views are of one team;
 * NULL: it was not there before, is not there any more.
 */
void event_compare(const struct event_view *before, const struct event_view *after,
		   event_found found, void *data);
