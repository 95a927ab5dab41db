// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/collection.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static int collection_grow(struct collection *collection)
{
	size_t room = collection->room ? 2 * collection->room : 16;
	void *items;

	if (collection->count < collection->room)
		return 0;
	items = reallocarray(collection->items, room, collection->size);
	if (!items)
		return -ENOMEM;
	collection->items = items;
	collection->room = room;
	return 0;
}

int collection_take(const struct nlmsghdr *message, void *data)
{
	_Alignas(max_align_t) uint8_t item[COLLECTION_ITEM_MAX];
	struct collection *collection = data;
	int err;

	if (!message) {
		collection->count = 0;
		return 0;
	}
	err = collection->decode(message, item);
	if (err == -ENOMSG || err == -EAFNOSUPPORT)
		return 0;
	if (err)
		return err;
	err = collection_grow(collection);
	if (err)
		return err;
	memcpy((uint8_t *)collection->items + collection->count++ * collection->size, item,
	       collection->size);
	return 0;
}

int collection_dump(struct collection *collection, struct netlink *netlink,
		    struct nlmsghdr *request)
{
	int err;

	err = netlink_dump(netlink, request, collection_take, collection);
	if (err || collection->count == 0) {
		free(collection->items);
		collection->items = NULL;
		collection->count = collection->room = 0;
	}
	return err;
}
