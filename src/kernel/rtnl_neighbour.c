// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_neighbour.h"

#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/collection.h"
#include "kernel/family.h"
#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

static int read_attributes(const struct nlmsghdr *message, struct link_neighbour *neighbour)
{
	static const struct attribute_rule rules[] = {
		ATTRIBUTE_RULE(NDA_LLADDR, ATTRIBUTE_MAC, struct link_neighbour, mac),
	};
	const struct nlattr *attributes[NDA_LLADDR + 1];
	size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ndmsg));
	int err;

	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	if (!err && !attributes[NDA_DST])
		err = -EBADMSG;
	if (!err)
		err = attribute_copy(attributes[NDA_DST], neighbour->bytes,
				     family_size(neighbour->family));
	if (!err)
		err = attribute_read(attributes, rules, ARRAY_SIZE(rules), neighbour);
	return err;
}

int rtnl_neighbour_decode(const struct nlmsghdr *message, struct link_neighbour *ret_neighbour)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	struct link_neighbour neighbour = {};
	int err;

	if (message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH)
		return -ENOMSG;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -EBADMSG;
	if (family_size(header->ndm_family) == 0)
		return -EAFNOSUPPORT;
	if (header->ndm_ifindex <= 0)
		return -EBADMSG;
	neighbour.ifindex = header->ndm_ifindex;
	neighbour.family = header->ndm_family;
	neighbour.state = header->ndm_state;
	neighbour.router = header->ndm_flags & NTF_ROUTER;
	err = read_attributes(message, &neighbour);
	if (err)
		return err;
	*ret_neighbour = neighbour;
	return 0;
}

static int decode_item(const struct nlmsghdr *message, void *ret_item)
{
	return rtnl_neighbour_decode(message, ret_item);
}

int rtnl_neighbour_dump(struct netlink *netlink, struct link_neighbour **ret_neighbours,
			size_t *ret_count)
{
	struct collection neighbours = {.size = sizeof(struct link_neighbour),
					.decode = decode_item};
	struct message request;
	int err;

	_Static_assert(sizeof(struct link_neighbour) <= COLLECTION_ITEM_MAX, "an item's room");
	(void)message_start(&request, RTM_GETNEIGH, 0, sizeof(struct ndmsg));
	err = collection_dump(&neighbours, netlink, &request.header);
	if (err)
		return err;
	*ret_neighbours = neighbours.items;
	*ret_count = neighbours.count;
	return 0;
}

int rtnl_neighbour_put(struct netlink *netlink, const struct link_neighbour *neighbour,
		       struct problem *problem)
{
	struct message request;
	struct ndmsg *header =
		message_start(&request, RTM_NEWNEIGH, NLM_F_CREATE, sizeof(struct ndmsg));

	header->ndm_family = neighbour->family;
	header->ndm_ifindex = neighbour->ifindex;
	header->ndm_state = neighbour->state;
	header->ndm_flags = neighbour->router ? NTF_ROUTER : 0;
	mnl_attr_put(&request.header, NDA_DST, family_size(neighbour->family), neighbour->bytes);
	mnl_attr_put(&request.header, NDA_LLADDR, sizeof(neighbour->mac), &neighbour->mac);
	return netlink_request(netlink, &request.header, problem);
}
