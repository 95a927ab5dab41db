// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/failover: who is usable and who is primary (T7, T11, T15, T20). Stories first, each a
 * table of events; then months of random flaps in simulated time, held against what must be true
 * after every decision.
 */
#include "base/strings.h"
#include "core/failover.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ULL
#define SECOND (1000 * MS)
#define STABLE_MS 1000
#define STABLE (STABLE_MS * MS)
#define START (77 * SECOND)
#define NONE FAILOVER_NO_PRIMARY

/* --- stories ---------------------------------------------------------------------------- */

static const struct health_facts well = {true, true, true, false};
static const struct health_facts no_carrier = {true, true, false, false};
static const struct health_facts set_down = {true, false, false, false};
static const struct health_facts removed = {false, false, false, false};

/* What is true of one member from now on; slot -1: nothing new, a deadline has come. */
struct event {
	const char *text;
	uint64_t at; /* after START */
	int slot;
	const struct health_facts *facts;
	/* … and what is decided: */
	uint32_t usable;
	int primary;
	enum team_state team;
	uint64_t deadline; /* after START; 0 = none */
};

/* Without damping, which has its own stories in test_health.c and test_simulation.c. */
static const struct health_holds holds = {.stable_ns = STABLE};

/* Active members of equal weight. */
static void arrange(struct team_run *run, const uint8_t *order, unsigned int count)
{
	struct team_seat seats[PICK_SLOTS];

	for (unsigned int i = 0; i < count; i++)
		seats[i] = (struct team_seat){.slot = order[i], .weight = 1};
	team_run_arrange(run, seats, count);
}

struct story {
	struct team_run run;
	struct health_facts facts[PICK_SLOTS];
};

static void story_begin(struct story *story, const uint8_t *order, unsigned int count)
{
	*story = (struct story){};
	team_run_init(&story->run);
	arrange(&story->run, order, count);
}

static void story_tell(struct story *story, const struct event *events, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct event *e = &events[i];
		uint32_t before = story->run.usable;
		int primary_before = story->run.primary;
		struct decision d;

		if (e->slot >= 0)
			story->facts[e->slot] = *e->facts;
		failover_decide(&story->run, story->facts, &holds, START + e->at, &d);
		if (story->run.usable != e->usable || d.primary != e->primary ||
		    team_run_state(&story->run, story->run.count) != e->team ||
		    d.deadline_ns != (e->deadline ? START + e->deadline : 0))
			fail_msg("%s: usable %#x, primary %d, %s, deadline %+lld", e->text,
				 story->run.usable, d.primary,
				 team_state_names[team_run_state(&story->run, story->run.count)],
				 (long long)(d.deadline_ns - START));
		assert_int_equal(d.lost, before & ~e->usable);
		assert_int_equal(d.returned, e->usable & ~before);
		assert_int_equal(d.primary_before, primary_before);
		assert_int_equal(story->run.primary, d.primary);
	}
}

#define TELL(story, events) story_tell(story, events, ARRAY_SIZE(events))

static const uint8_t two[] = {0, 1};

static int begin_two(void **state)
{
	static struct story story;
	struct decision decision;

	story_begin(&story, two, 2);
	story.facts[0] = story.facts[1] = well;
	failover_decide(&story.run, story.facts, &holds, START, &decision);
	*state = &story;
	return 0;
}

static void nobody_before_the_first_decision(void **state)
{
	struct team_run run;

	(void)state;
	team_run_init(&run);
	assert_int_equal(run.primary, NONE);
	assert_int_equal(team_run_state(&run, run.count), TEAM_DOWN);
	arrange(&run, two, 2);
	assert_int_equal(run.primary, NONE);
	assert_int_equal(team_run_state(&run, run.count), TEAM_DOWN);
}

/* T7: the configuration's first is the first primary, if it is there in time. */
static void the_first_of_the_configuration_is_primary(void **state)
{
	static const uint8_t order[] = {5, 2, 9};
	static const struct event together[] = {
		{"nobody yet", 0, -1, NULL, 0, NONE, TEAM_DOWN, 0},
	};
	static const struct event last_first[] = {
		{"the last comes", 0, 9, &well, 1U << 9, 9, TEAM_DEGRADED, 0},
		{"the first comes", 1, 5, &well, 1U << 9 | 1U << 5, 9, TEAM_DEGRADED, 0},
		{"the second comes", 2, 2, &well, 1U << 9 | 1U << 5 | 1U << 2, 9, TEAM_UP, 0},
		{"the primary is lost", 3, 9, &no_carrier, 1U << 5 | 1U << 2, 5, TEAM_DEGRADED, 0},
	};
	struct story story;
	struct decision decision;

	(void)state;
	story_begin(&story, order, 3);
	TELL(&story, together);
	story.facts[5] = story.facts[2] = story.facts[9] = well;
	failover_decide(&story.run, story.facts, &holds, START, &decision);
	assert_int_equal(decision.primary, 5);
	assert_int_equal(team_run_state(&story.run, story.run.count), TEAM_UP);
	story_begin(&story, order, 3);
	TELL(&story, last_first);
}

static void primary_is_lost_and_returns(void **state)
{
	static const struct event events[] = {
		{"lost", 0, 0, &no_carrier, 2, 1, TEAM_DEGRADED, 0},
		{"nothing", 5, -1, NULL, 2, 1, TEAM_DEGRADED, 0},
		{"back: waits", SECOND, 0, &well, 2, 1, TEAM_DEGRADED, SECOND + STABLE},
		{"too early", 2 * SECOND - 1, -1, NULL, 2, 1, TEAM_DEGRADED, SECOND + STABLE},
		{"stable, the new primary stays", 2 * SECOND, -1, NULL, 3, 1, TEAM_UP, 0},
	};

	TELL(*state, events);
}

static void other_is_lost_and_returns(void **state)
{
	static const struct event events[] = {
		{"set down", 0, 1, &set_down, 1, 0, TEAM_DEGRADED, 0},
		{"removed", 1, 1, &removed, 1, 0, TEAM_DEGRADED, 0},
		{"plugged in, not up", 2, 1, &set_down, 1, 0, TEAM_DEGRADED, 0},
		{"up", 3, 1, &no_carrier, 1, 0, TEAM_DEGRADED, 0},
		{"carrier: waits", 4, 1, &well, 1, 0, TEAM_DEGRADED, 4 + STABLE},
		{"lost in the wait", 5, 1, &no_carrier, 1, 0, TEAM_DEGRADED, 0},
		{"waits anew", 6, 1, &well, 1, 0, TEAM_DEGRADED, 6 + STABLE},
		{"stable", 6 + STABLE, -1, NULL, 3, 0, TEAM_UP, 0},
	};
	struct story *story = *state;

	TELL(story, events);
	assert_int_equal(story->run.health[1].reason, REASON_NONE);
}

/* T11: "unless no other member is up: then at once." */
static void who_returns_first_is_used_at_once(void **state)
{
	static const struct event events[] = {
		{"primary lost", 0, 0, &no_carrier, 2, 1, TEAM_DEGRADED, 0},
		{"all lost", 1, 1, &no_carrier, 0, 1, TEAM_DOWN, 0},
		{"one returns: at once", 2, 0, &well, 1, 0, TEAM_DEGRADED, 0},
		{"the other waits", 3, 1, &well, 1, 0, TEAM_DEGRADED, 3 + STABLE},
		{"but is needed: at once", 4, 0, &no_carrier, 2, 1, TEAM_DEGRADED, 0},
	};

	TELL(*state, events);
}

/* All return in one event: the first of the configuration at once, the other after its time. */
static void both_return_together(void **state)
{
	static const struct event lost[] = {
		{"primary lost", 0, 0, &removed, 2, 1, TEAM_DEGRADED, 0},
		{"all lost", 1, 1, &removed, 0, 1, TEAM_DOWN, 0},
	};
	static const struct event stable[] = {
		{"stable", 2 + STABLE, -1, NULL, 3, 0, TEAM_UP, 0},
	};
	struct story *story = *state;
	struct decision decision;

	TELL(story, lost);
	story->facts[0] = story->facts[1] = well;
	failover_decide(&story->run, story->facts, &holds, START + 2, &decision);
	assert_int_equal(decision.returned, 1);
	assert_int_equal(decision.primary, 0);
	assert_int_equal(decision.deadline_ns, START + 2 + STABLE);
	TELL(story, stable);
}

/* One is lost in the very event in which the other returns: the loss is seen first. */
static void loss_and_return_together(void **state)
{
	static const struct event lost[] = {
		{"second lost", 0, 1, &no_carrier, 1, 0, TEAM_DEGRADED, 0},
	};
	struct story *story = *state;
	struct decision decision;

	TELL(story, lost);
	story->facts[0] = no_carrier;
	story->facts[1] = well;
	failover_decide(&story->run, story->facts, &holds, START + 1, &decision);
	assert_int_equal(decision.lost, 1);
	assert_int_equal(decision.returned, 2);
	assert_int_equal(decision.primary, 1);
}

static void the_first_deadline_is_told(void **state)
{
	static const uint8_t order[] = {0, 1, 2};
	static const struct event events[] = {
		{"0 comes", 0, 0, &well, 1, 0, TEAM_DEGRADED, 0},
		{"1 comes", 0, 1, &well, 3, 0, TEAM_DEGRADED, 0},
		{"2 comes", 0, 2, &well, 7, 0, TEAM_UP, 0},
		{"2 lost", 1, 2, &no_carrier, 3, 0, TEAM_DEGRADED, 0},
		{"1 lost", 2, 1, &no_carrier, 1, 0, TEAM_DEGRADED, 0},
		{"2 back", 3, 2, &well, 1, 0, TEAM_DEGRADED, 3 + STABLE},
		{"1 back", 4, 1, &well, 1, 0, TEAM_DEGRADED, 3 + STABLE},
		{"2 stable", 3 + STABLE, -1, NULL, 5, 0, TEAM_DEGRADED, 4 + STABLE},
		{"1 stable", 4 + STABLE, -1, NULL, 7, 0, TEAM_UP, 0},
	};
	struct story story;

	(void)state;
	story_begin(&story, order, 3);
	TELL(&story, events);
}

/* T20: a planned switchover; who is primary then stays it. */
static void switchover(void **state)
{
	static const struct event after[] = {
		{"nothing new", 0, -1, NULL, 3, 1, TEAM_UP, 0},
		{"the other is lost", 1, 0, &no_carrier, 2, 1, TEAM_DEGRADED, 0},
	};
	struct story *story = *state;

	assert_int_equal(failover_switch(&story->run, 1), 0);
	TELL(story, after);
	assert_int_equal(failover_switch(&story->run, 0), -EBUSY); /* lost */
	assert_int_equal(failover_switch(&story->run, 2), -EBUSY); /* no member */
	assert_int_equal(failover_switch(&story->run, PICK_SLOTS), -EBUSY);
	assert_int_equal(failover_switch(&story->run, NONE), -EBUSY);
	assert_int_equal(story->run.primary, 1);
}

/* --- membership ------------------------------------------------------------------------- */

static void newcomer_does_not_wait(void **state)
{
	static const uint8_t three[] = {0, 1, 2};
	static const struct event events[] = {
		{"joins, has no carrier yet", 0, 2, &no_carrier, 3, 0, TEAM_DEGRADED, 0},
		{"carrier for the first time", 1, 2, &well, 7, 0, TEAM_UP, 0},
	};
	struct story *story = *state;

	arrange(&story->run, three, 3);
	assert_int_equal(story->run.primary, 0);
	assert_int_equal(story->run.usable, 3);
	TELL(story, events);
}

static void primary_leaves(void **state)
{
	static const uint8_t one[] = {1};
	static const struct event events[] = {
		{"the other takes over", 0, -1, NULL, 2, 1, TEAM_UP, 0},
	};
	struct story *story = *state;

	arrange(&story->run, one, 1);
	assert_int_equal(story->run.primary, NONE);
	assert_int_equal(story->run.usable, 2);
	TELL(story, events);
}

static void who_left_and_joins_again_is_new(void **state)
{
	static const uint8_t one[] = {0};
	static const struct event lost[] = {
		{"lost", 0, 1, &no_carrier, 1, 0, TEAM_DEGRADED, 0},
	};
	static const struct event again[] = {
		{"joins again with carrier: no wait", 1, 1, &well, 3, 0, TEAM_UP, 0},
	};
	struct story *story = *state;

	TELL(story, lost);
	arrange(&story->run, one, 1);
	arrange(&story->run, two, 2);
	assert_false(story->run.health[1].was_lost);
	TELL(story, again);
}

/* A new order of the same members changes nothing but the next choice. */
static void order_changes(void **state)
{
	static const uint8_t three[] = {0, 1, 2}, turned[] = {2, 1, 0};
	static const struct event events[] = {
		{"the primary stays", 0, -1, NULL, 7, 0, TEAM_UP, 0},
		{"the new first follows it", 1, 0, &no_carrier, 6, 2, TEAM_DEGRADED, 0},
	};
	struct story *story = *state;

	story->facts[2] = well;
	arrange(&story->run, three, 3);
	arrange(&story->run, turned, 3);
	TELL(story, events);
}

static void a_wait_outlives_a_change_of_members(void **state)
{
	static const uint8_t three[] = {0, 1, 2};
	static const struct event before[] = {
		{"lost", 0, 1, &no_carrier, 1, 0, TEAM_DEGRADED, 0},
		{"back", 1, 1, &well, 1, 0, TEAM_DEGRADED, 1 + STABLE},
	};
	static const struct event after[] = {
		{"another one joins", 2, 2, &well, 5, 0, TEAM_DEGRADED, 1 + STABLE},
		{"stable", 1 + STABLE, -1, NULL, 7, 0, TEAM_UP, 0},
	};
	struct story *story = *state;

	TELL(story, before);
	arrange(&story->run, three, 3);
	TELL(story, after);
}

static void all_32_slots(void **state)
{
	uint8_t order[PICK_SLOTS];
	struct decision decision;
	struct story story;

	(void)state;
	for (unsigned int i = 0; i < PICK_SLOTS; i++)
		order[i] = (uint8_t)(PICK_SLOTS - 1 - i);
	story_begin(&story, order, PICK_SLOTS);
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		story.facts[slot] = well;
	failover_decide(&story.run, story.facts, &holds, START, &decision);
	assert_int_equal(decision.returned, UINT32_MAX);
	assert_int_equal(decision.primary, 31);
	assert_int_equal(team_run_state(&story.run, story.run.count), TEAM_UP);
	for (unsigned int i = 0; i < PICK_SLOTS; i++) {
		assert_int_equal(decision.primary, PICK_SLOTS - 1 - i);
		story.facts[decision.primary] = removed;
		failover_decide(&story.run, story.facts, &holds, START + 1, &decision);
	}
	assert_int_equal(team_run_state(&story.run, story.run.count), TEAM_DOWN);
}

/* --- a long run of random flaps --------------------------------------------------------- */

#define RUNS 64
#define STEPS 4000
#define DAY (86400 * SECOND)

/* What the run knows by itself, to hold decisions against. */
struct witness {
	uint64_t now;
	uint64_t well_since[PICK_SLOTS]; /* facts have been good since; 0 = they are not */
	unsigned int losses[PICK_SLOTS]; /* times that facts went bad */
	unsigned int went[PICK_SLOTS], came[PICK_SLOTS];
	bool was_usable[PICK_SLOTS];
};

/* Every period: from nanoseconds to a day, each magnitude as likely as any other. */
static uint64_t random_period(void)
{
	uint64_t bound = 1;

	for (long digits = random() % 15; digits > 0; digits--)
		bound *= 10;
	return 1 + ((uint64_t)random() << 31 | (uint64_t)random()) % (bound < DAY ? bound : DAY);
}

static void random_event(struct story *story, struct witness *w)
{
	static const struct health_facts *const kinds[] = {
		&well, &well, &well, &no_carrier, &no_carrier, &set_down, &removed};
	uint8_t slot = story->run.seats[(unsigned long)random() % story->run.count].slot;
	bool was_well = w->well_since[slot];

	story->facts[slot] = *kinds[(unsigned long)random() % ARRAY_SIZE(kinds)];
	if (health_judge(&story->facts[slot]) != REASON_NONE) {
		w->losses[slot] += was_well;
		w->well_since[slot] = 0;
	} else if (!was_well) {
		w->well_since[slot] = w->now;
	}
}

static void member_check(const struct story *story, struct witness *w, uint8_t slot,
			 uint32_t usable_before, const struct decision *d)
{
	const struct health *health = &story->run.health[slot];
	bool usable = story->run.usable >> slot & 1;
	enum member_reason judged = health_judge(&story->facts[slot]);

	/* Usable is within the facts, and is what the state's word says. */
	assert_int_equal(usable, health->reason == REASON_NONE);
	if (judged != REASON_NONE)
		assert_int_equal(health->reason, judged);
	else if (!usable)
		assert_int_equal(health->reason, REASON_WAITING_FOR_STABLE);
	/* T11: a return waits, unless it is the first coming or nobody else is there. */
	if (d->returned >> slot & 1 && w->was_usable[slot])
		assert_true(w->now - w->well_since[slot] >= STABLE ||
			    !(usable_before & ~d->lost & ~(1U << slot)));
	/* … and no longer than it must. */
	if (judged == REASON_NONE && w->now - w->well_since[slot] >= STABLE)
		assert_true(usable);
	/* Who waits has somebody to wake it, in the future, and somebody who works meanwhile. */
	if (health->reason == REASON_WAITING_FOR_STABLE) {
		assert_true(d->deadline_ns > w->now);
		assert_true(d->deadline_ns <= w->well_since[slot] + STABLE);
		assert_int_not_equal(story->run.usable, 0);
	}
	/* Changes are bounded: never more than the link itself made. */
	w->went[slot] += d->lost >> slot & 1;
	w->came[slot] += d->returned >> slot & 1;
	w->was_usable[slot] |= usable;
	assert_true(w->went[slot] <= w->losses[slot]);
	assert_in_range(w->came[slot] - w->went[slot], 0, 1);
}

static void team_check(const struct story *story, const struct decision *d, uint32_t usable_before)
{
	const struct team_run *run = &story->run;
	uint32_t members = 0, good = 0;
	bool waiting = false;

	for (unsigned int i = 0; i < run->count; i++) {
		members |= 1U << run->seats[i].slot;
		if (health_judge(&story->facts[run->seats[i].slot]) == REASON_NONE)
			good |= 1U << run->seats[i].slot;
		waiting |= run->health[run->seats[i].slot].reason == REASON_WAITING_FOR_STABLE;
	}
	assert_int_equal(run->usable & ~good, 0);
	assert_int_equal(!run->usable, !good); /* traffic flows whenever it can */
	assert_int_equal(d->lost & d->returned, 0);
	assert_int_equal((usable_before & ~d->lost) | d->returned, run->usable);
	if (run->usable)
		assert_true(run->usable >> run->primary & 1);
	/* T7: the primary moves only because it was lost. */
	if (d->primary_before != NONE && run->usable >> d->primary_before & 1)
		assert_int_equal(d->primary, d->primary_before);
	assert_int_equal(team_run_state(run, run->count), !run->usable		   ? TEAM_DOWN
							  : run->usable == members ? TEAM_UP
										   : TEAM_DEGRADED);
	assert_int_equal(d->deadline_ns != 0, waiting);
}

static void run_once(unsigned int members)
{
	uint8_t order[PICK_SLOTS];
	struct witness w = {.now = START};
	struct decision d = {};
	struct story story;

	for (unsigned int i = 0; i < members; i++)
		order[i] = (uint8_t)((i * 7 + 3) % PICK_SLOTS);
	story_begin(&story, order, members);
	for (unsigned int step = 0; step < STEPS; step++) {
		uint64_t next = w.now + random_period();
		uint32_t usable_before = story.run.usable;
		bool again = d.deadline_ns && d.deadline_ns <= next;

		w.now = again ? d.deadline_ns : next;
		if (!again)
			random_event(&story, &w);
		failover_decide(&story.run, story.facts, &holds, w.now, &d);
		for (unsigned int i = 0; i < members; i++)
			member_check(&story, &w, order[i], usable_before, &d);
		team_check(&story, &d, usable_before);
	}
}

static void random_flaps_of_every_period(void **state)
{
	(void)state;
	srandom(20);
	for (unsigned int run = 0; run < RUNS; run++)
		run_once(1 + run % PICK_SLOTS);
}

/* A decision made twice is the same decision: nothing is lost or returned again. */
static void deciding_again_changes_nothing(void **state)
{
	struct witness w = {.now = START};
	struct story *story = *state;

	srandom(21);
	for (unsigned int step = 0; step < STEPS; step++) {
		struct decision d, again;
		struct team_run run;

		w.now += random_period();
		random_event(story, &w);
		failover_decide(&story->run, story->facts, &holds, w.now, &d);
		run = story->run;
		failover_decide(&story->run, story->facts, &holds, w.now, &again);
		assert_memory_equal(&run, &story->run, sizeof(run));
		assert_int_equal(again.lost | again.returned, 0);
		assert_int_equal(again.primary_before, again.primary);
		assert_int_equal(again.deadline_ns, d.deadline_ns);
	}
}

#define TWO(test) cmocka_unit_test_setup(test, begin_two)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_before_the_first_decision),
		cmocka_unit_test(the_first_of_the_configuration_is_primary),
		TWO(primary_is_lost_and_returns),
		TWO(other_is_lost_and_returns),
		TWO(who_returns_first_is_used_at_once),
		TWO(both_return_together),
		TWO(loss_and_return_together),
		cmocka_unit_test(the_first_deadline_is_told),
		TWO(switchover),
		TWO(newcomer_does_not_wait),
		TWO(primary_leaves),
		TWO(who_left_and_joins_again_is_new),
		TWO(order_changes),
		TWO(a_wait_outlives_a_change_of_members),
		cmocka_unit_test(all_32_slots),
		cmocka_unit_test(random_flaps_of_every_period),
		TWO(deciding_again_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
