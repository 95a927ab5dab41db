// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls to the daemon as commands make them, and the actions that they answer with. */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/confirm.h"
#include "cli/session.h"

#include "base/cleanup.h"
#include "model/action.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Reading is quick; a change may take 30 s (devices that restart), and fails by itself then. */
#define READ_TIMEOUT_MS 10000
#define CHANGE_TIMEOUT_MS 45000

static int ask(const struct cli *cli, bool changes, const char *method, json_t *parameters,
	       json_t **ret_reply)
{
	uint32_t timeout_ms = changes ? CHANGE_TIMEOUT_MS : READ_TIMEOUT_MS;
	const struct client client = {
		.socket = cli->socket,
		.timeout_ms = cli->timeout_ms ? cli->timeout_ms : timeout_ms,
		.changes = changes,
		.progress = isatty(STDERR_FILENO),
		.cancel_fd = -1,
	};
	json_auto_t *failure = NULL;
	int err = client_call(&client, method, parameters, ret_reply, &failure);

	if (err == -EILSEQ)
		return cli_usage(cli, "the command line is not valid UTF-8");
	return err ? cli_fail(cli, failure) : OUTCOME_DONE;
}

int cli_ask(const struct cli *cli, const char *method, json_t *parameters, json_t **ret_reply)
{
	return ask(cli, false, method, parameters, ret_reply);
}

/* Does this step change anything? Those that wait or are refused do not. */
static bool action_is_step(const json_t *action)
{
	const char *what = json_string_value(json_object_get(action, "what"));

	return !what || (strcmp(what, action_names[ACTION_WAIT]) != 0 &&
			 strcmp(what, action_names[ACTION_REFUSE]) != 0);
}

/* Those of the actions that are steps, or those that are not, one sentence a line. */
static void print_some(const struct cli *cli, const char *heading, const json_t *actions,
		       bool steps)
{
	const json_t *action;
	bool first = true;
	size_t i;

	json_array_foreach(actions, i, action)
	{
		const char *text = json_string_value(json_object_get(action, "text"));

		if (action_is_step(action) != steps)
			continue;
		if (first)
			output_paint(&cli->out, PAINT_STRONG, "%s", heading);
		first = false;
		(void)fputs("\n  ", cli->out.file);
		output_paint(&cli->out, PAINT_NONE, "%s", text ? text : "?");
	}
	if (!first)
		(void)fputc('\n', cli->out.file);
}

/* @done stands above what is done or would be. */
static void print_actions(const struct cli *cli, const char *done, const json_t *reply)
{
	const json_t *actions = json_object_get(reply, "actions");

	if (!json_array_size(actions))
		(void)fputs("Nothing to do: everything is as wanted.\n", cli->out.file);
	print_some(cli, done, actions, true);
	print_some(cli, "Not possible now:", actions, false);
}

static int change_print(const struct cli *cli, const char *done, const json_t *reply)
{
	if (cli->json)
		output_json(&cli->out, reply, false);
	else
		print_actions(cli, done, reply);
	return OUTCOME_DONE;
}

int cli_change(const struct cli *cli, const char *method, json_t *parameters)
{
	json_auto_t *reply = NULL;
	int outcome;

	confirm_put_options(cli, parameters);
	session_warn(cli, method, parameters);
	outcome = ask(cli, true, method, parameters, &reply);
	if (outcome)
		return outcome;
	(void)change_print(cli, "Done:", reply);
	confirm_print_how(cli);
	return OUTCOME_DONE;
}

int cancel(struct cli *cli)
{
	json_auto_t *reply = NULL;
	int outcome = ask(cli, true, "Cancel", json_object(), &reply);

	return outcome ? outcome : change_print(cli, "Taken back:", reply);
}

/* H4: begun, for taking a VF from a guest takes its time. */
int vf_reallot(struct cli *cli)
{
	json_t *parameters = json_pack("{s:s}", "switch", cli->words[0]);
	bool dry = cli->given & OPTION_PLAN;
	json_auto_t *reply = NULL;
	int outcome;

	if (dry)
		(void)json_object_set_new(parameters, "dry", json_true());
	outcome = ask(cli, !dry, "ReallotVfs", parameters, &reply);
	return outcome ? outcome : change_print(cli, dry ? "This would be done:" : "Begun:", reply);
}

int reload(struct cli *cli)
{
	return cli_change(cli, "Reload", json_object());
}

int plan(struct cli *cli)
{
	json_auto_t *reply = NULL;
	int outcome = cli_ask(cli, "Plan", json_object(), &reply);

	return outcome ? outcome : change_print(cli, "\"iovteam reload\" would do this:", reply);
}
