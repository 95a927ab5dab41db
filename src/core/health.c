// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/health.h"

void health_init(struct health *health)
{
	*health = (struct health){.reason = REASON_NOT_PRESENT};
}

enum member_reason health_judge(const struct health_facts *facts)
{
	if (!facts->present)
		return REASON_NOT_PRESENT;
	if (!facts->admin_up)
		return REASON_ADMINISTRATIVE_DECISION;
	if (!facts->carrier)
		return REASON_MEDIA_DISCONNECTED;
	if (facts->silent)
		return REASON_PATH_UNRESPONSIVE;
	return REASON_NONE;
}

/* A loss soon after the return before it: the next return takes twice as long, to the bound. */
static uint64_t hold_after_loss(const struct health *health, const struct health_holds *holds,
				uint64_t now_ns)
{
	uint64_t first = holds->stable_ns, hold = health->hold_ns;

	if (!holds->max_ns || !health->was_lost || now_ns - health->well_since_ns >= holds->max_ns)
		return first;
	hold = hold < HEALTH_HOLD_FIRST_NS ? HEALTH_HOLD_FIRST_NS : 2 * hold;
	return hold < holds->max_ns ? hold : holds->max_ns;
}

static void become_well(struct health *health, uint64_t now_ns)
{
	health->reason = REASON_NONE;
	health->well_since_ns = now_ns;
}

void health_step(struct health *health, const struct health_facts *facts, bool alone,
		 const struct health_holds *holds, uint64_t now_ns)
{
	enum member_reason verdict = health_judge(facts);

	/* 1. A loss counts at once. */
	if (verdict != REASON_NONE) {
		if (health_is_well(health)) {
			health->hold_ns = hold_after_loss(health, holds, now_ns);
			health->was_lost = true;
		}
		health->reason = verdict;
		return;
	}
	/* 2. Well and still well. */
	if (health_is_well(health))
		return;
	/* 3. It comes for the first time, or it is needed: no wait. */
	if (!health->was_lost || alone) {
		become_well(health, now_ns);
		return;
	}
	/* 4. It returns: the hold begins … */
	if (health->reason != REASON_WAITING_FOR_STABLE) {
		health->reason = REASON_WAITING_FOR_STABLE;
		health->stable_at_ns =
			now_ns +
			(health->hold_ns > holds->stable_ns ? health->hold_ns : holds->stable_ns);
	}
	/* 5. … and ends. */
	if (now_ns >= health->stable_at_ns)
		become_well(health, now_ns);
}
