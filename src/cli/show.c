// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/show.h"

#include "cli/confirm.h"

#include "cli/client.h"
#include "cli/settings.h"
#include "cli/units.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "model/team.h"

#include <string.h>

json_t *show_parameters(const struct cli *cli)
{
	return cli->word_count ? json_pack("{s:s}", "name", cli->words[0]) : json_object();
}

const char *show_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *show_flag(const json_t *object, const char *key)
{
	const json_t *flag = json_object_get(object, key);

	return !json_is_boolean(flag) ? "-" : json_is_true(flag) ? "on" : "off";
}

/* A device that is not there has no name; then it is called what the configuration calls it. */
void show_member_name(const json_t *member, char *cell)
{
	const char *name = show_string(member, "name");

	(void)snprintf(cell, CELL_SIZE, "%s", *name ? name : show_string(member, "device"));
}

static void show_member_role(const json_t *member, char *cell)
{
	show_member_name(member, cell);
	if (json_is_true(json_object_get(member, "primary")))
		(void)strncat(cell, " (primary)", CELL_SIZE - strlen(cell) - 1);
}

/* Only where the configuration names the device in another way than the kernel. */
static void show_configured(const json_t *member, char *cell)
{
	const char *name = show_string(member, "name"), *device = show_string(member, "device");

	if (*name && strcmp(name, device) != 0)
		(void)snprintf(cell, CELL_SIZE, "%s", device);
}

void show_reason(const json_t *member, char *cell)
{
	const char *reason = show_string(member, "reason");

	json_int_t held_ms = json_integer_value(json_object_get(member, "returns_in_ms"));

	(void)snprintf(cell, CELL_SIZE, "%s",
		       strcmp(reason, member_reason_names[REASON_NONE]) == 0 ? "-" : reason);
	if (held_ms > 0)
		(void)snprintf(cell, CELL_SIZE, "%.100s, %" JSON_INTEGER_FORMAT " s", reason,
			       (held_ms + 999) / 1000);
}

/* What is not usual: most members are active, and not drained. */
void show_part(const json_t *member, char *cell)
{
	const char *role = show_string(member, "role");

	if (json_is_true(json_object_get(member, "drained")))
		(void)snprintf(cell, CELL_SIZE, "drained");
	else if (strcmp(role, member_role_names[ROLE_ACTIVE]) != 0)
		(void)snprintf(cell, CELL_SIZE, "%s", role);
}

/* What carries it, where that is known (T14). */
static void show_path(const json_t *member, char *cell)
{
	const char *path = show_string(member, "path");

	if (strcmp(path, member_path_names[MEMBER_PATH_UNKNOWN]) != 0)
		(void)snprintf(cell, CELL_SIZE, "%s", path);
}

void show_vlan(const json_t *object, char *cell)
{
	json_int_t vlan = json_integer_value(json_object_get(object, "vlan"));

	if (vlan)
		(void)snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT, vlan);
}

static void show_tx_bytes(const json_t *member, char *cell)
{
	units_bytes((uint64_t)json_integer_value(json_object_get(member, "tx_bytes")), cell);
}

static void show_rx_bytes(const json_t *member, char *cell)
{
	units_bytes((uint64_t)json_integer_value(json_object_get(member, "rx_bytes")), cell);
}

static void show_dropped(const json_t *member, char *cell)
{
	const char *cause;
	const json_t *value;
	json_int_t sum = 0;

	json_object_foreach(json_object_get(member, "drops"), cause, value) sum +=
		json_integer_value(value);
	(void)snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT, sum);
}

/* Nothing while paths are not probed. */
static void show_probes(const json_t *member, char *cell)
{
	const json_t *probes = json_object_get(member, "probes");
	json_int_t sent = json_integer_value(json_object_get(probes, "sent"));

	if (sent)
		(void)snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT,
			       json_integer_value(json_object_get(probes, "lost")), sent);
}

/* States of teams and members: good, in between, bad. */
enum paint show_state_paint(const char *state)
{
	if (strcmp(state, team_state_names[TEAM_UP]) == 0 ||
	    strcmp(state, member_state_names[MEMBER_ACTIVE]) == 0)
		return PAINT_GOOD;
	if (strcmp(state, team_state_names[TEAM_DOWN]) == 0 ||
	    strcmp(state, member_state_names[MEMBER_FAILED]) == 0)
		return PAINT_BAD;
	return PAINT_WARNING;
}

static const struct column health_columns[] = {
	{"MEMBER", .key = "name", .read = show_member_role},
	{"STATE", .key = "state", .paint = show_state_paint},
	{"REASON", .key = "reason", .read = show_reason},
	{"BUCKETS", .key = "buckets", .flags = COLUMN_RIGHT},
	{"HELD", .key = "buckets_held", .flags = COLUMN_RIGHT | COLUMN_OPTIONAL},
	{"FAILURES", .key = "failures", .flags = COLUMN_RIGHT},
	{"PROBES LOST", .key = "probes", .flags = COLUMN_RIGHT | COLUMN_IF_ANY | COLUMN_OPTIONAL,
	 .read = show_probes},
};

static const struct column traffic_columns[] = {
	{"MEMBER", .key = "name", .read = show_member_name},
	{"TX PACKETS", .key = "tx_packets", .flags = COLUMN_RIGHT},
	{"TX BYTES", .key = "tx_bytes", .flags = COLUMN_RIGHT, .read = show_tx_bytes},
	{"RX PACKETS", .key = "rx_packets", .flags = COLUMN_RIGHT},
	{"RX BYTES", .key = "rx_bytes", .flags = COLUMN_RIGHT, .read = show_rx_bytes},
	{"DROPPED", .key = "drops", .flags = COLUMN_RIGHT, .read = show_dropped},
};

static const struct column device_columns[] = {
	{"MEMBER", .key = "name", .read = show_member_name},
	{"MAC", .key = "mac"},
	{"ROLE", .key = "role", .flags = COLUMN_IF_ANY, .read = show_part},
	{"WEIGHT", .key = "weight", .flags = COLUMN_RIGHT},
	{"PATH", .key = "path", .flags = COLUMN_IF_ANY, .read = show_path},
	{"BUS ADDRESS", .key = "bus_id", .flags = COLUMN_IF_ANY},
	{"CONFIGURED AS", .key = "device", .flags = COLUMN_IF_ANY, .read = show_configured},
};

static const struct {
	const struct column *columns;
	size_t count;
} tables[] = {
	{health_columns, ARRAY_SIZE(health_columns)},
	{device_columns, ARRAY_SIZE(device_columns)},
	{traffic_columns, ARRAY_SIZE(traffic_columns)},
};

void show_ago(json_int_t us, char *cell)
{
	uint64_t now = clock_ms() / 1000, then = (uint64_t)us / 1000000;
	char age[CELL_SIZE];

	cell[0] = '\0';
	if (us <= 0 || then > now)
		return;
	units_age(now - then, age);
	(void)snprintf(cell, CELL_SIZE, ", %.100s ago", age);
}

const json_t *show_last_change(const json_t *team)
{
	const json_t *change, *last = NULL;
	json_int_t last_us = 0;
	size_t i;

	json_array_foreach(json_object_get(team, "failovers"), i, change)
	{
		json_int_t us = json_integer_value(json_object_get(change, "seen_us"));

		if (!last || us >= last_us) {
			last = change;
			last_us = us;
		}
	}
	return last;
}

/* How long it took, if the times make sense (T15). */
static void print_times(const struct output *out, const json_t *change)
{
	json_int_t seen = 0, decided = 0, applied = 0;
	char decision[CELL_SIZE], effect[CELL_SIZE];

	(void)json_unpack((json_t *)change, "{s?I, s?I, s?I}", "seen_us", &seen, "decided_us",
			  &decided, "applied_us", &applied);
	if (seen <= 0 || decided < seen || applied < seen)
		return;
	units_ms(decided - seen, decision);
	units_ms(applied - seen, effect);
	output_fact(out, "", "decided after %s, in effect after %s", decision, effect);
}

/* What happened and what it moved. */
static void print_change(const struct output *out, const json_t *change)
{
	const char *before = show_string(change, "primary_before");
	const char *after = show_string(change, "primary_after");
	json_int_t moved = json_integer_value(json_object_get(change, "buckets_moved"));
	char ago[CELL_SIZE];

	show_ago(json_integer_value(json_object_get(change, "seen_us")), ago);
	output_fact(out, "Last change", "%s: %s%s", show_string(change, "member"),
		    show_string(change, "cause"), ago);
	before = *before ? before : "none";
	after = *after ? after : "none";
	if (strcmp(before, after) != 0)
		output_fact(out, "", "primary %s -> %s, buckets moved: %" JSON_INTEGER_FORMAT,
			    before, after, moved);
	else
		output_fact(out, "", "primary still %s, buckets moved: %" JSON_INTEGER_FORMAT,
			    after, moved);
	print_times(out, change);
}

void show_list(const struct output *out, const char *label, const json_t *texts, const char *none)
{
	const json_t *text;
	size_t i;

	json_array_foreach(texts, i, text)
		output_fact(out, i ? "" : label, "%s", json_string_value(text));
	if (!json_array_size(texts) && none)
		output_fact(out, label, "%s", none);
}

void show_begin_below(const struct output *out, bool *below)
{
	if (!*below)
		(void)fputc('\n', out->file);
	*below = true;
}

void show_notes_of(const struct output *out, bool *below, const char *name, const json_t *row)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(row, "notes"), i, note)
	{
		show_begin_below(out, below);
		output_fact(out, "Note", "%s: %s", name, json_string_value(note));
	}
}

/* T21. No command changes it in place, so it is no word of "team set". */
#define ADOPT "Adopt"

static void print_adopted(const struct output *out, const json_t *settings)
{
	if (strcmp(show_string(settings, ADOPT), "yes") == 0)
		output_fact(out, "Adopted", "something else makes this bond, and keeps it");
}

void show_settings(const struct output *out, const json_t *settings)
{
	_cleanup_free_ char *list = NULL;
	FILE *stream;
	size_t size = 0;
	const char *key;
	const json_t *value;

	stream = open_memstream(&list, &size);
	if (!stream)
		return;
	json_object_foreach((json_t *)settings, key, value)
	{
		if (strcmp(key, ADOPT) != 0)
			(void)fprintf(stream, "%s=%s ", settings_word(key),
				      json_is_string(value) ? json_string_value(value) : "?");
	}
	(void)fclose(stream);
	if (size)
		output_fact(out, "Settings", "%s", list);
}

/* T13: "ens4: ens4 (hardware) carries, ens6 (synthetic) is ready". */
static void print_paths(const struct output *out, const json_t *member)
{
	const json_t *paths = json_object_get(member, "paths"), *path;
	char text[2][CELL_SIZE] = {};
	size_t i;

	if (json_array_size(paths) != ARRAY_SIZE(text))
		return;
	json_array_foreach(paths, i, path)
	{
		const char *name = show_string(path, "name"), *reason = show_string(path, "reason");
		bool well = strcmp(reason, member_reason_names[REASON_NONE]) == 0;

		(void)snprintf(text[i], CELL_SIZE, "%.40s%s%.20s%s %s%.60s",
			       *name ? name : show_string(path, "path"), *name ? " (" : "",
			       *name ? show_string(path, "path") : "", *name ? ")" : "",
			       json_is_true(json_object_get(path, "carries")) ? "carries"
			       : well					      ? "is ready"
									      : "is ",
			       well ? "" : reason);
	}
	output_fact(out, "Paths", "%s: %s, %s", show_string(member, "device"), text[0], text[1]);
}

static void print_head(const struct output *out, const json_t *team)
{
	const json_t *change = show_last_change(team);
	const char *state = show_string(team, "state"), *primary = show_string(team, "primary");
	const char *mac = show_string(team, "mac");
	const char *program = show_string(team, "carrier_program");
	const json_t *member;
	size_t i;

	output_paint(out, PAINT_STRONG, "%s", show_string(team, "name"));
	(void)fputs(" is ", out->file);
	output_paint(out, show_state_paint(state), "%s", state);
	(void)fputc('\n', out->file);
	output_fact(out, "MAC", "%s", *mac ? mac : "none");
	output_fact(out, "MTU", "%" JSON_INTEGER_FORMAT,
		    json_integer_value(json_object_get(team, "mtu")));
	output_fact(out, "Primary", "%s", *primary ? primary : "none");
	show_list(out, "Addresses", json_object_get(team, "addresses"), "none");
	if (*show_string(team, "probing"))
		output_fact(out, "Probing", "%s", show_string(team, "probing"));
	if (*program && strcmp(program, "attached") != 0)
		output_fact(out, "In the kernel", "carrier program %s", program);
	json_array_foreach(json_object_get(team, "members"), i, member) print_paths(out, member);
	print_adopted(out, json_object_get(team, "settings"));
	show_settings(out, json_object_get(team, "settings"));
	if (change)
		print_change(out, change);
	show_list(out, "Note", json_object_get(team, "notes"), NULL);
}

void show_teams(const struct output *out, const json_t *reply)
{
	const json_t *teams = json_object_get(reply, "teams"), *team;
	size_t i;

	confirm_print_pending(out, reply);
	if (!json_array_size(teams))
		(void)fputs(SHOW_NO_TEAMS, out->file);
	json_array_foreach(teams, i, team)
	{
		const json_t *members = json_object_get(team, "members");

		if (i)
			(void)fputc('\n', out->file);
		print_head(out, team);
		for (size_t t = 0; t < ARRAY_SIZE(tables) && json_array_size(members); t++) {
			(void)fputc('\n', out->file);
			output_table(out, tables[t].columns, tables[t].count, members);
		}
	}
}
