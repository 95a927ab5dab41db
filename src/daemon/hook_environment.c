// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/hook_environment.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOOK_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static char *variable(const char *key, const char *value)
{
	char *text;

	if (asprintf(&text, "IOVTEAM_%s=%s", key, value) < 0)
		return NULL;
	for (char *at = text; *at != '='; at++)
		*at = (char)toupper((unsigned char)*at);
	return text;
}

static char *variable_of_number(const char *key, long long number)
{
	char value[32];

	(void)snprintf(value, sizeof(value), "%lld", number);
	return variable(key, value);
}

/* Objects and arrays are on standard input only. */
static int add_fields(char **environment, size_t *count, json_t *event)
{
	const char *key;
	json_t *value;

	json_object_foreach(event, key, value)
	{
		if (json_is_string(value))
			environment[*count] = variable(key, json_string_value(value));
		else if (json_is_integer(value))
			environment[*count] = variable_of_number(key, json_integer_value(value));
		else
			continue;
		if (!environment[(*count)++])
			return -1;
	}
	return 0;
}

char **hook_environment(json_t *event, const char *socket, unsigned int dropped)
{
	char **environment = calloc(json_object_size(event) + 4, sizeof(*environment));
	size_t count = 0;

	if (!environment)
		return NULL;
	environment[count++] = strdup(HOOK_PATH);
	environment[count++] = variable("socket", socket);
	environment[count++] = variable_of_number("dropped", dropped);
	if (environment[0] && environment[1] && environment[2] &&
	    !add_fields(environment, &count, event))
		return environment;
	for (size_t i = 0; i < count; i++)
		free(environment[i]);
	free(environment);
	return NULL;
}

void hook_environment_free(char **environment)
{
	for (size_t i = 0; environment && environment[i]; i++)
		free(environment[i]);
	free(environment);
}
