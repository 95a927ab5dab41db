// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/deal: exact shares (T4), and nothing moves that need not (T5). */
#include "base/strings.h"
#include "core/deal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 3000

static struct pick_deal deal[PICK_BUCKETS];

static uint32_t first(unsigned int count)
{
	return count == 32 ? UINT32_MAX : (1U << count) - 1;
}

static unsigned int count_of(uint32_t slots)
{
	return (unsigned int)__builtin_popcount(slots);
}

/* T4: each member the same, the lower slots one more where there is a rest, others nothing. */
static void shares_check(uint32_t members)
{
	unsigned int count = count_of(members), rank = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		unsigned int wanted = 0;

		if (members >> slot & 1)
			wanted = PICK_BUCKETS / count + (rank++ < PICK_BUCKETS % count);
		assert_int_equal(deal_count(deal, slot), wanted);
	}
}

static unsigned int homes_moved(const struct pick_deal *before)
{
	unsigned int moved = 0;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		moved += deal[bucket].home != before[bucket].home;
	return moved;
}

static int start(void **state)
{
	(void)state;
	memset(deal, 0x5a, sizeof(deal));
	deal_clear(deal);
	srandom(1);
	return 0;
}

static void nobody_has_anything_at_first(void **state)
{
	(void)state;
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		assert_int_equal(deal[bucket].home, PICK_NOBODY);
		assert_int_equal(deal[bucket].fallback, PICK_NOBODY);
	}
}

static void shares_are_exact_for_1_to_32_members(void **state)
{
	(void)state;
	for (unsigned int count = 1; count <= PICK_SLOTS; count++) {
		deal_clear(deal);
		deal_homes(deal, first(count));
		shares_check(first(count));
	}
}

/* Neighbouring buckets go to different members: a pattern in the hash's low bits hurts nobody. */
static void fresh_homes_alternate(void **state)
{
	(void)state;
	deal_homes(deal, 1U << 3 | 1U << 9);
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].home, bucket % 2 ? 9 : 3);
}

static void same_members_move_nothing(void **state)
{
	struct pick_deal before[PICK_BUCKETS];

	(void)state;
	for (unsigned int count = 1; count <= PICK_SLOTS; count++) {
		deal_homes(deal, first(count));
		memcpy(before, deal, sizeof(deal));
		assert_false(deal_homes(deal, first(count)));
		assert_memory_equal(before, deal, sizeof(deal));
	}
}

/* T5: a newcomer takes its share, and nothing passes between those who were there. */
static void newcomer_moves_its_share_only(void **state)
{
	struct pick_deal before[PICK_BUCKETS];

	(void)state;
	deal_homes(deal, 1);
	for (unsigned int slot = 1; slot < PICK_SLOTS; slot++) {
		memcpy(before, deal, sizeof(deal));
		deal_homes(deal, first(slot + 1));
		shares_check(first(slot + 1));
		assert_int_equal(homes_moved(before), deal_count(deal, slot));
		for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
			if (deal[bucket].home != before[bucket].home)
				assert_int_equal(deal[bucket].home, slot);
	}
}

/* T5: a member that leaves gives its own away; the others keep what they had. */
static void leaver_moves_its_share_only(void **state)
{
	struct pick_deal before[PICK_BUCKETS];

	(void)state;
	deal_homes(deal, UINT32_MAX);
	for (unsigned int slot = PICK_SLOTS - 1; slot > 0; slot--) {
		memcpy(before, deal, sizeof(deal));
		deal_homes(deal, first(slot));
		shares_check(first(slot));
		for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
			if (before[bucket].home != slot)
				assert_int_equal(deal[bucket].home, before[bucket].home);
	}
}

static void last_member_leaves_nothing(void **state)
{
	(void)state;
	deal_homes(deal, 3);
	deal_fallbacks(deal, 3);
	deal_homes(deal, 0);
	nobody_has_anything_at_first(state);
}

/* The least that must move: what each member has above its new share. */
static unsigned int least_moves(const struct pick_deal *before, uint32_t members)
{
	unsigned int least = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		unsigned int had = deal_count(before, slot), has = deal_count(deal, slot);

		if (!(members >> slot & 1))
			least += had;
		else if (had > has)
			least += had - has;
	}
	return least;
}

/* Any members after any members: exact shares, the least possible number of buckets moves. */
static void any_change_is_exact_and_least(void **state)
{
	struct pick_deal before[PICK_BUCKETS];

	(void)state;
	deal_homes(deal, 3);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t members = (uint32_t)random() << 1 ^ (uint32_t)random();
		bool moved;

		if (round % 3)
			members &= (uint32_t)random() & (uint32_t)random();
		if (!members)
			continue;
		memcpy(before, deal, sizeof(deal));
		moved = deal_homes(deal, members);
		shares_check(members);
		assert_int_equal(homes_moved(before), least_moves(before, members));
		assert_int_equal(moved, homes_moved(before) > 0);
	}
}

/* Never the home, never somebody who is not usable; nobody only where there is no other. */
static void fallbacks_check(uint32_t usable)
{
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		unsigned int home = deal[bucket].home, fallback = deal[bucket].fallback;

		if (fallback == PICK_NOBODY) {
			assert_int_equal(usable & ~(1U << home), 0);
			continue;
		}
		assert_int_not_equal(fallback, home);
		assert_true(usable >> fallback & 1);
	}
}

static void two_members_fall_back_on_each_other(void **state)
{
	(void)state;
	deal_homes(deal, 3);
	deal_fallbacks(deal, 3);
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].fallback, !deal[bucket].home);
	deal_fallbacks(deal, 1);
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].fallback, deal[bucket].home ? 0 : PICK_NOBODY);
	deal_fallbacks(deal, 0);
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].fallback, PICK_NOBODY);
}

/* What one member had is spread over all others: no two of them differ by more than one. */
static void fallbacks_are_spread_evenly(void **state)
{
	(void)state;
	for (unsigned int count = 2; count <= PICK_SLOTS; count++) {
		deal_clear(deal);
		deal_homes(deal, first(count));
		deal_fallbacks(deal, first(count));
		fallbacks_check(first(count));
		for (unsigned int home = 0; home < count; home++) {
			unsigned int got[PICK_SLOTS] = {}, share = deal_count(deal, home);

			for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
				if (deal[bucket].home == home)
					got[deal[bucket].fallback]++;
			for (unsigned int slot = 0; slot < count; slot++)
				if (slot != home)
					assert_in_range(got[slot], share / (count - 1),
							share / (count - 1) + 1);
		}
	}
}

/* T5: flows that already run over a fallback stay there when somebody else is lost or returns. */
static void fallbacks_that_serve_stay(void **state)
{
	struct pick_deal before[PICK_BUCKETS];
	uint32_t usable = first(8);

	(void)state;
	deal_homes(deal, usable);
	deal_fallbacks(deal, usable);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		memcpy(before, deal, sizeof(deal));
		usable = (uint32_t)random() & first(8);
		deal_fallbacks(deal, usable);
		fallbacks_check(usable);
		for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
			if (before[bucket].fallback != PICK_NOBODY &&
			    (usable >> before[bucket].fallback & 1))
				assert_int_equal(deal[bucket].fallback, before[bucket].fallback);
	}
}

/* Homes that are dealt anew may land on the fallback: it is chosen anew, too. */
static void fallback_is_never_the_new_home(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t members = (uint32_t)random() & 0xffU;

		if (!members)
			continue;
		deal_homes(deal, members);
		deal_fallbacks(deal, members);
		fallbacks_check(members);
	}
}

static void held_buckets_are_counted(void **state)
{
	static struct pick_hold hold[PICK_BUCKETS];

	(void)state;
	memset(hold, 0, sizeof(hold));
	deal_homes(deal, 3);
	assert_int_equal(deal_held(deal, hold, 7, 0), PICK_BUCKETS / 2); /* not held: the home's */
	for (unsigned int bucket = 0; bucket < 100; bucket++)
		hold[bucket].holder = 2;
	assert_int_equal(deal_held(deal, hold, 7, 0), PICK_BUCKETS / 2 - 50);
	assert_int_equal(deal_held(deal, hold, 7, 1), PICK_BUCKETS / 2 + 50);
	assert_int_equal(deal_held(deal, hold, 7, 2), 0);
	assert_int_equal(deal_count(deal, 0), PICK_BUCKETS / 2);
	/* A lost member carries nothing, also where no frame has moved its buckets yet. */
	deal_fallbacks(deal, 1);
	assert_int_equal(deal_held(deal, hold, 1, 1), 0);
	assert_int_equal(deal_held(deal, hold, 1, 0), PICK_BUCKETS);
	assert_int_equal(deal_held(deal, hold, 0, 0), 0);
}

#define DEAL(test) cmocka_unit_test_setup(test, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEAL(nobody_has_anything_at_first),
		DEAL(shares_are_exact_for_1_to_32_members),
		DEAL(fresh_homes_alternate),
		DEAL(same_members_move_nothing),
		DEAL(newcomer_moves_its_share_only),
		DEAL(leaver_moves_its_share_only),
		DEAL(last_member_leaves_nothing),
		DEAL(any_change_is_exact_and_least),
		DEAL(two_members_fall_back_on_each_other),
		DEAL(fallbacks_are_spread_evenly),
		DEAL(fallbacks_that_serve_stay),
		DEAL(fallback_is_never_the_new_home),
		DEAL(held_buckets_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
