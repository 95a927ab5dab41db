// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"
#include "cli/show.h"

#include "base/strings.h"

int member_add(struct cli *cli)
{
	return cli_change(cli, "AddMember",
			  json_pack("{s:s, s:s}", "name", cli->words[0], "member", cli->words[1]));
}

int member_remove(struct cli *cli)
{
	return cli_change(cli, "RemoveMember",
			  json_pack("{s:s, s:s}", "name", cli->words[0], "member", cli->words[1]));
}

static const struct column member_columns[] = {
	{"TEAM", .key = "team"},
	{"MEMBER", .key = "name", .read = show_member_name},
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
