// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iovteam: reads the command line, finds the command in the table, and runs it. All options are
 * read in one pass, wherever they stand; then the command says which of them it takes.
 */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/settings.h"
#include "cli/units.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define TIMEOUT_MIN_MS 100
#define INTERVAL_MIN_MS 100
#define INTERVAL_DEFAULT_MS 1000
#define SECONDS_MAX_MS 3600000
#define COUNT_MAX 1000000000
#define CONFIRM_MAX 3600

/* {"error": …, "message": …} on stdout, or a sentence on stderr. */
static void report(const struct cli *cli, const json_t *failure)
{
	const char *message = "unknown error", *file = "";
	struct output out;
	int line = 0;

	if (cli->json) {
		output_json(&cli->out, failure, false);
		return;
	}
	(void)json_unpack((json_t *)failure, "{s:s}", "message", &message);
	(void)json_unpack((json_t *)failure, "{s:s, s?i}", "file", &file, "line", &line);
	output_open(&out, stderr);
	if (!*file || strncmp(message, file, strlen(file)) == 0)
		output_paint(&out, PAINT_NONE, "iovteam: %s", message);
	else if (line > 0)
		output_paint(&out, PAINT_NONE, "iovteam: %s:%d: %s", file, line, message);
	else
		output_paint(&out, PAINT_NONE, "iovteam: %s: %s", file, message);
	(void)fputc('\n', stderr);
}

int cli_fail(const struct cli *cli, const json_t *failure)
{
	report(cli, failure);
	return OUTCOME_FAILED;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	json_auto_t *failure = NULL;
	char title[64];
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return OUTCOME_USAGE;
	output_clean(text);
	if (!cli->command && cli->noun)
		(void)snprintf(title, sizeof(title), "iovteam %s", cli->noun);
	else
		(void)command_title(cli->command, title, sizeof(title));
	if (cli->json) {
		failure = client_failure("Usage", "%s", text);
		report(cli, failure);
	} else {
		(void)fprintf(stderr, "%s: %s\nTry: %s --help\n", title, text, title);
	}
	return OUTCOME_USAGE;
}

/* --timeout and --interval. */
static int take_seconds(const struct cli *cli, const char *option, const char *text,
			uint32_t low_ms, uint32_t *ret_ms)
{
	if (units_parse_seconds(text, low_ms, SECONDS_MAX_MS, ret_ms) == 0)
		return OUTCOME_DONE;
	return cli_usage(cli, "--%s takes seconds from %g to %d, such as 5 or 0.5, not \"%s\"",
			 option, low_ms / 1000.0, SECONDS_MAX_MS / 1000, text);
}

static int take_socket(struct cli *cli, const char *text)
{
	if (!*text)
		return cli_usage(cli, "--socket needs a path");
	cli->socket = text;
	return OUTCOME_DONE;
}

static int take_timeout(struct cli *cli, const char *text)
{
	return take_seconds(cli, "timeout", text, TIMEOUT_MIN_MS, &cli->timeout_ms);
}

static int take_interval(struct cli *cli, const char *text)
{
	return take_seconds(cli, "interval", text, INTERVAL_MIN_MS, &cli->interval_ms);
}

static int take_count(struct cli *cli, const char *text)
{
	if (number_parse(text, 1, COUNT_MAX, &cli->count) == 0)
		return OUTCOME_DONE;
	return cli_usage(cli, "--count takes a number of 1 or more, not \"%s\"", text);
}

static int take_member(struct cli *cli, const char *text)
{
	json_t *member;
	int outcome = settings_parse_member(cli, text, &member);

	if (!outcome && json_array_append_new(cli->members, member))
		outcome = OUTCOME_FAILED;
	return outcome;
}

static int take_to(struct cli *cli, const char *text)
{
	if (!*text)
		return cli_usage(cli, "--to needs a member");
	cli->to = text;
	return OUTCOME_DONE;
}

static int take_confirm(struct cli *cli, const char *text)
{
	if (number_parse(text, 1, CONFIRM_MAX, &cli->confirm) == 0)
		return OUTCOME_DONE;
	return cli_usage(cli, "--confirm takes seconds from 1 to %d, not \"%s\"", CONFIRM_MAX,
			 text);
}

static int take_flag(struct cli *cli, const char *text)
{
	(void)cli, (void)text; /* that it was given says it all */
	return OUTCOME_DONE;
}

static int take_give(struct cli *cli, const char *text)
{
	if (!*text)
		return cli_usage(cli, "--give-addresses needs a device");
	cli->give = text;
	return OUTCOME_DONE;
}

/* An option that is a setting by another name. */
static int take_setting(struct cli *cli, const char *option, const char *key, const char *text)
{
	if (!*text)
		return cli_usage(cli, "--%s needs a value", option);
	if (json_object_get(cli->settings, key))
		return cli_usage(cli, "--%s is given twice", option);
	if (json_object_set_new(cli->settings, key, json_string(text)))
		return cli_usage(cli, "the command line is not valid UTF-8");
	return OUTCOME_DONE;
}

static int take_nic(struct cli *cli, const char *text)
{
	if (json_object_get(cli->settings, "Nic"))
		return cli_usage(cli, "--nic is given twice, and a switch has one NIC; make a "
				      "switch "
				      "on each, or a bond of them, which has no SR-IOV");
	return take_setting(cli, "nic", "Nic", text);
}

static int take_json(struct cli *cli, const char *text)
{
	(void)text;
	cli->json = true;
	return OUTCOME_DONE;
}

static int take_help(struct cli *cli, const char *text)
{
	(void)text;
	cli->help = true;
	return OUTCOME_DONE;
}

static int take_version(struct cli *cli, const char *text)
{
	(void)text;
	cli->version = true;
	return OUTCOME_DONE;
}

static const struct {
	struct option option;
	unsigned bit; /* enum command_option, 0 = goes with each command */
	int (*take)(struct cli *cli, const char *text);
	const char *key; /* of a setting, which is taken as it is */
} cli_options[] = {
	{{"member", required_argument, NULL, 'm'}, OPTION_MEMBER, .take = take_member},
	{{"to", required_argument, NULL, 't'}, OPTION_TO, .take = take_to},
	{{"confirm", required_argument, NULL, 'C'}, OPTION_CONFIRM, .take = take_confirm},
	{{"take-addresses", no_argument, NULL, 'a'}, OPTION_TAKE, .take = take_flag},
	{{"give-addresses", required_argument, NULL, 'g'}, OPTION_GIVE, .take = take_give},
	{{"nic", required_argument, NULL, 'N'}, OPTION_NIC, .take = take_nic},
	{{"iov", required_argument, NULL, 'I'}, OPTION_IOV, .key = "Iov"},
	{{"switch", required_argument, NULL, 'S'}, OPTION_SWITCH, .key = "Switch"},
	{{"iov-weight", required_argument, NULL, 'w'}, OPTION_WEIGHT, .key = "IovWeight"},
	{{"mac", required_argument, NULL, 'M'}, OPTION_MAC, .key = "Mac"},
	{{"vlan", required_argument, NULL, 'v'}, OPTION_VLAN, .key = "Vlan"},
	{{"namespace", required_argument, NULL, 'n'}, OPTION_NAMESPACE, .key = "Namespace"},
	{{"qmp", required_argument, NULL, 'q'}, OPTION_QMP, .key = "Qmp"},
	{{"libvirt", required_argument, NULL, 'l'}, OPTION_LIBVIRT, .key = "Libvirt"},
	{{"plan", no_argument, NULL, 'p'}, OPTION_PLAN, .take = take_flag},
	{{"interval", required_argument, NULL, 'i'}, OPTION_INTERVAL, .take = take_interval},
	{{"count", required_argument, NULL, 'c'}, OPTION_COUNT, .take = take_count},
	{{"json", no_argument, NULL, 'j'}, 0, .take = take_json},
	{{"socket", required_argument, NULL, 's'}, 0, .take = take_socket},
	{{"timeout", required_argument, NULL, 'T'}, 0, .take = take_timeout},
	{{"help", no_argument, NULL, 'h'}, 0, .take = take_help},
	{{"version", no_argument, NULL, 'V'}, 0, .take = take_version},
};

static const char *option_name(unsigned bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(cli_options); i++)
		if (cli_options[i].bit & bit)
			return cli_options[i].option.name;
	return "?";
}

static int take_option(struct cli *cli, int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(cli_options); i++)
		if (cli_options[i].option.val == code) {
			cli->given |= cli_options[i].bit;
			if (cli_options[i].key)
				return take_setting(cli, cli_options[i].option.name,
						    cli_options[i].key, optarg);
			return cli_options[i].take(cli, optarg);
		}
	return OUTCOME_USAGE;
}

/* Options anywhere, words in their order. After it argv[optind] is the first word. */
static int read_options(struct cli *cli, int argc, char **argv)
{
	struct option options[ARRAY_SIZE(cli_options) + 1] = {};
	int code, outcome = OUTCOME_DONE;

	for (size_t i = 0; i < ARRAY_SIZE(cli_options); i++)
		options[i] = cli_options[i].option;
	opterr = 0;
	while (!outcome && (code = getopt_long(argc, argv, ":hj", options, NULL)) != -1) {
		if (code == ':')
			outcome = cli_usage(cli, "%s needs a value", argv[optind - 1]);
		else if (code == '?' && optopt && strncmp(argv[optind - 1], "--", 2) == 0)
			outcome = cli_usage(cli, "%s takes no value", argv[optind - 1]);
		else if (code == '?' && optopt)
			outcome = cli_usage(cli, "unknown option \"-%c\"", optopt);
		else if (code == '?')
			outcome = cli_usage(cli, "unknown option \"%s\"", argv[optind - 1]);
		else
			outcome = take_option(cli, code);
	}
	return outcome;
}

/* Noun and verb from the words, which are left for the command. */
static int find_command(struct cli *cli)
{
	const char *noun = cli->words[0], *verb = NULL;
	const struct command *alone = command_find(noun, NULL);
	char verbs[128];

	if (!command_noun_known(noun))
		return cli_usage(cli, "unknown command \"%s\"", noun);
	cli->noun = noun;
	if (cli->word_count > 1 && !(alone && !alone->verb))
		verb = cli->words[1];
	cli->command = command_find(noun, verb);
	if (!cli->command)
		return cli_usage(cli, "unknown verb \"%s\"; there are: %s", verb,
				 command_verbs(noun, verbs, sizeof(verbs)));
	cli->words += verb ? 2 : 1;
	cli->word_count -= verb ? 2 : 1;
	return OUTCOME_DONE;
}

static int check_command(const struct cli *cli)
{
	const struct command *command = cli->command;
	unsigned foreign = cli->given & ~command->options;
	unsigned missing = command->options_needed & ~cli->given;

	if (foreign)
		return cli_usage(cli, "--%s does not go with this command", option_name(foreign));
	if (cli->word_count < command->words_min)
		return cli_usage(cli, "something is missing; it takes: %s", command->synopsis);
	if (missing)
		return cli_usage(cli, "--%s is missing; it takes: %s", option_name(missing),
				 command->synopsis);
	if (command->words_max >= 0 && cli->word_count > command->words_max)
		return cli_usage(cli, "\"%s\" is too much; it takes: %s",
				 cli->words[command->words_max],
				 *command->synopsis ? command->synopsis : "nothing more");
	for (int i = 0; i < cli->word_count; i++)
		if (!*cli->words[i])
			return cli_usage(cli, "an empty word; it takes: %s", command->synopsis);
	return OUTCOME_DONE;
}

/* --help and "help": of the command, the noun or the whole, as far as the words go. */
static int help(struct cli *cli)
{
	int outcome = OUTCOME_DONE;

	if (!cli->word_count)
		help_all(cli->out.file);
	else if (cli->word_count == 1 && command_noun_known(cli->words[0]))
		help_noun(cli->out.file, cli->words[0]);
	else
		outcome = find_command(cli);
	if (cli->command)
		help_command(cli->out.file, cli->command);
	return outcome;
}

/* What the command may be, so that a wrong option can point to the right --help. */
static void guess_command(struct cli *cli, int argc, char **argv)
{
	const char *words[2] = {};
	int count = 0;

	for (int i = 1; i < argc && count < 2; i++)
		if (*argv[i] != '-')
			words[count++] = argv[i];
	if (!words[0] || !command_noun_known(words[0]))
		return;
	cli->noun = words[0];
	cli->command = command_find(words[0], words[1]);
}

static int run(struct cli *cli, int argc, char **argv)
{
	int outcome;

	guess_command(cli, argc, argv);
	outcome = read_options(cli, argc, argv);
	if (outcome)
		return outcome;
	cli->command = NULL;
	cli->noun = NULL;
	cli->words = argv + optind;
	cli->word_count = argc - optind;
	if (cli->version)
		return fprintf(cli->out.file, "iovteam %s\n", IOVTEAM_VERSION) < 0;
	if (cli->word_count && strcmp(cli->words[0], "help") == 0) {
		cli->help = true;
		cli->words++;
		cli->word_count--;
	}
	if (cli->help)
		return help(cli);
	if (!cli->word_count)
		return cli_usage(cli, "a command is missing, such as: team show, team add, watch, "
				      "explain");
	outcome = find_command(cli);
	if (!outcome)
		outcome = check_command(cli);
	return outcome ? outcome : cli->command->run(cli);
}

/* Errors of reading the command line are JSON, too, so this one must be known before. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const char *socket = getenv("IOVTEAM_SOCKET");
	json_auto_t *members = json_array(), *settings = json_object();
	struct cli cli = {
		.json = wants_json(argc, argv),
		.socket = socket && *socket ? socket : CLIENT_SOCKET,
		.interval_ms = INTERVAL_DEFAULT_MS,
		.members = members,
		.settings = settings,
	};
	int outcome;

	output_open(&cli.out, stdout);
	outcome = run(&cli, argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		(void)fprintf(stderr, "iovteam: cannot write the output: %m\n");
		return OUTCOME_FAILED;
	}
	return outcome;
}
