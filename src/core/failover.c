// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/failover.h"

#include <errno.h>

#define NS_PER_MS 1000000ULL

void team_run_init(struct team_run *run)
{
	*run = (struct team_run){.primary = FAILOVER_NO_PRIMARY};
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		health_init(&run->health[slot]);
}

static uint32_t slots_of(const uint8_t *order, unsigned int count)
{
	uint32_t slots = 0;

	for (unsigned int i = 0; i < count; i++)
		slots |= 1U << order[i];
	return slots;
}

void team_run_arrange(struct team_run *run, const uint8_t *order, unsigned int count)
{
	uint32_t slots = slots_of(order, count);

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (!(slots >> slot & 1))
			health_init(&run->health[slot]);
	run->usable &= slots;
	if (run->primary != FAILOVER_NO_PRIMARY && !(slots >> run->primary & 1))
		run->primary = FAILOVER_NO_PRIMARY;
	run->count = count;
	for (unsigned int i = 0; i < count; i++)
		run->order[i] = order[i];
}

static uint32_t well_slots(const struct team_run *run)
{
	uint32_t well = 0;

	for (unsigned int i = 0; i < run->count; i++)
		if (health_is_well(&run->health[run->order[i]]))
			well |= 1U << run->order[i];
	return well;
}

/*
 * Losses first, so that a return in the same step sees who is still there; then returns, in the
 * configuration's order: if nobody is well the first that has carrier is used at once.
 */
static void step_all(struct team_run *run, const struct health_facts *facts, uint64_t stable_ns,
		     uint64_t now_ns)
{
	for (int returns = 0; returns < 2; returns++)
		for (unsigned int i = 0; i < run->count; i++) {
			uint8_t slot = run->order[i];
			bool lost = health_judge(&facts[slot]) != REASON_NONE;

			if (lost != returns)
				health_step(&run->health[slot], &facts[slot],
					    !(well_slots(run) & ~(1U << slot)), stable_ns, now_ns);
		}
}

/* The first end of a stable time; 0 if nobody waits. */
static uint64_t next_deadline(const struct team_run *run)
{
	uint64_t deadline = 0;

	for (unsigned int i = 0; i < run->count; i++) {
		const struct health *health = &run->health[run->order[i]];

		if (health->reason == REASON_WAITING_FOR_STABLE &&
		    (!deadline || health->stable_at_ns < deadline))
			deadline = health->stable_at_ns;
	}
	return deadline;
}

/* T7: the primary stays while it is usable; else the first usable one of the configuration. */
static int choose_primary(const struct team_run *run)
{
	if (run->primary != FAILOVER_NO_PRIMARY && (run->usable >> run->primary & 1))
		return run->primary;
	for (unsigned int i = 0; i < run->count; i++)
		if (run->usable >> run->order[i] & 1)
			return run->order[i];
	return run->primary;
}

void failover_decide(struct team_run *run, const struct health_facts *facts, uint32_t stable_ms,
		     uint64_t now_ns, struct decision *ret_decision)
{
	struct decision decision = {.primary_before = run->primary};
	uint32_t before = run->usable;

	step_all(run, facts, stable_ms * NS_PER_MS, now_ns);
	run->usable = well_slots(run);
	run->primary = choose_primary(run);
	decision.lost = before & ~run->usable;
	decision.returned = run->usable & ~before;
	decision.primary = run->primary;
	decision.deadline_ns = next_deadline(run);
	*ret_decision = decision;
}

enum team_state team_run_state(const struct team_run *run, unsigned int configured)
{
	if (!run->usable)
		return TEAM_DOWN;
	return (unsigned int)__builtin_popcount(run->usable) >= configured ? TEAM_UP
									   : TEAM_DEGRADED;
}

int failover_switch(struct team_run *run, int slot)
{
	if (slot < 0 || slot >= PICK_SLOTS || !(run->usable >> slot & 1))
		return -EBUSY;
	run->primary = slot;
	return 0;
}
