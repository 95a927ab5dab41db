// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/settings.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <string.h>

static const struct {
	const char *word;
	const char *key;
} settings[] = {
	{"stable-time-ms", "StableTimeMs"},
	{"return-idle-ms", "ReturnIdleMs"},
	{"return-bound-ms", "ReturnBoundMs"},
	{"announce-count", "AnnounceCount"},
	{"announce-interval-ms", "AnnounceIntervalMs"},
	{"distribution", "Distribution"},
	{"mac-policy", "MacPolicy"},
};

const char *settings_word(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcmp(settings[i].key, key) == 0)
			return settings[i].word;
	return key;
}

/* The file's spelling is understood, too: people copy it. */
static const char *settings_key(const char *word, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const char *const names[] = {settings[i].word, settings[i].key};

		for (size_t n = 0; n < ARRAY_SIZE(names); n++)
			if (strlen(names[n]) == length && strncmp(names[n], word, length) == 0)
				return settings[i].key;
	}
	return NULL;
}

static int unknown_key(const struct cli *cli, const char *word, int length)
{
	_cleanup_free_ char *list = NULL;
	_cleanup_fclose_ FILE *stream = NULL;
	size_t size = 0;

	stream = open_memstream(&list, &size);
	if (!stream)
		return OUTCOME_FAILED;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		(void)fprintf(stream, "%s%s", i ? ", " : "", settings[i].word);
	(void)fflush(stream);
	return cli_usage(cli, "unknown setting \"%.*s\"; the settings are: %s", length, word, list);
}

static int setting_parse(const struct cli *cli, const char *word, json_t *object)
{
	const char *equals = strchr(word, '=');
	const char *key;

	if (!equals || equals == word)
		return cli_usage(cli, "\"%s\" is not KEY=VALUE", word);
	key = settings_key(word, (size_t)(equals - word));
	if (!key)
		return unknown_key(cli, word, (int)(equals - word));
	if (!equals[1])
		return cli_usage(cli, "\"%s\" has no value", word);
	if (json_object_get(object, key))
		return cli_usage(cli, "\"%s\" is given twice", settings_word(key));
	if (json_object_set_new(object, key, json_string(equals + 1)))
		return cli_usage(cli, "the value of %s is not valid UTF-8", settings_word(key));
	return OUTCOME_DONE;
}

int settings_parse(const struct cli *cli, char *const *words, int count, json_t **ret_settings)
{
	json_auto_t *object = json_object();

	for (int i = 0; i < count; i++) {
		int outcome = setting_parse(cli, words[i], object);

		if (outcome)
			return outcome;
	}
	*ret_settings = steal_ptr(object);
	return OUTCOME_DONE;
}
