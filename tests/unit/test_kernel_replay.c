// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses, routes and neighbours from one device to another and back, asked of the kernel. */
#include "test_kernel_world.h"

#include "kernel/replay.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_route.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <sys/socket.h>

static const uint8_t families[] = {AF_INET, AF_INET6};

/* ip(8) writes what these tests read: the records are the kernel's own, whoever asked for them. */
static void ip(const char *words)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "ip %s", words);
	if (system(line) != 0)
		fail_msg("failed: %s", line);
}

static bool is_made_by_hand(const struct nlmsghdr *message)
{
	struct link_address address;
	struct route route;

	if (!rtnl_address_decode(message, &address))
		return address.protocol != IFAPROT_KERNEL_LL;
	if (!rtnl_route_decode(message, &route))
		return route.protocol != RTPROT_KERNEL;
	return ((const struct ndmsg *)mnl_nlmsg_get_payload(message))->ndm_state & NUD_PERMANENT;
}

/* All that was given to a device; IPv6 addresses oldest first, routes without gateways first. */
static void record(struct netlink *netlink, int ifindex, struct record_list *all)
{
	static const uint16_t types[] = {RTM_GETADDR, RTM_GETROUTE, RTM_GETROUTE, RTM_GETNEIGH};

	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
			_cleanup_(record_list_done) struct record_list found = {};

			assert_int_equal(
				record_dump(netlink, types[t], families[f], ifindex, &found), 0);
			for (size_t i = 0; i < found.count; i++) {
				bool reverse = t == 0 && families[f] == AF_INET6;
				struct nlmsghdr *one =
					found.records[reverse ? found.count - 1 - i : i];
				struct route route;

				if (!rtnl_route_decode(one, &route) && route.gateway != (t == 2))
					continue;
				if (is_made_by_hand(one))
					assert_int_equal(record_list_add(all, one), 0);
			}
		}
}

static struct replay between(const struct world *world, bool back)
{
	return (struct replay){
		.from = back ? world->right : world->left,
		.to = back ? world->left : world->right,
		.from_name = back ? "right" : "left",
		.to_name = back ? "left" : "right",
		.advertised_max_s = 600,
	};
}

static void add_all(const struct world *world, const struct record_list *list,
		    const struct replay *replay)
{
	struct problem problem = {};

	for (size_t i = 0; i < list->count; i++)
		if (replay_add(world->netlink, list->records[i], replay, &problem))
			fail_msg("record %zu: %s", i, problem.text);
}

static void delete_all(const struct world *world, const struct record_list *list,
		       const struct replay *replay)
{
	for (size_t i = list->count; i-- > 0;)
		assert_int_equal(replay_delete(world->netlink, list->records[i], replay, NULL), 0);
}

/* As text, without what is the kernel's own: the device's number, times that run. */
static void text_of(const char *device, char *text, size_t size)
{
	char line[1024];
	FILE *pipe;
	size_t length;

	(void)snprintf(line, sizeof(line),
		       "{ ip -d address show dev %s scope global | grep -A1 inet; ip -4 route show "
		       "table all;"
		       "  ip -6 route show table all; ip neighbour show nud permanent; } |"
		       " grep -w '%s\\|valid_lft\\|inet6' | grep -v 'kernel\\|fe80' |"
		       " sed 's/%s/DEV/g; s/[0-9]*sec/N/g; s/ linkdown//'",
		       device, device, device);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	length = fread(text, 1, size - 1, pipe);
	text[length] = '\0';
	(void)pclose(pipe);
}

static void furnish(struct world *world)
{
	assert_int_equal(rtnl_link_set_up(world->netlink, world->right, true, NULL), 0);
	ip("address add 192.0.2.10/24 broadcast + dev left");
	ip("address add 192.0.2.11/24 label left:1 dev left");
	ip("address add 192.0.2.12/24 dev left valid_lft 5000 preferred_lft 4000");
	ip("address add 192.0.2.200 peer 192.0.2.99/32 metric 50 dev left");
	ip("address add 2001:db8::10/64 dev left nodad");
	ip("address add 2001:db8::11/64 dev left nodad noprefixroute");
	ip("address add 2001:db8:5::1/64 dev left nodad preferred_lft 0");
	ip("route add 203.0.113.7 dev left scope link");
	ip("route add default via 192.0.2.1 metric 200 mtu 1400");
	ip("route add 10.1.0.0/16 via 203.0.113.7 tos 0x10");
	ip("route add 10.2.0.0/16 nexthop via 192.0.2.1 weight 3 nexthop via 192.0.2.3 weight 1");
	ip("route add 10.3.0.0/16 via 10.99.0.1 dev left onlink table 77");
	ip("-6 route add default via 2001:db8::1 dev left metric 300 pref high expires 900");
	ip("-6 route add 2001:db8:78::/48 nexthop via 2001:db8::1 dev left nexthop via fe80::2 dev "
	   "left");
	ip("neighbour add 192.0.2.50 lladdr 02:00:00:00:00:50 dev left nud permanent");
	ip("neighbour add 2001:db8::50 lladdr 02:00:00:00:00:51 dev left nud permanent");
}

static void everything_moves_and_returns(void **state)
{
	_cleanup_(record_list_done) struct record_list all = {}, moved = {};
	static char before[16384], there[16384], after[16384];
	struct world *world = *state;
	struct replay away = between(world, false), home = between(world, true);
	struct replay same = home;

	same.from = home.to;
	same.from_name = home.to_name;
	furnish(world);
	text_of("left", before, sizeof(before));
	record(world->netlink, world->left, &all);
	assert_true(all.count >= 16);
	delete_all(world, &all, &same);
	delete_all(world, &all, &same); /* what is gone already is fine */
	add_all(world, &all, &away);
	text_of("right", there, sizeof(there));
	assert_string_equal(there, before);
	record(world->netlink, world->right, &moved);
	assert_int_equal(moved.count, all.count);
	add_all(world, &all, &away); /* and so is what is there */
	delete_all(world, &all, &away);
	text_of("right", after, sizeof(after));
	assert_string_equal(after, "");
	add_all(world, &moved, &home);
	text_of("left", after, sizeof(after));
	assert_string_equal(after, before);
}

static void the_same_is_known(void **state)
{
	_cleanup_(record_list_done) struct record_list left = {}, right = {};
	struct world *world = *state;
	struct replay away = between(world, false);

	assert_int_equal(rtnl_link_set_up(world->netlink, world->right, true, NULL), 0);
	ip("address add 192.0.2.10/24 dev left");
	ip("route add 10.1.0.0/16 dev left");
	ip("address add 192.0.2.10/24 label right:7 dev right");
	ip("address add 192.0.2.10/25 dev right");
	ip("route append 10.1.0.0/16 dev right");
	record(world->netlink, world->left, &left);
	record(world->netlink, world->right, &right);
	assert_int_equal(left.count, 2);
	assert_int_equal(right.count, 3);
	assert_true(replay_same(left.records[0], &away, right.records[0]));
	assert_false(replay_same(left.records[0], &away, right.records[1]));
	assert_false(replay_same(left.records[0], &away, right.records[2]));
	assert_true(replay_same(left.records[1], &away, right.records[2]));
}

static void lifetimes_run_on(void **state)
{
	_cleanup_(record_list_done) struct record_list all = {};
	struct world *world = *state;
	struct replay away = between(world, false);
	static char text[4096];

	assert_int_equal(rtnl_link_set_up(world->netlink, world->right, true, NULL), 0);
	ip("address add 192.0.2.10/24 dev left valid_lft 5000 preferred_lft 4000");
	ip("address add 192.0.2.11/24 dev left valid_lft 900 preferred_lft 900");
	ip("address add 2001:db8::1/64 dev left nodad");
	ip("-6 route add 2001:db8:7::/48 dev left proto ra expires 5000");
	ip("-6 route add 2001:db8:8::/48 dev left expires 900");
	record(world->netlink, world->left, &all);
	assert_int_equal(all.count, 5);
	away.elapsed_s = 1000;
	add_all(world, &all, &away);
	text_of("right", text, sizeof(text));
	assert_non_null(strstr(text, "192.0.2.10/24"));
	assert_null(strstr(text, "192.0.2.11/24")); /* its time is over */
	assert_non_null(strstr(text, "forever"));
	assert_null(strstr(text, "2001:db8:8::"));
	if (system("ip -6 route show 2001:db8:7::/48 dev right | grep -q 'expires "
		   "[56][0-9][0-9]sec'"))
		fail_msg("a router's route must not outlive its time");
	if (system("ip address show dev right | grep -Eq 'valid_lft (4000|399[0-9])sec'"))
		fail_msg("4000 s of the address' life should be left");
}

static void a_refusal_has_a_sentence(void **state)
{
	_cleanup_(record_list_done) struct record_list all = {};
	struct problem problem = {};
	struct world *world = *state;
	struct replay away = between(world, false);

	ip("address add 192.0.2.10/24 dev left");
	ip("route add default via 192.0.2.1");
	record(world->netlink, world->left, &all);
	assert_int_equal(all.count, 2);
	/* The route without its address, on a device that is down. */
	assert_true(replay_add(world->netlink, all.records[1], &away, &problem) < 0);
	assert_string_not_equal(problem.text, "");
}

static void the_way_to_a_peer_is_found(void **state)
{
	struct world *world = *state;
	uint8_t peer[16] = {192, 0, 2, 77};
	int ifindex = 0;

	ip("address add 192.0.2.10/24 dev left");
	assert_int_equal(rtnl_route_device(world->netlink, AF_INET, peer, &ifindex), 0);
	assert_int_equal(ifindex, world->left);
	peer[0] = 7;
	assert_int_equal(rtnl_route_device(world->netlink, AF_INET, peer, &ifindex), -ENETUNREACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(everything_moves_and_returns),
		LIVE(the_same_is_known),
		LIVE(lifetimes_run_on),
		LIVE(a_refusal_has_a_sentence),
		LIVE(the_way_to_a_peer_is_found),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
