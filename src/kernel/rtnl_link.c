// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_link.h"

#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define LINK_ATTRIBUTES (IFLA_PARENT_DEV_BUS_NAME + 1)

#define LINK_RULE(type, shape, field) ATTRIBUTE_RULE(type, shape, struct link, field)

static const struct attribute_rule link_rules[] = {
	LINK_RULE(IFLA_IFNAME, ATTRIBUTE_TEXT, name),
	LINK_RULE(IFLA_PARENT_DEV_BUS_NAME, ATTRIBUTE_TEXT, bus),
	LINK_RULE(IFLA_PARENT_DEV_NAME, ATTRIBUTE_TEXT, bus_id),
	LINK_RULE(IFLA_IFALIAS, ATTRIBUTE_TEXT, alias),
	LINK_RULE(IFLA_GROUP, ATTRIBUTE_NUMBER, group),
	LINK_RULE(IFLA_MASTER, ATTRIBUTE_INDEX, master),
	LINK_RULE(IFLA_MTU, ATTRIBUTE_NUMBER, mtu),
	LINK_RULE(IFLA_NUM_TX_QUEUES, ATTRIBUTE_NUMBER, tx_queues),
	LINK_RULE(IFLA_CARRIER, ATTRIBUTE_BOOL, carrier),
	LINK_RULE(IFLA_ADDRESS, ATTRIBUTE_MAC, mac),
};

static const struct attribute_rule info_rules[] = {
	LINK_RULE(IFLA_INFO_KIND, ATTRIBUTE_TEXT, kind),
	LINK_RULE(IFLA_INFO_SLAVE_KIND, ATTRIBUTE_TEXT, slave_kind),
};

static const struct attribute_rule bond_rules[] = {
	LINK_RULE(IFLA_BOND_MODE, ATTRIBUTE_NUMBER, bond.mode),
	LINK_RULE(IFLA_BOND_FAIL_OVER_MAC, ATTRIBUTE_NUMBER, bond.fail_over_mac),
	LINK_RULE(IFLA_BOND_ALL_SLAVES_ACTIVE, ATTRIBUTE_NUMBER, bond.all_slaves_active),
	LINK_RULE(IFLA_BOND_NUM_PEER_NOTIF, ATTRIBUTE_NUMBER, bond.num_peer_notif),
	LINK_RULE(IFLA_BOND_PEER_NOTIF_DELAY, ATTRIBUTE_NUMBER, bond.peer_notif_delay),
	LINK_RULE(IFLA_BOND_RESEND_IGMP, ATTRIBUTE_NUMBER, bond.resend_igmp),
	LINK_RULE(IFLA_BOND_MIIMON, ATTRIBUTE_NUMBER, bond.miimon),
	LINK_RULE(IFLA_BOND_UPDELAY, ATTRIBUTE_NUMBER, bond.updelay),
	LINK_RULE(IFLA_BOND_DOWNDELAY, ATTRIBUTE_NUMBER, bond.downdelay),
	LINK_RULE(IFLA_BOND_USE_CARRIER, ATTRIBUTE_NUMBER, bond.use_carrier),
	LINK_RULE(IFLA_BOND_PRIMARY, ATTRIBUTE_INDEX, bond.primary_ifindex),
	LINK_RULE(IFLA_BOND_ARP_INTERVAL, ATTRIBUTE_NUMBER, bond.arp_interval),
	LINK_RULE(IFLA_BOND_PRIMARY_RESELECT, ATTRIBUTE_NUMBER, bond.primary_reselect),
	LINK_RULE(IFLA_BOND_ACTIVE_SLAVE, ATTRIBUTE_INDEX, bond.active_ifindex),
};

static const struct attribute_rule bridge_rules[] = {
	LINK_RULE(IFLA_BR_VLAN_FILTERING, ATTRIBUTE_NUMBER, bridge.vlan_filtering),
	LINK_RULE(IFLA_BR_STP_STATE, ATTRIBUTE_NUMBER, bridge.stp),
};

static const struct attribute_rule vlan_rules[] = {
	LINK_RULE(IFLA_VLAN_ID, ATTRIBUTE_NUMBER, vlan_id),
};

/* The driver's own address, where there is one, comes behind this and overwrites it. */
static const struct attribute_rule slave_rules[] = {
	LINK_RULE(IFLA_BOND_SLAVE_QUEUE_ID, ATTRIBUTE_NUMBER, slave.queue_id),
	LINK_RULE(IFLA_BOND_SLAVE_MII_STATUS, ATTRIBUTE_NUMBER, slave.mii_status),
	LINK_RULE(IFLA_BOND_SLAVE_PERM_HWADDR, ATTRIBUTE_MAC, slave.mac),
	LINK_RULE(IFLA_BOND_SLAVE_PERM_HWADDR, ATTRIBUTE_MAC, permanent_mac),
};

static const struct attribute_rule permanent_rules[] = {
	LINK_RULE(IFLA_PERM_ADDRESS, ATTRIBUTE_MAC, permanent_mac),
};

/* Apart, since beside an IFLA_LINK_NETNSID it is an index of another namespace. */
static const struct attribute_rule lower_rules[] = {
	LINK_RULE(IFLA_LINK, ATTRIBUTE_INDEX, lower),
};

static int read_nested(const struct nlattr *nest, const struct attribute_rule *rules, size_t count,
		       struct link *link)
{
	const struct nlattr *attributes[IFLA_BOND_MAX + 1];
	int err;

	if (!nest)
		return 0;
	err = attribute_index_nested(nest, attributes, ARRAY_SIZE(attributes));
	return err ? err : attribute_read(attributes, rules, count, link);
}

static int read_info(const struct nlattr *nest, struct link *link)
{
	const struct nlattr *attributes[IFLA_INFO_SLAVE_DATA + 1];
	int err;

	if (!nest)
		return 0;
	err = attribute_index_nested(nest, attributes, ARRAY_SIZE(attributes));
	if (!err)
		err = attribute_read(attributes, info_rules, ARRAY_SIZE(info_rules), link);
	if (!err && strcmp(link->kind, "bond") == 0)
		err = read_nested(attributes[IFLA_INFO_DATA], bond_rules, ARRAY_SIZE(bond_rules),
				  link);
	if (!err && strcmp(link->kind, "bridge") == 0)
		err = read_nested(attributes[IFLA_INFO_DATA], bridge_rules,
				  ARRAY_SIZE(bridge_rules), link);
	if (!err && strcmp(link->kind, "vlan") == 0)
		err = read_nested(attributes[IFLA_INFO_DATA], vlan_rules, ARRAY_SIZE(vlan_rules),
				  link);
	if (!err && strcmp(link->slave_kind, "bond") == 0)
		err = read_nested(attributes[IFLA_INFO_SLAVE_DATA], slave_rules,
				  ARRAY_SIZE(slave_rules), link);
	return err;
}

/* The struct grows at its end from kernel to kernel; we need its beginning. */
static int read_counters(const struct nlattr *attribute, struct link_counters *counters)
{
	struct rtnl_link_stats64 stats;
	const size_t size = offsetof(struct rtnl_link_stats64, multicast);

	if (!attribute)
		return 0;
	if (mnl_attr_get_payload_len(attribute) < size)
		return -EBADMSG;
	memcpy(&stats, mnl_attr_get_payload(attribute), size);
	*counters = (struct link_counters){
		.rx_packets = stats.rx_packets,
		.tx_packets = stats.tx_packets,
		.rx_bytes = stats.rx_bytes,
		.tx_bytes = stats.tx_bytes,
		.rx_dropped = stats.rx_dropped,
		.tx_dropped = stats.tx_dropped,
	};
	return 0;
}

static int read_attributes(const struct nlattr *const *attributes, struct link *link)
{
	int err;

	if (!attributes[IFLA_IFNAME] ||
	    mnl_attr_get_payload_len(attributes[IFLA_IFNAME]) > LINK_NAME_SIZE)
		return -EBADMSG;
	err = attribute_read(attributes, link_rules, ARRAY_SIZE(link_rules), link);
	if (!err && !attributes[IFLA_LINK_NETNSID])
		err = attribute_read(attributes, lower_rules, ARRAY_SIZE(lower_rules), link);
	if (!err)
		err = read_counters(attributes[IFLA_STATS64], &link->counters);
	if (!err)
		err = read_info(attributes[IFLA_LINKINFO], link);
	if (!err)
		err = attribute_read(attributes, permanent_rules, ARRAY_SIZE(permanent_rules),
				     link);
	if (link->lower == link->ifindex) /* some kernels tell it of devices above none */
		link->lower = 0;
	return err;
}

static int decode(const struct nlmsghdr *message, struct link *link)
{
	const size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ifinfomsg));
	const struct nlattr *attributes[LINK_ATTRIBUTES];
	int err;

	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	if (err)
		return err;
	/* Events of the wireless extensions have the family of a whole report. */
	if (attributes[IFLA_WIRELESS])
		return -EAFNOSUPPORT;
	return read_attributes(attributes, link);
}

int rtnl_link_decode(const struct nlmsghdr *message, struct link *ret_link)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct link link = {};
	int err;

	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return -ENOMSG;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -EBADMSG;
	if (header->ifi_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	if (header->ifi_index <= 0)
		return -EBADMSG;
	link.ifindex = header->ifi_index;
	link.type = header->ifi_type;
	link.flags = header->ifi_flags;
	err = decode(message, &link);
	if (err)
		return err;
	*ret_link = link;
	return 0;
}

static int table_take(const struct nlmsghdr *message, void *data)
{
	struct link_table *table = data;
	struct link link;
	int err;

	if (!message) {
		table->count = 0;
		return 0;
	}
	err = rtnl_link_decode(message, &link);
	if (err == -ENOMSG || err == -EAFNOSUPPORT)
		return 0;
	return err ? err : link_table_put(table, &link);
}

int rtnl_link_dump(struct netlink *netlink, struct link_table *ret_table)
{
	struct link_table table = {};
	struct message request;
	int err;

	(void)message_start(&request, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	err = netlink_dump(netlink, &request.header, table_take, &table);
	if (err) {
		link_table_done(&table);
		return err;
	}
	link_table_done(ret_table);
	*ret_table = table;
	return 0;
}

static int link_take(const struct nlmsghdr *message, void *data)
{
	return rtnl_link_decode(message, data);
}

int rtnl_link_get(struct netlink *netlink, int ifindex, struct link *ret_link)
{
	struct link link = {};
	struct message request;
	int err;

	message_start_link(&request, RTM_GETLINK, 0, ifindex);
	err = netlink_query(netlink, &request.header, link_take, &link);
	if (err)
		return err;
	if (link.ifindex != ifindex)
		return -EBADMSG;
	*ret_link = link;
	return 0;
}

int rtnl_link_set_up(struct netlink *netlink, int ifindex, bool up, struct problem *problem)
{
	struct ifinfomsg *header;
	struct message request;

	header = message_start(&request, RTM_SETLINK, 0, sizeof(*header));
	header->ifi_index = ifindex;
	header->ifi_change = IFF_UP;
	header->ifi_flags = up ? IFF_UP : 0;
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_set_mtu(struct netlink *netlink, int ifindex, uint32_t mtu, struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	mnl_attr_put_u32(&request.header, IFLA_MTU, mtu);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_set_mac(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	mnl_attr_put(&request.header, IFLA_ADDRESS, sizeof(mac->bytes), mac->bytes);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_set_name(struct netlink *netlink, int ifindex, const char *name,
		       struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	mnl_attr_put_strz(&request.header, IFLA_IFNAME, name);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_set_master(struct netlink *netlink, int ifindex, int master, struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	mnl_attr_put_u32(&request.header, IFLA_MASTER, (uint32_t)master);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_move(struct netlink *netlink, int ifindex, int netns_fd, const char *name,
		   struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	mnl_attr_put_u32(&request.header, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	mnl_attr_put_strz(&request.header, IFLA_IFNAME, name);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_set_alias(struct netlink *netlink, int ifindex, const char *alias,
			struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	mnl_attr_put_strz(&request.header, IFLA_IFALIAS, alias);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_name_made(struct netlink *netlink, int ifindex, const char *alias,
			struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	mnl_attr_put_strz(&request.header, IFLA_IFALIAS, alias);
	mnl_attr_put_u32(&request.header, IFLA_GROUP, 0);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_link_delete(struct netlink *netlink, int ifindex, struct problem *problem)
{
	struct message request;

	message_start_link(&request, RTM_DELLINK, 0, ifindex);
	return netlink_request(netlink, &request.header, problem);
}
