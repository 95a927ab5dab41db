// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/event_view.h"

#include "base/strings.h"
#include "daemon/clock.h"
#include "daemon/json_text.h"
#include "daemon/team.h"

#include <string.h>

struct comparison {
	const struct event_view *before, *after; /* never NULL: an empty one stands for it */
	bool is_new;
	event_found found;
	void *data;
};

/* @fields go on from the event's name and team. */
static void tell(const struct comparison *comparison, const char *event, json_t *fields)
{
	json_t *object = json_pack("{s:s, s:s}", "event", event, "team", comparison->after->team);

	if (object && fields)
		(void)json_object_update(object, fields);
	json_decref(fields);
	if (object)
		comparison->found(comparison->data, object);
}

/* A loss is a failover, whatever its cause; any other record says itself what it is. */
static const char *record_event(const struct team_record *record)
{
	bool loss = name_lookup(member_reason_names, MEMBER_REASON_COUNT, record->cause) >= 0;

	return loss ? "failover" : record->cause;
}

static void tell_record(const struct comparison *comparison, const struct team_record *record)
{
	tell(comparison, record_event(record),
	     json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:i}", "cause", record->cause, "member",
		       json_text(record->member), "primary_before",
		       json_text(record->primary_before), "primary",
		       json_text(record->primary_after), "seen_us",
		       (json_int_t)(record->seen_ns / NS_PER_US), "decided_us",
		       (json_int_t)(record->decided_ns / NS_PER_US), "applied_us",
		       (json_int_t)(record->applied_ns / NS_PER_US), "buckets_moved",
		       (int)record->buckets_moved));
}

/* Of more than the ring holds the oldest are lost. */
static void compare_records(const struct comparison *comparison)
{
	unsigned int count = comparison->after->record_count;
	unsigned int first = comparison->before->record_count;

	if (first > count) /* another team of that name */
		first = 0;
	if (count - first > TEAM_RECORDS)
		first = count - TEAM_RECORDS;
	for (; first < count; first++)
		tell_record(comparison, &comparison->after->records[first % TEAM_RECORDS]);
}

static const struct event_member *find_member(const struct event_view *view, const char *device)
{
	for (unsigned int i = 0; i < view->member_count; i++)
		if (strcmp(view->members[i].device, device) == 0)
			return &view->members[i];
	return NULL;
}

static void compare_member(const struct comparison *comparison, const struct event_member *member)
{
	const struct event_member *was = find_member(comparison->before, member->device);

	if (was && was->state == member->state && was->reason == member->reason)
		return;
	tell(comparison, "member-state",
	     json_pack("{s:o, s:s, s:s, s:s, s:s, s:s}", "member", json_text(member->name),
		       "device", member->device, "state_before",
		       was ? member_state_names[was->state] : "", "state",
		       member_state_names[member->state], "reason_before",
		       was ? member_reason_names[was->reason] : "", "reason",
		       member_reason_names[member->reason]));
}

static void compare_members(const struct comparison *comparison)
{
	for (unsigned int i = 0; i < comparison->before->member_count; i++) {
		const struct event_member *was = &comparison->before->members[i];

		if (!find_member(comparison->after, was->device))
			tell(comparison, "left",
			     json_pack("{s:o, s:s}", "member", json_text(was->name), "device",
				       was->device));
	}
	for (unsigned int i = 0; i < comparison->after->member_count; i++)
		compare_member(comparison, &comparison->after->members[i]);
}

static void compare_team(const struct comparison *comparison)
{
	const struct event_view *before = comparison->before, *after = comparison->after;

	if (strcmp(before->primary, after->primary) != 0)
		tell(comparison, "primary",
		     json_pack("{s:o, s:o}", "primary_before", json_text(before->primary),
			       "primary", json_text(after->primary)));
	compare_members(comparison);
	if (comparison->is_new || before->state != after->state)
		tell(comparison, "team-state",
		     json_pack("{s:s, s:s}", "state_before",
			       comparison->is_new ? "" : team_state_names[before->state], "state",
			       team_state_names[after->state]));
	if (strcmp(before->trouble, after->trouble) != 0)
		tell(comparison, *after->trouble ? "trouble" : "trouble-cleared",
		     json_pack("{s:o}", "text",
			       json_text(*after->trouble ? after->trouble : before->trouble)));
}

void event_compare(const struct event_view *before, const struct event_view *after,
		   event_found found, void *data)
{
	static const struct event_view nothing;
	struct comparison comparison = {before, after, !before, found, data};

	if (!after) {
		comparison.after = before;
		tell(&comparison, "removed", NULL);
		return;
	}
	if (!before)
		comparison.before = &nothing;
	compare_records(&comparison);
	compare_team(&comparison);
}
