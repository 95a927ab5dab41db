/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hook finds in its environment. */
#pragma once

#include <jansson.h>

/*
 * IOVTEAM_KEY=value for each text and number of @event, IOVTEAM_SOCKET, IOVTEAM_DROPPED and a
 * PATH; ends with NULL. Free it with hook_environment_free(). NULL: no memory.
 */
char **hook_environment(json_t *event, const char *socket, unsigned int dropped);
void hook_environment_free(char **environment);
