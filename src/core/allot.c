// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation. The claims have one order: weight, then age. Who takes part keeps the VF
 * that he has; what is left is dealt in that order. Without @again all take part, so nobody loses
 * a VF. With it only as many as there are VFs, the first of the order: the others lose theirs, and
 * still nobody changes one VF for another.
 */
#include "core/allot.h"

#define VF_WORDS 4
#define VF_NONE (-1)

/* H4. Equal weights and serials cannot be, but the order must be one even so: then by place. */
static bool before(const struct allot_claim *a, const struct allot_claim *b)
{
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return a->serial != b->serial ? a->serial < b->serial : a < b;
}

/* The first in the order that wants a VF and comes after @last; NULL: there is none. */
static struct allot_claim *next_of(struct allot_claim *claims, size_t count,
				   const struct allot_claim *last)
{
	struct allot_claim *next = NULL;

	for (size_t i = 0; i < count; i++) {
		struct allot_claim *claim = &claims[i];

		if (claim->weight && (!last || before(last, claim)) &&
		    (!next || before(claim, next)))
			next = claim;
	}
	return next;
}

static unsigned int vf_count(const uint64_t *vfs)
{
	unsigned int sum = 0;

	for (unsigned int word = 0; word < VF_WORDS; word++)
		sum += (unsigned int)__builtin_popcountll(vfs[word]);
	return sum;
}

/* The lowest VF of the set is taken out of it; VF_NONE: the set is empty. */
static int vf_take_lowest(uint64_t *vfs)
{
	for (unsigned int word = 0; word < VF_WORDS; word++) {
		if (vfs[word]) {
			int bit = __builtin_ctzll(vfs[word]);

			vfs[word] &= vfs[word] - 1;
			return (int)word * 64 + bit;
		}
	}
	return VF_NONE;
}

/* The last claim of the order that takes part; NULL: all do. */
static const struct allot_claim *last_of(struct allot_claim *claims, size_t count,
					 unsigned int places)
{
	struct allot_claim *last = NULL, *next;

	while (places-- && (next = next_of(claims, count, last)))
		last = next;
	return last;
}

static bool takes_part(const struct allot_claim *claim, const struct allot_claim *last)
{
	return claim->weight && (!last || !before(last, claim));
}

/* Who keeps the VF: of several that say they have it, the first in the order. */
static struct allot_claim *holder_of(struct allot_claim *claims, size_t count, int vf,
				     const struct allot_claim *last)
{
	struct allot_claim *holder = NULL;

	for (size_t i = 0; i < count; i++)
		if (claims[i].held == vf && takes_part(&claims[i], last) &&
		    (!holder || before(&claims[i], holder)))
			holder = &claims[i];
	return holder;
}

void allot_vfs(struct allot_claim *claims, size_t count, const uint64_t usable[4], bool again)
{
	uint64_t seen[VF_WORDS], free[VF_WORDS] = {};
	const struct allot_claim *last = again ? last_of(claims, count, vf_count(usable)) : NULL;
	struct allot_claim *claim = NULL;
	int vf;

	for (size_t i = 0; i < count; i++)
		claims[i].got = VF_NONE;
	for (unsigned int word = 0; word < VF_WORDS; word++)
		seen[word] = usable[word];
	while ((vf = vf_take_lowest(seen)) != VF_NONE) {
		struct allot_claim *holder = holder_of(claims, count, vf, last);

		if (holder)
			holder->got = vf;
		else
			free[vf / 64] |= 1ULL << vf % 64;
	}
	while (vf_count(free) && (claim = next_of(claims, count, claim)) && takes_part(claim, last))
		if (claim->got == VF_NONE)
			claim->got = vf_take_lowest(free);
}
