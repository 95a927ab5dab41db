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
 * Homes: each of the @members (a bit per slot) gets PICK_BUCKETS / n, the lower slots one more
 * where that leaves a rest. Buckets whose home may keep them stay. Returns whether any moved.
 */
bool deal_homes(struct pick_deal *deal, uint32_t members);

/*
 * Fallbacks: another usable member for each bucket, spread evenly over each home's buckets. A
 * fallback that still serves stays; PICK_NOBODY where no other member is usable.
 */
void deal_fallbacks(struct pick_deal *deal, uint32_t usable);

/* Buckets whose home is @slot. */
unsigned int deal_count(const struct pick_deal *deal, unsigned int slot);

/* Buckets whose next frame takes @slot while these slots are usable (flows that return apart). */
unsigned int deal_held(const struct pick_deal *deal, const struct pick_hold *hold, uint32_t usable,
		       unsigned int slot);
