/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Netlink attributes into the fields of a struct, by table. Inside kernel/ only.
 *
 * Every length is checked, whatever sent the message: a decoder is a pure function of bytes.
 */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

enum attribute_shape {
	ATTRIBUTE_NUMBER, /* in the host's order, exactly as wide as its field */
	ATTRIBUTE_INDEX,  /* u32 into int: an ifindex; more than INT_MAX is malformed */
	ATTRIBUTE_BOOL,	  /* u8 into bool */
	ATTRIBUTE_TEXT,	  /* ends in NUL; cut where the field is too small */
	ATTRIBUTE_MAC,	  /* another length is another kind of address: the field stays as it is */
};

struct attribute_rule {
	uint16_t type;
	enum attribute_shape shape;
	size_t offset, size; /* of the field */
};

#define ATTRIBUTE_RULE(type, shape, record, field)                                                 \
	{                                                                                          \
		type, shape, offsetof(record, field), sizeof(((record *)0)->field)                 \
	}

/*
 * Sort the attributes in @length bytes at @payload (aligned to 4) by type; absent ones are NULL,
 * types from @count on are passed over. -EBADMSG, and then @ret_attributes is half filled.
 */
int attribute_index(const void *payload, size_t length, const struct nlattr **ret_attributes,
		    size_t count);

/* The same for the attributes inside @nest. */
int attribute_index_nested(const struct nlattr *nest, const struct nlattr **ret_attributes,
			   size_t count);

/*
 * Fill the fields of @record that @rules name; those of absent attributes stay as they are.
 * Each rule's type must be below the count with which @attributes was filled. -EBADMSG.
 */
int attribute_read(const struct nlattr *const *attributes, const struct attribute_rule *rules,
		   size_t count, void *record);

/* Copy a payload of exactly @size bytes. -EBADMSG. */
int attribute_copy(const struct nlattr *attribute, void *to, size_t size);
