/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a member well (T11)?
 *
 * Theory of operation. Facts come from the kernel's events; each step is a pure function of the
 * last health, the facts and the time. A loss counts at once. A return counts when carrier has
 * held for the stable time, unless no other member is well: then at once. A member that has just
 * joined has lost nothing yet and does not wait.
 */
#pragma once

#include "model/team.h"

/* What is known of a device at one moment. */
struct health_facts {
	bool present;  /* the device exists and is the team's slave */
	bool admin_up; /* IFF_UP */
	bool carrier;  /* as its driver reports it */
};

struct health {
	enum member_reason reason; /* REASON_NONE = well */
	bool was_lost;		   /* it was a member and failed */
	uint64_t stable_at_ns;	   /* while waiting: the end of the stable time */
};

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
		 uint64_t stable_ns, uint64_t now_ns);
