// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of IP addresses in a setting: one or several between commas, or "none". */
#include "core/config.h"

#include "core/config_private.h"

#include <arpa/inet.h>
#include <stdio.h>

#define NONE "none"

/* One address that somebody can have and that can be asked for on a link. */
static const char *address_read(const char *text, struct link_address *ret_address)
{
	struct link_address address = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	static const uint8_t nobody[16];
	uint8_t group;
	bool own;

	if (inet_pton(address.family, text, address.bytes) != 1)
		return "that is not an IP address";
	group = address.family == AF_INET ? 224 : 0xff;
	if (memcmp(address.bytes, nobody, sizeof(nobody)) == 0 || address.bytes[0] >= group)
		return "it takes the address of one host";
	own = address.family == AF_INET
		      ? address.bytes[0] == 127
		      : memcmp(address.bytes, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
	if (own)
		return "that is this host itself, which no link leads to";
	*ret_address = address;
	return NULL;
}

static const char *addresses_read(const char *text, struct link_address *addresses,
				  unsigned int *ret_count)
{
	char copy[PROBE_ADDRESSES_SIZE], *rest = copy, *word;
	unsigned int count = 0;
	const char *fault = NULL;

	if (strlen(text) >= sizeof(copy))
		return "that is too long";
	(void)snprintf(copy, sizeof(copy), "%s", text);
	while (!fault && (word = strsep(&rest, ","))) {
		if (count == PROBE_ADDRESSES_MAX)
			return "at most two addresses are probed";
		fault = address_read(word, &addresses[count++]);
	}
	if (!fault && count == 2 && addresses[0].family == addresses[1].family &&
	    memcmp(addresses[0].bytes, addresses[1].bytes, sizeof(addresses->bytes)) == 0)
		fault = "both are one address";
	if (!fault)
		*ret_count = count;
	return fault;
}

const char *config_addresses_fault(const char *text)
{
	struct link_address addresses[PROBE_ADDRESSES_MAX];
	unsigned int count;

	return strcmp(text, NONE) == 0 ? NULL : addresses_read(text, addresses, &count);
}

void config_addresses_spell(char *text)
{
	if (strcmp(text, NONE) == 0)
		*text = '\0';
}

unsigned int config_probe_addresses(const struct team_config *team,
				    struct link_address addresses[PROBE_ADDRESSES_MAX])
{
	unsigned int count = 0;

	if (*team->probe_addresses)
		(void)addresses_read(team->probe_addresses, addresses, &count);
	return count;
}
