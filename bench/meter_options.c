// SPDX-License-Identifier: GPL-2.0-or-later
/* Values on the meters' command lines. */
#include "meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int meter_end_parse(char *text, struct meter_end *ret_end)
{
	char *comma = strchr(text, ',');

	if (!comma)
		return -EINVAL;
	*comma = '\0';
	*ret_end = (struct meter_end){.netns = text, .address = comma + 1};
	return 0;
}

int meter_number_parse(const char *text, unsigned int low, unsigned int high, unsigned int *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value < low || value > high)
		return -EINVAL;
	*ret = (unsigned int)value;
	return 0;
}
