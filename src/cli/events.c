// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What changes, as it changes (T20): first the teams as they are, then a line for each event.
 * It ends when the daemon does, or after --count events.
 */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/show.h"

#include "base/strings.h"

#include <string.h>
#include <time.h>

#define EVENTS_TIMEOUT_MS 10000 /* for the first message */

struct events {
	struct cli *cli;
	uint32_t seen; /* after the first message */
};

static void print_time(const struct output *out, const json_t *event)
{
	json_int_t us = json_integer_value(json_object_get(event, "realtime_us"));
	time_t seconds = (time_t)(us / 1000000);
	char clock[16] = "";
	struct tm local;

	if (localtime_r(&seconds, &local))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	output_paint(out, PAINT_FAINT, "%s.%03d", clock, (int)(us / 1000 % 1000));
}

/* "a -> b", or what there is of it. */
static void print_change(const struct output *out, const json_t *event, const char *before,
			 const char *after, const char *none)
{
	const char *was = show_string(event, before), *is = show_string(event, after);

	if (*was && strcmp(was, is) != 0)
		output_paint(out, PAINT_NONE, " %s ->", was);
	output_paint(out, show_state_paint(is), " %s", *is ? is : none);
}

static void print_record(const struct output *out, const json_t *event)
{
	json_int_t took = json_integer_value(json_object_get(event, "applied_us")) -
			  json_integer_value(json_object_get(event, "seen_us"));

	output_paint(out, PAINT_NONE, " %s %s, primary", show_string(event, "member"),
		     show_string(event, "cause"));
	print_change(out, event, "primary_before", "primary", "none");
	output_paint(out, PAINT_NONE,
		     ", %" JSON_INTEGER_FORMAT " buckets moved, %" JSON_INTEGER_FORMAT " us",
		     json_integer_value(json_object_get(event, "buckets_moved")), took);
}

static void print_primary(const struct output *out, const json_t *event)
{
	print_change(out, event, "primary_before", "primary", "none");
}

static void print_team_state(const struct output *out, const json_t *event)
{
	print_change(out, event, "state_before", "state", "");
}

static void print_member_state(const struct output *out, const json_t *event)
{
	const char *reason = show_string(event, "reason");

	output_paint(out, PAINT_NONE, " %s", show_string(event, "member"));
	print_change(out, event, "state_before", "state", "");
	if (strcmp(reason, "none") != 0)
		output_paint(out, PAINT_NONE, ", %s", reason);
}

static void print_path(const struct output *out, const json_t *event)
{
	if (*show_string(event, "vm"))
		output_paint(out, PAINT_NONE, " %s/%s", show_string(event, "vm"),
			     show_string(event, "adapter"));
	print_change(out, event, "state_before", "state", "");
}

/* Which VF an adapter has got or lost. */
static void print_vf(const struct output *out, const json_t *event)
{
	output_paint(out, PAINT_NONE, " %s/%s VF %" JSON_INTEGER_FORMAT " (%s)",
		     show_string(event, "vm"), show_string(event, "adapter"),
		     json_integer_value(json_object_get(event, "vf")),
		     show_string(event, "device"));
}

static void print_snapshot(const struct output *out, const json_t *event)
{
	const json_t *teams = json_object_get(event, "teams"), *team;
	size_t i;

	if (!json_array_size(teams))
		output_paint(out, PAINT_NONE, " no teams");
	json_array_foreach(teams, i, team)
	{
		const char *state = show_string(team, "state"), *primary;

		primary = show_string(team, "primary");
		output_paint(out, PAINT_NONE, "%s %s is", i ? ";" : "", show_string(team, "name"));
		output_paint(out, show_state_paint(state), " %s", state);
		output_paint(out, PAINT_NONE, ", primary %s", *primary ? primary : "none");
	}
}

static const struct {
	const char *event;
	void (*print)(const struct output *out, const json_t *event);
} printers[] = {
	{"snapshot", print_snapshot},	  {"primary", print_primary},
	{"team-state", print_team_state}, {"member-state", print_member_state},
	{"switch-uplink", print_path},	  {"adapter-path", print_path},
	{"adapter-removed", print_path},  {"vf-assigned", print_vf},
	{"vf-taken", print_vf},
};

/* Kinds of event that this command does not know are shown by what they bring. */
static void print_details(const struct output *out, const json_t *event)
{
	for (size_t i = 0; i < ARRAY_SIZE(printers); i++)
		if (strcmp(printers[i].event, show_string(event, "event")) == 0) {
			printers[i].print(out, event);
			return;
		}
	if (*show_string(event, "cause"))
		print_record(out, event);
	else if (*show_string(event, "member"))
		output_paint(out, PAINT_NONE, " %s", show_string(event, "member"));
	if (*show_string(event, "text"))
		output_paint(out, PAINT_NONE, " %s", show_string(event, "text"));
}

static void print_event(const struct output *out, const json_t *event)
{
	print_time(out, event);
	if (*show_string(event, "team"))
		output_paint(out, PAINT_STRONG, " %s", show_string(event, "team"));
	if (*show_string(event, "switch"))
		output_paint(out, PAINT_STRONG, " %s", show_string(event, "switch"));
	output_paint(out, PAINT_NONE, " %s", show_string(event, "event"));
	print_details(out, event);
	(void)fputc('\n', out->file);
}

/* False when it is time to leave. */
static bool take_message(json_t *message, void *data)
{
	const json_t *event = json_object_get(message, "event");
	struct events *events = data;

	if (events->cli->json)
		output_json(&events->cli->out, event, true);
	else
		print_event(&events->cli->out, event);
	(void)fflush(stdout);
	if (strcmp(show_string(event, "event"), "snapshot") != 0)
		events->seen++;
	return !ferror(stdout) && !(events->cli->count && events->seen >= events->cli->count);
}

int events(struct cli *cli)
{
	struct events state = {.cli = cli};
	struct client client = {
		.socket = cli->socket,
		.timeout_ms = cli->timeout_ms ? cli->timeout_ms : EVENTS_TIMEOUT_MS,
		.cancel_fd = -1,
	};
	json_auto_t *failure = NULL;
	int err = client_stream(&client, "Monitor", show_parameters(cli), take_message, &state,
				&failure);

	return err ? cli_fail(cli, failure) : OUTCOME_DONE;
}
