// SPDX-License-Identifier: GPL-2.0-or-later
/* src/model: the table of links, how members name devices, and which member a bucket takes. */
#include <stdint.h>

static uint64_t now_ns;
#define PICK_NOW() now_ns

#include "base/strings.h"
#include "model/adapter.h"
#include "model/pick.h"
#include "model/team.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void put(struct link_table *table, int ifindex, const char *name)
{
	struct link link = {.ifindex = ifindex};

	assert_int_equal(text_copy(link.name, sizeof(link.name), name), 0);
	assert_int_equal(link_table_put(table, &link), 0);
}

static void test_table_stays_sorted(void **state)
{
	static const int order[] = {7, 2, 9, 1, 5, 3, 8, 4, 6, 10};
	struct link_table table = {};

	(void)state;
	assert_null(link_by_index(&table, 1));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		put(&table, order[i], "x");
	assert_int_equal(table.count, ARRAY_SIZE(order));
	for (size_t i = 0; i < table.count; i++)
		assert_int_equal(table.links[i].ifindex, (int)i + 1);
	link_table_done(&table);
	assert_null(table.links);
	assert_int_equal(table.count, 0);
}

static void test_table_replaces(void **state)
{
	struct link_table table = {};

	(void)state;
	put(&table, 4, "before");
	put(&table, 4, "after");
	assert_int_equal(table.count, 1);
	assert_null(link_by_name(&table, "before"));
	assert_ptr_equal(link_by_name(&table, "after"), link_by_index(&table, 4));
	link_table_done(&table);
}

static void test_table_drops(void **state)
{
	struct link_table table = {};

	(void)state;
	link_table_drop(&table, 1);
	for (int i = 1; i <= 40; i++) /* more than one growth */
		put(&table, i, "x");
	for (int i = 2; i <= 40; i += 2)
		link_table_drop(&table, i);
	link_table_drop(&table, 2);
	link_table_drop(&table, 99);
	assert_int_equal(table.count, 20);
	for (int i = 1; i <= 40; i++)
		assert_int_equal(link_by_index(&table, i) != NULL, i % 2);
	link_table_done(&table);
}

static void test_member_key(void **state)
{
	static const struct {
		const char *device;
		enum member_key key;
	} cases[] = {
		{"ens4", MEMBER_BY_NAME},
		{"52:54:00:12:34:56", MEMBER_BY_MAC},
		{"52:54:00:12:34", MEMBER_BY_NAME},
		{"pci-0000:00:04.0", MEMBER_BY_PATH},
		{"pci", MEMBER_BY_NAME},
		{"pcix-0", MEMBER_BY_NAME},
		{"", MEMBER_BY_NAME},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(member_key_of(cases[i].device), cases[i].key);
}

/* A slave has the team's MAC, perhaps, but keeps its permanent one. */
static void test_member_link(void **state)
{
	static const struct {
		const char *device;
		int ifindex; /* 0 = there is none */
	} cases[] = {
		{"ens4", 2},
		{"ens5", 3},
		{"ens6", 0},
		{"52:54:00:00:00:02", 2},
		{"52:54:00:00:00:03", 3},
		{"02:00:00:00:00:99", 0}, /* what both use now */
		{"52:54:00:00:00:07", 4}, /* as the bond knows it: igbvf after a reset */
		{"pci-0000:00:05.0", 3},
		{"pci-0000:00:06.0", 0},
		{"0000:00:05.0", 0},
	};
	static const struct link links[] = {
		{.ifindex = 2,
		 .name = "ens4",
		 .bus_id = "0000:00:04.0",
		 .mac = {{2, 0, 0, 0, 0, 0x99}},
		 .permanent_mac = {{0x52, 0x54, 0, 0, 0, 2}}},
		{.ifindex = 3,
		 .name = "ens5",
		 .bus_id = "0000:00:05.0",
		 .mac = {{2, 0, 0, 0, 0, 0x99}},
		 .permanent_mac = {{0x52, 0x54, 0, 0, 0, 3}}},
		{.ifindex = 4,
		 .name = "ens7",
		 .bus_id = "0000:00:07.0",
		 .mac = {{0x52, 0x54, 0, 0, 0, 2}},
		 .permanent_mac = {{0x52, 0x54, 0, 0, 0, 2}},
		 .slave.mac = {{0x52, 0x54, 0, 0, 0, 7}}},
	};
	struct link_table table = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		assert_int_equal(link_table_put(&table, &links[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct member_config member = {};
		const struct link *link;

		(void)text_copy(member.device, sizeof(member.device), cases[i].device);
		link = member_link(&member, &table);
		assert_int_equal(link ? link->ifindex : 0, cases[i].ifindex);
	}
	link_table_done(&table);
}

static void test_team_list_find(void **state)
{
	static struct team_list list = {
		.count = 2, .teams = {{.name = "team0"}, {.name = "team1"}, {.name = "stale"}}};

	(void)state;
	assert_ptr_equal(team_list_find(&list, "team1"), &list.teams[1]);
	assert_null(team_list_find(&list, "team"));
	assert_null(team_list_find(&list, "stale"));
}

/* H1: a switch calls its NIC as a member its device. */
static void test_switches(void **state)
{
	static struct switch_list list = {.count = 2,
					  .switches = {{.name = "a", .nic = "ens1f0"},
						       {.name = "b", .nic = "pci-0000:01:00.1"},
						       {.name = "stale"}}};
	struct link nics[] = {{.ifindex = 2, .name = "ens1f0", .bus_id = "0000:01:00.0"},
			      {.ifindex = 3, .name = "ens1f1", .bus_id = "0000:01:00.1"}};
	const struct link_table links = {.links = nics, .count = ARRAY_SIZE(nics)};

	(void)state;
	assert_ptr_equal(switch_list_find(&list, "b"), &list.switches[1]);
	assert_null(switch_list_find(&list, "stale"));
	assert_ptr_equal(switch_nic(&list.switches[0], &links), &nics[0]);
	assert_ptr_equal(switch_nic(&list.switches[1], &links), &nics[1]);
	assert_true(switch_means(&list.switches[1], &nics[1]));
	assert_false(switch_means(&list.switches[1], &nics[0]));
	assert_null(switch_nic(&list.switches[0], &(const struct link_table){}));
}

static void test_adapters(void **state)
{
	static struct vm_list list = {
		.count = 1,
		.vms = {{.name = "web1",
			 .adapter_count = 2,
			 .adapters = {{.name = "nicA"}, {.name = "nicB"}, {.name = "stale"}}}}};
	struct vm_config *vm = vm_list_find(&list, "web1");

	(void)state;
	assert_ptr_equal(vm, &list.vms[0]);
	assert_null(vm_list_find(&list, "web"));
	assert_ptr_equal(vm_adapter(vm, "nicB"), &vm->adapters[1]);
	assert_null(vm_adapter(vm, "stale"));
}

static void each_once(const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_non_null(names[i]);
		assert_int_equal(name_lookup(names, count, names[i]), (int)i);
	}
}

static void test_names(void **state)
{
	(void)state;
	each_once(distribution_names, DISTRIBUTION_COUNT);
	each_once(mac_policy_names, MAC_POLICY_COUNT);
	each_once(mixed_policy_names, MIXED_POLICY_COUNT);
	each_once(member_path_names, MEMBER_PATH_COUNT);
	each_once(team_state_names, TEAM_STATE_COUNT);
	each_once(member_state_names, MEMBER_STATE_COUNT);
	each_once(member_reason_names, MEMBER_REASON_COUNT);
	each_once(iov_reason_names, IOV_REASON_COUNT);
	each_once(iov_reason_sentences, IOV_REASON_COUNT);
	each_once(uplink_state_names, UPLINK_STATE_COUNT);
	each_once(adapter_status_names, ADAPTER_STATUS_COUNT);
	each_once(adapter_path_names, ADAPTER_PATH_COUNT);
	each_once(vf_link_state_names, VF_LINK_STATE_COUNT);
}

#define SEEN 1000000ULL
#define IDLE 200ULL

/*
 * One frame of a bucket whose home is slot 0 and whose fallback is slot 1. Holders count slots
 * from 1, as struct pick_hold does; a frame came last at SEEN where the bucket was away.
 */
static const struct pick_case {
	const char *text;
	uint32_t usable; /* bits */
	uint8_t holder;
	uint64_t now, return_by, dealt;
	uint8_t slot, holder_after;
	uint32_t why;
} pick_cases[] = {
	{"all well, the first frame", 3, 0, SEEN, 0, 0, 0, 1, PICK_HOME},
	{"all well, held by home", 3, 1, SEEN, 0, 0, 0, 1, PICK_HOME},
	{"home lost", 2, 1, SEEN, 0, 0, 1, 2, PICK_FALLBACK},
	{"home lost before the first frame", 2, 0, SEEN, 0, 0, 1, 2, PICK_FALLBACK},
	{"home still lost", 2, 2, SEEN, 0, 0, 1, 2, PICK_FALLBACK},
	{"home back, the flow runs (T5)", 3, 2, SEEN + IDLE, 0, 0, 1, 2, PICK_HELD},
	{"home back, the flow has paused", 3, 2, SEEN + IDLE + 1, 0, 0, 0, 1, PICK_HOME},
	{"home back, the bound not reached", 3, 2, SEEN + 10, SEEN + 10, 0, 1, 2, PICK_HELD},
	{"home back, the bound is past", 3, 2, SEEN + 11, SEEN + 10, 0, 0, 1, PICK_HOME},
	{"home back, the holder lost", 1, 2, SEEN, 0, 0, 0, 1, PICK_HOME},
	{"home moved, no pause since", 3, 2, SEEN + 9 + IDLE, 0, SEEN + 9, 1, 2, PICK_HELD},
	{"home moved, a pause since", 3, 2, SEEN + 10 + IDLE, 0, SEEN + 9, 0, 1, PICK_HOME},
	{"held by a third, which is well", 6, 3, SEEN, 0, 0, 2, 3, PICK_FALLBACK},
	{"held by a third, which is lost", 2, 3, SEEN, 0, 0, 1, 2, PICK_FALLBACK},
	{"nobody", 0, 1, SEEN, 0, 0, PICK_NOBODY, 1, PICK_UNUSABLE},
	{"only one that has no part in it", 8, 1, SEEN, 0, 0, PICK_NOBODY, 1, PICK_UNUSABLE},
};

static void test_pick_slot(void **state)
{
	const struct pick_deal deal = {.home = 0, .fallback = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pick_cases); i++) {
		const struct pick_case *c = &pick_cases[i];
		struct pick_state pick = {
			.usable = c->usable, .idle_ns = IDLE, .dealt_ns = c->dealt};
		struct pick_hold hold = {.holder = c->holder, .seen_ns = SEEN};
		uint32_t why = PICK_WHY_COUNT;
		uint8_t slot;

		pick.return_by[0] = c->return_by;
		now_ns = c->now;
		slot = pick_slot(&pick, &deal, &hold, &why);
		if (slot != c->slot || why != c->why || hold.holder != c->holder_after)
			fail_msg("%s: slot %u, why %u, holder %u", c->text, slot, why, hold.holder);
	}
}

/* A bucket without a home or a fallback is nobody's, whatever is usable. */
static void test_pick_nobody(void **state)
{
	const struct pick_deal deal = {.home = PICK_NOBODY, .fallback = PICK_NOBODY};
	const struct pick_state pick = {.usable = UINT32_MAX};
	struct pick_hold hold = {};
	uint32_t why;

	(void)state;
	assert_int_equal(pick_slot(&pick, &deal, &hold, &why), PICK_NOBODY);
	assert_int_equal(why, PICK_UNUSABLE);
	assert_int_equal(pick_bucket(UINT32_MAX), PICK_BUCKETS - 1);
	assert_int_equal(pick_bucket(PICK_BUCKETS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_stays_sorted),
		cmocka_unit_test(test_table_replaces),
		cmocka_unit_test(test_table_drops),
		cmocka_unit_test(test_member_key),
		cmocka_unit_test(test_member_link),
		cmocka_unit_test(test_team_list_find),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_adapters),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_pick_slot),
		cmocka_unit_test(test_pick_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
