// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/json_text.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <string.h>

#define SEQUENCE_MAX 4 /* bytes of one character */

static bool begins_sequence(char byte)
{
	return (unsigned char)byte >= 0xc2 && (unsigned char)byte <= 0xf4;
}

json_t *json_text(const char *text)
{
	_cleanup_free_ char *copy = NULL;
	size_t length = strlen(text);

	/* It refuses what is not UTF-8. */
	for (size_t cut = 0; cut < SEQUENCE_MAX && cut <= length; cut++) {
		json_t *string = NULL;

		if (!cut || begins_sequence(text[length - cut]))
			string = json_stringn(text, length - cut);
		if (string)
			return string;
	}
	copy = strdup(text);
	for (char *c = copy; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return copy ? json_string(copy) : NULL;
}
