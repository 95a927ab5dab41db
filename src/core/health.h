/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a member well (T11)?
 *
 * Theory of operation. Facts come from the kernel's events; each step is a pure function of the
 * last health, the facts and the time. A loss counts at once. A return counts when carrier has
 * held for the stable time, unless no other member is well: then at once. A member that has just
 * joined has lost nothing yet and does not wait.
 *
 * Damping. A member that is lost again before it was well for the calm time (the longest hold) is
 * held twice as long as the last time, up to the longest hold. So in any span of time a member
 * comes back at most as often as there are doublings from the first hold to the longest, and once
 * more for each calm time: a flap of any period ends in a member that stays out, or in a bounded
 * rate of changes.
 */
#pragma once

#include "model/team.h"

/* What is known of a device at one moment. */
struct health_facts {
	bool present;  /* the device exists and is the team's slave */
	bool admin_up; /* IFF_UP */
	bool carrier;  /* as its driver reports it */
	bool silent;   /* probes say that nothing comes through (core/probe.h) */
};

struct health {
	enum member_reason reason; /* REASON_NONE = well */
	bool was_lost;		   /* it was a member and failed */
	uint64_t stable_at_ns;	   /* while waiting: the end of the hold */
	uint64_t hold_ns;	   /* how long its next return takes */
	uint64_t well_since_ns;	   /* while well */
};

/* How long a returning member is held; nanoseconds. */
struct health_holds {
	uint64_t stable_ns; /* the first time */
	uint64_t max_ns;    /* however often it flaps; 0 = no damping, always stable_ns */
};

#define HEALTH_HOLD_FIRST_NS 100000000ULL /* what doubling begins with if stable_ns is less */

static inline bool health_is_well(const struct health *health)
{
	return health->reason == REASON_NONE;
}

/* What the facts alone say: a reason to be out, or REASON_NONE. */
enum member_reason health_judge(const struct health_facts *facts);

/* A member that has not been judged yet. */
void health_init(struct health *health);

/* One step. Times are nanoseconds of any monotonic clock. @alone: no other member is well. */
void health_step(struct health *health, const struct health_facts *facts, bool alone,
		 const struct health_holds *holds, uint64_t now_ns);
