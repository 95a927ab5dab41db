// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/model/pick.h together with src/core/deal (T4, T5): a bucket through losses, returns and
 * changes of members. What a single frame does is in test_model.c; here frames follow each other.
 * Time is this file's own.
 */
#include <stdint.h>

static uint64_t now_ns;
#define PICK_NOW() now_ns

#include "base/strings.h"
#include "core/deal.h"
#include "model/pick.h"
#include "unit/weights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START 1000000ULL
#define IDLE 200ULL
#define BOUND 5000ULL

/* A team as the daemon keeps it in the maps, and the program's side of the same maps. */
struct world {
	struct pick_state state;
	struct pick_deal deal[PICK_BUCKETS];
	struct pick_hold hold[PICK_BUCKETS];
	uint32_t members;
	uint64_t bound; /* from a return until all are back; 0 = no hurry */
};

static struct world world;

/* Everybody has this long to be home: since he returned, or since homes were dealt. */
static uint64_t return_by(void)
{
	return world.bound ? now_ns + world.bound : 0;
}

static void lose(unsigned int slot)
{
	world.state.usable &= ~(1U << slot);
	deal_fallbacks(world.deal, even(world.state.usable));
}

static void bring_back(unsigned int slot)
{
	world.state.return_by[slot] = return_by();
	world.state.usable |= 1U << slot;
	deal_fallbacks(world.deal, even(world.state.usable));
}

/* New members are usable only when bring_back() says so. */
static void change_members(uint32_t members)
{
	world.members = members;
	world.state.usable &= members;
	world.state.dealt_ns = now_ns;
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		world.state.return_by[slot] = return_by();
	deal_homes(world.deal, even(members));
	deal_fallbacks(world.deal, even(world.state.usable));
}

static void begin(uint32_t members, uint64_t bound)
{
	now_ns = START;
	memset(&world, 0, sizeof(world));
	world.state.idle_ns = IDLE;
	world.bound = bound;
	deal_clear(world.deal);
	change_members(members);
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (members >> slot & 1)
			bring_back(slot);
	/* The team is old: nobody's bound is still to come. */
	now_ns += 10 * BOUND;
}

static int begin_two(void **state)
{
	(void)state;
	begin(3, 0);
	return 0;
}

static int begin_two_with_bound(void **state)
{
	(void)state;
	begin(3, BOUND);
	return 0;
}

static uint8_t frame(unsigned int bucket, uint32_t *ret_why)
{
	return pick_slot(&world.state, &world.deal[bucket], &world.hold[bucket], ret_why);
}

#define FRAME(wanted_slot, wanted_why)                                                             \
	do {                                                                                       \
		uint32_t why;                                                                      \
                                                                                                   \
		assert_int_equal(frame(0, &why), wanted_slot);                                     \
		assert_int_equal(why, wanted_why);                                                 \
	} while (0)

/* --- one bucket: its home is slot 0 ----------------------------------------------------- */

static void home_is_lost_and_returns_idle(void **state)
{
	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	FRAME(1, PICK_FALLBACK);
	now_ns += 10 * IDLE; /* silence alone moves nothing while home is lost */
	FRAME(1, PICK_FALLBACK);
	bring_back(0);
	for (int i = 0; i < 100; i++) {
		now_ns += IDLE;
		FRAME(1, PICK_HELD);
	}
	now_ns += IDLE + 1;
	FRAME(0, PICK_HOME);
	FRAME(0, PICK_HOME);
}

/* The silence counts whole, even what of it was before the return. */
static void silence_before_the_return_counts(void **state)
{
	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	FRAME(1, PICK_FALLBACK);
	now_ns += IDLE;
	bring_back(0);
	now_ns += 1;
	FRAME(0, PICK_HOME);
}

static void flow_that_never_pauses_returns_on_the_bound(void **state)
{
	uint64_t by;

	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	FRAME(1, PICK_FALLBACK);
	bring_back(0);
	by = now_ns + BOUND;
	while (now_ns <= by - IDLE) {
		now_ns += IDLE;
		FRAME(1, PICK_HELD);
	}
	now_ns = by;
	FRAME(1, PICK_HELD);
	now_ns++;
	FRAME(0, PICK_HOME);
}

/*
 * Another processor's frame, or the daemon's dealing, may be a little later than this frame's
 * clock: that is no silence of 2^64 ns.
 */
static void a_later_time_of_another_processor_is_no_silence(void **state)
{
	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	FRAME(1, PICK_FALLBACK);
	bring_back(0);
	now_ns -= 1;
	FRAME(1, PICK_HELD);
	world.state.dealt_ns = now_ns + 1;
	FRAME(1, PICK_HELD);
	now_ns += IDLE + 1;
	FRAME(1, PICK_HELD);
	now_ns += IDLE + 1;
	FRAME(0, PICK_HOME);
}

/* Without a bound it stays for as long as it likes. */
static void flow_that_never_pauses_stays_without_bound(void **state)
{
	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	FRAME(1, PICK_FALLBACK);
	bring_back(0);
	for (int i = 0; i < 10000; i++) {
		now_ns += IDLE;
		FRAME(1, PICK_HELD);
	}
}

static void return_without_a_frame_between_is_no_move(void **state)
{
	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	bring_back(0);
	FRAME(0, PICK_HOME);
}

static void fallback_is_lost_while_held(void **state)
{
	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	FRAME(1, PICK_FALLBACK);
	bring_back(0);
	FRAME(1, PICK_HELD);
	lose(1);
	FRAME(0, PICK_HOME); /* at once: it had to move */
	bring_back(1);
	FRAME(0, PICK_HOME);
}

static void nobody_is_usable(void **state)
{
	(void)state;
	FRAME(0, PICK_HOME);
	lose(0);
	lose(1);
	FRAME(PICK_NOBODY, PICK_UNUSABLE);
	bring_back(1);
	FRAME(1, PICK_FALLBACK);
	lose(1);
	FRAME(PICK_NOBODY, PICK_UNUSABLE);
	bring_back(0);
	FRAME(0, PICK_HOME);
}

/* Some bucket whose home a change of members moves from @from to @to. */
static unsigned int bucket_that_moved(const struct pick_deal *before, unsigned int from,
				      unsigned int to)
{
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		if (before[bucket].home == from && world.deal[bucket].home == to)
			return bucket;
	fail_msg("no bucket went from %u to %u", from, to);
	return 0;
}

/* A newcomer gets live buckets only when they pause; the team was idle at home until then. */
static void dealing_anew_holds_live_buckets(void **state)
{
	struct pick_deal before[PICK_BUCKETS];
	unsigned int bucket;
	uint32_t why;

	(void)state;
	for (unsigned int b = 0; b < PICK_BUCKETS; b++)
		assert_int_equal(frame(b, &why), world.deal[b].home);
	memcpy(before, world.deal, sizeof(before));
	change_members(7);
	bring_back(2);
	bucket = bucket_that_moved(before, 0, 2);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(frame(bucket, &why), 0);
		assert_int_equal(why, PICK_HELD);
		now_ns += IDLE;
	}
	now_ns++;
	assert_int_equal(frame(bucket, &why), 2);
	assert_int_equal(why, PICK_HOME);
}

/* … at the latest when the bound of the newcomer has passed. */
static void dealing_anew_is_bounded(void **state)
{
	struct pick_deal before[PICK_BUCKETS];
	unsigned int bucket;
	uint32_t why;

	(void)state;
	for (unsigned int b = 0; b < PICK_BUCKETS; b++)
		assert_int_equal(frame(b, &why), world.deal[b].home);
	memcpy(before, world.deal, sizeof(before));
	change_members(7);
	bring_back(2);
	bucket = bucket_that_moved(before, 1, 2);
	for (uint64_t end = now_ns + BOUND; now_ns < end; now_ns += IDLE / 2)
		assert_int_equal(frame(bucket, &why), 1);
	now_ns++;
	assert_int_equal(frame(bucket, &why), 2);
}

/* --- thousands of random steps ---------------------------------------------------------- */

#define RUNS 40
#define STEPS 50000
#define LIVE 24 /* buckets that have traffic: few, so that each is met in every condition */

/* What a bucket's last frame did, and whether its member has been lost since. */
static struct track {
	uint8_t slot;
	bool lost_since;
	uint64_t at;
} tracks[LIVE];

static unsigned int bucket_of(unsigned int live)
{
	return live * 41 % PICK_BUCKETS;
}

static void tell_loss(uint32_t slots)
{
	for (unsigned int i = 0; i < LIVE; i++)
		if (tracks[i].slot < PICK_SLOTS && (slots >> tracks[i].slot & 1))
			tracks[i].lost_since = true;
}

static bool bound_is_past(uint8_t home)
{
	return world.state.return_by[home] && now_ns > world.state.return_by[home];
}

static void frame_check(unsigned int live)
{
	struct track *track = &tracks[live];
	unsigned int bucket = bucket_of(live);
	uint8_t home = world.deal[bucket].home, slot;
	uint64_t rest = track->at > world.state.dealt_ns ? track->at : world.state.dealt_ns;
	uint32_t usable = world.state.usable, why;
	bool home_well = usable >> home & 1;

	slot = frame(bucket, &why);
	if (!usable) {
		assert_int_equal(slot, PICK_NOBODY);
		assert_int_equal(why, PICK_UNUSABLE);
		return;
	}
	assert_true(slot < PICK_SLOTS && (usable >> slot & 1));
	assert_int_equal(why, slot == home ? PICK_HOME : home_well ? PICK_HELD : PICK_FALLBACK);
	/* T5: it moves because its member was lost, or home after silence or the bound. */
	if (track->slot != PICK_NOBODY && slot != track->slot && !track->lost_since) {
		assert_int_equal(slot, home);
		assert_true(now_ns - track->at > IDLE || bound_is_past(home));
	}
	/* … and does go home then. */
	if (home_well && (now_ns - rest > IDLE || bound_is_past(home)))
		assert_int_equal(slot, home);
	*track = (struct track){.slot = slot, .at = now_ns};
}

static unsigned int random_below(unsigned int bound)
{
	return (unsigned int)random() % bound;
}

static unsigned int random_member(void)
{
	unsigned int slot;

	do
		slot = random_below(PICK_SLOTS);
	while (!(world.members >> slot & 1));
	return slot;
}

static void random_members(void)
{
	uint32_t members = world.members ^ 1U << random_below(8);

	if (!members)
		return;
	tell_loss(world.members & ~members);
	change_members(members);
}

/* From frames on each other's heels to pauses longer than any bound. */
static void random_wait(void)
{
	static const unsigned int bounds[] = {2, 10, IDLE, 2 * IDLE, 2 * BOUND};

	now_ns += random_below(bounds[random_below(ARRAY_SIZE(bounds))]);
}

static void random_step(void)
{
	unsigned int slot = random_member();

	switch (random_below(400)) {
	case 0:
		random_members();
		break;
	case 1 ... 4:
		tell_loss(1U << slot);
		lose(slot);
		break;
	case 5 ... 11:
		if (!(world.state.usable >> slot & 1))
			bring_back(slot);
		break;
	case 12 ... 40:
		random_wait();
		break;
	default:
		now_ns += random_below(3);
		frame_check(random_below(LIVE));
	}
}

static void buckets_move_only_when_they_must(void **state)
{
	(void)state;
	srandom(5);
	for (unsigned int run = 0; run < RUNS; run++) {
		begin(1U | (uint32_t)random_below(256), run % 2 ? BOUND : 0);
		for (unsigned int i = 0; i < LIVE; i++)
			tracks[i] = (struct track){.slot = PICK_NOBODY};
		for (unsigned int step = 0; step < STEPS; step++)
			random_step();
	}
}

#define TWO(test) cmocka_unit_test_setup(test, begin_two)
#define TWO_BOUND(test) cmocka_unit_test_setup(test, begin_two_with_bound)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO(home_is_lost_and_returns_idle),
		TWO(silence_before_the_return_counts),
		TWO_BOUND(flow_that_never_pauses_returns_on_the_bound),
		TWO(flow_that_never_pauses_stays_without_bound),
		TWO(a_later_time_of_another_processor_is_no_silence),
		TWO(return_without_a_frame_between_is_no_move),
		TWO(fallback_is_lost_while_held),
		TWO(nobody_is_usable),
		TWO(dealing_anew_holds_live_buckets),
		TWO_BOUND(dealing_anew_is_bounded),
		cmocka_unit_test(buckets_move_only_when_they_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
