// SPDX-License-Identifier: GPL-2.0-or-later
/* T18: the daemon runs the loaded program on the flow; this shows what the program answered. */
#include "cli/cli.h"
#include "cli/flow.h"

#include "model/steering.h"

/* Facts that are there; not every frame has a bucket. @with_why: no sentence has said it. */
static void print_facts(const struct output *out, const json_t *reply, bool with_why)
{
	const char *why = NULL, *home = NULL, *source = NULL;
	json_int_t bucket = -1, hash = -1;

	(void)json_unpack((json_t *)reply, "{s?s}", "why", &why);
	(void)json_unpack((json_t *)reply, "{s?s}", "home", &home);
	(void)json_unpack((json_t *)reply, "{s?I}", "bucket", &bucket);
	(void)json_unpack((json_t *)reply, "{s?I}", "hash", &hash);
	if (why && with_why)
		output_fact(out, "Why", "%s", why);
	if (bucket >= 0)
		output_fact(out, "Bucket", "%" JSON_INTEGER_FORMAT " of %d", bucket, PICK_BUCKETS);
	if (home && *home)
		output_fact(out, "Home", "%s", home);
	(void)json_unpack((json_t *)reply, "{s?s}", "hash_source", &source);
	if (hash >= 0)
		output_fact(out, "Hash", "0x%08llx%s%s", (unsigned long long)hash,
			    source ? ", " : "", source ? source : "");
}

static void print_answer(const struct cli *cli, const json_t *reply)
{
	const char *member = "", *text = "";

	(void)json_unpack((json_t *)reply, "{s?s, s?s}", "member", &member, "text", &text);
	(void)fputs("The flow takes ", cli->out.file);
	output_paint(&cli->out, PAINT_STRONG, "%s", *member ? member : "no member");
	(void)fputc('\n', cli->out.file);
	if (*text)
		output_fact(&cli->out, "Why", "%s", text);
	print_facts(&cli->out, reply, *text == '\0');
}

int explain(struct cli *cli)
{
	json_auto_t *reply = NULL;
	struct problem problem = {};
	json_t *flow;
	int outcome;

	if (flow_parse(cli->words + 1, cli->word_count - 1, &flow, &problem))
		return cli_usage(cli, "%s", problem.text);
	outcome = cli_ask(cli, "Explain",
			  json_pack("{s:s, s:o}", "name", cli->words[0], "flow", flow), &reply);
	if (outcome)
		return outcome;
	if (cli->json)
		output_json(&cli->out, reply, false);
	else
		print_answer(cli, reply);
	return OUTCOME_DONE;
}
