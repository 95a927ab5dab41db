// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls to the daemon as commands make them, and the actions that they answer with. */
#include "cli/cli.h"
#include "cli/client.h"

#include "base/cleanup.h"

#include <errno.h>
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

/* One sentence a line; @heading stands above them. */
static void print_actions(const struct cli *cli, const char *heading, const json_t *actions)
{
	size_t i;
	const json_t *action;

	output_paint(&cli->out, PAINT_STRONG, "%s", heading);
	(void)fputc('\n', cli->out.file);
	json_array_foreach(actions, i, action) {
		const char *text = "?", *what = "?";

		(void)json_unpack((json_t *)action, "{s?s, s?s}", "what", &what, "text", &text);
		output_paint(&cli->out, PAINT_NONE, "  %s", *text ? text : what);
		(void)fputc('\n', cli->out.file);
	}
}

int cli_change(const struct cli *cli, const char *method, json_t *parameters)
{
	json_auto_t *reply = NULL;
	const json_t *actions;
	int outcome = ask(cli, true, method, parameters, &reply);

	if (outcome)
		return outcome;
	actions = json_object_get(reply, "actions");
	if (cli->json)
		output_json(&cli->out, reply, false);
	else if (json_array_size(actions))
		print_actions(cli, "Done:", actions);
	else
		(void)fputs("Nothing to do: everything is as wanted.\n", cli->out.file);
	return OUTCOME_DONE;
}

int reload(struct cli *cli)
{
	return cli_change(cli, "Reload", json_object());
}

int plan(struct cli *cli)
{
	json_auto_t *reply = NULL;
	const json_t *actions;
	int outcome = cli_ask(cli, "Plan", json_object(), &reply);

	if (outcome)
		return outcome;
	actions = json_object_get(reply, "actions");
	if (cli->json) {
		output_json(&cli->out, reply, false);
	} else if (json_array_size(actions)) {
		print_actions(cli, "A reload would do this:", actions);
		(void)fputs("Nothing was changed. To do it: iovteam reload\n", cli->out.file);
	} else {
		(void)fputs("Nothing to do: everything is as wanted.\n", cli->out.file);
	}
	return OUTCOME_DONE;
}
