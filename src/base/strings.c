// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/strings.h"

#include <errno.h>
#include <string.h>

int name_lookup(const char *const *names, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	return -EINVAL;
}

int number_parse(const char *text, uint32_t low, uint32_t high, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (!*text)
		return -EINVAL;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		number = number * 10 + (uint64_t)(*c - '0');
		if (number > UINT32_MAX)
			return -ERANGE;
	}
	if (number < low || number > high)
		return -ERANGE;
	*ret_number = (uint32_t)number;
	return 0;
}

int text_copy(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length >= size)
		return -ENAMETOOLONG;
	memcpy(to, from, length + 1);
	return 0;
}
