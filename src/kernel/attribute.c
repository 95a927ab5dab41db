// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/attribute.h"

#include "base/mac.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* The bits beside the type tell nesting and byte order; those that we know need neither. */
static uint16_t attribute_type(const struct nlattr *attribute)
{
	return attribute->nla_type & NLA_TYPE_MASK;
}

int attribute_index(const void *payload, size_t length, const struct nlattr **ret_attributes,
		    size_t count)
{
	const uint8_t *at = payload;

	for (size_t i = 0; i < count; i++)
		ret_attributes[i] = NULL;
	while (length > 0) {
		const struct nlattr *attribute = (const void *)at;
		size_t step;

		if (length < sizeof(*attribute) || attribute->nla_len < sizeof(*attribute) ||
		    attribute->nla_len > length)
			return -EBADMSG;
		if (attribute_type(attribute) < count)
			ret_attributes[attribute_type(attribute)] = attribute;
		step = MNL_ALIGN(attribute->nla_len);
		if (step >= length) /* the last one may come without its padding */
			break;
		at += step;
		length -= step;
	}
	return 0;
}

int attribute_index_nested(const struct nlattr *nest, const struct nlattr **ret_attributes,
			   size_t count)
{
	return attribute_index(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest),
			       ret_attributes, count);
}

int attribute_copy(const struct nlattr *attribute, void *to, size_t size)
{
	if (mnl_attr_get_payload_len(attribute) != size)
		return -EBADMSG;
	memcpy(to, mnl_attr_get_payload(attribute), size);
	return 0;
}

static int read_index(const struct nlattr *attribute, void *field)
{
	uint32_t value;
	int err;

	err = attribute_copy(attribute, &value, sizeof(value));
	if (err)
		return err;
	if (value > INT_MAX)
		return -EBADMSG;
	*(int *)field = (int)value;
	return 0;
}

static int read_bool(const struct nlattr *attribute, void *field)
{
	uint8_t value;
	int err;

	err = attribute_copy(attribute, &value, sizeof(value));
	if (err)
		return err;
	*(bool *)field = value != 0;
	return 0;
}

static int read_text(const struct nlattr *attribute, char *field, size_t size)
{
	size_t room = mnl_attr_get_payload_len(attribute);
	const char *text = mnl_attr_get_payload(attribute);
	size_t length = strnlen(text, room);

	if (length == room)
		return -EBADMSG;
	if (length > size - 1)
		length = size - 1;
	memcpy(field, text, length);
	memset(field + length, 0, size - length);
	return 0;
}

static int read_mac(const struct nlattr *attribute, void *field)
{
	if (mnl_attr_get_payload_len(attribute) == sizeof(struct mac))
		memcpy(field, mnl_attr_get_payload(attribute), sizeof(struct mac));
	return 0;
}

static int read_field(const struct nlattr *attribute, const struct attribute_rule *rule,
		      void *field)
{
	switch (rule->shape) {
	case ATTRIBUTE_NUMBER:
		return attribute_copy(attribute, field, rule->size);
	case ATTRIBUTE_INDEX:
		return read_index(attribute, field);
	case ATTRIBUTE_BOOL:
		return read_bool(attribute, field);
	case ATTRIBUTE_TEXT:
		return read_text(attribute, field, rule->size);
	case ATTRIBUTE_MAC:
		return read_mac(attribute, field);
	}
	return -EINVAL;
}

int attribute_read(const struct nlattr *const *attributes, const struct attribute_rule *rules,
		   size_t count, void *record)
{
	for (size_t i = 0; i < count; i++) {
		const struct nlattr *attribute = attributes[rules[i].type];
		int err;

		if (!attribute)
			continue;
		err = read_field(attribute, &rules[i], (uint8_t *)record + rules[i].offset);
		if (err)
			return err;
	}
	return 0;
}
