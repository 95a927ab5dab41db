// SPDX-License-Identifier: GPL-2.0-or-later
/* The VMs' adapters (H3, H5, H8): in a list, or one of them in full. */
#include "model/adapter.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "cli/cli.h"
#include "cli/settings.h"
#include "cli/show.h"

#define NO_ADAPTERS "No adapter yet. To make one: iovteam adapter add VM NAME --switch SWITCH\n"

/* --- changes --- */

/* Options that are the VM's, not the adapter's. */
static json_t *guest_of(json_t *settings)
{
	static const char *const keys[] = {"Namespace", "Qmp", "Libvirt"};
	json_t *guest = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		json_t *value = settings_take(settings, keys[i]);

		if (value)
			(void)json_object_set_new(guest, keys[i], value);
	}
	return guest;
}

int adapter_add(struct cli *cli)
{
	json_auto_t *guest = NULL;
	json_t *settings, *adapter, *parameters;
	int outcome;

	if ((cli->given & OPTION_NAMESPACE) && (cli->given & OPTION_QMP))
		return cli_usage(cli, "--namespace and --qmp exclude each other: a guest is a "
				      "namespace, or QEMU's");
	if ((cli->given & OPTION_LIBVIRT) && (cli->given & (OPTION_NAMESPACE | OPTION_QMP)))
		return cli_usage(cli, "--libvirt excludes --namespace and --qmp: a domain of "
				      "libvirt is told by libvirt");
	outcome = settings_parse(cli, SETTINGS_ADAPTER, cli->words + 2, cli->word_count - 2,
				 &settings);
	if (outcome)
		return outcome;
	guest = guest_of(settings);
	adapter = json_pack("{s:s, s:o, s:o}", "name", cli->words[1], "switch",
			    settings_take(settings, "Switch"), "settings", settings);
	parameters = json_pack("{s:s, s:o}", "vm", cli->words[0], "adapter", adapter);
	if (json_object_size(guest))
		(void)json_object_set(parameters, "vm_settings", guest);
	return cli_change(cli, "AddAdapter", parameters);
}

/* Without a name, all adapters of the VM. */
int adapter_set(struct cli *cli)
{
	int named = !strchr(cli->words[1], '='), first = 1 + named, outcome;
	json_t *settings, *parameters;

	if (cli->word_count == first)
		return cli_usage(cli, "something is missing; it takes: %s", cli->command->synopsis);
	outcome = settings_parse(cli, SETTINGS_ADAPTER, cli->words + first, cli->word_count - first,
				 &settings);
	if (outcome)
		return outcome;
	parameters = json_pack("{s:s, s:s*, s:o}", "vm", cli->words[0], "adapter",
			       named ? cli->words[1] : NULL, "settings", settings);
	return cli_change(cli, "SetAdapter", parameters);
}

int adapter_remove(struct cli *cli)
{
	return cli_change(cli, "RemoveAdapter",
			  json_pack("{s:s, s:s}", "vm", cli->words[0], "adapter", cli->words[1]));
}

/* --- show: a list --- */

static enum paint status_paint(const char *status)
{
	return strcmp(status, adapter_status_names[ADAPTER_OK]) == 0 ? PAINT_GOOD : PAINT_WARNING;
}

static enum paint path_paint(const char *path)
{
	return strcmp(path, adapter_path_names[ADAPTER_PATH_OK]) == 0 ? PAINT_GOOD : PAINT_BAD;
}

/* H8. As people say it: "uplink lost". */
static void show_path(const json_t *adapter, char *cell)
{
	(void)snprintf(cell, CELL_SIZE, "%s", show_string(adapter, "path"));
	for (char *c = cell; *c; c++)
		*c = *c == '-' ? ' ' : *c;
}

static const json_t *wanted_of(const json_t *adapter, const char *key)
{
	return json_object_get(json_object_get(adapter, "wanted"), key);
}

static const json_t *actual_of(const json_t *adapter, const char *key)
{
	return json_object_get(json_object_get(adapter, "actual"), key);
}

static void show_weight(const json_t *adapter, char *cell)
{
	(void)snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT,
		       json_integer_value(wanted_of(adapter, "iov_weight")));
}

static void show_vf(const json_t *adapter, char *cell)
{
	const json_t *vf = actual_of(adapter, "vf");

	(void)snprintf(cell, CELL_SIZE, "-");
	if (json_is_integer(vf))
		(void)snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(vf));
}

static void show_teaming(const json_t *adapter, char *cell)
{
	(void)snprintf(cell, CELL_SIZE, "%s",
		       show_flag(json_object_get(adapter, "wanted"), "allow_teaming"));
}

static const struct column columns[] = {
	{"VM", .key = "vm", .flags = COLUMN_SHRINKS},
	{"ADAPTER", .key = "name"},
	{"SWITCH", .key = "switch"},
	{"STATUS", .key = "status", .paint = status_paint},
	{"PATH", .key = "path", .read = show_path, .paint = path_paint},
	{"WEIGHT", .key = "wanted", .flags = COLUMN_RIGHT, .read = show_weight},
	{"VF", .key = "actual", .flags = COLUMN_RIGHT, .read = show_vf},
	{"TEAMING", .key = "wanted", .read = show_teaming},
	{"VLAN", .key = "vlan", .flags = COLUMN_RIGHT | COLUMN_IF_ANY, .read = show_vlan},
	{"MAC", .key = "mac", .flags = COLUMN_OPTIONAL},
};

/* The adapters of all VMs. */
static json_t *adapters_collect(const json_t *reply)
{
	json_t *rows = json_array();
	const json_t *vm;
	size_t i;

	json_array_foreach(json_object_get(reply, "vms"), i, vm)(void)
		json_array_extend(rows, json_object_get(vm, "adapters"));
	return rows;
}

static void print_list(const struct output *out, const json_t *adapters)
{
	const json_t *adapter;
	char name[CELL_SIZE];
	bool below = false;
	size_t i;

	output_table(out, columns, ARRAY_SIZE(columns), adapters);
	json_array_foreach(adapters, i, adapter)
	{
		(void)snprintf(name, sizeof(name), "%.80s/%.40s", show_string(adapter, "vm"),
			       show_string(adapter, "name"));
		show_notes_of(out, &below, name, adapter);
	}
}

/* --- show: one of them --- */

static void print_path(const struct output *out, const json_t *adapter)
{
	static const char *const meanings[] = {
		[ADAPTER_PATH_OK] = "",
		[ADAPTER_PATH_UPLINK_LOST] = ": it still reaches the others on its switch",
		[ADAPTER_PATH_DISCONNECTED] = ": the uplink is lost, and the guest was told",
		[ADAPTER_PATH_NO_PORT] = ": it is not on its switch, and reaches nobody",
	};
	NAME_TABLE_COMPLETE(meanings, ADAPTER_PATH_COUNT);
	int path =
		name_lookup(adapter_path_names, ADAPTER_PATH_COUNT, show_string(adapter, "path"));
	char cell[CELL_SIZE];

	show_path(adapter, cell);
	output_fact(out, "Path", "%s%s", cell, path < 0 ? "" : meanings[path]);
}

/* Who it is for, and whether he can be told of a lost uplink (H7). */
static void print_guest(const struct output *out, const json_t *vm, const json_t *adapter)
{
	const char *netns = show_string(vm, "namespace"), *qmp = show_string(vm, "qmp");
	const json_t *domain = json_object_get(adapter, "domain");
	const char *link = show_string(domain, "link");

	if (json_is_object(domain))
		output_fact(out, "Guest", "domain %s of libvirt, %s%s%s%s",
			    show_string(domain, "name"), show_string(domain, "state"),
			    json_is_true(json_object_get(domain, "attached")) ? ", attached" : "",
			    *link ? ", link " : "", link);
	else if (*netns)
		output_fact(out, "Guest", "namespace %s", netns);
	else
		output_fact(out, "Guest", "QEMU%s%s", *qmp ? ", told of a lost uplink over " : "",
			    qmp);
}

/* H3: what is wanted, and apart from it what is so. */
static void print_vf(const struct output *out, const json_t *adapter)
{
	const json_t *actual = json_object_get(adapter, "actual");
	const char *driver = show_string(actual, "vf_driver");
	const char *netdev = show_string(actual, "vf_netdev");
	const char *link_state = show_string(actual, "link_state");

	if (!json_is_integer(actual_of(adapter, "vf"))) {
		output_fact(out, "VF", "%s",
			    json_integer_value(wanted_of(adapter, "iov_weight")) ? "none, though "
										   "it is wanted"
										 : "none: "
										   "iov-weight is "
										   "0");
		return;
	}
	output_fact(out, "VF", "%" JSON_INTEGER_FORMAT ", %s%s%s%s%s",
		    json_integer_value(actual_of(adapter, "vf")), show_string(actual, "vf_pci"),
		    *driver ? ", driver " : "", driver, *netdev ? ", interface " : "", netdev);
	output_fact(out, "VF settings", "spoofchk %s, trust %s, link state %s",
		    show_flag(actual, "spoofchk"), show_flag(actual, "trust"),
		    *link_state ? link_state : "-");
}

/* H5: its own and its mates'. */
static void print_macs(const struct output *out, const json_t *adapter)
{
	const json_t *macs = json_object_get(adapter, "permitted_macs");

	if (json_is_true(wanted_of(adapter, "mac_spoofing")))
		output_fact(out, "Sends as", "any MAC");
	else
		show_list(out, "Sends as", macs, "nobody");
}

static void print_frames(const struct output *out, const json_t *frames)
{
	json_int_t passed = 0, mate = 0, refused = 0, group = 0;

	(void)json_unpack((json_t *)frames, "{s?I, s?I, s?I, s?I}", "passed", &passed,
			  "passed_mate", &mate, "refused", &refused, "refused_group", &group);
	output_fact(out, "Frames sent",
		    "%" JSON_INTEGER_FORMAT " passed, %" JSON_INTEGER_FORMAT
		    " of them as a team mate, %" JSON_INTEGER_FORMAT " refused",
		    passed, mate, refused);
	if (group)
		output_fact(out, "", "%" JSON_INTEGER_FORMAT " to groups of switches refused",
			    group);
}

/* Line by line below a heading, as it is: people copy it. */
static void print_block(const struct output *out, const char *heading, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *line;

	(void)fputc('\n', out->file);
	output_paint(out, PAINT_STRONG, "%s", heading);
	(void)fputc('\n', out->file);
	while ((line = strsep(&rest, "\n")))
		if (*line) {
			(void)fputs("  ", out->file);
			output_paint(out, PAINT_NONE, "%s", line);
			(void)fputc('\n', out->file);
		}
}

/* Arguments, an option and its value on each line. */
static char *qemu_lines(const json_t *arguments)
{
	char *text = NULL;
	size_t size = 0, i;
	const json_t *argument;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	json_array_foreach(arguments, i, argument)
	{
		const char *word = json_string_value(argument);

		word = word ? word : "?";
		(void)fprintf(stream, "%s%s", !i ? "" : *word == '-' ? " \\\n" : " ", word);
	}
	(void)fclose(stream);
	return text;
}

static void print_attach(const struct output *out, const json_t *attach)
{
	_cleanup_free_ char *qemu = NULL;

	if (!json_is_object(attach))
		return;
	qemu = qemu_lines(json_object_get(attach, "qemu"));
	if (qemu)
		print_block(out, "QEMU gets it by these arguments:", qemu);
	print_block(out, "libvirt by this in its domain:", show_string(attach, "libvirt_xml"));
}

static void print_whole(const struct output *out, const json_t *vm, const json_t *adapter)
{
	const json_t *wanted = json_object_get(adapter, "wanted");
	const char *status = show_string(adapter, "status");
	char cell[CELL_SIZE] = "";

	output_paint(out, PAINT_STRONG, "%s/%s", show_string(adapter, "vm"),
		     show_string(adapter, "name"));
	(void)fputs(" is ", out->file);
	output_paint(out, status_paint(status), "%s", status);
	(void)fputc('\n', out->file);
	print_path(out, adapter);
	print_guest(out, vm, adapter);
	output_fact(out, "Switch", "%s, port %s", show_string(adapter, "switch"),
		    show_string(adapter, "port"));
	output_fact(out, "MAC", "%s", show_string(adapter, "mac"));
	show_vlan(adapter, cell);
	output_fact(out, "VLAN", "%s", *cell ? cell : "untagged");
	show_weight(adapter, cell);
	output_fact(out, "Wanted", "iov-weight=%s allow-teaming=%s mac-spoofing=%s", cell,
		    show_flag(wanted, "allow_teaming"), show_flag(wanted, "mac_spoofing"));
	output_fact(out, "Data path", "%s",
		    show_string(json_object_get(adapter, "actual"), "data_path"));
	print_vf(out, adapter);
	print_macs(out, adapter);
	print_frames(out, json_object_get(adapter, "frames"));
	show_list(out, "Note", json_object_get(adapter, "notes"), NULL);
	print_attach(out, json_object_get(adapter, "attach"));
}

static void print_wholes(const struct output *out, const json_t *reply)
{
	const json_t *vm, *adapter;
	size_t v, a;

	json_array_foreach(json_object_get(reply, "vms"), v, vm)
	{
		json_array_foreach(json_object_get(vm, "adapters"), a, adapter)
			print_whole(out, vm, adapter);
	}
}

int adapter_show(struct cli *cli)
{
	json_t *parameters =
		json_pack("{s:s*, s:s*}", "vm", cli->word_count > 0 ? cli->words[0] : NULL,
			  "adapter", cli->word_count > 1 ? cli->words[1] : NULL);
	json_auto_t *reply = NULL, *adapters = NULL;
	int outcome = cli_ask(cli, "ShowAdapters", parameters, &reply);

	if (outcome)
		return outcome;
	adapters = adapters_collect(reply);
	if (cli->json)
		output_json(&cli->out, reply, false);
	else if (!json_array_size(adapters))
		(void)fputs(NO_ADAPTERS, cli->out.file);
	else if (cli->word_count < 2)
		print_list(&cli->out, adapters);
	else
		print_wholes(&cli->out, reply);
	return OUTCOME_DONE;
}
