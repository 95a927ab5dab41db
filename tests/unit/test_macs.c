// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A team with one MAC (T8 `team`): who shall have which, the steps of the plan for it, and who is
 * primary when a host refuses.
 */
#include "core/failover.h"
#include "core/macs.h"
#include "core/plan.h"

#include "base/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ETHER 1
#define TEAM 10
#define MEMBERS 3
#define MAC(last) ((struct mac){{0x52, 0x54, 0, 0, 0, (last)}})
#define A 0xa /* the members' own MACs; A's is the team's */
#define B 0xb
#define C 0xc

static struct scene {
	struct team_config want;
	struct link_table table;
	struct note_team notes;
	struct plan_view view;
	struct action_list list;
} scene;

static struct link *slave(unsigned int slot)
{
	return link_by_index(&scene.table, (int)(4 + slot));
}

static struct link *bond(void)
{
	return link_by_index(&scene.table, TEAM);
}

/* Three members a, b and c in slots 0 to 2; a is the primary and bonding's active slave. */
static int scene_make(void **state)
{
	struct link link = {.ifindex = TEAM, .name = "team0", .kind = "bond", .type = ETHER};

	(void)state;
	scene = (struct scene){.want = {.name = "team0", .mac_policy = MAC_POLICY_TEAM}};
	scene.view =
		(struct plan_view){.links = &scene.table, .notes = &scene.notes, .ifindex = TEAM};
	plan_bond(&scene.want, &scene.table, &link.bond);
	link.bond.active_ifindex = 4;
	link.mac = MAC(A);
	assert_int_equal(link_table_put(&scene.table, &link), 0);
	for (uint8_t slot = 0; slot < MEMBERS; slot++) {
		struct link member = {.ifindex = 4 + slot,
				      .type = ETHER,
				      .master = TEAM,
				      .slave_kind = "bond",
				      .carrier = true};

		(void)snprintf(member.name, sizeof(member.name), "%c", 'a' + slot);
		member.mac = member.slave.mac = MAC((uint8_t)(A + slot));
		member.slave.queue_id = slot + 1;
		assert_int_equal(link_table_put(&scene.table, &member), 0);
		(void)text_copy(scene.want.members[slot].device, MEMBER_DEVICE_SIZE, member.name);
		(void)text_copy(scene.notes.members[slot].device, MEMBER_DEVICE_SIZE, member.name);
		scene.notes.members[slot].ifindex = (uint32_t)member.ifindex;
	}
	scene.want.member_count = MEMBERS;
	return 0;
}

static int scene_drop(void **state)
{
	(void)state;
	link_table_done(&scene.table);
	action_list_done(&scene.list);
	return 0;
}

/* --- who shall have which --- */

struct assignment {
	const char *what;
	int primary;
	uint8_t own[MEMBERS], has[MEMBERS], wanted[MEMBERS]; /* last bytes; 0 = not there */
};

static const struct assignment assignments[] = {
	{"at first", 0, {A, B, C}, {A, B, C}, {A, B, C}},
	{"a failover, before the primary has it", 1, {A, B, C}, {A, B, C}, {A, A, C}},
	{"… and then", 1, {A, B, C}, {A, A, C}, {B, A, C}},
	{"the next: only two change", 2, {A, B, C}, {B, A, A}, {B, C, A}},
	{"back to its owner", 0, {A, B, C}, {A, A, B}, {A, C, B}},
	{"the owner is not there", 1, {0, B, C}, {0, A, C}, {0, A, C}},
	{"the owner comes back with it", 1, {A, B, C}, {A, A, C}, {B, A, C}},
	{"two have it by mistake", 2, {A, B, C}, {A, A, A}, {C, B, A}},
	{"nobody is primary", -1, {A, B, C}, {A, B, C}, {A, B, C}},
	{"one alone", 0, {A, 0, 0}, {A, 0, 0}, {A, 0, 0}},
	{"without an own MAC that is known", 1, {0xff, 0xff, C}, {A, A, C}, {A, A, C}},
};

static void test_assignment(void **state)
{
	const struct mac team = MAC(A);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(assignments); i++) {
		const struct assignment *test = &assignments[i];
		const struct link *links[PICK_SLOTS] = {};
		struct link members[MEMBERS] = {};
		struct mac macs[PICK_SLOTS];

		for (int slot = 0; slot < MEMBERS; slot++) {
			members[slot].mac = MAC(test->has[slot]);
			if (test->own[slot] != 0xff)
				members[slot].slave.mac = MAC(test->own[slot]);
			if (test->has[slot])
				links[slot] = &members[slot];
		}
		macs_assign(links, test->primary, &team, macs);
		for (int slot = 0; slot < MEMBERS; slot++)
			if (macs[slot].bytes[5] != test->wanted[slot])
				fail_msg("%s: slot %d gets %x", test->what, slot,
					 macs[slot].bytes[5]);
	}
}

/*
 * After any number of takeovers all members together have the MACs that they brought, and only
 * the two concerned have changed.
 */
static void test_a_thousand_takeovers(void **state)
{
	const struct link *links[PICK_SLOTS] = {};
	struct link members[PICK_SLOTS] = {};
	const struct mac team = MAC(0);
	struct mac macs[PICK_SLOTS];
	int primary = 0;

	(void)state;
	for (uint8_t slot = 0; slot < PICK_SLOTS; slot++) {
		members[slot].mac = members[slot].slave.mac = MAC(slot);
		members[slot].slave.mac.bytes[0] = members[slot].mac.bytes[0] = 0x56;
		if (!slot)
			members[0].mac = members[0].slave.mac = team;
		links[slot] = &members[slot];
	}
	srandom(1);
	for (int change = 0; change < 1000; change++) {
		int next = (int)(random() % PICK_SLOTS);
		struct mac laid_down = members[next].mac;
		unsigned int changed = 0;

		members[next].mac = team;
		macs_assign(links, next, &team, macs);
		for (int slot = 0; slot < PICK_SLOTS; slot++)
			changed += !mac_equal(&members[slot].mac, &macs[slot]);
		assert_int_equal(changed, next != primary);
		if (next != primary)
			assert_true(mac_equal(&macs[primary], &laid_down));
		for (int slot = 0; slot < PICK_SLOTS; slot++)
			members[slot].mac = macs[slot];
		primary = next;
	}
}

/* --- the plan --- */

static void expect(const char *const *texts, size_t count)
{
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	for (size_t i = 0; i < count && i < scene.list.count; i++)
		assert_string_equal(scene.list.actions[i].text, texts[i]);
	assert_int_equal(scene.list.count, count);
}

#define EXPECT(...)                                                                                \
	expect((const char *const[]){__VA_ARGS__}, ARRAY_SIZE(((const char *[]){__VA_ARGS__})))
#define EXPECT_NOTHING() expect(NULL, 0)

/* b has taken over; a still has the team's MAC on its device. */
static void take_over(void)
{
	scene.view.primary = 1;
	bond()->bond.active_ifindex = 5;
	slave(1)->mac = MAC(A);
}

static void test_old_primary_gets_what_is_free(void **state)
{
	(void)state;
	EXPECT_NOTHING();
	take_over();
	EXPECT("give a the MAC 52:54:00:00:00:0b");
	assert_int_equal(scene.list.actions[0].kind, ACTION_MAC);
	assert_int_equal(scene.list.actions[0].slot, 0);
	slave(0)->mac = MAC(B);
	EXPECT_NOTHING();
}

static void test_not_before_bonding_has_changed_over(void **state)
{
	(void)state;
	take_over();
	bond()->bond.active_ifindex = 4;
	EXPECT_NOTHING();
	take_over();
	slave(1)->mac = MAC(B);
	EXPECT_NOTHING();
}

/* Its driver may wait a second for the dead NIC, with the lock that everybody needs. */
static void test_not_of_a_lost_member(void **state)
{
	(void)state;
	take_over();
	slave(0)->carrier = false;
	EXPECT_NOTHING();
	slave(0)->carrier = true;
	EXPECT("give a the MAC 52:54:00:00:00:0b");
}

static void test_each_its_own(void **state)
{
	(void)state;
	scene.want.mac_policy = MAC_POLICY_MEMBER;
	plan_bond(&scene.want, &scene.table, &bond()->bond);
	take_over();
	EXPECT("set MAC 52:54:00:00:00:0b of b instead of 52:54:00:00:00:0a");
}

static void test_change_of_policy_empties_the_bond(void **state)
{
	(void)state;
	scene.want.mac_policy = MAC_POLICY_MEMBER;
	EXPECT("take a out for a moment: the MAC of team0 changes",
	       "take b out for a moment: the MAC of team0 changes",
	       "take c out for a moment: the MAC of team0 changes",
	       "set fail_over_mac 1 instead of 2 of team0", "take a into team0 as member 0",
	       "take b into team0 as member 1", "take c into team0 as member 2");
	/* A member that is not there now neither leaves nor joins. */
	link_table_drop(&scene.table, 5);
	EXPECT("take a out for a moment: the MAC of team0 changes",
	       "take c out for a moment: the MAC of team0 changes",
	       "set fail_over_mac 1 instead of 2 of team0", "take a into team0 as member 0",
	       "wait for b, which is not there", "take the programs off what was b",
	       "take c into team0 as member 2");
}

/* a leaves, and the team has a's MAC, whoever has it now. */
static void test_owner_of_the_mac_leaves(void **state)
{
	(void)state;
	take_over();
	slave(0)->mac = MAC(B);
	scene.want.member_count = 2;
	(void)text_copy(scene.want.members[0].device, MEMBER_DEVICE_SIZE, "b");
	(void)text_copy(scene.want.members[1].device, MEMBER_DEVICE_SIZE, "c");
	EXPECT("give a back as it was", "take b out for a moment: the MAC of team0 changes",
	       "take c out for a moment: the MAC of team0 changes", "take b into team0 as member 1",
	       "take c into team0 as member 2");
}

static void test_another_one_leaves(void **state)
{
	(void)state;
	scene.want.member_count = 2;
	EXPECT("give c back as it was");
}

/* --- who is primary when a host refuses --- */

static struct team_run run;
static struct health_facts facts[PICK_SLOTS];

static void run_make(void)
{
	static const struct team_seat seats[MEMBERS] = {
		{.slot = 0, .weight = 1}, {.slot = 1, .weight = 1}, {.slot = 2, .weight = 1}};

	team_run_init(&run);
	team_run_arrange(&run, seats, MEMBERS);
	for (int slot = 0; slot < MEMBERS; slot++)
		facts[slot] =
			(struct health_facts){.present = true, .admin_up = true, .carrier = true};
}

static struct decision decide(uint64_t now_ns)
{
	static const struct health_holds holds = {};
	struct decision decision;

	failover_decide(&run, facts, &holds, now_ns, &decision);
	return decision;
}

static void test_refused_primary(void **state)
{
	enum member_reason reason;

	(void)state;
	run_make();
	assert_int_equal(decide(1).primary, 0);
	facts[0].carrier = false;
	assert_int_equal(decide(2).primary, 1);
	assert_int_equal(failover_bar(&run, 1), 2);
	/* It carries flows as before, but it is not as it should be. */
	assert_int_equal(run.usable, 6);
	assert_int_equal(member_run_state(&run, 1, &reason), MEMBER_ACTIVE);
	assert_int_equal(reason, REASON_MAC_NOT_PERMITTED);
	assert_int_equal(decide(3).primary, 2);
	/* Nobody can: the best stays. */
	assert_int_equal(failover_bar(&run, 2), 2);
	assert_int_equal(decide(4).primary, 2);
	assert_int_equal(team_run_state(&run, MEMBERS), TEAM_DEGRADED);
	/* One that can is back: it is to be primary, in a planned way. */
	facts[0].carrier = true;
	assert_int_equal(decide(5).primary, 2);
	assert_int_equal(decide(6).primary, 2);
	assert_int_equal(failover_preferred(&run), 0);
	assert_int_equal(failover_switch(&run, 0), 0);
	assert_int_equal(failover_preferred(&run), FAILOVER_NO_PRIMARY);
}

static void test_refused_member(void **state)
{
	(void)state;
	run_make();
	(void)decide(1);
	assert_int_equal(team_run_state(&run, MEMBERS), TEAM_UP);
	assert_int_equal(failover_bar(&run, 1), 0);
	assert_int_equal(team_run_state(&run, MEMBERS), TEAM_DEGRADED);
	assert_int_equal(failover_preferred(&run), FAILOVER_NO_PRIMARY);
	/* It is passed over … */
	facts[0].carrier = false;
	assert_int_equal(decide(2).primary, 2);
	/* … unless nobody else is there. */
	facts[2].carrier = false;
	assert_int_equal(decide(3).primary, 1);
	/* A loss ends it: then it is tried anew. */
	facts[1].carrier = false;
	(void)decide(4);
	assert_int_equal(run.barred, 0);
	/* So does a permission. */
	facts[1].carrier = true;
	(void)decide(5);
	(void)failover_bar(&run, 1);
	failover_unbar(&run, 1);
	assert_int_equal(run.barred, 0);
}

/* By hand it may be tried again. */
static void test_refused_member_by_hand(void **state)
{
	(void)state;
	run_make();
	(void)decide(1);
	(void)failover_bar(&run, 1);
	assert_int_equal(failover_switch(&run, 1), 0);
	assert_int_equal(run.primary, 1);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_make, scene_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assignment),
		cmocka_unit_test(test_a_thousand_takeovers),
		SCENE(test_old_primary_gets_what_is_free),
		SCENE(test_not_before_bonding_has_changed_over),
		SCENE(test_not_of_a_lost_member),
		SCENE(test_each_its_own),
		SCENE(test_change_of_policy_empties_the_bond),
		SCENE(test_owner_of_the_mac_leaves),
		SCENE(test_another_one_leaves),
		cmocka_unit_test(test_refused_primary),
		cmocka_unit_test(test_refused_member),
		cmocka_unit_test(test_refused_member_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
