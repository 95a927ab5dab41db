// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/allot: who gets a VF (H4). Cases in a table, and what holds for any claims. */
#include "base/strings.h"
#include "core/allot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CLAIMS 5
#define ROUNDS 20000

static const struct allot_case {
	const char *text;
	uint64_t usable;
	bool again;
	struct allot_claim claims[CLAIMS]; /* serial 0: the end */
} cases[] = {
	{"nobody wants one", 3, false, {{0, 1, -1, -1}, {0, 2, -1, -1}}},
	{"there is none", 0, false, {{100, 1, -1, -1}}},
	{"there is none any more", 0, false, {{100, 1, 0, -1}}},
	{"the heavier first", 1, false, {{50, 1, -1, -1}, {100, 2, -1, 0}}},
	{"equal weights: the older first", 1, false, {{100, 2, -1, -1}, {100, 1, -1, 0}}},
	{"the lowest free one", 0xa, false, {{7, 1, -1, 3}, {9, 2, -1, 1}}},
	{"a heavier newcomer takes none away", 1, false, {{1, 1, 0, 0}, {100, 2, -1, -1}}},
	{"... unless asked", 1, true, {{1, 1, 0, -1}, {100, 2, -1, 0}}},
	{"an equal newcomer does not, even asked", 1, true, {{5, 1, 0, 0}, {5, 2, -1, -1}}},
	{"weight 0 gives it back", 1, false, {{0, 1, 0, -1}, {1, 2, -1, 0}}},
	{"a newcomer gets what is free", 3, false, {{1, 1, 1, 1}, {100, 2, -1, 0}}},
	{"its VF is gone: another", 4, false, {{1, 1, 1, 2}}},
	{"its VF is gone: the heavier first", 4, false, {{1, 1, 1, -1}, {2, 2, -1, 2}}},
	{"two say they have it", 1, false, {{1, 1, 0, -1}, {2, 2, 0, 0}}},
	{"asked, nobody changes in vain", 7, true, {{9, 3, 0, 0}, {5, 2, 2, 2}, {1, 1, -1, 1}}},
	{"asked, the first in the order only",
	 3,
	 true,
	 {{1, 1, 0, -1}, {5, 2, 1, 1}, {9, 3, -1, 0}, {1, 4, -1, -1}}},
};

static void cases_are_as_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t usable[4] = {cases[i].usable};
		struct allot_claim claims[CLAIMS];
		size_t count = 0;

		memcpy(claims, cases[i].claims, sizeof(claims));
		while (count < CLAIMS && claims[count].serial)
			claims[count++].got = 77;
		allot_vfs(claims, count, usable, cases[i].again);
		for (size_t c = 0; c < count; c++)
			if (claims[c].got != cases[i].claims[c].got)
				fail_msg("%s: claim %zu has got %d", cases[i].text, c,
					 claims[c].got);
	}
}

/* --- any claims --- */

#define MANY 40

struct world {
	struct allot_claim claims[MANY];
	size_t count;
	uint64_t usable[4];
	bool again;
};

static bool is_usable(const struct world *world, int vf)
{
	return vf >= 0 && vf < 256 && (world->usable[vf / 64] >> vf % 64 & 1);
}

static bool is_before(const struct allot_claim *a, const struct allot_claim *b)
{
	return a->weight != b->weight ? a->weight > b->weight : a->serial < b->serial;
}

/* Some VFs all over the range; who has one has his own, but it may be no VF of today. */
static struct world world_make(void)
{
	struct world world = {.count = (size_t)random() % MANY, .again = random() & 1};
	int base = (int)(random() % 200);

	for (int i = 0; i < 50; i++)
		if (random() % 3 == 0)
			world.usable[(base + i) / 64] |= 1ULL << (base + i) % 64;
	for (size_t i = 0; i < world.count; i++)
		world.claims[i] = (struct allot_claim){
			.weight = (uint32_t)random() % 4,
			.serial = (uint32_t)(i * 7 % MANY) + 1,
			.held = random() % 2 ? base + (int)i : -1,
		};
	return world;
}

static unsigned int usable_count(const struct world *world)
{
	unsigned int count = 0;

	for (int vf = 0; vf < 256; vf++)
		count += is_usable(world, vf);
	return count;
}

static void each_has_a_vf_of_his_own(const struct world *world)
{
	uint64_t given[4] = {};

	for (size_t i = 0; i < world->count; i++) {
		int got = world->claims[i].got;

		if (got < 0)
			continue;
		assert_true(is_usable(world, got));
		assert_true(world->claims[i].weight > 0);
		assert_false(given[got / 64] >> got % 64 & 1);
		given[got / 64] |= 1ULL << got % 64;
	}
}

/* Nobody is left without while there is one. */
static void none_is_wasted(const struct world *world)
{
	unsigned int wanted = 0, got = 0, usable = usable_count(world);

	for (size_t i = 0; i < world->count; i++) {
		wanted += world->claims[i].weight > 0;
		got += world->claims[i].got >= 0;
	}
	assert_int_equal(got, wanted < usable ? wanted : usable);
}

static void who_has_one_keeps_it(const struct world *world)
{
	for (size_t i = 0; i < world->count; i++) {
		const struct allot_claim *claim = &world->claims[i];

		if (!claim->weight || !is_usable(world, claim->held))
			continue;
		if (!world->again || claim->got >= 0)
			assert_int_equal(claim->got, claim->held);
	}
}

/* Whoever goes without stands behind each that got one; but who had his needs no rank. */
static void the_order_holds(const struct world *world)
{
	for (size_t a = 0; a < world->count; a++) {
		const struct allot_claim *without = &world->claims[a];

		if (without->got >= 0 || !without->weight)
			continue;
		for (size_t b = 0; b < world->count; b++) {
			const struct allot_claim *with = &world->claims[b];

			if (with->got >= 0 && (world->again || with->got != with->held))
				assert_true(is_before(with, without));
		}
	}
}

static void any_claims_are_dealt_with_rightly(void **state)
{
	(void)state;
	srandom(4);
	for (int round = 0; round < ROUNDS; round++) {
		struct world world = world_make();

		allot_vfs(world.claims, world.count, world.usable, world.again);
		each_has_a_vf_of_his_own(&world);
		none_is_wasted(&world);
		who_has_one_keeps_it(&world);
		the_order_holds(&world);
	}
}

/* What was allotted is what the next time finds: asked or not, nothing moves. */
static void twice_is_once(void **state)
{
	(void)state;
	srandom(5);
	for (int round = 0; round < ROUNDS; round++) {
		struct world world = world_make(), next;

		allot_vfs(world.claims, world.count, world.usable, world.again);
		next = world;
		for (size_t i = 0; i < next.count; i++)
			next.claims[i].held = next.claims[i].got;
		allot_vfs(next.claims, next.count, next.usable, world.again);
		for (size_t i = 0; i < next.count; i++)
			assert_int_equal(next.claims[i].got, world.claims[i].got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_are_as_told),
		cmocka_unit_test(any_claims_are_dealt_with_rightly),
		cmocka_unit_test(twice_is_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
