/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer of a dump as an array of records. Inside kernel/ only. */
#pragma once

#include "kernel/netlink.h"

#include <stddef.h>

#define COLLECTION_ITEM_MAX 576 /* bytes of the largest record */

/* Begin with all zero but @size and @decode. */
struct collection {
	void *items; /* malloc'd, the caller's; NULL = none yet */
	size_t count, room;
	size_t size; /* of an item in bytes, at most COLLECTION_ITEM_MAX */
	int (*decode)(const struct nlmsghdr *message, void *ret_item);
};

/*
 * A netlink_handler, @data is the collection. Messages that are none of its own (-ENOMSG,
 * -EAFNOSUPPORT of @decode) are passed over.
 */
int collection_take(const struct nlmsghdr *message, void *data);

/* Dump into @collection. The items of a failed dump are freed. */
int collection_dump(struct collection *collection, struct netlink *netlink,
		    struct nlmsghdr *request);
