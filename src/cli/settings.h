/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings: stable-time-ms=1000 on the command line is StableTimeMs=1000 in the file.
 */
#pragma once

#include "cli/cli.h"

enum settings_kind {
	SETTINGS_TEAM,
	SETTINGS_MEMBER,
	SETTINGS_SWITCH,
	SETTINGS_ADAPTER,
};

/*
 * Words KEY=VALUE, and options that are settings, to an object by the file's keys. OUTCOME_USAGE
 * has been explained.
 */
int settings_parse(const struct cli *cli, enum settings_kind kind, char *const *words, int count,
		   json_t **ret_settings);

/* Take a setting out of @settings: the caller's, NULL if there is none. */
json_t *settings_take(json_t *settings, const char *key);

/* "ens4,weight=200" to {"device": "ens4", "settings": {"Weight": "200"}}. */
int settings_parse_member(const struct cli *cli, const char *text, json_t **ret_member);

/* The command line's word for a key of the file; a key that is not known here stays as it is. */
const char *settings_word(const char *key);
