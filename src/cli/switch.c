// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's switches (H1, H2): in a list, or one of them in full. */
#include "model/switch.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "cli/cli.h"
#include "cli/settings.h"
#include "cli/show.h"

#define NO_SWITCHES "No switch yet. To make one: iovteam switch add NAME --nic NIC --iov on\n"

int switch_add(struct cli *cli)
{
	json_t *settings, *config;
	int outcome = settings_parse(cli, SETTINGS_SWITCH, cli->words + 1, cli->word_count - 1,
				     &settings);

	if (outcome)
		return outcome;
	config = json_pack("{s:s, s:o, s:o}", "name", cli->words[0], "nic",
			   settings_take(settings, "Nic"), "settings", settings);
	return cli_change(cli, "AddSwitch", json_pack("{s:o}", "switch", config));
}

int switch_set(struct cli *cli)
{
	json_t *settings;
	int outcome = settings_parse(cli, SETTINGS_SWITCH, cli->words + 1, cli->word_count - 1,
				     &settings);

	if (outcome)
		return outcome;
	return cli_change(cli, "SetSwitch",
			  json_pack("{s:s, s:o}", "name", cli->words[0], "settings", settings));
}

int switch_remove(struct cli *cli)
{
	return cli_change(cli, "RemoveSwitch", json_pack("{s:s}", "name", cli->words[0]));
}

/* --- show --- */

static enum paint uplink_paint(const char *state)
{
	return strcmp(state, uplink_state_names[UPLINK_UP]) == 0 ? PAINT_GOOD : PAINT_BAD;
}

static bool has_reasons(const json_t *row)
{
	return json_array_size(json_object_get(row, "iov_reasons")) > 0;
}

/* Wanted, and whether it can be: VFs that no VM can have are still good for namespaces. */
static const char *iov_text(const json_t *row)
{
	if (!json_is_true(json_object_get(row, "iov")))
		return "off";
	if (!json_is_true(json_object_get(row, "iov_supported")))
		return "unsupported";
	return has_reasons(row) ? "namespaces" : "on";
}

static void show_iov(const json_t *row, char *cell)
{
	(void)snprintf(cell, CELL_SIZE, "%s", iov_text(row));
}

static enum paint iov_paint(const char *text)
{
	if (strcmp(text, "unsupported") == 0)
		return PAINT_BAD;
	return strcmp(text, "namespaces") == 0 ? PAINT_WARNING : PAINT_NONE;
}

static void show_nic(const json_t *row, char *cell)
{
	show_member_name(json_object_get(row, "nic"), cell);
}

static const struct column columns[] = {
	{"SWITCH", .key = "name"},
	{"NIC", .key = "nic", .flags = COLUMN_SHRINKS, .read = show_nic},
	{"UPLINK", .key = "uplink", .paint = uplink_paint},
	{"SR-IOV", .key = "iov", .read = show_iov, .paint = iov_paint},
	{"VFS", .key = "vfs_total", .flags = COLUMN_RIGHT},
	{"MADE", .key = "vfs_made", .flags = COLUMN_RIGHT},
	{"USED", .key = "vfs_used", .flags = COLUMN_RIGHT},
	{"ADAPTERS", .key = "adapters", .flags = COLUMN_RIGHT},
};

/* H2: every reason at once, where SR-IOV is wanted. */
static const json_t *reasons_of(const json_t *row)
{
	return json_is_true(json_object_get(row, "iov")) ? json_object_get(row, "iov_reasons")
							 : NULL;
}

static bool has_reason(const json_t *row, const json_t *wanted)
{
	const json_t *reason;
	size_t i;

	json_array_foreach(reasons_of(row), i, reason)
	{
		if (json_equal(reason, wanted))
			return true;
	}
	return false;
}

/* A reason once for all switches that have it, and only from the first of them on. */
static void print_reason(const struct output *out, bool *below, const json_t *switches,
			 size_t first, const json_t *reason)
{
	_cleanup_free_ char *names = NULL;
	size_t size = 0, i;
	const json_t *row;
	FILE *stream = open_memstream(&names, &size);

	if (!stream)
		return;
	json_array_foreach(switches, i, row)
	{
		if (has_reason(row, reason) && i < first)
			break;
		if (has_reason(row, reason))
			(void)fprintf(stream, "%s%s", i > first ? ", " : "",
				      show_string(row, "name"));
	}
	(void)fclose(stream);
	if (i < json_array_size(switches))
		return;
	show_begin_below(out, below);
	output_fact(out, "Reason", "%s: %s (%s)", show_string(reason, "name"),
		    show_string(reason, "text"), names);
}

static void print_list(const struct output *out, const json_t *switches)
{
	const json_t *row, *reason;
	bool below = false;
	size_t i, r;

	output_table(out, columns, ARRAY_SIZE(columns), switches);
	json_array_foreach(switches, i, row)
	{
		json_array_foreach(reasons_of(row), r, reason)
			print_reason(out, &below, switches, i, reason);
	}
	json_array_foreach(switches, i, row)
		show_notes_of(out, &below, show_string(row, "name"), row);
}

static json_int_t number(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void print_nic(const struct output *out, const json_t *nic)
{
	const char *name = show_string(nic, "name"), *device = show_string(nic, "device");

	if (!*name) {
		output_fact(out, "NIC", "%s, which is not there now", device);
		return;
	}
	output_fact(out, "NIC", "%s", name);
	if (strcmp(name, device) != 0)
		output_fact(out, "Configured as", "%s", device);
	output_fact(out, "MAC", "%s", show_string(nic, "mac"));
	if (*show_string(nic, "pci"))
		output_fact(out, "Bus address", "%s", show_string(nic, "pci"));
	if (*show_string(nic, "driver"))
		output_fact(out, "Driver", "%s", show_string(nic, "driver"));
}

/* What "on" alone would hide. */
static const char *iov_sentence(const json_t *row)
{
	const char *text = iov_text(row);

	if (strcmp(text, "unsupported") == 0)
		return "on, but not supported: no adapter gets a VF";
	if (strcmp(text, "namespaces") == 0)
		return "on, for namespaces: no VM can be given a VF";
	return text;
}

static void print_whole(const struct output *out, const json_t *row)
{
	const char *uplink = show_string(row, "uplink");
	const json_t *reason;
	size_t i;

	output_paint(out, PAINT_STRONG, "%s", show_string(row, "name"));
	(void)fputs(": uplink ", out->file);
	output_paint(out, uplink_paint(uplink), "%s", uplink);
	(void)fputc('\n', out->file);
	print_nic(out, json_object_get(row, "nic"));
	if (json_is_true(json_object_get(row, "adopted")))
		output_fact(out, "Adopted", "something else makes this bridge, and keeps it");
	output_fact(out, "SR-IOV", "%s", iov_sentence(row));
	json_array_foreach(reasons_of(row), i, reason)
		output_fact(out, i ? "" : "Reason", "%s: %s", show_string(reason, "name"),
			    show_string(reason, "text"));
	output_fact(out, "VFs",
		    "%" JSON_INTEGER_FORMAT " possible, %" JSON_INTEGER_FORMAT
		    " made, %" JSON_INTEGER_FORMAT " used",
		    number(row, "vfs_total"), number(row, "vfs_made"), number(row, "vfs_used"));
	output_fact(out, "Adapters", "%" JSON_INTEGER_FORMAT, number(row, "adapters"));
	show_list(out, "Note", json_object_get(row, "notes"), NULL);
}

int switch_show(struct cli *cli)
{
	json_auto_t *reply = NULL;
	const json_t *switches, *row;
	size_t i;
	int outcome = cli_ask(cli, "ShowSwitches", show_parameters(cli), &reply);

	if (outcome)
		return outcome;
	switches = json_object_get(reply, "switches");
	if (cli->json)
		output_json(&cli->out, reply, false);
	else if (!json_array_size(switches))
		(void)fputs(NO_SWITCHES, cli->out.file);
	else if (!cli->word_count)
		print_list(&cli->out, switches);
	else
		json_array_foreach(switches, i, row) print_whole(&cli->out, row);
	return OUTCOME_DONE;
}
