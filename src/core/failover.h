/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a team does when its members' health changes: who is usable, who is primary.
 *
 * Pure: facts and time come in, a decision goes out; the daemon carries it out. Members are
 * known by slot, a small number that a member keeps for as long as it is configured, and that
 * the datapath's maps use as well.
 *
 * Theory of operation. Every member that is well is usable, the standby too: it carries nothing
 * because no bucket is at home with it, and everything that a lost member carried because it is
 * everybody's fallback (T6). A drained member (T20) loses its buckets as homes first, so that
 * flows leave it when they pause; once it is retired it is not usable either. If nobody else is
 * well a retired member is used all the same.
 */
#pragma once

#include "core/health.h"
#include "model/steering.h"

#define FAILOVER_NO_PRIMARY (-1)

/*
 * A member's place in the team, from its configuration, from drain and restore, and from what its
 * device is (core/mixed.h).
 */
struct team_seat {
	uint8_t slot;
	enum member_role role;
	uint32_t weight;
	bool drained;
	enum member_path path; /* T14 */
	uint32_t speed;	       /* Mbit/s, 0 = not known; T14 */
	bool set_aside;	       /* its role is standby for its path's sake; T14 */
	uint8_t other;	       /* T13: slot + 1 of the member's other path, 0 = it has one path */
	bool spare;	       /* … which is the better one: this carries while that cannot */
};

/* A team at run time. */
struct team_run {
	unsigned int count;		    /* members */
	struct team_seat seats[PICK_SLOTS]; /* in the configuration's order */
	struct health health[PICK_SLOTS];   /* by slot */
	uint32_t usable;		    /* a bit per slot */
	uint32_t retired;		    /* drained members that nothing uses any more */
	uint32_t barred; /* T8: they may not have the team's MAC, so far as is known */
	int primary;	 /* slot, or FAILOVER_NO_PRIMARY */
};

struct decision {
	uint32_t lost;	      /* slots that were usable and are not */
	uint32_t returned;    /* slots that are usable and were not */
	int primary_before;   /* slot, or FAILOVER_NO_PRIMARY */
	int primary;	      /* … the same if it stays */
	uint64_t deadline_ns; /* decide again at this time, 0 = not before the next event */
};

void team_run_init(struct team_run *run);

/*
 * Give the team these seats in this order; health of slots that stay is kept. A primary that
 * has gone is none until the next decision.
 */
void team_run_arrange(struct team_run *run, const struct team_seat *seats, unsigned int count);

/* The seat of @slot, NULL if nobody sits there. */
const struct team_seat *team_run_seat(const struct team_run *run, int slot);

/* @facts by slot. Updates @run. */
void failover_decide(struct team_run *run, const struct health_facts *facts,
		     const struct health_holds *holds, uint64_t now_ns,
		     struct decision *ret_decision);

/*
 * The weights that buckets are dealt by, PICK_SLOTS each, 0 = gets none. Homes: active members
 * that are not drained, well or not. Fallbacks: who takes over for a lost member now; those that
 * stand by if any is usable, else all usable members, by their weights.
 */
void team_run_homes(const struct team_run *run, uint32_t *ret_weights);
void team_run_fallbacks(const struct team_run *run, uint32_t *ret_weights);

/*
 * The slot that should be primary instead of the present one, to be changed in a planned way;
 * FAILOVER_NO_PRIMARY if there is none. A standby steps back when all active members are well
 * (T6), a drained member as soon as there is anybody else.
 */
int failover_preferred(const struct team_run *run);

/* T17: who becomes primary if the present one is lost next; FAILOVER_NO_PRIMARY if nobody can. */
int failover_heir(const struct team_run *run);

/* T20: may @slot be primary now? Sets it if so; -EBUSY if it is not, or should not be, used. */
int failover_switch(struct team_run *run, int slot);

/*
 * T15 mac-not-permitted: @slot was refused the team's MAC. It goes on carrying flows, and is
 * primary only if nobody else can be. Returns the primary, which may have changed. A loss of the
 * member ends it: when it is back it is tried anew.
 */
int failover_bar(struct team_run *run, int slot);
void failover_unbar(struct team_run *run, int slot);

/* T20: is there anybody else to carry what @slot carries? */
bool failover_can_drain(const struct team_run *run, int slot);

/*
 * T15: up if every one of the @configured members is well, down if none is, degraded between. A
 * member that was never there has no slot yet, but is wanted.
 */
enum team_state team_run_state(const struct team_run *run, unsigned int configured);

/* T15. The reason of a member that is not failed: none, or that somebody wants it so. */
enum member_state member_run_state(const struct team_run *run, int slot,
				   enum member_reason *ret_reason);
