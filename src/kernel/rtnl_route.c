// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_route.h"

#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/family.h"
#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/rtnetlink.h>

/* The legs of a multipath route follow each other, each with attributes of its own. */
static int read_legs(const struct nlattr *legs, struct route *route)
{
	const uint8_t *at = mnl_attr_get_payload(legs);
	size_t left = mnl_attr_get_payload_len(legs);

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *leg = (const void *)at;
		const struct nlattr *attributes[RTA_VIA + 1];
		size_t step = MNL_ALIGN(leg->rtnh_len);
		int err;

		if (leg->rtnh_len < sizeof(*leg) || leg->rtnh_len > left)
			return -EBADMSG;
		err = attribute_index(leg + 1, leg->rtnh_len - sizeof(*leg), attributes,
				      ARRAY_SIZE(attributes));
		if (err)
			return err;
		if (attributes[RTA_GATEWAY] || attributes[RTA_VIA])
			route->gateway = true;
		at += step;
		left = step < left ? left - step : 0;
	}
	return left ? -EBADMSG : 0;
}

static int read_attributes(const struct nlmsghdr *message, struct route *route)
{
	static const struct attribute_rule rules[] = {
		ATTRIBUTE_RULE(RTA_TABLE, ATTRIBUTE_NUMBER, struct route, table),
		ATTRIBUTE_RULE(RTA_NH_ID, ATTRIBUTE_NUMBER, struct route, nexthop_id),
	};
	const struct nlattr *attributes[RTA_NH_ID + 1];
	size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct rtmsg));
	int err;

	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	if (!err)
		err = attribute_read(attributes, rules, ARRAY_SIZE(rules), route);
	if (!err && attributes[RTA_DST])
		err = attribute_copy(attributes[RTA_DST], route->destination,
				     family_size(route->family));
	if (!err && attributes[RTA_MULTIPATH])
		err = read_legs(attributes[RTA_MULTIPATH], route);
	if (attributes[RTA_GATEWAY] || attributes[RTA_VIA])
		route->gateway = true;
	return err;
}

int rtnl_route_decode(const struct nlmsghdr *message, struct route *ret_route)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	struct route route = {};
	int err;

	if (message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE)
		return -ENOMSG;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -EBADMSG;
	if (family_size(header->rtm_family) == 0)
		return -EAFNOSUPPORT;
	if (header->rtm_dst_len > 8 * family_size(header->rtm_family))
		return -EBADMSG;
	route.family = header->rtm_family;
	route.type = header->rtm_type;
	route.protocol = header->rtm_protocol;
	route.prefix = header->rtm_dst_len;
	route.table = header->rtm_table;
	route.cached = header->rtm_flags & RTM_F_CLONED;
	err = read_attributes(message, &route);
	if (err)
		return err;
	*ret_route = route;
	return 0;
}

static int take_device(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[RTA_OIF + 1];
	size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct rtmsg));
	uint32_t ifindex = 0;
	int err;

	if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < offset)
		return 0;
	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	if (!err && attributes[RTA_OIF])
		err = attribute_copy(attributes[RTA_OIF], &ifindex, sizeof(ifindex));
	if (!err && ifindex > INT_MAX)
		err = -EBADMSG;
	if (!err)
		*(int *)data = (int)ifindex;
	return err;
}

int rtnl_route_device(struct netlink *netlink, uint8_t family, const void *address,
		      int *ret_ifindex)
{
	struct message request;
	struct rtmsg *header = message_start(&request, RTM_GETROUTE, 0, sizeof(*header));
	size_t size = family_size(family);
	int ifindex = 0, err;

	if (!size)
		return -EAFNOSUPPORT;
	header->rtm_family = family;
	header->rtm_dst_len = (uint8_t)(8 * size);
	mnl_attr_put(&request.header, RTA_DST, size, address);
	err = netlink_query(netlink, &request.header, take_device, &ifindex);
	if (!err && !ifindex)
		err = -ENETUNREACH;
	if (!err)
		*ret_ifindex = ifindex;
	return err;
}
