// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/message.h"

#include <libmnl/libmnl.h>

void *message_start(struct message *message, uint16_t type, uint16_t flags, size_t size)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(message->bytes);

	header->nlmsg_type = type;
	header->nlmsg_flags = flags;
	return mnl_nlmsg_put_extra_header(header, size);
}
