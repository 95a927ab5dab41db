// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/json_watch.h"

#include <jansson.h>
#include <stdlib.h>

static bool starved;

static void *allocate(size_t size)
{
	void *block = malloc(size);

	if (!block)
		starved = true;
	return block;
}

void json_watch(void)
{
	json_set_alloc_funcs(allocate, free);
	starved = false;
}

bool json_starved(void)
{
	return starved;
}
