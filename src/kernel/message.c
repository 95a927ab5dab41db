// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/message.h"

#include "model/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

void *message_start(struct message *message, uint16_t type, uint16_t flags, size_t size)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(message->bytes);

	header->nlmsg_type = type;
	header->nlmsg_flags = flags;
	return mnl_nlmsg_put_extra_header(header, size);
}

void message_start_link(struct message *message, uint16_t type, uint16_t flags, int ifindex)
{
	struct ifinfomsg *header = message_start(message, type, flags, sizeof(*header));

	header->ifi_index = ifindex;
}

int message_check_name(const char *name, struct problem *problem)
{
	if (!*name || strlen(name) >= LINK_NAME_SIZE)
		return problem_set(problem, -EINVAL, "\"%s\" is no name for a device", name);
	return 0;
}

struct message_kind message_kind_start(struct message *message, uint16_t kind_type,
				       const char *kind, uint16_t data_type)
{
	struct message_kind nest;

	nest.info = mnl_attr_nest_start(&message->header, IFLA_LINKINFO);
	mnl_attr_put_strz(&message->header, kind_type, kind);
	nest.data = mnl_attr_nest_start(&message->header, data_type);
	return nest;
}

void message_kind_end(struct message *message, const struct message_kind *kind)
{
	mnl_attr_nest_end(&message->header, kind->data);
	mnl_attr_nest_end(&message->header, kind->info);
}
