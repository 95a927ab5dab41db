// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/failover: what members are for: standby (T6), weights (T4), drain and restore (T20). */
#include "base/strings.h"
#include "core/failover.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct health_facts up = {true, true, true, false};
static const struct health_holds holds; /* a return counts at once */

/* Slots 0 and 1 are active with weights 1 and 3, slot 2 is the standby. */
struct scene {
	struct team_seat seats[3];
	struct team_run run;
	struct health_facts facts[PICK_SLOTS];
};

static struct scene scene;

static struct decision decide(void)
{
	struct decision decision;

	failover_decide(&scene.run, scene.facts, &holds, 1, &decision);
	return decision;
}

static int begin(void **state)
{
	(void)state;
	scene = (struct scene){
		.seats = {{.slot = 0, .weight = 1},
			  {.slot = 1, .weight = 3},
			  {.slot = 2, .weight = 5, .role = ROLE_STANDBY}},
	};
	team_run_init(&scene.run);
	team_run_arrange(&scene.run, scene.seats, 3);
	for (unsigned int slot = 0; slot < 3; slot++)
		scene.facts[slot] = up;
	(void)decide();
	return 0;
}

static struct decision set_carrier(unsigned int slot, bool carrier)
{
	scene.facts[slot].carrier = carrier;
	return decide();
}

/* T17: the next in the configuration's order, the standby last, nobody who is not used. */
static void the_heir_is_who_would_be_primary_next(void **state)
{
	(void)state;
	assert_int_equal(scene.run.primary, 0);
	assert_int_equal(failover_heir(&scene.run), 1);
	(void)set_carrier(1, false);
	assert_int_equal(failover_heir(&scene.run), 2);
	(void)set_carrier(2, false);
	assert_int_equal(failover_heir(&scene.run), FAILOVER_NO_PRIMARY);
	(void)set_carrier(1, true);
	(void)set_carrier(0, false);
	assert_int_equal(scene.run.primary, 1);
	assert_int_equal(failover_heir(&scene.run), FAILOVER_NO_PRIMARY);
	(void)set_carrier(0, true);
	assert_int_equal(failover_heir(&scene.run), 0);
}

static void drain(unsigned int slot, bool drained)
{
	scene.seats[slot].drained = drained;
	team_run_arrange(&scene.run, scene.seats, 3);
}

/* Nothing uses it any more. */
static void retire(unsigned int slot)
{
	scene.run.retired |= 1U << slot;
	(void)decide();
}

static void expect_homes(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t weights[PICK_SLOTS];

	team_run_homes(&scene.run, weights);
	assert_int_equal(weights[0], a);
	assert_int_equal(weights[1], b);
	assert_int_equal(weights[2], c);
}

static void expect_fallbacks(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t weights[PICK_SLOTS];

	team_run_fallbacks(&scene.run, weights);
	assert_int_equal(weights[0], a);
	assert_int_equal(weights[1], b);
	assert_int_equal(weights[2], c);
}

static void expect_state(int slot, enum member_state wanted, enum member_reason why)
{
	enum member_reason reason;

	assert_string_equal(member_state_names[member_run_state(&scene.run, slot, &reason)],
			    member_state_names[wanted]);
	assert_string_equal(member_reason_names[reason], member_reason_names[why]);
}

static void the_standby_carries_nothing(void **state)
{
	(void)state;
	assert_int_equal(scene.run.primary, 0);
	expect_homes(1, 3, 0);
	expect_fallbacks(0, 0, 5);
	expect_state(0, MEMBER_ACTIVE, REASON_NONE);
	expect_state(2, MEMBER_STANDBY, REASON_ADMINISTRATIVE_DECISION);
	assert_int_equal(team_run_state(&scene.run, 3), TEAM_UP);
}

static void the_standby_takes_over(void **state)
{
	struct decision decision;

	(void)state;
	decision = set_carrier(1, false);
	assert_int_equal(decision.lost, 2);
	assert_int_equal(scene.run.primary, 0);
	expect_homes(1, 3, 0); /* who is lost keeps its buckets */
	expect_fallbacks(0, 0, 5);
	expect_state(2, MEMBER_ACTIVE, REASON_NONE);
	assert_int_equal(team_run_state(&scene.run, 3), TEAM_DEGRADED);
}

/* T7 before T6: an active member is primary rather than the standby. */
static void an_active_member_is_primary_first(void **state)
{
	(void)state;
	assert_int_equal(set_carrier(0, false).primary, 1);
	assert_int_equal(set_carrier(1, false).primary, 2);
	expect_fallbacks(0, 0, 5);
}

static void the_standby_steps_back_when_all_are_well(void **state)
{
	(void)state;
	(void)set_carrier(0, false);
	(void)set_carrier(1, false);
	assert_int_equal(scene.run.primary, 2);
	(void)set_carrier(1, true);
	assert_int_equal(scene.run.primary, 2);
	assert_int_equal(failover_preferred(&scene.run), FAILOVER_NO_PRIMARY);
	expect_state(2, MEMBER_ACTIVE, REASON_NONE);
	(void)set_carrier(0, true);
	assert_int_equal(scene.run.primary, 2); /* planned, not in a hurry */
	assert_int_equal(failover_preferred(&scene.run), 0);
	assert_int_equal(failover_switch(&scene.run, 0), 0);
	assert_int_equal(failover_preferred(&scene.run), FAILOVER_NO_PRIMARY);
	expect_state(2, MEMBER_STANDBY, REASON_ADMINISTRATIVE_DECISION);
}

static void without_the_standby_the_others_take_over(void **state)
{
	(void)state;
	(void)set_carrier(2, false);
	expect_fallbacks(1, 3, 0);
	expect_state(2, MEMBER_FAILED, REASON_MEDIA_DISCONNECTED);
	(void)set_carrier(0, false);
	expect_fallbacks(0, 3, 0);
	(void)set_carrier(2, true);
	expect_fallbacks(0, 0, 5);
}

static void a_standby_is_not_made_primary_by_hand(void **state)
{
	(void)state;
	assert_int_equal(failover_switch(&scene.run, 2), -EBUSY);
	assert_int_equal(failover_switch(&scene.run, 1), 0);
	(void)set_carrier(0, false);
	(void)set_carrier(1, false);
	assert_int_equal(scene.run.primary, 2);
}

static void drained_buckets_leave_first(void **state)
{
	(void)state;
	drain(0, true);
	(void)decide();
	expect_homes(0, 3, 0);
	expect_fallbacks(0, 0, 5);
	assert_int_equal(scene.run.usable, 7); /* until they have left */
	expect_state(0, MEMBER_ACTIVE, REASON_ADMINISTRATIVE_DECISION);
	assert_int_equal(failover_preferred(&scene.run), 1);
	assert_int_equal(failover_switch(&scene.run, 0), -EBUSY);
	assert_int_equal(failover_switch(&scene.run, 1), 0);
	retire(0);
	assert_int_equal(scene.run.usable, 6);
	expect_state(0, MEMBER_STANDBY, REASON_ADMINISTRATIVE_DECISION);
	assert_int_equal(team_run_state(&scene.run, 3), TEAM_UP);
	/* Who is drained is not what the standby stands in for. */
	expect_state(2, MEMBER_STANDBY, REASON_ADMINISTRATIVE_DECISION);
	drain(0, false);
	(void)decide();
	assert_int_equal(scene.run.usable, 7);
	expect_homes(1, 3, 0);
}

/* A cable that somebody may be holding is still better than none. */
static void a_drained_member_is_the_last_resort(void **state)
{
	(void)state;
	drain(0, true);
	retire(0);
	(void)set_carrier(1, false);
	assert_int_equal(scene.run.usable, 4);
	assert_int_equal(scene.run.primary, 2);
	(void)set_carrier(2, false);
	assert_int_equal(scene.run.usable, 1);
	assert_int_equal(scene.run.primary, 0);
	expect_fallbacks(1, 0, 0);
	assert_int_equal(team_run_state(&scene.run, 3), TEAM_DEGRADED);
	(void)set_carrier(1, true);
	assert_int_equal(scene.run.usable, 2);
	assert_int_equal(scene.run.primary, 1);
}

static void not_everybody_can_be_drained(void **state)
{
	(void)state;
	assert_true(failover_can_drain(&scene.run, 0));
	(void)set_carrier(1, false);
	assert_true(failover_can_drain(&scene.run, 0)); /* the standby is there */
	(void)set_carrier(2, false);
	assert_false(failover_can_drain(&scene.run, 0));
	assert_true(failover_can_drain(&scene.run, 1)); /* it carries nothing anyway */
	(void)set_carrier(1, true);
	drain(1, true);
	assert_false(failover_can_drain(&scene.run, 0));
}

static void all_active_members_are_drained(void **state)
{
	(void)state;
	drain(0, true);
	drain(1, true);
	retire(0);
	retire(1);
	expect_homes(0, 0, 5);
	assert_int_equal(scene.run.usable, 4);
	assert_int_equal(scene.run.primary, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_standby_carries_nothing, begin),
		cmocka_unit_test_setup(the_standby_takes_over, begin),
		cmocka_unit_test_setup(an_active_member_is_primary_first, begin),
		cmocka_unit_test_setup(the_standby_steps_back_when_all_are_well, begin),
		cmocka_unit_test_setup(without_the_standby_the_others_take_over, begin),
		cmocka_unit_test_setup(a_standby_is_not_made_primary_by_hand, begin),
		cmocka_unit_test_setup(the_heir_is_who_would_be_primary_next, begin),
		cmocka_unit_test_setup(drained_buckets_leave_first, begin),
		cmocka_unit_test_setup(a_drained_member_is_the_last_resort, begin),
		cmocka_unit_test_setup(not_everybody_can_be_drained, begin),
		cmocka_unit_test_setup(all_active_members_are_drained, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
