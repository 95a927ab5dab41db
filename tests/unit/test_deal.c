// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/deal: exact shares (T4), and nothing moves that need not (T5). */
#include "base/strings.h"
#include "core/deal.h"
#include "unit/weights.h"

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
		deal_homes(deal, even(first(count)));
		shares_check(first(count));
	}
}

/* Neighbouring buckets go to different members: a pattern in the hash's low bits hurts nobody. */
static void fresh_homes_alternate(void **state)
{
	(void)state;
	deal_homes(deal, even(1U << 3 | 1U << 9));
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].home, bucket % 2 ? 9 : 3);
}

static void same_members_move_nothing(void **state)
{
	struct pick_deal before[PICK_BUCKETS];

	(void)state;
	for (unsigned int count = 1; count <= PICK_SLOTS; count++) {
		deal_homes(deal, even(first(count)));
		memcpy(before, deal, sizeof(deal));
		assert_false(deal_homes(deal, even(first(count))));
		assert_memory_equal(before, deal, sizeof(deal));
	}
}

/* T5: a newcomer takes its share, and nothing passes between those who were there. */
static void newcomer_moves_its_share_only(void **state)
{
	struct pick_deal before[PICK_BUCKETS];

	(void)state;
	deal_homes(deal, even(1));
	for (unsigned int slot = 1; slot < PICK_SLOTS; slot++) {
		memcpy(before, deal, sizeof(deal));
		deal_homes(deal, even(first(slot + 1)));
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
	deal_homes(deal, even(UINT32_MAX));
	for (unsigned int slot = PICK_SLOTS - 1; slot > 0; slot--) {
		memcpy(before, deal, sizeof(deal));
		deal_homes(deal, even(first(slot)));
		shares_check(first(slot));
		for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
			if (before[bucket].home != slot)
				assert_int_equal(deal[bucket].home, before[bucket].home);
	}
}

static void last_member_leaves_nothing(void **state)
{
	(void)state;
	deal_homes(deal, even(3));
	deal_fallbacks(deal, even(3));
	deal_homes(deal, even(0));
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
	deal_homes(deal, even(3));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint32_t members = (uint32_t)random() << 1 ^ (uint32_t)random();
		bool moved;

		if (round % 3)
			members &= (uint32_t)random() & (uint32_t)random();
		if (!members)
			continue;
		memcpy(before, deal, sizeof(deal));
		moved = deal_homes(deal, even(members));
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
	deal_homes(deal, even(3));
	deal_fallbacks(deal, even(3));
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].fallback, !deal[bucket].home);
	deal_fallbacks(deal, even(1));
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].fallback, deal[bucket].home ? 0 : PICK_NOBODY);
	deal_fallbacks(deal, even(0));
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].fallback, PICK_NOBODY);
}

/* What one member had is spread over all others: no two of them differ by more than one. */
static void fallbacks_are_spread_evenly(void **state)
{
	(void)state;
	for (unsigned int count = 2; count <= PICK_SLOTS; count++) {
		deal_clear(deal);
		deal_homes(deal, even(first(count)));
		deal_fallbacks(deal, even(first(count)));
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
	deal_homes(deal, even(usable));
	deal_fallbacks(deal, even(usable));
	for (unsigned int round = 0; round < ROUNDS; round++) {
		memcpy(before, deal, sizeof(deal));
		usable = (uint32_t)random() & first(8);
		deal_fallbacks(deal, even(usable));
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
		deal_homes(deal, even(members));
		deal_fallbacks(deal, even(members));
		fallbacks_check(members);
	}
}

static unsigned int held(const struct pick_hold *hold, uint32_t usable, unsigned int slot,
			 uint64_t now_ns)
{
	const struct pick_state now = {.usable = usable, .idle_ns = 100};

	return deal_held(deal, hold, &now, slot, now_ns);
}

static void held_buckets_are_counted(void **state)
{
	static struct pick_hold hold[PICK_BUCKETS];

	(void)state;
	memset(hold, 0, sizeof(hold));
	deal_homes(deal, even(3));
	assert_int_equal(held(hold, 7, 0, 0), PICK_BUCKETS / 2); /* not held: the home's */
	for (unsigned int bucket = 0; bucket < 100; bucket++)
		hold[bucket].holder = 2;
	assert_int_equal(held(hold, 7, 0, 0), PICK_BUCKETS / 2 - 50);
	assert_int_equal(held(hold, 7, 1, 0), PICK_BUCKETS / 2 + 50);
	assert_int_equal(held(hold, 7, 2, 0), 0);
	assert_int_equal(deal_count(deal, 0), PICK_BUCKETS / 2);
	/* Idle for long enough: their next frames go home. */
	assert_int_equal(held(hold, 7, 1, 101), PICK_BUCKETS / 2);
	assert_int_equal(held(hold, 6, 1, 101), PICK_BUCKETS / 2 + 50);
	/* A lost member carries nothing, also where no frame has moved its buckets yet. */
	deal_fallbacks(deal, even(1));
	assert_int_equal(held(hold, 1, 1, 0), 0);
	assert_int_equal(held(hold, 1, 0, 0), PICK_BUCKETS);
	assert_int_equal(held(hold, 0, 0, 0), 0);
}

#define DEAL(test) cmocka_unit_test_setup(test, start)

/* --- weights (T4) ------------------------------------------------------------------------ */

/* Each share is the exact part rounded down or up, and all together are every bucket. */
static void weighted_check(const uint32_t *weights)
{
	uint64_t total = 0;
	unsigned int dealt = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		total += weights[slot];
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		uint64_t exact = (uint64_t)PICK_BUCKETS * weights[slot];
		unsigned int count = deal_count(deal, slot);

		assert_in_range(count, exact / total, (exact + total - 1) / total);
		dealt += count;
	}
	assert_int_equal(dealt, PICK_BUCKETS);
}

static const struct {
	uint32_t weights[PICK_SLOTS];
	unsigned int shares[4]; /* of the first ones */
} vectors[] = {
	{{1}, {1024}},
	{{1, 1}, {512, 512}},
	{{1, 2}, {341, 683}},
	{{1, 3}, {256, 768}},
	{{100, 1}, {1014, 10}},
	{{1000, 1}, {1023, 1}},
	{{1, 3, 5}, {114, 341, 569}},
	{{7, 11, 13}, {231, 363, 430}},
	{{0, 10, 0, 30}, {0, 256, 0, 768}},
	{{1000, 1000, 1000, 1}, {341, 341, 341, 1}},
	{{10, 10, 10, 10, 20, 20, 20, 20, 40, 40, 40, 40, 80, 80, 80, 80}, {17, 17, 17, 17}},
	{{1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
	  17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32},
	 {2, 4, 6, 8}},
};

static void shares_follow_weights(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		deal_clear(deal);
		assert_true(deal_homes(deal, vectors[i].weights));
		weighted_check(vectors[i].weights);
		for (unsigned int slot = 0; slot < ARRAY_SIZE(vectors[i].shares); slot++)
			if (deal_count(deal, slot) != vectors[i].shares[slot])
				fail_msg("vector %zu, slot %u: %u buckets instead of %u", i, slot,
					 deal_count(deal, slot), vectors[i].shares[slot]);
		assert_false(deal_homes(deal, vectors[i].weights));
	}
}

/* From any weights to any others: exact again, and nobody gives away and takes at once. */
static void new_weights_move_as_little_as_they_can(void **state)
{
	uint32_t weights[PICK_SLOTS] = {1};

	(void)state;
	deal_homes(deal, weights);
	for (unsigned int round = 0; round < ROUNDS / 10; round++) {
		struct pick_deal before[PICK_BUCKETS];
		unsigned int lost = 0;

		memcpy(before, deal, sizeof(before));
		for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
			weights[slot] = random() % 3 ? 0 : (uint32_t)random() % 1001;
		weights[(unsigned long)random() % PICK_SLOTS] = 1 + (uint32_t)random() % 1000;
		deal_homes(deal, weights);
		weighted_check(weights);
		for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
			unsigned int was = deal_count(before, slot), is = deal_count(deal, slot);

			lost += was > is ? was - is : 0;
		}
		assert_int_equal(homes_moved(before), lost);
	}
}

/* Of 1:2:3 the first is lost: the other two take over 2:3. */
static void fallbacks_follow_weights(void **state)
{
	static const uint32_t homes[PICK_SLOTS] = {1, 2, 3}, left[PICK_SLOTS] = {0, 2, 3};
	unsigned int second = 0, all;

	(void)state;
	deal_homes(deal, homes);
	deal_fallbacks(deal, left);
	all = deal_count(deal, 0);
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		second += deal[bucket].home == 0 && deal[bucket].fallback == 1;
	assert_in_range(second, all * 2 / 5, all * 2 / 5 + 1);
}

static void who_lingers_is_counted(void **state)
{
	struct pick_state now = {.usable = 3, .idle_ns = 100, .dealt_ns = 1000};
	struct pick_hold hold[PICK_BUCKETS] = {};

	(void)state;
	deal_homes(deal, even(1));
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		hold[bucket].holder = bucket < 10 ? 2 : 1;
	hold[0].seen_ns = hold[1].seen_ns = 1500;
	assert_int_equal(deal_lingering(deal, hold, &now, 1, 1050), 10); /* dealt just now */
	assert_int_equal(deal_lingering(deal, hold, &now, 1, 1550), 2);
	assert_int_equal(deal_lingering(deal, hold, &now, 1, 1700), 0);
	assert_int_equal(deal_lingering(deal, hold, &now, 0, 1050), 0); /* at home */
}

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
		DEAL(shares_follow_weights),
		DEAL(new_weights_move_as_little_as_they_can),
		DEAL(fallbacks_follow_weights),
		DEAL(who_lingers_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
