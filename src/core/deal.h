/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dealing buckets to members (T4, T5): exact shares, and a change of members moves no bucket
 * that need not move.
 */
#pragma once

#include "model/steering.h"

#include <stdbool.h>
#include <stdint.h>

/* A table in which nobody has anything. */
void deal_clear(struct pick_deal *deal);

/*
 * Homes: a member of weight w gets w / (sum of weights) of PICK_BUCKETS, exactly but for the part
 * of a bucket: what is left over goes one each to the largest parts, of equal ones to the lower
 * slots. @weights: PICK_SLOTS of them, 0 = no member. Buckets whose home may keep them stay.
 * Returns whether any moved.
 */
bool deal_homes(struct pick_deal *deal, const uint32_t *weights);

/*
 * Fallbacks: another member for each bucket, spread over each home's buckets by @weights
 * (PICK_SLOTS, 0 = must not be one). A fallback that still may be one stays; PICK_NOBODY where
 * there is no other member.
 */
void deal_fallbacks(struct pick_deal *deal, const uint32_t *weights);

/*
 * T13. @others: by slot, slot + 1 of the other path of the same member, 0 = none. What is at home with
 * a path that gets none by @weights moves to the other one; no bucket changes its member. Returns
 * whether any moved. Before deal_homes().
 */
bool deal_path_homes(struct pick_deal *deal, const uint8_t *others, const uint32_t *weights);

/* … and what is at home with one falls back to the other, if that is among @usable slots. */
void deal_path_fallbacks(struct pick_deal *deal, const uint8_t *others, uint32_t usable);

/* Buckets whose home is @slot. */
unsigned int deal_count(const struct pick_deal *deal, unsigned int slot);

/* Buckets whose next frame takes @slot, if it comes at @now_ns. */
unsigned int deal_held(const struct pick_deal *deal, const struct pick_hold *hold,
		       const struct pick_state *state, unsigned int slot, uint64_t now_ns);

/*
 * Buckets that @slot still carries though their home is another, usable member: those with a frame
 * within the state's idle time. The rest leave it with their next frame.
 */
unsigned int deal_lingering(const struct pick_deal *deal, const struct pick_hold *hold,
			    const struct pick_state *state, unsigned int slot, uint64_t now_ns);
