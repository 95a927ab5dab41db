// SPDX-License-Identifier: GPL-2.0-or-later
/* T10: what sits on a team, through VLANs, macvlan and bridges, and with which tags. */
#include "core/upper.h"

#include "base/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TEAM 10

static const struct link links[] = {
	{.ifindex = 1, .name = "lo"},
	{.ifindex = 4, .name = "ens4", .master = TEAM},
	{.ifindex = TEAM, .name = "team0", .kind = "bond", .master = 20},
	{.ifindex = 11, .name = "team0.100", .kind = "vlan", .lower = TEAM, .vlan_id = 100},
	{.ifindex = 12, .name = "inner", .kind = "vlan", .lower = 11, .vlan_id = 200},
	{.ifindex = 13, .name = "third", .kind = "vlan", .lower = 12, .vlan_id = 300},
	{.ifindex = 14, .name = "mv0", .kind = "macvlan", .lower = 11},
	{.ifindex = 15, .name = "tun0", .kind = "vxlan", .lower = TEAM},
	{.ifindex = 16, .name = "other", .kind = "vlan", .lower = 4, .vlan_id = 100},
	{.ifindex = 17,
	 .name = "team0.101",
	 .kind = "vlan",
	 .lower = TEAM,
	 .vlan_id = 101,
	 .master = 22},
	{.ifindex = 20, .name = "br0", .kind = "bridge"},
	{.ifindex = 21, .name = "br0.7", .kind = "vlan", .lower = 20, .vlan_id = 7},
	{.ifindex = 22, .name = "br101", .kind = "bridge"},
	{.ifindex = 23, .name = "br9", .kind = "bridge"},
	{.ifindex = 24, .name = "tap0", .kind = "tun", .master = 22},
	{.ifindex = 30, .name = "a", .kind = "macvlan", .lower = 31},
	{.ifindex = 31, .name = "b", .kind = "macvlan", .lower = 30},
	{.ifindex = 40, .name = "x", .kind = "bridge", .master = 41},
	{.ifindex = 41, .name = "y", .kind = "bridge", .master = 40},
	{.ifindex = 50, .name = "gone", .kind = "vlan", .lower = 51, .vlan_id = 5},
};

static const struct {
	int ifindex;
	bool found;
	unsigned int tag_count;
	uint16_t tags[UPPER_TAGS_MAX];
	bool bridged;
} cases[] = {
	{TEAM, true, 0, {}, false},	  {11, true, 1, {100}, false},
	{12, true, 2, {200, 100}, false}, /* the innermost first */
	{14, true, 1, {100}, false},	  {20, true, 0, {}, true},
	{21, true, 1, {7}, true},	  {22, true, 1, {101}, true},
	{13, false, 0, {}, false}, /* three tags */
	{15, false, 0, {}, false}, /* not on the wire as it is */
	{16, false, 0, {}, false},	  {1, false, 0, {}, false},
	{4, false, 0, {}, false},	  {23, false, 0, {}, false},
	{24, false, 0, {}, false},	  {30, false, 0, {}, false}, /* circles */
	{40, false, 0, {}, false},	  {50, false, 0, {}, false},
	{99, false, 0, {}, false}, /* no such device */
};

static void test_upper(void **unused)
{
	struct link_table table = {};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		assert_int_equal(link_table_put(&table, &links[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct upper upper = {};

		assert_int_equal(upper_find(&table, cases[i].ifindex, TEAM, &upper),
				 cases[i].found);
		assert_int_equal(upper.tag_count, cases[i].tag_count);
		assert_memory_equal(upper.tags, cases[i].tags, sizeof(upper.tags));
		assert_int_equal(upper.bridged, cases[i].bridged);
		if (cases[i].found)
			assert_int_equal(upper.link->ifindex, cases[i].ifindex);
	}
	link_table_done(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_upper)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
