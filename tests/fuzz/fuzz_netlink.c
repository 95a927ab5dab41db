// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as one message to each decoder; a sanitizer sees where one reads beyond its end. */
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_neighbour neighbour;
	struct link_address address;
	struct nlmsghdr *message;
	struct link link;

	/* What the transport has made sure of: a whole header, and the length that it says. */
	if (size < sizeof(*message))
		return 0;
	message = malloc(size); /* exactly as long, and aligned */
	if (!message)
		return 0;
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	if (rtnl_link_decode(message, &link) == 0)
		(void)(strlen(link.name) + strlen(link.kind) + strlen(link.slave_kind) +
		       strlen(link.bus) + strlen(link.bus_id));
	(void)rtnl_address_decode(message, &address);
	(void)rtnl_neighbour_decode(message, &neighbour);
	free(message);
	return 0;
}
