// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/health (T11), step by step: each table row is one step of one member whose health is
 * carried from row to row. Rules are numbered as in health.c.
 */
#include "base/strings.h"
#include "core/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS 1000000ULL
#define STABLE (1000 * MS)
#define START (5000 * MS) /* no clock begins at 0 */

#define WELL                                                                                       \
	{                                                                                          \
		true, true, true, false                                                            \
	}
#define NO_CARRIER                                                                                 \
	{                                                                                          \
		true, true, false, false                                                           \
	}
#define NOT_HEARD                                                                                  \
	{                                                                                          \
		true, true, true, true                                                             \
	}
#define SET_DOWN                                                                                   \
	{                                                                                          \
		true, false, false, false                                                          \
	}
#define REMOVED                                                                                    \
	{                                                                                          \
		false, false, false, false                                                         \
	}

struct step {
	const char *text;
	uint64_t at; /* after START */
	struct health_facts facts;
	bool alone;
	enum member_reason reason;
};

static const struct health_holds undamped = {.stable_ns = STABLE};
static const struct health_holds damped = {.stable_ns = STABLE, .max_ns = 60 * STABLE};

static struct health walk_with(const struct health_holds *holds, const struct step *steps,
			       size_t count)
{
	struct health health;

	health_init(&health);
	for (size_t i = 0; i < count; i++) {
		health_step(&health, &steps[i].facts, steps[i].alone, holds, START + steps[i].at);
		if (health.reason != steps[i].reason)
			fail_msg("step %zu, %s: %s", i, steps[i].text,
				 member_reason_names[health.reason]);
		assert_int_equal(health_is_well(&health), steps[i].reason == REASON_NONE);
	}
	return health;
}

#define WALK(steps) walk_with(&undamped, steps, ARRAY_SIZE(steps))
#define WALK_DAMPED(steps) walk_with(&damped, steps, ARRAY_SIZE(steps))

/* T15: the reason is the most basic one; what a device that is gone or down lacks is not told. */
static void facts_are_judged(void **state)
{
	static const struct {
		struct health_facts facts;
		enum member_reason reason;
	} cases[] = {
		{{false, false, false, false}, REASON_NOT_PRESENT},
		{{false, false, true, false}, REASON_NOT_PRESENT},
		{{false, true, false, false}, REASON_NOT_PRESENT},
		{{false, true, true, false}, REASON_NOT_PRESENT},
		{{true, false, false, false}, REASON_ADMINISTRATIVE_DECISION},
		{{true, false, true, false}, REASON_ADMINISTRATIVE_DECISION},
		{{true, true, false, false}, REASON_MEDIA_DISCONNECTED},
		{{true, true, true, false}, REASON_NONE},
		{{true, true, true, true}, REASON_PATH_UNRESPONSIVE},
		{{true, true, false, true}, REASON_MEDIA_DISCONNECTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(health_judge(&cases[i].facts), cases[i].reason);
}

static void nobody_is_well_before_the_first_step(void **state)
{
	struct health health = {.was_lost = true, .stable_at_ns = 7};

	(void)state;
	health_init(&health);
	assert_int_equal(health.reason, REASON_NOT_PRESENT);
	assert_false(health.was_lost);
	assert_false(health_is_well(&health));
}

static void rule_1_loss_counts_at_once(void **state)
{
	static const struct step steps[] = {
		{"joins", 0, WELL, false, REASON_NONE},
		{"carrier lost", 1, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"then set down", 2, SET_DOWN, false, REASON_ADMINISTRATIVE_DECISION},
		{"then removed", 3, REMOVED, false, REASON_NOT_PRESENT},
	};
	static const struct step alone[] = {
		{"joins", 0, WELL, true, REASON_NONE},
		{"the last one is lost too", 1, NO_CARRIER, true, REASON_MEDIA_DISCONNECTED},
	};
	static const struct step unheard[] = {
		{"joins", 0, WELL, false, REASON_NONE},
		{"is not heard", 1, NOT_HEARD, false, REASON_PATH_UNRESPONSIVE},
		{"is heard again", 2, WELL, false, REASON_WAITING_FOR_STABLE},
		{"for long enough", 2 + STABLE, WELL, false, REASON_NONE},
	};

	(void)state;
	assert_true(WALK(steps).was_lost);
	assert_true(WALK(alone).was_lost);
	assert_true(WALK(unheard).was_lost);
}

static void rule_2_well_stays_well(void **state)
{
	static const struct step steps[] = {
		{"joins", 0, WELL, false, REASON_NONE},
		{"a moment later", 1, WELL, false, REASON_NONE},
		{"much later", 1000 * STABLE, WELL, true, REASON_NONE},
		{"the clock stands", 1000 * STABLE, WELL, false, REASON_NONE},
	};

	(void)state;
	assert_false(WALK(steps).was_lost);
}

static void rule_3_the_first_coming_does_not_wait(void **state)
{
	static const struct step steps[] = {
		{"made, still down", 0, SET_DOWN, false, REASON_ADMINISTRATIVE_DECISION},
		{"up, link not yet", 1, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"link", 2, WELL, false, REASON_NONE},
	};

	(void)state;
	assert_false(WALK(steps).was_lost);
}

static void rule_3_the_only_one_does_not_wait(void **state)
{
	static const struct step returns[] = {
		{"joins", 0, WELL, false, REASON_NONE},
		{"lost", 1, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back, nobody else is well", 2, WELL, true, REASON_NONE},
	};
	static const struct step waits[] = {
		{"joins", 0, WELL, false, REASON_NONE},
		{"lost", 1, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 2, WELL, false, REASON_WAITING_FOR_STABLE},
		{"the other one fails meanwhile", 3, WELL, true, REASON_NONE},
	};

	(void)state;
	(void)WALK(returns);
	(void)WALK(waits);
}

static void rules_4_and_5_a_return_waits_for_the_stable_time(void **state)
{
	static const struct step steps[] = {
		{"joins", 0, WELL, false, REASON_NONE},
		{"lost", 1 * MS, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 2 * MS, WELL, false, REASON_WAITING_FOR_STABLE},
		{"an event between", 500 * MS, WELL, false, REASON_WAITING_FOR_STABLE},
		{"1 ns short", 2 * MS + STABLE - 1, WELL, false, REASON_WAITING_FOR_STABLE},
		{"stable", 2 * MS + STABLE, WELL, false, REASON_NONE},
		{"lost again", 3 * STABLE, REMOVED, false, REASON_NOT_PRESENT},
		{"back", 4 * STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"the daemon woke late", 9 * STABLE, WELL, false, REASON_NONE},
	};

	(void)state;
	assert_int_equal(WALK(steps).stable_at_ns, START + 5 * STABLE);
}

static void rule_4_a_flap_begins_the_stable_time_anew(void **state)
{
	static const struct step steps[] = {
		{"joins", 0, WELL, false, REASON_NONE},
		{"lost", 0, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 0, WELL, false, REASON_WAITING_FOR_STABLE},
		{"lost in the wait", STABLE - 2, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", STABLE - 1, WELL, false, REASON_WAITING_FOR_STABLE},
		{"the first wait's end", STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"the second's", 2 * STABLE - 1, WELL, false, REASON_NONE},
	};

	(void)state;
	(void)WALK(steps);
}

static void stable_time_0_is_no_wait(void **state)
{
	const struct health_facts well = WELL, lost = NO_CARRIER;
	const struct health_holds none = {};
	struct health health;

	(void)state;
	health_init(&health);
	health_step(&health, &well, false, &none, START);
	health_step(&health, &lost, false, &none, START);
	health_step(&health, &well, false, &none, START);
	assert_true(health_is_well(&health));
}

/* --- damping ---------------------------------------------------------------------------- */

/* T11: each return takes twice as long as the one before. */
static void a_flapping_member_is_held_ever_longer(void **state)
{
	static const struct step steps[] = {
		{"there", 0, WELL, false, REASON_NONE},
		{"lost", STABLE, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 2 * STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"held 1", 3 * STABLE, WELL, false, REASON_NONE},
		{"lost", 4 * STABLE, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 5 * STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"1 is not enough", 7 * STABLE - 1, WELL, false, REASON_WAITING_FOR_STABLE},
		{"held 2", 7 * STABLE, WELL, false, REASON_NONE},
		{"lost", 8 * STABLE, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 9 * STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"2 is not enough", 13 * STABLE - 1, WELL, false, REASON_WAITING_FOR_STABLE},
		{"held 4", 13 * STABLE, WELL, false, REASON_NONE},
	};

	(void)state;
	(void)WALK_DAMPED(steps);
}

static void the_hold_has_a_bound(void **state)
{
	const struct health_facts well = WELL, lost = NO_CARRIER;
	struct health health;
	uint64_t now = START;

	(void)state;
	health_init(&health);
	health_step(&health, &well, false, &damped, now);
	for (unsigned int flap = 0; flap < 100; flap++) {
		health_step(&health, &lost, false, &damped, ++now);
		health_step(&health, &well, false, &damped, ++now);
		assert_in_range(health.stable_at_ns - now, STABLE, damped.max_ns);
		now = health.stable_at_ns;
		health_step(&health, &well, false, &damped, now);
		assert_true(health_is_well(&health));
	}
	assert_int_equal(health.hold_ns, damped.max_ns);
}

/* Well for as long as the longest hold: what was is forgotten. */
static void calm_forgives(void **state)
{
	static const struct step steps[] = {
		{"there", 0, WELL, false, REASON_NONE},
		{"lost", STABLE, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"held 1", 2 * STABLE, WELL, false, REASON_NONE},
		{"lost", 3 * STABLE, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 3 * STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"held 2", 5 * STABLE, WELL, false, REASON_NONE},
		{"lost after calm", 65 * STABLE, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back", 65 * STABLE, WELL, false, REASON_WAITING_FOR_STABLE},
		{"held 1", 66 * STABLE, WELL, false, REASON_NONE},
	};

	(void)state;
	(void)WALK_DAMPED(steps);
}

/* Nobody else is well: it is used at once however often it has flapped. */
static void damping_never_keeps_the_last_one_out(void **state)
{
	static const struct step steps[] = {
		{"there", 0, WELL, false, REASON_NONE},
		{"lost", 1, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back, needed", 2, WELL, true, REASON_NONE},
		{"lost", 3, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back, needed", 4, WELL, true, REASON_NONE},
		{"lost", 5, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back, not needed", 6, WELL, false, REASON_WAITING_FOR_STABLE},
		{"needed now", 7, WELL, true, REASON_NONE},
	};

	(void)state;
	(void)WALK_DAMPED(steps);
}

/* With no stable time there is still something that doubles. */
static void stable_time_0_is_damped_all_the_same(void **state)
{
	static const struct health_holds holds = {.stable_ns = 0, .max_ns = STABLE};
	static const struct step steps[] = {
		{"there", 0, WELL, false, REASON_NONE},
		{"lost", 1, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back at once", 2, WELL, false, REASON_NONE},
		{"lost", 3, NO_CARRIER, false, REASON_MEDIA_DISCONNECTED},
		{"back, held", 4, WELL, false, REASON_WAITING_FOR_STABLE},
		{"100 ms", 4 + HEALTH_HOLD_FIRST_NS, WELL, false, REASON_NONE},
	};

	(void)state;
	(void)walk_with(&holds, steps, ARRAY_SIZE(steps));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_judged),
		cmocka_unit_test(nobody_is_well_before_the_first_step),
		cmocka_unit_test(rule_1_loss_counts_at_once),
		cmocka_unit_test(rule_2_well_stays_well),
		cmocka_unit_test(rule_3_the_first_coming_does_not_wait),
		cmocka_unit_test(rule_3_the_only_one_does_not_wait),
		cmocka_unit_test(rules_4_and_5_a_return_waits_for_the_stable_time),
		cmocka_unit_test(rule_4_a_flap_begins_the_stable_time_anew),
		cmocka_unit_test(stable_time_0_is_no_wait),
		cmocka_unit_test(a_flapping_member_is_held_ever_longer),
		cmocka_unit_test(the_hold_has_a_bound),
		cmocka_unit_test(calm_forgives),
		cmocka_unit_test(damping_never_keeps_the_last_one_out),
		cmocka_unit_test(stable_time_0_is_damped_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
