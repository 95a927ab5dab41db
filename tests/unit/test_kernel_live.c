// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests, dumps and events of rtnetlink against the kernel itself. */
#include "test_kernel_world.h"

#include "kernel/netns.h"
#include "kernel/rtnl_address.h"

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <poll.h>
#include <sys/socket.h>

#define PAIRS 40 /* so that a dump of all takes more than one datagram */

/* --- devices ---------------------------------------------------------------------------- */

static void devices_are_dumped(void **state)
{
	_cleanup_(link_table_done) struct link_table table = {};
	struct world *world = *state;
	const struct link *left;

	assert_int_equal(rtnl_link_dump(world->netlink, &table), 0);
	assert_non_null(link_by_name(&table, "lo"));
	left = link_by_name(&table, "left");
	assert_non_null(left);
	assert_string_equal(left->kind, "veth");
	assert_int_equal(left->type, 1);
	assert_int_equal(left->lower, world->right);
	assert_int_equal(left->mtu, 1500);
	assert_true(left->tx_queues > 0);
	assert_false(mac_is_zero(&left->mac));
	assert_true(left->flags & IFF_UP);
	assert_false(left->carrier);
}

static void device_is_got(void **state)
{
	struct world *world = *state;
	struct link link = {.mtu = 77};

	assert_int_equal(rtnl_link_get(world->netlink, world->right, &link), 0);
	assert_string_equal(link.name, "right");
	link.mtu = 77;
	assert_int_equal(rtnl_link_get(world->netlink, 9999, &link), -ENODEV);
	assert_int_equal(link.mtu, 77);
}

static void device_goes_up_and_down(void **state)
{
	struct world *world = *state;
	struct link link;

	assert_int_equal(rtnl_link_set_up(world->netlink, world->right, true, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	assert_true(link.carrier);
	assert_int_equal(rtnl_link_set_up(world->netlink, world->right, false, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, world->right, &link), 0);
	assert_false(link.flags & IFF_UP);
	assert_int_equal(rtnl_link_set_up(world->netlink, 9999, true, NULL), -ENODEV);
}

static void device_gets_another_mtu(void **state)
{
	struct problem problem = {};
	struct world *world = *state;
	struct link link;

	assert_int_equal(rtnl_link_set_mtu(world->netlink, world->left, 1400, &problem), 0);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	assert_int_equal(link.mtu, 1400);
	assert_int_equal(problem.error, 0);
	/* The kernel's own sentence. */
	assert_int_equal(rtnl_link_set_mtu(world->netlink, world->left, 5, &problem), -EINVAL);
	assert_int_equal(problem.error, -EINVAL);
	assert_string_equal(problem.text, "mtu less than device minimum");
}

static void device_gets_another_mac(void **state)
{
	static const struct mac mac = {{0x52, 0x54, 0, 0, 0, 0x77}}, group = {{1}};
	struct world *world = *state;
	struct link link;

	assert_int_equal(rtnl_link_set_mac(world->netlink, world->left, &mac, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	assert_true(mac_equal(&link.mac, &mac));
	assert_int_equal(rtnl_link_set_mac(world->netlink, world->left, &group, NULL),
			 -EADDRNOTAVAIL);
	assert_int_equal(rtnl_link_set_mac(world->netlink, 9999, &mac, NULL), -ENODEV);
}

static void device_is_deleted(void **state)
{
	struct problem problem = {};
	struct world *world = *state;

	assert_int_equal(rtnl_link_delete(world->netlink, world->left, NULL), 0);
	assert_int_equal(index_of(world->netlink, "right"), 0);
	assert_int_equal(rtnl_link_delete(world->netlink, world->left, &problem), -ENODEV);
	assert_string_equal(problem.text, "No such device");
}

/* --- addresses and neighbours ----------------------------------------------------------- */

static void address_add(struct netlink *netlink, int ifindex, int family, const void *bytes,
			size_t size)
{
	struct message request;
	struct ifaddrmsg *header =
		message_start(&request, RTM_NEWADDR, NLM_F_CREATE, sizeof(*header));

	header->ifa_family = (uint8_t)family;
	header->ifa_prefixlen = 24;
	header->ifa_index = (unsigned)ifindex;
	mnl_attr_put(&request.header, IFA_LOCAL, size, bytes);
	assert_int_equal(netlink_request(netlink, &request.header, NULL), 0);
}

static void addresses_are_dumped(void **state)
{
	static const uint8_t four[4] = {192, 0, 2, 1}, six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	_cleanup_free_ struct link_address *addresses = NULL;
	struct world *world = *state;
	size_t count, seen = 0;

	address_add(world->netlink, world->left, AF_INET, four, sizeof(four));
	address_add(world->netlink, world->left, AF_INET6, six, sizeof(six));
	assert_int_equal(rtnl_address_dump(world->netlink, &addresses, &count), 0);
	for (size_t i = 0; i < count; i++) {
		const struct link_address *address = &addresses[i];
		bool is_four = address->family == AF_INET;

		if (memcmp(address->bytes, is_four ? four : six, is_four ? 4 : 16) != 0)
			continue;
		assert_int_equal(address->ifindex, world->left);
		assert_int_equal(address->prefix, 24);
		assert_true(address->flags & IFA_F_PERMANENT);
		seen++;
	}
	assert_int_equal(seen, 2);
}

static void address_of_zeros_spoils_no_dump(void **state)
{
	static const uint8_t zeros[4];
	_cleanup_free_ struct link_address *addresses = NULL;
	struct world *world = *state;
	size_t count;

	address_add(world->netlink, world->left, AF_INET, zeros, sizeof(zeros));
	assert_int_equal(rtnl_address_dump(world->netlink, &addresses, &count), 0);
}

static void neighbours_are_put_and_dumped(void **state)
{
	struct world *world = *state;
	struct link_neighbour four = {.ifindex = world->left,
				      .family = AF_INET,
				      .state = NUD_PERMANENT,
				      .bytes = {192, 0, 2, 77},
				      .mac = {{2, 0, 0, 0, 0, 77}}};
	struct link_neighbour six = {.ifindex = world->left,
				     .family = AF_INET6,
				     .state = NUD_STALE,
				     .router = true,
				     .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 7},
				     .mac = {{2, 0, 0, 0, 0, 7}}};
	struct link_neighbour found;

	assert_false(find_neighbour(world->netlink, &four, &found));
	assert_int_equal(rtnl_neighbour_put(world->netlink, &four, NULL), 0);
	assert_int_equal(rtnl_neighbour_put(world->netlink, &six, NULL), 0);
	assert_true(find_neighbour(world->netlink, &four, &found));
	assert_int_equal(found.state, NUD_PERMANENT);
	assert_true(mac_equal(&found.mac, &four.mac));
	assert_false(found.router);
	assert_true(find_neighbour(world->netlink, &six, &found));
	assert_int_equal(found.state, NUD_STALE);
	assert_true(mac_equal(&found.mac, &six.mac));
	assert_true(found.router);
	/* What the kernel has learnt is newer. */
	six.mac.bytes[5] = 8;
	assert_int_equal(rtnl_neighbour_put(world->netlink, &six, NULL), 0);
	assert_true(find_neighbour(world->netlink, &six, &found));
	assert_int_equal(found.mac.bytes[5], 7);
	six.ifindex = 9999;
	assert_int_equal(rtnl_neighbour_put(world->netlink, &six, NULL), -ENODEV);
}

/* --- the transport ---------------------------------------------------------------------- */

static void wait_for_events(const struct netlink *netlink)
{
	struct pollfd wait = {.fd = netlink_fd(netlink), .events = POLLIN};

	assert_int_equal(poll(&wait, 1, 5000), 1);
}

static void events_are_read(void **state)
{
	static const unsigned groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR};
	_cleanup_(netlink_closep) struct netlink *events = NULL;
	struct world *world = *state;
	int count = 0;

	assert_int_equal(netlink_open_events(&events, groups, ARRAY_SIZE(groups)), 0);
	assert_int_equal(netlink_read(events, count_message, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rtnl_link_set_mtu(world->netlink, world->left, 1400, NULL), 0);
	wait_for_events(events);
	assert_int_equal(netlink_read(events, count_message, &count), 0);
	assert_true(count > 0);
}

static bool queue_ran_over(int fd)
{
	struct pollfd now = {.fd = fd};

	assert_true(poll(&now, 1, 0) >= 0);
	return now.revents & POLLERR;
}

static void lost_events_are_told(void **state)
{
	static const unsigned groups[] = {RTNLGRP_LINK};
	_cleanup_(netlink_closep) struct netlink *events = NULL;
	struct world *world = *state;
	int count = 0, least = 1;

	assert_int_equal(netlink_open_events(&events, groups, ARRAY_SIZE(groups)), 0);
	assert_int_equal(
		setsockopt(netlink_fd(events), SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
	for (uint32_t i = 0; i < 20; i++)
		(void)rtnl_link_set_mtu(world->netlink, world->left, 1400 + i, NULL);
	assert_int_equal(netlink_read(events, count_message, &count), -ENOBUFS);
	assert_int_equal(netlink_read(events, count_message, &count), 0);
}

/*
 * The kernel puts nothing into a queue that has run over until it has been emptied, and tells of
 * one loss only. So more than one reading takes must go at once: what came after would be missed.
 */
static void a_queue_that_ran_over_is_emptied(void **state)
{
	static const unsigned groups[] = {RTNLGRP_LINK};
	_cleanup_(netlink_closep) struct netlink *events = NULL;
	struct world *world = *state;
	int count = 0, size = 4 << 20;

	assert_int_equal(netlink_open_events(&events, groups, ARRAY_SIZE(groups)), 0);
	assert_int_equal(setsockopt(netlink_fd(events), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)),
			 0);
	size = 0;
	for (uint32_t i = 0; i < 20000 && !size; i++) {
		(void)rtnl_link_set_mtu(world->netlink, world->left, 1400 + i % 2, NULL);
		/* At the loss; reading the error would take it away. */
		size = i > 600 && queue_ran_over(netlink_fd(events));
	}
	assert_true(size);
	assert_int_equal(netlink_read(events, count_message, &count), -ENOBUFS);
	assert_int_equal(netlink_read(events, count_message, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rtnl_link_set_mtu(world->netlink, world->left, 1300, NULL), 0);
	assert_int_equal(netlink_read(events, count_message, &count), 0);
	assert_true(count > 0);
}

/* What another process sends to the socket is no event. */
static void messages_of_others_are_not_taken(void **state)
{
	static const unsigned groups[] = {RTNLGRP_LINK};
	_cleanup_(netlink_closep) struct netlink *events = NULL;
	_cleanup_close_ int other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl to = {};
	socklen_t size = sizeof(to);
	struct message message;
	int count = 0;

	assert_int_equal(netlink_open_events(&events, groups, ARRAY_SIZE(groups)), 0);
	assert_int_equal(getsockname(netlink_fd(events), (struct sockaddr *)&to, &size), 0);
	(void)message_start(&message, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	assert_true(sendto(other, &message, message.header.nlmsg_len, 0, (struct sockaddr *)&to,
			   sizeof(to)) > 0);
	wait_for_events(events);
	assert_int_equal(netlink_read(events, count_message, &count), 0);
	assert_int_equal(count, 0);
}

static void pairs_create(struct netlink *netlink)
{
	for (int i = 0; i < PAIRS; i++) {
		char name[LINK_NAME_SIZE], peer[LINK_NAME_SIZE];

		(void)snprintf(name, sizeof(name), "a%d", i);
		(void)snprintf(peer, sizeof(peer), "b%d", i);
		veth_create(netlink, name, peer);
	}
}

struct disturbance {
	struct netlink *netlink;  /* another than the one that dumps */
	int attempts, to_disturb; /* the dump's, and how many of them to disturb */
	int messages;		  /* of the last attempt */
	int created;		  /* pairs so far */
};

/* Renames do not count as changes of the kernel's list of devices, creating one does. */
static int disturb(const struct nlmsghdr *message, void *data)
{
	struct disturbance *disturbance = data;
	char name[LINK_NAME_SIZE], peer[LINK_NAME_SIZE];

	if (!message) {
		disturbance->attempts++;
		disturbance->messages = 0;
		return 0;
	}
	if (disturbance->messages++ > 0 || disturbance->attempts > disturbance->to_disturb)
		return 0;
	(void)snprintf(name, sizeof(name), "c%d", disturbance->created);
	(void)snprintf(peer, sizeof(peer), "d%d", disturbance->created++);
	veth_create(disturbance->netlink, name, peer);
	return 0;
}

static int dump_disturbed(struct netlink *netlink, struct disturbance *disturbance)
{
	struct message request;

	(void)message_start(&request, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	return netlink_dump(netlink, &request.header, disturb, disturbance);
}

static void disturbed_dump_is_made_anew(void **state)
{
	_cleanup_(netlink_closep) struct netlink *other = NULL;
	struct world *world = *state;
	struct disturbance once = {.to_disturb = 1}, always = {.to_disturb = 100, .created = 10};

	assert_int_equal(netlink_open(&other), 0);
	pairs_create(world->netlink);
	once.netlink = always.netlink = other;
	assert_int_equal(dump_disturbed(world->netlink, &once), 0);
	assert_int_equal(once.attempts, 2);
	assert_int_equal(once.messages, 2 * PAIRS + 2 + 2 + 1); /* pairs, our world, "c0", lo */
	assert_int_equal(dump_disturbed(world->netlink, &always), -EAGAIN);
	assert_int_equal(always.attempts, 5);
}

static int refuse(const struct nlmsghdr *message, void *data)
{
	return message ? -EXFULL : 0;
}

static void refused_dump_leaves_nothing_behind(void **state)
{
	_cleanup_(link_table_done) struct link_table table = {};
	struct world *world = *state;
	struct message request;

	pairs_create(world->netlink);
	(void)message_start(&request, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	assert_int_equal(netlink_dump(world->netlink, &request.header, refuse, NULL), -EXFULL);
	assert_int_equal(rtnl_link_dump(world->netlink, &table), 0);
	assert_int_equal(table.count, 2 * PAIRS + 2 + 1);
}

static void strict_dump_refuses_what_the_kernel_does_not_know(void **state)
{
	struct world *world = *state;
	struct message request;
	struct ifinfomsg *header;
	int count = 0;

	header = message_start(&request, RTM_GETLINK, 0, sizeof(*header));
	header->ifi_flags = 1;
	assert_int_equal(netlink_dump(world->netlink, &request.header, count_message, &count),
			 -EINVAL);
}

static void namespaces_differ_by_cookie(void **state)
{
	uint64_t here = 0, again = 0, there = 0;

	assert_int_equal(netns_cookie(&here), 0);
	assert_int_equal(netns_cookie(&again), 0);
	assert_true(here != 0 && here == again);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(netns_cookie(&there), 0);
	assert_true(there != here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(devices_are_dumped),
		LIVE(device_is_got),
		LIVE(device_goes_up_and_down),
		LIVE(device_gets_another_mtu),
		LIVE(device_gets_another_mac),
		LIVE(device_is_deleted),
		LIVE(addresses_are_dumped),
		LIVE(address_of_zeros_spoils_no_dump),
		LIVE(neighbours_are_put_and_dumped),
		LIVE(events_are_read),
		LIVE(lost_events_are_told),
		LIVE(a_queue_that_ran_over_is_emptied),
		LIVE(messages_of_others_are_not_taken),
		LIVE(disturbed_dump_is_made_anew),
		LIVE(refused_dump_leaves_nothing_behind),
		LIVE(strict_dump_refuses_what_the_kernel_does_not_know),
		LIVE(namespaces_differ_by_cookie),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
