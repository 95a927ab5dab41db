// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/deal.h"

void deal_clear(struct pick_deal *deal)
{
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		deal[bucket] = (struct pick_deal){.home = PICK_NOBODY, .fallback = PICK_NOBODY};
}

/* How many buckets each member still lacks; @quota has PICK_SLOTS entries. */
static void share(uint32_t members, unsigned int *quota)
{
	unsigned int count = (unsigned int)__builtin_popcount(members), rank = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		quota[slot] = 0;
		if (!(members >> slot & 1))
			continue;
		quota[slot] = PICK_BUCKETS / count + (rank < PICK_BUCKETS % count);
		rank++;
	}
}

/* The next slot after @slot that has something in @left, round and round. */
static unsigned int next_with_quota(const unsigned int *left, unsigned int slot)
{
	do
		slot = (slot + 1) % PICK_SLOTS;
	while (!left[slot]);
	return slot;
}

/* Homes that keep their buckets; the others' are free afterwards. Returns how many are free. */
static unsigned int keep_homes(struct pick_deal *deal, unsigned int *left)
{
	unsigned int free = 0;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		unsigned int home = deal[bucket].home;

		if (home < PICK_SLOTS && left[home]) {
			left[home]--;
			continue;
		}
		deal[bucket].home = PICK_NOBODY;
		free++;
	}
	return free;
}

bool deal_homes(struct pick_deal *deal, uint32_t members)
{
	unsigned int left[PICK_SLOTS], slot = PICK_SLOTS - 1;

	if (!members) {
		deal_clear(deal);
		return true;
	}
	share(members, left);
	if (!keep_homes(deal, left))
		return false;
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		if (deal[bucket].home != PICK_NOBODY)
			continue;
		slot = next_with_quota(left, slot);
		left[slot]--;
		deal[bucket].home = (__u8)slot;
	}
	return true;
}

/* The next usable slot after @slot that is not @home; PICK_NOBODY if there is none. */
static __u8 next_other(uint32_t usable, unsigned int slot, unsigned int home)
{
	for (unsigned int step = 1; step <= PICK_SLOTS; step++) {
		unsigned int next = (slot + step) % PICK_SLOTS;

		if (next != home && (usable >> next & 1))
			return (__u8)next;
	}
	return PICK_NOBODY;
}

void deal_fallbacks(struct pick_deal *deal, uint32_t usable)
{
	__u8 last[PICK_SLOTS]; /* the fallback that each home's last bucket got */

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		last[slot] = (__u8)slot;
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		struct pick_deal *entry = &deal[bucket];

		if (entry->home == PICK_NOBODY)
			continue;
		if (entry->fallback < PICK_SLOTS && entry->fallback != entry->home &&
		    (usable >> entry->fallback & 1))
			continue;
		entry->fallback = next_other(usable, last[entry->home], entry->home);
		if (entry->fallback != PICK_NOBODY)
			last[entry->home] = entry->fallback;
	}
}

unsigned int deal_count(const struct pick_deal *deal, unsigned int slot)
{
	unsigned int count = 0;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		count += deal[bucket].home == slot;
	return count;
}

static bool is_usable(uint32_t usable, unsigned int slot)
{
	return slot < PICK_SLOTS && (usable >> slot & 1);
}

/* As model/pick.h has it, but for a bucket that goes home with this very frame. */
static unsigned int next_holder(const struct pick_deal *deal, const struct pick_hold *hold,
				uint32_t usable)
{
	if (hold->holder && is_usable(usable, hold->holder - 1U))
		return hold->holder - 1U;
	if (is_usable(usable, deal->home))
		return deal->home;
	return is_usable(usable, deal->fallback) ? deal->fallback : PICK_NOBODY;
}

unsigned int deal_held(const struct pick_deal *deal, const struct pick_hold *hold, uint32_t usable,
		       unsigned int slot)
{
	unsigned int count = 0;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		count += next_holder(&deal[bucket], &hold[bucket], usable) == slot;
	return count;
}
