// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/settings.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <string.h>

struct name {
	const char *word;
	const char *key;
};

static const struct name team_names[] = {
	{"stable-time-ms", "StableTimeMs"},
	{"hold-down-max-ms", "HoldDownMaxMs"},
	{"return-idle-ms", "ReturnIdleMs"},
	{"return-bound-ms", "ReturnBoundMs"},
	{"announce-count", "AnnounceCount"},
	{"announce-interval-ms", "AnnounceIntervalMs"},
	{"distribution", "Distribution"},
	{"mac-policy", "MacPolicy"},
	{"mixed", "Mixed"},
	{"probe", "Probe"},
	{"probe-interval", "ProbeIntervalMs"},
	{"probe-multiplier", "ProbeMultiplier"},
	{"probe-address", "ProbeAddress"},
};

static const struct name member_names[] = {
	{"weight", "Weight"},
	{"role", "Role"},
};

static const struct name switch_names[] = {
	{"iov", "Iov"},
	{"vf-count", "VfCount"},
	{"adopt", "Adopt"},
};

static const struct name adapter_names[] = {
	{"iov-weight", "IovWeight"},
	{"allow-teaming", "AllowTeaming"},
	{"mac-spoofing", "MacSpoofing"},
	{"vlan", "Vlan"},
	{"mac", "Mac"},
	{"port", "Port"},
	{"switch", "Switch"},
};

static const struct {
	const struct name *names;
	size_t count;
	const char *whose; /* in sentences */
} kinds[] = {
	[SETTINGS_TEAM] = {team_names, ARRAY_SIZE(team_names), ""},
	[SETTINGS_MEMBER] = {member_names, ARRAY_SIZE(member_names), " of a member"},
	[SETTINGS_SWITCH] = {switch_names, ARRAY_SIZE(switch_names), " of a switch"},
	[SETTINGS_ADAPTER] = {adapter_names, ARRAY_SIZE(adapter_names), " of an adapter"},
};

const char *settings_word(const char *key)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t i = 0; i < kinds[k].count; i++)
			if (strcmp(kinds[k].names[i].key, key) == 0)
				return kinds[k].names[i].word;
	return key;
}

/* The file's spelling is understood, too: people copy it. */
static const char *settings_key(enum settings_kind kind, const char *word, size_t length)
{
	for (size_t i = 0; i < kinds[kind].count; i++) {
		const struct name *name = &kinds[kind].names[i];
		const char *const spellings[] = {name->word, name->key};

		for (size_t n = 0; n < ARRAY_SIZE(spellings); n++)
			if (strlen(spellings[n]) == length &&
			    strncmp(spellings[n], word, length) == 0)
				return name->key;
	}
	return NULL;
}

static int unknown_key(const struct cli *cli, enum settings_kind kind, const char *word, int length)
{
	_cleanup_free_ char *list = NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	size_t size = 0;

	stream = open_memstream(&list, &size);
	if (!stream)
		return OUTCOME_FAILED;
	for (size_t i = 0; i < kinds[kind].count; i++)
		(void)fprintf(stream, "%s%s", i ? ", " : "", kinds[kind].names[i].word);
	(void)fflush(stream);
	return cli_usage(cli, "unknown setting \"%.*s\"; the settings%s are: %s", length, word,
			 kinds[kind].whose, list);
}

static int setting_parse(const struct cli *cli, enum settings_kind kind, const char *word,
			 json_t *object)
{
	const char *equals = strchr(word, '=');
	const char *key;

	if (!equals || equals == word)
		return cli_usage(cli, "\"%s\" is not KEY=VALUE", word);
	key = settings_key(kind, word, (size_t)(equals - word));
	if (!key)
		return unknown_key(cli, kind, word, (int)(equals - word));
	if (!equals[1])
		return cli_usage(cli, "\"%s\" has no value", word);
	if (json_object_get(object, key))
		return cli_usage(cli, "\"%s\" is given twice", settings_word(key));
	if (json_object_set_new(object, key, json_string(equals + 1)))
		return cli_usage(cli, "the value of %s is not valid UTF-8", settings_word(key));
	return OUTCOME_DONE;
}

int settings_parse(const struct cli *cli, enum settings_kind kind, char *const *words, int count,
		   json_t **ret_settings)
{
	json_auto_t *object = json_copy(cli->settings);

	for (int i = 0; i < count; i++) {
		int outcome = setting_parse(cli, kind, words[i], object);

		if (outcome)
			return outcome;
	}
	*ret_settings = steal_ptr(object);
	return OUTCOME_DONE;
}

json_t *settings_take(json_t *settings, const char *key)
{
	json_t *value = json_incref(json_object_get(settings, key));

	(void)json_object_del(settings, key);
	return value;
}

int settings_parse_member(const struct cli *cli, const char *text, json_t **ret_member)
{
	_cleanup_free_ char *copy = strdup(text);
	json_auto_t *settings = json_object(), *member = NULL;
	char *rest = copy, *device = strsep(&rest, ","), *word;

	if (!device)
		return OUTCOME_FAILED;
	if (!*device)
		return cli_usage(cli, "--member needs a device");
	while ((word = strsep(&rest, ","))) {
		int outcome = setting_parse(cli, SETTINGS_MEMBER, word, settings);

		if (outcome)
			return outcome;
	}
	member = json_pack("{s:s, s:O}", "device", device, "settings", settings);
	if (!member)
		return cli_usage(cli, "the command line is not valid UTF-8");
	*ret_member = steal_ptr(member);
	return OUTCOME_DONE;
}
