// SPDX-License-Identifier: GPL-2.0-or-later
/* What moves between a member and its team, and in which order. */
#include "core/handover.h"

#include "base/strings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct link_address address_of(const char *text, uint8_t protocol, uint32_t flags)
{
	struct link_address address = {
		.family = strchr(text, ':') ? AF_INET6 : AF_INET,
		.protocol = protocol,
		.flags = flags,
	};

	assert_int_equal(inet_pton(address.family, text, address.bytes), 1);
	return address;
}

static void addresses_that_somebody_gave_move(void **state)
{
	static const struct {
		const char *text;
		uint8_t protocol;
		uint32_t flags;
		bool moves;
	} cases[] = {
		{"192.0.2.1", IFAPROT_UNSPEC, IFA_F_PERMANENT, true},
		{"169.254.7.7", IFAPROT_UNSPEC, IFA_F_PERMANENT, true},
		{"2001:db8::1", IFAPROT_UNSPEC, IFA_F_PERMANENT, true},
		{"2001:db8::1", IFAPROT_KERNEL_RA, 0, true},
		{"2001:db8::1", IFAPROT_UNSPEC, IFA_F_TENTATIVE, true},
		{"2001:db8::1", IFAPROT_UNSPEC, IFA_F_TENTATIVE | IFA_F_DADFAILED, false},
		{"fe80::1", IFAPROT_KERNEL_LL, IFA_F_PERMANENT, false},
		{"fe80::1", IFAPROT_UNSPEC, IFA_F_PERMANENT, true},
		{"febf::1", IFAPROT_KERNEL_LL, 0, false},
		{"fec0::1", IFAPROT_KERNEL_LL, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct link_address address =
			address_of(cases[i].text, cases[i].protocol, cases[i].flags);

		if (handover_moves_address(&address) != cases[i].moves)
			fail_msg("case %zu: %s", i, cases[i].text);
	}
}

static void routes_that_come_by_themselves_stay(void **state)
{
	static const uint8_t link_local[16] = {0xfe, 0x80};
	struct route route = {.family = AF_INET, .type = RTN_UNICAST, .protocol = RTPROT_BOOT};

	(void)state;
	assert_true(handover_moves_route(&route, false));
	route.protocol = RTPROT_RA;
	assert_true(handover_moves_route(&route, false));
	route.protocol = RTPROT_REDIRECT;
	assert_false(handover_moves_route(&route, true));
	/* The kernel's: with the address, unless that asks for none. */
	route.protocol = RTPROT_KERNEL;
	assert_false(handover_moves_route(&route, false));
	assert_true(handover_moves_route(&route, true));
	route.table = RT_TABLE_LOCAL;
	assert_false(handover_moves_route(&route, true));
	route.table = RT_TABLE_MAIN;
	route.type = RTN_MULTICAST;
	assert_false(handover_moves_route(&route, true));
	route = (struct route){
		.family = AF_INET6, .type = RTN_UNICAST, .protocol = RTPROT_KERNEL, .prefix = 64};
	memcpy(route.destination, link_local, sizeof(link_local));
	assert_false(handover_moves_route(&route, true));
	route = (struct route){.protocol = RTPROT_STATIC, .cached = true};
	assert_false(handover_moves_route(&route, true));
}

static void routes_follow_those_that_they_need(void **state)
{
	struct route on_link = {.prefix = 32}, through = {.prefix = 8, .gateway = true};
	struct route fallback = {.gateway = true}, bare = {};

	(void)state;
	assert_int_equal(handover_rank(&on_link), 0);
	assert_int_equal(handover_rank(&bare), 0); /* a default route without a gateway */
	assert_int_equal(handover_rank(&through), 1);
	assert_int_equal(handover_rank(&fallback), 2);
	assert_true(handover_rank(&fallback) < HANDOVER_RANKS);
}

static void devices_that_others_stand_on_stay(void **state)
{
	struct link links[] = {
		{.ifindex = 2, .name = "ens4"},
		{.ifindex = 3, .name = "veth0", .kind = "veth", .lower = 4},
		{.ifindex = 4, .name = "veth1", .kind = "veth", .lower = 3},
		{.ifindex = 5, .name = "ens4.7", .kind = "vlan", .lower = 2},
		{.ifindex = 6, .name = "mac0", .kind = "macvlan", .lower = 4},
	};
	struct link_table table = {.links = links, .count = 3};
	struct problem problem = {};

	(void)state;
	assert_int_equal(handover_admit(&links[0], &table, &problem), 0);
	assert_int_equal(handover_admit(&links[1], &table, &problem), 0);
	table.count = ARRAY_SIZE(links);
	assert_int_equal(handover_admit(&links[1], &table, &problem), 0);
	assert_int_equal(handover_admit(&links[0], &table, &problem), -EBUSY);
	assert_string_equal(problem.text, "ens4.7 (a vlan) stands on ens4 and cannot be moved with "
					  "the "
					  "addresses; remove it first, and make it again "
					  "afterwards");
	assert_int_equal(handover_admit(&links[2], &table, &(struct problem){}), -EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_that_somebody_gave_move),
		cmocka_unit_test(routes_that_come_by_themselves_stay),
		cmocka_unit_test(routes_follow_those_that_they_need),
		cmocka_unit_test(devices_that_others_stand_on_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
