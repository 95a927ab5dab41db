// SPDX-License-Identifier: GPL-2.0-or-later
/* H11: what the daemon has found, worst first, in the order in which it tells it. */
#include "cli/cli.h"
#include "cli/show.h"

#include "base/strings.h"
#include "model/finding.h"

#define NOTHING "Nothing would make a failover fail, as far as can be seen.\n"

static int severity_of(const json_t *finding)
{
	return name_lookup(finding_severity_names, FINDING_SEVERITY_COUNT,
			   show_string(finding, "severity"));
}

static enum paint severity_paint(int severity)
{
	static const enum paint paints[] = {
		[FINDING_FATAL] = PAINT_BAD,
		[FINDING_WARNING] = PAINT_WARNING,
		[FINDING_NOTE] = PAINT_FAINT,
	};
	NAME_TABLE_COMPLETE(paints, FINDING_SEVERITY_COUNT);

	return severity < 0 ? PAINT_NONE : paints[severity];
}

static void print_finding(const struct output *out, const json_t *finding)
{
	output_paint(out, severity_paint(severity_of(finding)), "%-8s",
		     show_string(finding, "severity"));
	output_paint(out, PAINT_STRONG, " %s", show_string(finding, "subject"));
	(void)fputc('\n', out->file);
	output_fact(out, "What", "%s", show_string(finding, "what"));
	output_fact(out, "Evidence", "%s", show_string(finding, "evidence"));
	output_fact(out, "Mend", "%s", show_string(finding, "mend"));
}

int doctor(struct cli *cli)
{
	json_auto_t *reply = NULL;
	const json_t *findings, *finding;
	bool fatal = false;
	size_t i;
	int outcome = cli_ask(cli, "Doctor", json_object(), &reply);

	if (outcome)
		return outcome;
	findings = json_object_get(reply, "findings");
	if (cli->json)
		output_json(&cli->out, reply, false);
	else if (!json_array_size(findings))
		(void)fputs(NOTHING, cli->out.file);
	json_array_foreach(findings, i, finding)
	{
		fatal = fatal || severity_of(finding) == FINDING_FATAL;
		if (!cli->json)
			print_finding(&cli->out, finding);
	}
	return fatal ? OUTCOME_FAILED : OUTCOME_DONE;
}
