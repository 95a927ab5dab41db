// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/deal.h"

/* Nothing that reads the clock is used here: what is asked comes with its time. */
#define PICK_NOW() 0
#include "model/pick.h"

#include <string.h>

void deal_clear(struct pick_deal *deal)
{
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		deal[bucket] = (struct pick_deal){.home = PICK_NOBODY, .fallback = PICK_NOBODY};
}

/* What of a member's share is less than a bucket, in units of 1 / total of a bucket. */
static uint64_t share_rest(uint32_t weight, uint64_t total)
{
	return (uint64_t)PICK_BUCKETS * weight % total;
}

/* The member with the largest rest that has not been given it yet. */
static unsigned int largest_rest(const uint32_t *weights, uint64_t total, uint32_t given)
{
	unsigned int largest = PICK_SLOTS;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		if (!weights[slot] || (given >> slot & 1))
			continue;
		if (largest == PICK_SLOTS ||
		    share_rest(weights[slot], total) > share_rest(weights[largest], total))
			largest = slot;
	}
	return largest;
}

/* T4: shares that add up to PICK_BUCKETS; @total > 0. The rests are whole buckets together. */
static void share(const uint32_t *weights, uint64_t total, unsigned int *ret_shares)
{
	unsigned int left = PICK_BUCKETS;
	uint32_t given = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		ret_shares[slot] = (unsigned int)((uint64_t)PICK_BUCKETS * weights[slot] / total);
		left -= ret_shares[slot];
	}
	for (; left; left--) {
		unsigned int slot = largest_rest(weights, total, given);

		ret_shares[slot]++;
		given |= 1U << slot;
	}
}

/*
 * The slot that lacks the largest part of its share, of equal ones the next after @slot:
 * neighbouring buckets go to different members, so that a pattern in the hash hurts nobody.
 */
static unsigned int most_lacking(const unsigned int *left, const unsigned int *shares,
				 unsigned int slot)
{
	unsigned int most = PICK_SLOTS;

	for (unsigned int step = 1; step <= PICK_SLOTS; step++) {
		unsigned int next = (slot + step) % PICK_SLOTS;

		if (left[next] &&
		    (most == PICK_SLOTS || left[next] * shares[most] > left[most] * shares[next]))
			most = next;
	}
	return most;
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

bool deal_homes(struct pick_deal *deal, const uint32_t *weights)
{
	unsigned int shares[PICK_SLOTS], left[PICK_SLOTS], slot = PICK_SLOTS - 1;
	uint64_t total = 0;

	for (unsigned int i = 0; i < PICK_SLOTS; i++)
		total += weights[i];
	if (!total) {
		deal_clear(deal);
		return true;
	}
	share(weights, total, shares);
	memcpy(left, shares, sizeof(left));
	if (!keep_homes(deal, left))
		return false;
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		if (deal[bucket].home != PICK_NOBODY)
			continue;
		slot = most_lacking(left, shares, slot);
		left[slot]--;
		deal[bucket].home = (__u8)slot;
	}
	return true;
}

static bool may_fall_back(const struct pick_deal *entry, const uint32_t *weights)
{
	return entry->fallback < PICK_SLOTS && entry->fallback != entry->home &&
	       weights[entry->fallback];
}

/* Who of the others has the fewest of @home's buckets for its weight; PICK_NOBODY: no other. */
static __u8 least_served(const uint32_t *weights, const uint16_t *served, unsigned int home)
{
	__u8 least = PICK_NOBODY;

	for (unsigned int step = 1; step < PICK_SLOTS; step++) {
		unsigned int slot = (home + step) % PICK_SLOTS;

		if (!weights[slot])
			continue;
		if (least == PICK_NOBODY || (uint64_t)(served[slot] + 1) * weights[least] <
						    (uint64_t)(served[least] + 1) * weights[slot])
			least = (__u8)slot;
	}
	return least;
}

void deal_fallbacks(struct pick_deal *deal, const uint32_t *weights)
{
	uint16_t served[PICK_SLOTS][PICK_SLOTS] = {}; /* by home and fallback */

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		if (deal[bucket].home != PICK_NOBODY && may_fall_back(&deal[bucket], weights))
			served[deal[bucket].home][deal[bucket].fallback]++;
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		struct pick_deal *entry = &deal[bucket];

		if (entry->home == PICK_NOBODY || may_fall_back(entry, weights))
			continue;
		entry->fallback = least_served(weights, served[entry->home], entry->home);
		if (entry->fallback != PICK_NOBODY)
			served[entry->home][entry->fallback]++;
	}
}

/* PICK_SLOTS if there is none. */
static unsigned int other_path(const uint8_t *others, unsigned int slot)
{
	return slot < PICK_SLOTS && others[slot] ? others[slot] - 1U : PICK_SLOTS;
}

bool deal_path_homes(struct pick_deal *deal, const uint8_t *others, const uint32_t *weights)
{
	bool moved = false;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		unsigned int home = deal[bucket].home, other = other_path(others, home);

		if (other == PICK_SLOTS || weights[home] || !weights[other])
			continue;
		deal[bucket].home = (__u8)other;
		moved = true;
	}
	return moved;
}

void deal_path_fallbacks(struct pick_deal *deal, const uint8_t *others, uint32_t usable)
{
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		unsigned int other = other_path(others, deal[bucket].home);

		if (other < PICK_SLOTS && (usable >> other & 1))
			deal[bucket].fallback = (__u8)other;
	}
}

unsigned int deal_count(const struct pick_deal *deal, unsigned int slot)
{
	unsigned int count = 0;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		count += deal[bucket].home == slot;
	return count;
}

/* As pick_slot() chooses, though nothing is remembered. */
static unsigned int next_holder(const struct pick_deal *deal, const struct pick_hold *hold,
				const struct pick_state *state, uint64_t now_ns)
{
	__u8 holder = hold->holder ? hold->holder - 1 : deal->home;

	if (pick_usable(state, holder) &&
	    (holder == deal->home || !pick_usable(state, deal->home) ||
	     !pick_may_return(state, hold, deal->home, now_ns)))
		return holder;
	if (pick_usable(state, deal->home))
		return deal->home;
	return pick_usable(state, deal->fallback) ? deal->fallback : PICK_NOBODY;
}

unsigned int deal_held(const struct pick_deal *deal, const struct pick_hold *hold,
		       const struct pick_state *state, unsigned int slot, uint64_t now_ns)
{
	unsigned int count = 0;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		count += next_holder(&deal[bucket], &hold[bucket], state, now_ns) == slot;
	return count;
}

unsigned int deal_lingering(const struct pick_deal *deal, const struct pick_hold *hold,
			    const struct pick_state *state, unsigned int slot, uint64_t now_ns)
{
	unsigned int count = 0;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++) {
		uint64_t seen = hold[bucket].seen_ns > state->dealt_ns ? hold[bucket].seen_ns
								       : state->dealt_ns;

		count += hold[bucket].holder == slot + 1 && deal[bucket].home != slot &&
			 pick_usable(state, deal[bucket].home) && now_ns <= seen + state->idle_ns;
	}
	return count;
}
