// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/events.h"

#include "base/strings.h"
#include "daemon/api_show.h"
#include "daemon/clock.h"
#include "daemon/event_view.h"
#include "daemon/hooks.h"
#include "daemon/host.h"
#include "daemon/json_text.h"
#include "daemon/manager.h"

#include <errno.h>
#include <string.h>

/* Others than those who monitor must find a place, too (VARLINK_CLIENTS_MAX). */
#define MONITORS_MAX 16

struct events {
	struct manager *manager;
	struct varlink_server *server;
	struct hooks *hooks;
	sd_event_source *look;
	uint64_t sequence;		    /* of the last event */
	struct event_view *told[TEAMS_MAX]; /* as it was told last */
	unsigned int told_count;
	unsigned int applied; /* configurations */
};

/* --- telling --- */

static uint64_t wall_clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / NS_PER_US;
}

static void put_stamp(const struct events *events, json_t *event)
{
	(void)json_object_set_new(event, "sequence", json_integer((json_int_t)events->sequence));
	(void)json_object_set_new(event, "realtime_us", json_integer((json_int_t)wall_clock_us()));
	(void)json_object_set_new(event, "monotonic_us",
				  json_integer((json_int_t)(clock_now_ns() / NS_PER_US)));
}

static void tell(void *data, json_t *event)
{
	struct events *events = data;
	const char *team = json_string_value(json_object_get(event, "team"));

	events->sequence++;
	put_stamp(events, event);
	varlink_publish(events->server, team, json_pack("{s:O}", "event", event));
	hooks_add(events->hooks, event);
	json_decref(event);
}

static void tell_of_configuration(struct events *events)
{
	const struct manager *manager = events->manager;

	if (manager->applied == events->applied)
		return;
	events->applied = manager->applied;
	tell(events, json_pack("{s:s, s:s}", "event", "configuration-applied", "team", ""));
}

static void tell_of_start(struct events *events)
{
	const struct manager *manager = events->manager;
	const struct config_error *error = &manager->store_error;

	tell(events, json_pack("{s:s, s:s}", "event", "started", "team", ""));
	if (!manager->store_valid)
		tell(events,
		     json_pack("{s:s, s:s, s:o, s:i, s:o}", "event", "configuration-refused",
			       "team", "", "file", json_text(error->file), "line", (int)error->line,
			       "text", json_text(error->text)));
}

/* --- looking --- */

static struct event_view **find_told(struct events *events, const char *team)
{
	for (unsigned int i = 0; i < events->told_count; i++)
		if (strcmp(events->told[i]->team, team) == 0)
			return &events->told[i];
	return NULL;
}

static void forget_removed(struct events *events)
{
	for (unsigned int i = events->told_count; i-- > 0;) {
		if (manager_team(events->manager, events->told[i]->team))
			continue;
		event_compare(events->told[i], NULL, tell, events);
		free(events->told[i]);
		events->told[i] = events->told[--events->told_count];
	}
}

static void look_at_team(struct events *events, const struct team *team)
{
	struct event_view *now = calloc(1, sizeof(*now)), **told;

	if (!now) /* the next look tells it */
		return;
	show_event_view(events->manager, team, now);
	told = find_told(events, now->team);
	event_compare(told ? *told : NULL, now, tell, events);
	if (told) {
		free(*told);
		*told = now;
	} else {
		events->told[events->told_count++] = now;
	}
}

static void look(struct events *events)
{
	forget_removed(events);
	for (unsigned int i = 0; i < events->manager->team_count; i++)
		look_at_team(events, events->manager->teams[i]);
	if (events->manager->store_valid)
		host_tell_changes(events->manager->host, &events->manager->store, tell, events);
	tell_of_configuration(events);
}

static int on_look(sd_event_source *source, void *data)
{
	look(data);
	return 0;
}

/* --- monitoring --- */

bool events_have_room(const struct events *events)
{
	return varlink_streams(events->server) < MONITORS_MAX;
}

json_t *events_snapshot(struct events *events, const char *team)
{
	json_t *teams = json_array(), *event;

	look(events);
	for (unsigned int i = 0; i < events->manager->team_count; i++) {
		const struct team *shown = events->manager->teams[i];

		if (!*team || strcmp(shown->config.name, team) == 0)
			(void)json_array_append_new(teams, show_team(events->manager, shown));
	}
	event = json_pack("{s:s, s:s, s:o}", "event", "snapshot", "team", team, "teams", teams);
	if (!event)
		return NULL;
	put_stamp(events, event);
	return json_pack("{s:o}", "event", event);
}

/* --- life --- */

int events_open(struct manager *manager, struct varlink_server *server, const char *config,
		const char *socket, struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));
	int err;

	if (!events)
		return -ENOMEM;
	events->manager = manager;
	events->server = server;
	err = hooks_open(manager->loop, config, socket, &events->hooks);
	if (!err)
		err = sd_event_add_post(manager->loop, &events->look, on_look, events);
	if (err < 0) {
		events_close(events);
		return err;
	}
	*ret_events = events;
	return 0;
}

void events_begin(struct events *events)
{
	events->applied = events->manager->applied;
	tell_of_start(events);
	look(events);
}

void events_close(struct events *events)
{
	if (!events)
		return;
	sd_event_source_unref(events->look);
	hooks_close(events->hooks);
	for (unsigned int i = 0; i < events->told_count; i++)
		free(events->told[i]);
	free(events);
}
