// SPDX-License-Identifier: GPL-2.0-or-later
/* Virtual functions of the switches' NICs, as the NICs report them. */
#include "base/cleanup.h"
#include "base/strings.h"
#include "cli/cli.h"
#include "cli/show.h"

#define NO_VFS "No VF. A switch makes them: iovteam switch add NAME --nic NIC --iov on\n"

static void show_holder(const json_t *vf, char *cell)
{
	const char *adapter = show_string(vf, "adapter");

	(void)snprintf(cell, CELL_SIZE, "%s", *adapter ? adapter : "-");
}

static void show_spoofchk(const json_t *vf, char *cell)
{
	(void)snprintf(cell, CELL_SIZE, "%s", show_flag(vf, "spoofchk"));
}

static void show_trust(const json_t *vf, char *cell)
{
	(void)snprintf(cell, CELL_SIZE, "%s", show_flag(vf, "trust"));
}

static const struct column columns[] = {
	{"NIC", .key = "nic"},
	{"VF", .key = "index", .flags = COLUMN_RIGHT},
	{"ADAPTER", .key = "adapter", .flags = COLUMN_SHRINKS, .read = show_holder},
	{"BUS ADDRESS", .key = "pci"},
	{"MAC", .key = "mac"},
	{"VLAN", .key = "vlan", .flags = COLUMN_RIGHT | COLUMN_IF_ANY, .read = show_vlan},
	{"SPOOFCHK", .key = "spoofchk", .read = show_spoofchk},
	{"TRUST", .key = "trust", .read = show_trust},
	{"LINK", .key = "link_state", .flags = COLUMN_OPTIONAL},
	{"DRIVER", .key = "driver", .flags = COLUMN_OPTIONAL | COLUMN_IF_ANY},
	{"SWITCH", .key = "switch", .flags = COLUMN_OPTIONAL},
};

int vf_show(struct cli *cli)
{
	json_t *parameters =
		cli->word_count ? json_pack("{s:s}", "switch", cli->words[0]) : json_object();
	json_auto_t *reply = NULL;
	const json_t *vfs;
	int outcome = cli_ask(cli, "ShowVfs", parameters, &reply);

	if (outcome)
		return outcome;
	vfs = json_object_get(reply, "vfs");
	if (cli->json)
		output_json(&cli->out, reply, false);
	else if (json_array_size(vfs))
		output_table(&cli->out, columns, ARRAY_SIZE(columns), vfs);
	else
		(void)fputs(NO_VFS, cli->out.file);
	return OUTCOME_DONE;
}
