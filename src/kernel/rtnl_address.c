// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_address.h"

#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/collection.h"
#include "kernel/family.h"
#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* Of an address with a peer IFA_LOCAL is our end, and IFA_ADDRESS the other. */
static int read_bytes(const struct nlattr *const *attributes, struct link_address *address)
{
	const struct nlattr *bytes = attributes[IFA_LOCAL];

	if (!bytes)
		bytes = attributes[IFA_ADDRESS];
	if (bytes)
		return attribute_copy(bytes, address->bytes, family_size(address->family));
	/* The kernel leaves out an address of 0.0.0.0, and only that. */
	return address->family == AF_INET ? 0 : -EBADMSG;
}

static int read_attributes(const struct nlmsghdr *message, struct link_address *address)
{
	static const struct attribute_rule rules[] = {
		ATTRIBUTE_RULE(IFA_FLAGS, ATTRIBUTE_NUMBER, struct link_address, flags),
		ATTRIBUTE_RULE(IFA_PROTO, ATTRIBUTE_NUMBER, struct link_address, protocol),
	};
	const struct nlattr *attributes[IFA_PROTO + 1];
	size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ifaddrmsg));
	int err;

	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	if (!err)
		err = attribute_read(attributes, rules, ARRAY_SIZE(rules), address);
	if (!err)
		err = read_bytes(attributes, address);
	return err;
}

int rtnl_address_decode(const struct nlmsghdr *message, struct link_address *ret_address)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	struct link_address address = {};
	int err;

	if (message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR)
		return -ENOMSG;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -EBADMSG;
	if (family_size(header->ifa_family) == 0)
		return -EAFNOSUPPORT;
	if (header->ifa_index == 0 || header->ifa_index > INT_MAX ||
	    header->ifa_prefixlen > 8 * family_size(header->ifa_family))
		return -EBADMSG;
	address.ifindex = (int)header->ifa_index;
	address.family = header->ifa_family;
	address.prefix = header->ifa_prefixlen;
	address.scope = header->ifa_scope;
	address.flags = header->ifa_flags; /* the low 8 bits, all of them in IFA_FLAGS */
	err = read_attributes(message, &address);
	if (err)
		return err;
	*ret_address = address;
	return 0;
}

static int decode_item(const struct nlmsghdr *message, void *ret_item)
{
	return rtnl_address_decode(message, ret_item);
}

int rtnl_address_dump(struct netlink *netlink, struct link_address **ret_addresses,
		      size_t *ret_count)
{
	struct collection addresses = {.size = sizeof(struct link_address), .decode = decode_item};
	struct message request;
	int err;

	_Static_assert(sizeof(struct link_address) <= COLLECTION_ITEM_MAX, "an item's room");
	(void)message_start(&request, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
	err = collection_dump(&addresses, netlink, &request.header);
	if (err)
		return err;
	*ret_addresses = addresses.items;
	*ret_count = addresses.count;
	return 0;
}
