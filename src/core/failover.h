/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a team does when its members' health changes: who is usable, who is primary.
 *
 * Pure: facts and time come in, a decision goes out; the daemon carries it out. Members are
 * known by slot, a small number that a member keeps for as long as it is configured, and that
 * the datapath's maps use as well.
 */
#pragma once

#include "core/health.h"
#include "model/steering.h"

#define FAILOVER_NO_PRIMARY (-1)

/* A team at run time. */
struct team_run {
	unsigned int count;		  /* members */
	uint8_t order[PICK_SLOTS];	  /* their slots, in the configuration's order */
	struct health health[PICK_SLOTS]; /* by slot */
	uint32_t usable;		  /* a bit per slot */
	int primary;			  /* slot, or FAILOVER_NO_PRIMARY */
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
 * Give the team these slots in this order; health of slots that stay is kept. A primary that
 * has gone is none until the next decision.
 */
void team_run_arrange(struct team_run *run, const uint8_t *order, unsigned int count);

/* @facts by slot. Updates @run. */
void failover_decide(struct team_run *run, const struct health_facts *facts, uint32_t stable_ms,
		     uint64_t now_ns, struct decision *ret_decision);

/*
 * T15: up if every one of the @configured members is well, down if none is, degraded between. A
 * member that was never there has no slot yet, but is wanted.
 */
enum team_state team_run_state(const struct team_run *run, unsigned int configured);

/* T20: may @slot be primary now? Sets it if so; -EBUSY if it is not usable. */
int failover_switch(struct team_run *run, int slot);
