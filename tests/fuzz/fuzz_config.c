// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a configuration file: read or refused with a sentence, never worse. What is read
 * has a canonical text, which reads back to the same team and is its own canonical text.
 */
#include "base/cleanup.h"
#include "core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool truth)
{
	if (!truth)
		abort();
}

static void error_check(const struct config_error *error)
{
	insist(*error->text);
	insist(strcmp(error->file, "fuzz.conf") == 0);
	for (const char *c = error->text; *c; c++)
		insist(*c >= ' ' && *c <= '~');
}

static void team_check(const struct team_config *team)
{
	_cleanup_free_ char *text = NULL, *again_text = NULL;
	struct team_config again;

	insist(config_name_check(team->name, NULL) == 0);
	insist(team->member_count >= 1 || team->adopt);
	insist(team->member_count <= TEAM_MEMBERS_MAX);
	for (uint32_t i = 0; i < team->member_count; i++)
		insist(config_device_check(team->members[i].device, NULL) == 0);
	insist(config_format(team, &text) == 0);
	insist(config_parse("again.conf", text, strlen(text), &again, NULL) == 0);
	insist(config_equal(team, &again));
	insist(config_format(&again, &again_text) == 0);
	insist(strcmp(text, again_text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_error error = {};
	struct team_config team;

	if (config_parse("fuzz.conf", (const char *)data, size, &team, &error) < 0)
		error_check(&error);
	else
		team_check(&team);
	return 0;
}
