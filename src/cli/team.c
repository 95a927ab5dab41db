// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"
#include "cli/settings.h"
#include "cli/show.h"

int team_add(struct cli *cli)
{
	json_t *settings, *config;
	int outcome =
		settings_parse(cli, SETTINGS_TEAM, cli->words + 1, cli->word_count - 1, &settings);

	if (outcome)
		return outcome;
	config = json_pack("{s:s, s:O, s:o}", "name", cli->words[0], "members", cli->members,
			   "settings", settings);
	return cli_change(cli, "AddTeam", json_pack("{s:o}", "team", config));
}

int team_adopt(struct cli *cli)
{
	json_t *settings, *config;
	int outcome =
		settings_parse(cli, SETTINGS_TEAM, cli->words + 1, cli->word_count - 1, &settings);

	if (outcome)
		return outcome;
	(void)json_object_set_new(settings, "Adopt", json_string("yes"));
	config = json_pack("{s:s, s:[], s:o}", "name", cli->words[0], "members", "settings",
			   settings);
	return cli_change(cli, "AddTeam", json_pack("{s:o}", "team", config));
}

int team_remove(struct cli *cli)
{
	return cli_change(cli, "RemoveTeam", json_pack("{s:s}", "name", cli->words[0]));
}

int team_set(struct cli *cli)
{
	json_t *settings;
	int outcome =
		settings_parse(cli, SETTINGS_TEAM, cli->words + 1, cli->word_count - 1, &settings);

	if (outcome)
		return outcome;
	return cli_change(cli, "SetTeam",
			  json_pack("{s:s, s:o}", "name", cli->words[0], "settings", settings));
}

int team_switchover(struct cli *cli)
{
	return cli_change(cli, "Switchover",
			  json_pack("{s:s, s:s}", "name", cli->words[0], "member", cli->to));
}

int team_show(struct cli *cli)
{
	json_auto_t *reply = NULL;
	int outcome = cli_ask(cli, "Show", show_parameters(cli), &reply);

	if (outcome)
		return outcome;
	if (cli->json)
		output_json(&cli->out, reply, false);
	else
		show_teams(&cli->out, reply);
	return OUTCOME_DONE;
}
