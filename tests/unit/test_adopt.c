// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/adopt, and the plan of a team that is adopted (T21): a bond of somebody else's over
 * ens4 and ens5, of which each test changes one thing.
 */
#include "base/strings.h"
#include "core/adopt.h"
#include "core/config.h"
#include "core/plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ETHER 1
#define BOND 10

static struct scene {
	struct team_config want;
	struct link_table links;
	struct note_team notes;
	struct plan_view view;
	struct action_list list;
	char text[2048];
} scene;

static void put_slave(int number, int master)
{
	struct link slave = {.ifindex = number,
			     .type = ETHER,
			     .master = master,
			     .permanent_mac = {{0x52, 0x54, 0, 0, 0, (uint8_t)number}}};

	(void)snprintf(slave.name, sizeof(slave.name), "ens%d", number);
	assert_int_equal(link_table_put(&scene.links, &slave), 0);
}

static void put_bond(int ifindex)
{
	struct link bond = {
		.ifindex = ifindex,
		.name = "bond0",
		.kind = "bond",
		.type = ETHER,
		.tx_queues = 16,
		.bond = {.mode = 1, .fail_over_mac = 1, .miimon = 100, .active_ifindex = 5},
	};

	assert_int_equal(link_table_put(&scene.links, &bond), 0);
}

static struct link *bond(void)
{
	struct link *link = link_by_name(&scene.links, "bond0");

	assert_non_null(link);
	return link;
}

static int scene_make(void **state)
{
	(void)state;
	scene = (struct scene){};
	config_defaults(&scene.want);
	(void)text_copy(scene.want.name, sizeof(scene.want.name), "bond0");
	scene.want.adopt = 1;
	scene.view.links = &scene.links;
	put_bond(BOND);
	put_slave(4, BOND);
	put_slave(5, BOND);
	put_slave(6, 0);
	return 0;
}

static int scene_drop(void **state)
{
	(void)state;
	link_table_done(&scene.links);
	action_list_done(&scene.list);
	return 0;
}

/* As after the first plan was carried out: slot 0 is the active slave's. */
static void adopted(void)
{
	static const int slots[] = {5, 4};

	scene.view.notes = &scene.notes;
	scene.view.ifindex = BOND;
	scene.notes.bond.adopted = 1;
	adopt_attributes(&bond()->bond, &bond()->bond);
	for (unsigned int slot = 0; slot < ARRAY_SIZE(slots); slot++) {
		struct link *link = link_by_index(&scene.links, slots[slot]);

		(void)text_copy(scene.notes.members[slot].device, MEMBER_DEVICE_SIZE, link->name);
		scene.notes.members[slot].ifindex = (uint32_t)link->ifindex;
		link->slave.queue_id = (uint16_t)(slot + 1);
	}
}

/* The plan as "kind: text" lines. */
static const char *plan(void)
{
	struct team_config whole;
	size_t used = 0;

	scene.list.count = 0;
	*scene.text = '\0';
	adopt_expand(&scene.want, &scene.links, &whole);
	plan_team(&whole, &scene.view, &scene.list);
	for (unsigned int i = 0; i < scene.list.count; i++)
		used += (size_t)snprintf(scene.text + used, sizeof(scene.text) - used, "%s: %s\n",
					 action_names[scene.list.actions[i].kind],
					 scene.list.actions[i].text);
	return scene.text;
}

static void expect_plan(const char *text)
{
	assert_string_equal(plan(), text);
}

static void expect_refusal(const char *text)
{
	struct problem problem = {};

	assert_int_equal(adopt_check(&scene.want, &scene.links, &problem), -EINVAL);
	assert_string_equal(problem.text, text);
}

static void test_adoption(void **state)
{
	(void)state;
	expect_plan("adopt: adopt the bond bond0 and load its programs\n"
		    "join: take ens5 into bond0 as member 0\n"
		    "join: take ens4 into bond0 as member 1\n"
		    "set: set all_slaves_active 1 instead of 0, primary_reselect 2 instead of 0 of "
		    "bond0\n");
	adopted();
	expect_plan("");
}

static void test_what_the_manager_resets_is_set_again(void **state)
{
	(void)state;
	adopted();
	bond()->bond.all_slaves_active = 0;
	bond()->bond.miimon = 0;
	link_by_index(&scene.links, 5)->slave.queue_id = 0;
	expect_plan("queue: set queue_id 1 of ens5 instead of 0\n"
		    "set: set all_slaves_active 1 instead of 0, miimon 100 instead of 0 of "
		    "bond0\n");
	/* What is the manager's to choose is not ours to set. */
	adopted();
	bond()->bond.num_peer_notif = 7;
	bond()->bond.miimon = 50;
	expect_plan("");
}

static void test_slaves_are_followed(void **state)
{
	(void)state;
	adopted();
	put_slave(6, BOND);
	put_slave(4, 0);
	expect_plan("leave: let go of ens4\n"
		    "join: take ens6 into bond0 as member 1\n");
}

static void test_a_renamed_slave_is_another(void **state)
{
	(void)state;
	adopted();
	(void)text_copy(link_by_index(&scene.links, 4)->name, LINK_NAME_SIZE, "other");
	expect_plan("leave: let go of ens4\n");
	scene.notes.members[1] = (struct note_member){};
	expect_plan("join: take other into bond0 as member 1\n");
}

static void test_a_member_of_the_file(void **state)
{
	struct team_config whole;

	(void)state;
	assert_int_equal(config_member_add(&scene.want, "52:54:00:00:00:04", NULL), 0);
	assert_int_equal(config_member_add(&scene.want, "ens6", NULL), 0);
	adopt_expand(&scene.want, &scene.links, &whole);
	assert_int_equal(whole.member_count, 3);
	assert_string_equal(whole.members[0].device, "52:54:00:00:00:04");
	assert_string_equal(whole.members[1].device, "ens6");
	assert_string_equal(whole.members[2].device, "ens5");
	expect_plan("adopt: adopt the bond bond0 and load its programs\n"
		    "join: take ens4 into bond0 as member 0\n"
		    "wait: wait for ens6, which bond0 does not have as a slave\n"
		    "join: take ens5 into bond0 as member 2\n"
		    "set: set all_slaves_active 1 instead of 0, primary_reselect 2 instead of 0 of "
		    "bond0\n");
}

static void test_a_bond_that_is_made_again(void **state)
{
	(void)state;
	adopted();
	link_table_drop(&scene.links, BOND);
	put_slave(4, 0);
	put_slave(5, 0);
	expect_plan("wait: there is no bond bond0; its manager makes it\n");
	/* Slots of the earlier bond say nothing. */
	put_bond(BOND + 1);
	put_slave(5, BOND + 1);
	expect_plan("adopt: adopt the bond bond0 and load its programs\n"
		    "join: take ens5 into bond0 as member 0\n"
		    "set: set all_slaves_active 1 instead of 0, primary_reselect 2 instead of 0 of "
		    "bond0\n");
}

static void test_what_cannot_be_adopted_any_more_is_let_go(void **state)
{
	(void)state;
	adopted();
	bond()->bond.fail_over_mac = 0;
	assert_non_null(strstr(plan(), "release: let go of bond0\nrefuse: bond0 sets the MAC"));
	bond()->bond.fail_over_mac = 1;
	(void)text_copy(bond()->name, LINK_NAME_SIZE, "bond1");
	expect_plan("release: let go of bond1\n"
		    "wait: there is no bond bond0; its manager makes it\n");
}

static void test_refusals(void **state)
{
	(void)state;
	bond()->bond.mode = 4;
	expect_refusal("bond0 is not in mode active-backup; set NetworkManager mode=active-backup, "
		       "networkd Mode=active-backup, netplan mode: active-backup, ifupdown "
		       "bond-mode active-backup");
	bond()->bond.mode = 1;
	bond()->bond.fail_over_mac = 0;
	expect_refusal("bond0 sets the MAC of its slaves; set NetworkManager fail_over_mac=active, "
		       "networkd FailOverMACPolicy=active, netplan fail-over-mac-policy: active, "
		       "ifupdown bond-fail-over-mac active");
	bond()->bond.fail_over_mac = 1;
	bond()->bond.arp_interval = 100;
	expect_refusal("bond0 watches its slaves by ARP, not by their links; set NetworkManager "
		       "miimon=100, networkd MIIMonitorSec=100ms, netplan mii-monitor-interval: "
		       "100, ifupdown bond-miimon 100");
	bond()->bond.arp_interval = 0;
	(void)text_copy(bond()->kind, LINK_KIND_SIZE, "bridge");
	expect_refusal("bond0 is not a bond");
}

static void test_transmit_queues(void **state)
{
	(void)state;
	for (int number = 20; number < 33; number++)
		put_slave(number, BOND);
	assert_int_equal(adopt_check(&scene.want, &scene.links, NULL), 0); /* 15 */
	put_slave(33, BOND);
	expect_refusal("bond0 has 16 transmit queues, enough for 15 of its 16 slaves; have it made "
		       "with 33: \"options bonding tx_queues=33\" in /etc/modprobe.d");
	bond()->tx_queues = 33;
	assert_int_equal(adopt_check(&scene.want, &scene.links, NULL), 0);
	for (int number = 34; number < 51; number++)
		put_slave(number, BOND);
	expect_refusal("bond0 has 33 slaves; a team has at most 32");
}

static void test_attributes_given_back(void **state)
{
	const struct note_bond note = {.adopted = 1, .primary_reselect = 1, .miimon = 0};
	struct link_bond is = bond()->bond, back;

	(void)state;
	is.miimon = 0;
	adopt_attributes(&is, &is);
	assert_int_equal(is.miimon, 100);
	adopt_attributes_before(&note, &is, &back);
	assert_int_equal(back.all_slaves_active, 0);
	assert_int_equal(back.primary_reselect, 1);
	assert_int_equal(back.miimon, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_make, scene_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_adoption),
		TEST(test_what_the_manager_resets_is_set_again),
		TEST(test_slaves_are_followed),
		TEST(test_a_renamed_slave_is_another),
		TEST(test_a_member_of_the_file),
		TEST(test_a_bond_that_is_made_again),
		TEST(test_what_cannot_be_adopted_any_more_is_let_go),
		TEST(test_refusals),
		TEST(test_transmit_queues),
		TEST(test_attributes_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
