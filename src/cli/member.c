// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/settings.h"
#include "cli/show.h"

#include "base/strings.h"
#include "model/team.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define DRAIN_POLL_MS 100
#define DRAIN_TELL_MS 2000

/* A call about the member that the first two words name, with settings after them if @settings. */
static int change(struct cli *cli, const char *method, bool settings)
{
	json_t *parameters, *object = NULL;
	int outcome = OUTCOME_DONE;

	if (settings)
		outcome = settings_parse(cli, SETTINGS_MEMBER, cli->words + 2, cli->word_count - 2,
					 &object);
	if (outcome)
		return outcome;
	parameters = json_pack("{s:s, s:s}", "name", cli->words[0], "member", cli->words[1]);
	if (settings)
		(void)json_object_set_new(parameters, "settings", object);
	return cli_change(cli, method, parameters);
}

int member_add(struct cli *cli)
{
	return change(cli, "AddMember", true);
}

int member_remove(struct cli *cli)
{
	return change(cli, "RemoveMember", false);
}

int member_set(struct cli *cli)
{
	return change(cli, "SetMember", true);
}

int member_restore(struct cli *cli)
{
	return change(cli, "RestoreMember", false);
}

static const struct column member_columns[] = {
	{"TEAM", .key = "team"},
	{"MEMBER", .key = "name", .read = show_member_name},
	{"ROLE", .key = "role", .flags = COLUMN_IF_ANY, .read = show_part},
	{"WEIGHT", .key = "weight", .flags = COLUMN_RIGHT | COLUMN_OPTIONAL},
	{"STATE", .key = "state", .paint = show_state_paint},
	{"REASON", .key = "reason", .flags = COLUMN_SHRINKS, .read = show_reason},
	{"MAC", .key = "mac"},
	{"BUS ADDRESS", .key = "bus_id", .flags = COLUMN_OPTIONAL | COLUMN_IF_ANY},
};

/* The members of all teams in one list, each with its team's name. */
static json_t *members_collect(const json_t *reply)
{
	json_t *rows = json_array(), *team, *member;
	size_t t, m;

	json_array_foreach(json_object_get(reply, "teams"), t, team)
	{
		json_array_foreach(json_object_get(team, "members"), m, member)
		{
			json_t *row = json_object();

			(void)json_object_set(row, "team", json_object_get(team, "name"));
			(void)json_object_update(row, member);
			(void)json_array_append_new(rows, row);
		}
	}
	return rows;
}

int member_show(struct cli *cli)
{
	json_auto_t *reply = NULL, *rows = NULL, *document = NULL;
	int outcome = cli_ask(cli, "Show", show_parameters(cli), &reply);

	if (outcome)
		return outcome;
	rows = members_collect(reply);
	document = json_pack("{s:O}", "members", rows);
	if (cli->json)
		output_json(&cli->out, document, false);
	else if (json_array_size(rows))
		output_table(&cli->out, member_columns, ARRAY_SIZE(member_columns), rows);
	else
		(void)fputs(SHOW_NO_TEAMS, cli->out.file);
	return OUTCOME_DONE;
}

static bool is_named(const json_t *member, const char *name)
{
	return strcmp(show_string(member, "name"), name) == 0 ||
	       strcmp(show_string(member, "device"), name) == 0;
}

/* Does the member still carry something? One that has left, or is failed, does not. */
static int is_busy(struct cli *cli, bool *ret_busy)
{
	json_auto_t *reply = NULL, *members = NULL;
	const json_t *member;
	int outcome = cli_ask(cli, "Show", show_parameters(cli), &reply);
	size_t i;

	if (outcome)
		return outcome;
	*ret_busy = false;
	members = members_collect(reply);
	json_array_foreach(members, i, member)
	{
		if (is_named(member, cli->words[1]) &&
		    strcmp(show_string(member, "state"), member_state_names[MEMBER_ACTIVE]) == 0)
			*ret_busy = true;
	}
	return OUTCOME_DONE;
}

/* Until it is safe to pull the cable. The daemon ends a drain in time, whatever the flows do. */
int member_drain(struct cli *cli)
{
	uint64_t told_ms = clock_ms();
	bool busy = true;
	int outcome = change(cli, "DrainMember", false);

	while (!outcome) {
		outcome = is_busy(cli, &busy);
		if (outcome || !busy)
			break;
		if (isatty(STDERR_FILENO) && clock_ms() - told_ms >= DRAIN_TELL_MS) {
			(void)fprintf(stderr, "%s still carries flows ...\n", cli->words[1]);
			told_ms = clock_ms();
		}
		(void)poll(NULL, 0, DRAIN_POLL_MS);
	}
	if (!outcome && !cli->json)
		(void)fprintf(cli->out.file, "%s carries nothing now.\n", cli->words[1]);
	return outcome;
}
