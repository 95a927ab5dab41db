// SPDX-License-Identifier: GPL-2.0-or-later
/* The decoders of kernel/ as pure functions of bytes: every field, and every way to lie. */
#include "base/strings.h"
#include "kernel/message.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

static const struct mac mac_one = {{0x02, 0, 0, 0, 0, 0x01}};
static const struct mac mac_two = {{0x02, 0, 0, 0, 0, 0x02}};

static void link_begin(struct message *message, uint16_t type)
{
	struct ifinfomsg *header = message_start(message, type, 0, sizeof(*header));

	header->ifi_index = 7;
	header->ifi_type = 1;
	header->ifi_flags = IFF_UP | IFF_BROADCAST;
	mnl_attr_put_strz(&message->header, IFLA_IFNAME, "team0");
}

static void bond_put(struct nlmsghdr *header)
{
	struct nlattr *info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(header, IFLA_INFO_KIND, "bond");
	data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
	mnl_attr_put_u8(header, IFLA_BOND_MODE, 1);
	mnl_attr_put_u32(header, IFLA_BOND_ACTIVE_SLAVE, 9);
	mnl_attr_put_u32(header, IFLA_BOND_MIIMON, 100);
	mnl_attr_put_u32(header, IFLA_BOND_DOWNDELAY, 700);
	mnl_attr_put_u32(header, IFLA_BOND_PEER_NOTIF_DELAY, 300);
	mnl_attr_put_u8(header, IFLA_BOND_FAIL_OVER_MAC, 1);
	mnl_attr_put_u32(header, IFLA_BOND_RESEND_IGMP, 4);
	mnl_attr_put_u8(header, IFLA_BOND_NUM_PEER_NOTIF, 5);
	mnl_attr_put_u8(header, IFLA_BOND_ALL_SLAVES_ACTIVE, 1);
	mnl_attr_put_u8(header, IFLA_BOND_PRIMARY_RESELECT, 2);
	mnl_attr_put_u32(header, IFLA_BOND_ARP_INTERVAL, 250);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
}

static void slave_put(struct nlmsghdr *header, const char *kind)
{
	struct nlattr *info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	struct nlattr *data;

	mnl_attr_put_strz(header, IFLA_INFO_SLAVE_KIND, kind);
	data = mnl_attr_nest_start(header, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(header, IFLA_BOND_SLAVE_MII_STATUS, 2);
	mnl_attr_put(header, IFLA_BOND_SLAVE_PERM_HWADDR, sizeof(mac_two), &mac_two);
	mnl_attr_put_u16(header, IFLA_BOND_SLAVE_QUEUE_ID, 3);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
}

static void bond_message(struct message *message)
{
	static const struct rtnl_link_stats64 stats = {
		.rx_packets = 1,
		.tx_packets = 2,
		.rx_bytes = 3,
		.tx_bytes = 1ull << 40,
		.rx_dropped = 5,
		.tx_dropped = 6,
	};

	link_begin(message, RTM_NEWLINK);
	mnl_attr_put_u32(&message->header, IFLA_MTU, 9000);
	mnl_attr_put_u32(&message->header, IFLA_NUM_TX_QUEUES, 64);
	mnl_attr_put_u8(&message->header, IFLA_CARRIER, 1);
	mnl_attr_put(&message->header, IFLA_ADDRESS, sizeof(mac_one), &mac_one);
	mnl_attr_put(&message->header, IFLA_STATS64, sizeof(stats), &stats);
	bond_put(&message->header);
}

static void link_bond_is_read(void **state)
{
	struct message message;
	struct link link;

	bond_message(&message);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(link.ifindex, 7);
	assert_int_equal(link.type, 1);
	assert_int_equal(link.flags, IFF_UP | IFF_BROADCAST);
	assert_string_equal(link.name, "team0");
	assert_string_equal(link.kind, "bond");
	assert_string_equal(link.slave_kind, "");
	assert_int_equal(link.mtu, 9000);
	assert_int_equal(link.tx_queues, 64);
	assert_true(link.carrier);
	assert_true(mac_equal(&link.mac, &mac_one));
	assert_true(mac_is_zero(&link.permanent_mac));
	assert_int_equal(link.counters.rx_packets, 1);
	assert_int_equal(link.counters.tx_packets, 2);
	assert_int_equal(link.counters.rx_bytes, 3);
	assert_int_equal(link.counters.tx_bytes, 1ull << 40);
	assert_int_equal(link.counters.rx_dropped, 5);
	assert_int_equal(link.counters.tx_dropped, 6);
}

static void link_bond_settings_are_read(void **state)
{
	struct message message;
	struct link link;

	bond_message(&message);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(link.bond.mode, 1);
	assert_int_equal(link.bond.fail_over_mac, 1);
	assert_int_equal(link.bond.all_slaves_active, 1);
	assert_int_equal(link.bond.num_peer_notif, 5);
	assert_int_equal(link.bond.peer_notif_delay, 300);
	assert_int_equal(link.bond.resend_igmp, 4);
	assert_int_equal(link.bond.miimon, 100);
	assert_int_equal(link.bond.downdelay, 700);
	assert_int_equal(link.bond.primary_reselect, 2);
	assert_int_equal(link.bond.arp_interval, 250);
	assert_int_equal(link.bond.active_ifindex, 9);
}

static void link_member_is_read(void **state)
{
	struct message message;
	struct link link;

	link_begin(&message, RTM_NEWLINK);
	mnl_attr_put_u32(&message.header, IFLA_MASTER, 12);
	mnl_attr_put_strz(&message.header, IFLA_PARENT_DEV_NAME, "0000:00:04.0");
	mnl_attr_put_strz(&message.header, IFLA_PARENT_DEV_BUS_NAME, "pci");
	slave_put(&message.header, "bond");
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(link.master, 12);
	assert_string_equal(link.bus_id, "0000:00:04.0");
	assert_string_equal(link.bus, "pci");
	assert_string_equal(link.kind, "");
	assert_string_equal(link.slave_kind, "bond");
	assert_int_equal(link.slave.queue_id, 3);
	assert_int_equal(link.slave.mii_status, 2);
	assert_true(mac_equal(&link.permanent_mac, &mac_two));
}

static void link_own_permanent_mac_goes_before_the_bonds(void **state)
{
	struct message message;
	struct link link;

	link_begin(&message, RTM_NEWLINK);
	mnl_attr_put(&message.header, IFLA_PERM_ADDRESS, sizeof(mac_one), &mac_one);
	slave_put(&message.header, "bond");
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_true(mac_equal(&link.permanent_mac, &mac_one));
}

static void link_of_another_master_is_not_read_as_bonds(void **state)
{
	struct message message;
	struct link link;

	link_begin(&message, RTM_NEWLINK);
	slave_put(&message.header, "bridge");
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_string_equal(link.slave_kind, "bridge");
	assert_int_equal(link.slave.queue_id, 0);
	assert_true(mac_is_zero(&link.permanent_mac));
}

static void link_below_in_another_namespace_is_none(void **state)
{
	struct message message;
	struct link link;

	link_begin(&message, RTM_NEWLINK);
	mnl_attr_put_u32(&message.header, IFLA_LINK, 4);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(link.lower, 4);
	mnl_attr_put_u32(&message.header, IFLA_LINK_NETNSID, 0);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(link.lower, 0);
}

static void link_removed_is_read(void **state)
{
	struct message message;
	struct link link;

	link_begin(&message, RTM_DELLINK);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(link.ifindex, 7);
}

static void link_other_addresses_than_ethernet_are_left_out(void **state)
{
	static const uint8_t infiniband[20] = {1};
	struct message message;
	struct link link;

	link_begin(&message, RTM_NEWLINK);
	mnl_attr_put(&message.header, IFLA_ADDRESS, sizeof(infiniband), infiniband);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_true(mac_is_zero(&link.mac));
}

static void link_long_texts_are_cut(void **state)
{
	char text[80];
	struct message message;
	struct link link;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	link_begin(&message, RTM_NEWLINK);
	mnl_attr_put_strz(&message.header, IFLA_PARENT_DEV_NAME, text);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(strlen(link.bus_id), LINK_BUS_SIZE - 1);
}

/* A bridge tells the departure of a port by RTM_DELLINK of its family: no device is gone. */
static void link_partial_reports_are_told_apart(void **state)
{
	struct message message;
	struct link link;

	link_begin(&message, RTM_DELLINK);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(&message.header))->ifi_family = AF_BRIDGE;
	assert_int_equal(rtnl_link_decode(&message.header, &link), -EAFNOSUPPORT);
	link_begin(&message, RTM_NEWLINK);
	mnl_attr_put_u32(&message.header, IFLA_WIRELESS, 0);
	assert_int_equal(rtnl_link_decode(&message.header, &link), -EAFNOSUPPORT);
}

static void link_other_types_are_told_apart(void **state)
{
	struct message message;
	struct link_neighbour neighbour;
	struct link_address address;
	struct link link;

	link_begin(&message, RTM_NEWADDR);
	assert_int_equal(rtnl_link_decode(&message.header, &link), -ENOMSG);
	link_begin(&message, RTM_NEWLINK);
	assert_int_equal(rtnl_address_decode(&message.header, &address), -ENOMSG);
	assert_int_equal(rtnl_neighbour_decode(&message.header, &neighbour), -ENOMSG);
}

/* One attribute that the kernel would not send, in a message that is right but for it. */
static const struct {
	uint16_t type, size;
	uint8_t bytes[32];
} link_lies[] = {
	{IFLA_MTU, 2, {1}},
	{IFLA_MTU, 8, {1}},
	{IFLA_MTU, 0, {}},
	{IFLA_MASTER, 4, {0xff, 0xff, 0xff, 0xff}},
	{IFLA_MASTER, 3, {1}},
	{IFLA_LINK, 4, {0xff, 0xff, 0xff, 0xff}},
	{IFLA_CARRIER, 4, {1}},
	{IFLA_CARRIER, 0, {}},
	{IFLA_NUM_TX_QUEUES, 1, {1}},
	{IFLA_STATS64, 32, {1}},
	{IFLA_IFNAME, 4, {'n', 'o', 'n', 'e'}},
	{IFLA_IFNAME, 0, {}},
	{IFLA_IFNAME, 17, "sixteen letters!"},
	{IFLA_PARENT_DEV_NAME, 3, {'a', 'b', 'c'}},
	{IFLA_PARENT_DEV_BUS_NAME, 0, {}},
	{IFLA_LINKINFO, 3, {1, 2, 3}},
	{IFLA_LINKINFO, 4, {3, 0, 1, 0}},
	{IFLA_LINKINFO, 8, {9, 0, 1, 0}},
	{IFLA_LINKINFO, 8, {8, 0, IFLA_INFO_KIND, 0, 'b', 'o', 'n', 'd'}},
};

static void link_lies_are_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(link_lies); i++) {
		struct link link = {.ifindex = 99};
		struct message message;

		link_begin(&message, RTM_NEWLINK);
		mnl_attr_put(&message.header, link_lies[i].type, link_lies[i].size,
			     link_lies[i].bytes);
		assert_int_equal(rtnl_link_decode(&message.header, &link), -EBADMSG);
		assert_int_equal(link.ifindex, 99);
	}
}

static void link_without_index_or_name_is_refused(void **state)
{
	struct ifinfomsg *header;
	struct message message;
	struct link link;

	header = message_start(&message, RTM_NEWLINK, 0, sizeof(*header));
	header->ifi_index = 1;
	assert_int_equal(rtnl_link_decode(&message.header, &link), -EBADMSG);
	mnl_attr_put_strz(&message.header, IFLA_IFNAME, "lo");
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	header->ifi_index = 0;
	assert_int_equal(rtnl_link_decode(&message.header, &link), -EBADMSG);
	header->ifi_index = -1;
	assert_int_equal(rtnl_link_decode(&message.header, &link), -EBADMSG);
}

static void address_begin(struct message *message, uint8_t family, uint8_t prefix)
{
	struct ifaddrmsg *header = message_start(message, RTM_NEWADDR, 0, sizeof(*header));

	header->ifa_family = family;
	header->ifa_prefixlen = prefix;
	header->ifa_flags = IFA_F_PERMANENT;
	header->ifa_scope = RT_SCOPE_LINK;
	header->ifa_index = 7;
}

static const uint8_t here[16] = {192, 0, 2, 1}, there[16] = {192, 0, 2, 2};

static void address_is_read(void **state)
{
	struct message message;
	struct link_address address;

	address_begin(&message, AF_INET6, 64);
	mnl_attr_put(&message.header, IFA_ADDRESS, 16, here);
	mnl_attr_put_u32(&message.header, IFA_FLAGS, IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE);
	assert_int_equal(rtnl_address_decode(&message.header, &address), 0);
	assert_int_equal(address.ifindex, 7);
	assert_int_equal(address.family, AF_INET6);
	assert_int_equal(address.prefix, 64);
	assert_int_equal(address.scope, RT_SCOPE_LINK);
	assert_int_equal(address.flags, IFA_F_PERMANENT | IFA_F_NOPREFIXROUTE);
	assert_memory_equal(address.bytes, here, 16);
}

static void address_with_a_peer_is_ours(void **state)
{
	struct message message;
	struct link_address address;

	address_begin(&message, AF_INET, 32);
	mnl_attr_put(&message.header, IFA_ADDRESS, 4, there);
	mnl_attr_put(&message.header, IFA_LOCAL, 4, here);
	assert_int_equal(rtnl_address_decode(&message.header, &address), 0);
	assert_int_equal(address.flags, IFA_F_PERMANENT);
	assert_memory_equal(address.bytes, here, 16); /* the rest is zero */
}

static void address_lies_are_refused(void **state)
{
	struct link_address address = {.ifindex = 99};
	struct message message;

	address_begin(&message, AF_INET6, 64);
	assert_int_equal(rtnl_address_decode(&message.header, &address), -EBADMSG);
	mnl_attr_put(&message.header, IFA_ADDRESS, 4, here);
	assert_int_equal(rtnl_address_decode(&message.header, &address), -EBADMSG);
	address_begin(&message, AF_INET, 33);
	mnl_attr_put(&message.header, IFA_LOCAL, 4, here);
	assert_int_equal(rtnl_address_decode(&message.header, &address), -EBADMSG);
	address_begin(&message, AF_INET, 24);
	mnl_attr_put(&message.header, IFA_LOCAL, 16, here);
	assert_int_equal(rtnl_address_decode(&message.header, &address), -EBADMSG);
	address_begin(&message, AF_UNIX, 0);
	assert_int_equal(rtnl_address_decode(&message.header, &address), -EAFNOSUPPORT);
	assert_int_equal(address.ifindex, 99);
}

static void neighbour_begin(struct message *message, uint8_t family)
{
	struct ndmsg *header = message_start(message, RTM_DELNEIGH, 0, sizeof(*header));

	header->ndm_family = family;
	header->ndm_ifindex = 7;
	header->ndm_state = NUD_STALE;
}

static void neighbour_is_read(void **state)
{
	struct message message;
	struct link_neighbour neighbour;

	neighbour_begin(&message, AF_INET);
	mnl_attr_put(&message.header, NDA_DST, 4, there);
	assert_int_equal(rtnl_neighbour_decode(&message.header, &neighbour), 0);
	assert_true(mac_is_zero(&neighbour.mac));
	mnl_attr_put(&message.header, NDA_LLADDR, sizeof(mac_one), &mac_one);
	assert_int_equal(rtnl_neighbour_decode(&message.header, &neighbour), 0);
	assert_int_equal(neighbour.ifindex, 7);
	assert_int_equal(neighbour.family, AF_INET);
	assert_int_equal(neighbour.state, NUD_STALE);
	assert_memory_equal(neighbour.bytes, there, 16);
	assert_true(mac_equal(&neighbour.mac, &mac_one));
}

static void neighbour_lies_are_refused(void **state)
{
	struct link_neighbour neighbour = {.ifindex = 99};
	struct message message;

	neighbour_begin(&message, AF_INET6);
	assert_int_equal(rtnl_neighbour_decode(&message.header, &neighbour), -EBADMSG);
	mnl_attr_put(&message.header, NDA_DST, 4, there);
	assert_int_equal(rtnl_neighbour_decode(&message.header, &neighbour), -EBADMSG);
	neighbour_begin(&message, AF_BRIDGE);
	assert_int_equal(rtnl_neighbour_decode(&message.header, &neighbour), -EAFNOSUPPORT);
	assert_int_equal(neighbour.ifindex, 99);
}

/* Cut anywhere, a message is refused or has whole attributes; never is more read than it has. */
static void messages_cut_anywhere_are_safe(void **state)
{
	struct message whole;

	bond_message(&whole);
	for (uint32_t length = sizeof(whole.header); length < whole.header.nlmsg_len; length++) {
		struct nlmsghdr *cut = malloc(length);
		struct link link;
		int err;

		assert_non_null(cut);
		memcpy(cut, whole.bytes, length);
		cut->nlmsg_len = length;
		err = rtnl_link_decode(cut, &link);
		assert_true(err == 0 || err == -EBADMSG);
		free(cut);
	}
}

/* The length of an attribute counts from its own header, whatever it says. */
static void lengths_that_lie_are_refused(void **state)
{
	static const uint16_t lengths[] = {0, 1, 3, 500, 0xffff};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct message message;
		struct nlattr *first;
		struct link link;

		link_begin(&message, RTM_NEWLINK);
		first = mnl_nlmsg_get_payload_offset(&message.header, sizeof(struct ifinfomsg));
		first->nla_len = lengths[i];
		assert_int_equal(rtnl_link_decode(&message.header, &link), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_bond_is_read),
		cmocka_unit_test(link_bond_settings_are_read),
		cmocka_unit_test(link_member_is_read),
		cmocka_unit_test(link_own_permanent_mac_goes_before_the_bonds),
		cmocka_unit_test(link_of_another_master_is_not_read_as_bonds),
		cmocka_unit_test(link_below_in_another_namespace_is_none),
		cmocka_unit_test(link_removed_is_read),
		cmocka_unit_test(link_other_addresses_than_ethernet_are_left_out),
		cmocka_unit_test(link_long_texts_are_cut),
		cmocka_unit_test(link_partial_reports_are_told_apart),
		cmocka_unit_test(link_other_types_are_told_apart),
		cmocka_unit_test(link_lies_are_refused),
		cmocka_unit_test(link_without_index_or_name_is_refused),
		cmocka_unit_test(address_is_read),
		cmocka_unit_test(address_with_a_peer_is_ours),
		cmocka_unit_test(address_lies_are_refused),
		cmocka_unit_test(neighbour_is_read),
		cmocka_unit_test(neighbour_lies_are_refused),
		cmocka_unit_test(messages_cut_anywhere_are_safe),
		cmocka_unit_test(lengths_that_lie_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
