/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet MAC addresses: six bytes in the order of the wire. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MAC_TEXT_SIZE 18 /* "00:11:22:33:44:55" and its end */

struct mac {
	uint8_t bytes[6];
};

static inline bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static inline bool mac_is_zero(const struct mac *mac)
{
	static const struct mac zero;

	return mac_equal(mac, &zero);
}

/* Six pairs of hex digits between colons, nothing before or after. -EINVAL otherwise. */
int mac_parse(const char *text, struct mac *ret_mac);

/* Lower case, colons. @buffer holds MAC_TEXT_SIZE; returns it. */
const char *mac_format(const struct mac *mac, char *buffer);
