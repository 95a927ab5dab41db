// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/mac.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *text, struct mac *ret_mac)
{
	struct mac mac;

	if (strlen(text) != MAC_TEXT_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(mac.bytes); i++) {
		const char *pair = text + 3 * i;
		int high = hex_value(pair[0]), low = hex_value(pair[1]);

		if (high < 0 || low < 0 || (i < 5 && pair[2] != ':'))
			return -EINVAL;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_mac = mac;
	return 0;
}

const char *mac_format(const struct mac *mac, char *buffer)
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(buffer, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2],
		       b[3], b[4], b[5]);
	return buffer;
}
