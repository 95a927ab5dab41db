// SPDX-License-Identifier: GPL-2.0-or-later
/* Changes that are taken back unless somebody confirms them (C5). */
#include "cli/confirm.h"
#include "cli/cli.h"

void confirm_put_options(const struct cli *cli, json_t *parameters)
{
	if (cli->given & OPTION_CONFIRM)
		(void)json_object_set_new(parameters, "confirm", json_integer(cli->confirm));
	if (cli->given & OPTION_TAKE)
		(void)json_object_set_new(parameters, "take_addresses", json_true());
	if (cli->given & OPTION_GIVE)
		(void)json_object_set_new(parameters, "give_addresses", json_string(cli->give));
}

void confirm_print_how(const struct cli *cli)
{
	if (!(cli->given & OPTION_CONFIRM) || cli->json)
		return;
	output_paint(&cli->out, PAINT_WARNING,
		     "Taken back in %u s unless confirmed:", cli->confirm);
	(void)fputs("\n"
		    "  iovteam confirm    keep it\n"
		    "  iovteam cancel     take it back now\n",
		    cli->out.file);
}

void confirm_print_pending(const struct output *out, const json_t *reply)
{
	const json_t *pending = json_object_get(reply, "pending");
	const char *what = json_string_value(json_object_get(pending, "what"));

	if (!what)
		return;
	output_paint(out, PAINT_WARNING,
		     "Not confirmed: %s; taken back in %" JSON_INTEGER_FORMAT " s.", what,
		     json_integer_value(json_object_get(pending, "seconds")));
	(void)fputs("\n  iovteam confirm    keep it\n  iovteam cancel     take it back now\n\n",
		    out->file);
}

int confirm(struct cli *cli)
{
	json_auto_t *reply = NULL;
	const char *what;
	int outcome = cli_ask(cli, "Confirm", json_object(), &reply);

	if (outcome)
		return outcome;
	what = json_string_value(json_object_get(reply, "what"));
	if (cli->json) {
		output_json(&cli->out, reply, false);
	} else {
		output_paint(&cli->out, PAINT_NONE, "Kept: %s.", what ? what : "?");
		(void)fputc('\n', cli->out.file);
	}
	return OUTCOME_DONE;
}
