// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/link.h"

#include <errno.h>
#include <stdlib.h>

/* Place of @ifindex in the table, or where it would go. */
static size_t link_place(const struct link_table *table, int ifindex)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->links[middle].ifindex < ifindex)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct link *link_by_index(const struct link_table *table, int ifindex)
{
	size_t place = link_place(table, ifindex);

	if (place == table->count || table->links[place].ifindex != ifindex)
		return NULL;
	return &table->links[place];
}

struct link *link_by_name(const struct link_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->links[i].name, name) == 0)
			return &table->links[i];
	return NULL;
}

static int link_table_grow(struct link_table *table)
{
	size_t room = table->room ? 2 * table->room : 16;
	struct link *links;

	if (table->count < table->room)
		return 0;
	links = reallocarray(table->links, room, sizeof(*links));
	if (!links)
		return -ENOMEM;
	table->links = links;
	table->room = room;
	return 0;
}

int link_table_put(struct link_table *table, const struct link *link)
{
	size_t place = link_place(table, link->ifindex);
	int err;

	if (place < table->count && table->links[place].ifindex == link->ifindex) {
		table->links[place] = *link;
		return 0;
	}
	err = link_table_grow(table);
	if (err)
		return err;
	memmove(&table->links[place + 1], &table->links[place],
		(table->count - place) * sizeof(*table->links));
	table->links[place] = *link;
	table->count++;
	return 0;
}

void link_table_drop(struct link_table *table, int ifindex)
{
	size_t place = link_place(table, ifindex);

	if (place == table->count || table->links[place].ifindex != ifindex)
		return;
	table->count--;
	memmove(&table->links[place], &table->links[place + 1],
		(table->count - place) * sizeof(*table->links));
}

void link_table_done(struct link_table *table)
{
	free(table->links);
	*table = (struct link_table){};
}
