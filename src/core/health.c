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
	return REASON_NONE;
}

void health_step(struct health *health, const struct health_facts *facts, bool alone,
		 uint64_t stable_ns, uint64_t now_ns)
{
	enum member_reason verdict = health_judge(facts);

	/* 1. A loss counts at once. */
	if (verdict != REASON_NONE) {
		if (health_is_well(health))
			health->was_lost = true;
		health->reason = verdict;
		return;
	}
	/* 2. Well and still well. */
	if (health_is_well(health))
		return;
	/* 3. It comes for the first time, or it is needed: no wait. */
	if (!health->was_lost || alone) {
		health->reason = REASON_NONE;
		return;
	}
	/* 4. It returns: the stable time begins … */
	if (health->reason != REASON_WAITING_FOR_STABLE) {
		health->reason = REASON_WAITING_FOR_STABLE;
		health->stable_at_ns = now_ns + stable_ns;
	}
	/* 5. … and ends. */
	if (now_ns >= health->stable_at_ns)
		health->reason = REASON_NONE;
}
