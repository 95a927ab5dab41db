/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Which member a flow takes: the one piece of logic that the BPF program, the tests and the
 * daemon share (its data: model/steering.h).
 *
 * Theory of operation. A flow's hash names a bucket. The daemon deals buckets to members: each
 * has a home, and a fallback for when the home is lost. The program remembers who holds the
 * bucket now. A bucket whose holder is usable stays where it is (T5: a flow that need not move
 * never moves). When the holder is lost the next frame takes the bucket to its home, or to its
 * fallback. When the home is usable again the bucket goes back at the first frame that follows
 * idle_ns of silence, so that no frame overtakes another, or after the home's return_by.
 *
 * Who writes what: struct pick_deal and struct pick_state belong to the daemon; struct pick_hold
 * belongs to the program, as do team_mac and primary when the kernel fails over by itself
 * (datapath/team.bpf.c, "learning"). A member is used if two words agree: usable, the daemon's, and
 * lost, the carrier program's (datapath/carrier.bpf.c), from which the daemon takes a bit only that
 * is proven wrong (daemon/team_carrier.c).
 *
 * The includer defines PICK_NOW(), nanoseconds of the monotonic clock, read only when needed.
 */
#pragma once

#include "model/steering.h"

static inline __u32 pick_bucket(__u32 hash)
{
	return hash & (PICK_BUCKETS - 1);
}

/* A bit per slot: daemon and carrier program both hold it well. */
static inline __u32 pick_mask(const struct pick_state *state)
{
	return state->usable & ~state->lost;
}

static inline int pick_usable(const struct pick_state *state, __u8 slot)
{
	return slot < PICK_SLOTS && (pick_mask(state) >> slot & 1);
}

/* The primary; while its carrier is gone and the daemon has not chosen another one, the heir. */
static inline __u32 pick_primary(const struct pick_state *state)
{
	__u32 primary = state->primary, heir = state->heir - 1;

	if (primary >= PICK_SLOTS || !(state->lost >> primary & 1))
		return primary;
	return heir < PICK_SLOTS && pick_usable(state, (__u8)heir) ? heir : primary;
}

/*
 * The bucket is away and its home is well: may it go back with this frame? A bucket that came to
 * be away because homes were dealt anew has been seen then at the latest. Another processor may
 * have stored a later time than ours: then it was seen just now.
 */
static inline int pick_may_return(const struct pick_state *state, const struct pick_hold *hold,
				  __u8 home, __u64 now)
{
	__u64 seen = hold->seen_ns > state->dealt_ns ? hold->seen_ns : state->dealt_ns;
	__u64 by = state->return_by[home & (PICK_SLOTS - 1)];

	return (now > seen && now - seen > state->idle_ns) || (by && now > by);
}

/* The holder is well but not at home: go on holding, or go back. */
static inline __u8 pick_away(const struct pick_state *state, struct pick_hold *hold, __u8 home,
			     __u8 holder, __u32 *ret_why)
{
	__u64 now = PICK_NOW();

	if (!pick_usable(state, home)) {
		*ret_why = PICK_FALLBACK;
	} else if (pick_may_return(state, hold, home, now)) {
		*ret_why = PICK_HOME;
		hold->holder = home + 1;
		return home;
	} else {
		*ret_why = PICK_HELD;
	}
	hold->seen_ns = now;
	return holder;
}

/* The holder is lost: home if that is well, else the fallback. */
static inline __u8 pick_anew(const struct pick_state *state, const struct pick_deal *deal,
			     struct pick_hold *hold, __u32 *ret_why)
{
	if (pick_usable(state, deal->home)) {
		*ret_why = PICK_HOME;
		hold->holder = deal->home + 1;
		return deal->home;
	}
	if (pick_usable(state, deal->fallback)) {
		*ret_why = PICK_FALLBACK;
		hold->holder = deal->fallback + 1;
		hold->seen_ns = PICK_NOW();
		return deal->fallback;
	}
	*ret_why = PICK_UNUSABLE;
	return PICK_NOBODY;
}

/* The slot for a frame of this bucket, or PICK_NOBODY; updates @hold, says why in @ret_why. */
static inline __u8 pick_slot(const struct pick_state *state, const struct pick_deal *deal,
			     struct pick_hold *hold, __u32 *ret_why)
{
	__u8 home = deal->home;
	__u8 holder = hold->holder ? hold->holder - 1 : home;

	if (!pick_usable(state, holder))
		return pick_anew(state, deal, hold, ret_why);
	if (holder != home)
		return pick_away(state, hold, home, holder, ret_why);
	if (!hold->holder)
		hold->holder = home + 1;
	*ret_why = PICK_HOME;
	return home;
}
