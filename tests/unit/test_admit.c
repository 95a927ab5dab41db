// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/admit (T1): who may not be a member, each refusal with its one sentence. */
#include "base/strings.h"
#include "core/admit.h"

#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ETHER 1
#define TEAM 10
#define BRIDGE 11
#define VRF 12

static const struct link links[] = {
	{.ifindex = 1, .name = "lo", .type = 772, .flags = IFF_LOOPBACK},
	{.ifindex = 2, .name = "ens4", .type = ETHER},
	{.ifindex = 3, .name = "ens5", .type = ETHER, .master = TEAM, .slave_kind = "bond"},
	{.ifindex = 4, .name = "port", .type = ETHER, .master = BRIDGE, .slave_kind = "bridge"},
	{.ifindex = 5, .name = "red", .type = ETHER, .master = VRF, .slave_kind = "vrf"},
	{.ifindex = 6, .name = "lost", .type = ETHER, .master = 99, .slave_kind = "bridge"},
	{.ifindex = 7, .name = "tun0", .type = 65534, .kind = "tun"},
	{.ifindex = 8, .name = "ib0", .type = 32},
	{.ifindex = 9, .name = "v0", .type = ETHER, .kind = "veth"},
	{.ifindex = TEAM, .name = "team0", .type = ETHER, .kind = "bond"},
	{.ifindex = BRIDGE, .name = "br0", .type = ETHER, .kind = "bridge"},
	{.ifindex = VRF, .name = "vrf0", .type = ETHER, .kind = "vrf"},
	{.ifindex = 13, .name = "libteam", .type = ETHER, .kind = "team"},
	{.ifindex = 14, .name = "ovs", .type = ETHER, .kind = "openvswitch"},
	{.ifindex = 15, .name = "addr4", .type = ETHER},
	{.ifindex = 16, .name = "addr6", .type = ETHER},
	{.ifindex = 17, .name = "fe80", .type = ETHER},
};

static const struct link_address addresses[] = {
	{.ifindex = 2, .family = AF_INET6, .prefix = 64, .scope = 253, .bytes = {0xfe, 0x80}},
	{.ifindex = 17, .family = AF_INET6, .prefix = 64, .scope = 253, .bytes = {0xfe, 0x80}},
	{.ifindex = 15, .family = AF_INET, .prefix = 24, .bytes = {192, 0, 2, 7}},
	{.ifindex = 15, .family = AF_INET, .prefix = 24, .bytes = {192, 0, 2, 8}},
	{.ifindex = 16, .family = AF_INET6, .prefix = 64, .scope = 253, .bytes = {0xfe, 0x80}},
	{.ifindex = 16, .family = AF_INET6, .prefix = 48, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}},
	/* A member that was taken out of the bond by hand a moment ago may still have one. */
	{.ifindex = 3, .family = AF_INET, .prefix = 24, .bytes = {192, 0, 2, 9}},
};

static struct link_table table;

static int make_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (link_table_put(&table, &links[i]))
			return -1;
	return 0;
}

static int drop_table(void **state)
{
	(void)state;
	link_table_done(&table);
	return 0;
}

static void members_are_admitted_or_refused_in_words(void **state)
{
	static const struct {
		const char *device;
		int team_ifindex, result;
		const char *text;
	} cases[] = {
		{"ens4", 0, 0, ""},
		{"ens4", TEAM, 0, ""},
		{"v0", 0, 0, ""},
		{"fe80", 0, 0, ""},
		{"ens5", TEAM, 0, ""},
		{"lo", 0, -EINVAL, "lo is the loopback; a member is a network card"},
		{"tun0", 0, -EINVAL, "tun0 is not an Ethernet device"},
		{"ib0", 0, -EINVAL, "ib0 is not an Ethernet device"},
		{"team0", 0, -EINVAL, "team0 is itself a bond; name the network cards instead"},
		{"libteam", 0, -EINVAL, "libteam is itself a team; name the network cards instead"},
		{"br0", 0, -EINVAL, "br0 is itself a bridge; name the network cards instead"},
		{"vrf0", 0, -EINVAL, "vrf0 is itself a vrf; name the network cards instead"},
		{"ovs", 0, -EINVAL, "ovs is itself a openvswitch; name the network cards instead"},
		{"ens5", 0, -EBUSY,
		 "ens5 already belongs to team0; take it out first: ip link set ens5 nomaster"},
		{"ens5", 20, -EBUSY,
		 "ens5 already belongs to team0; take it out first: ip link set ens5 nomaster"},
		{"red", TEAM, -EBUSY,
		 "red already belongs to vrf0; take it out first: ip link set red nomaster"},
		{"port", TEAM, -EBUSY,
		 "port is a port of the bridge br0; take it out first: ip link set port nomaster"},
		{"lost", TEAM, -EBUSY,
		 "lost is a port of the bridge another interface; take it out first: "
		 "ip link set lost nomaster"},
		{"addr4", TEAM, -EBUSY,
		 "addr4 has the address 192.0.2.7/24, which belongs on the team; move it with "
		 "--take-addresses, or take it off: ip address del 192.0.2.7/24 dev addr4"},
		{"addr6", TEAM, -EBUSY,
		 "addr6 has the address 2001:db8::1/48, which belongs on the team; move it with "
		 "--take-addresses, or take it off: ip address del 2001:db8::1/48 dev addr6"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct link *device = link_by_name(&table, cases[i].device);
		struct problem problem = {};

		assert_non_null(device);
		assert_int_equal(admit_member(device, cases[i].team_ifindex, &table, addresses,
					      ARRAY_SIZE(addresses), &problem),
				 cases[i].result);
		assert_string_equal(problem.text, cases[i].text);
		assert_int_equal(problem.error, cases[i].result);
		/* Nobody need want to know why. */
		assert_int_equal(admit_member(device, cases[i].team_ifindex, &table, addresses,
					      ARRAY_SIZE(addresses), NULL),
				 cases[i].result);
	}
}

static void names_in_use_are_refused(void **state)
{
	static const struct {
		const char *name;
		int result;
		const char *text;
	} cases[] = {
		{"team1", 0, ""},
		{"ens", 0, ""},
		{"ens4", -EEXIST, "there is an interface ens4 already; choose another name"},
		{"team0", -EEXIST,
		 "there is an interface team0 already (a bond); choose another name"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct problem problem = {};

		assert_int_equal(admit_name(cases[i].name, &table, &problem), cases[i].result);
		assert_string_equal(problem.text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_admitted_or_refused_in_words),
		cmocka_unit_test(names_in_use_are_refused),
	};

	return cmocka_run_group_tests(tests, make_table, drop_table);
}
