/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A team's settings: stable-time-ms=1000 on the command line is StableTimeMs=1000 in the file. */
#pragma once

#include "cli/cli.h"

/* Words KEY=VALUE to an object by the file's keys. OUTCOME_USAGE has been explained. */
int settings_parse(const struct cli *cli, char *const *words, int count, json_t **ret_settings);

/* The command line's word for a key of the file; a key that is not known here stays as it is. */
const char *settings_word(const char *key);
