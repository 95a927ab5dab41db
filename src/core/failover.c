// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/failover.h"

#include "core/paths.h"

#include <errno.h>

void team_run_init(struct team_run *run)
{
	*run = (struct team_run){.primary = FAILOVER_NO_PRIMARY};
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		health_init(&run->health[slot]);
}

static uint32_t slots_of(const struct team_seat *seats, unsigned int count)
{
	uint32_t slots = 0;

	for (unsigned int i = 0; i < count; i++)
		slots |= 1U << seats[i].slot;
	return slots;
}

static uint32_t drained_slots(const struct team_run *run)
{
	uint32_t drained = 0;

	for (unsigned int i = 0; i < run->count; i++)
		if (run->seats[i].drained)
			drained |= 1U << run->seats[i].slot;
	return drained;
}

void team_run_arrange(struct team_run *run, const struct team_seat *seats, unsigned int count)
{
	uint32_t slots = slots_of(seats, count);

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (!(slots >> slot & 1))
			health_init(&run->health[slot]);
	run->usable &= slots;
	if (run->primary != FAILOVER_NO_PRIMARY && !(slots >> run->primary & 1))
		run->primary = FAILOVER_NO_PRIMARY;
	run->count = count;
	for (unsigned int i = 0; i < count; i++)
		run->seats[i] = seats[i];
	run->retired &= drained_slots(run);
	run->barred &= slots;
}

const struct team_seat *team_run_seat(const struct team_run *run, int slot)
{
	for (unsigned int i = 0; i < run->count; i++)
		if (run->seats[i].slot == slot)
			return &run->seats[i];
	return NULL;
}

static uint32_t well_slots(const struct team_run *run)
{
	uint32_t well = 0;

	for (unsigned int i = 0; i < run->count; i++)
		if (health_is_well(&run->health[run->seats[i].slot]))
			well |= 1U << run->seats[i].slot;
	return well;
}

/*
 * Losses first, so that a return in the same step sees who is still there; then returns, in the
 * configuration's order: if nobody is well the first that has carrier is used at once.
 */
static void step_all(struct team_run *run, const struct health_facts *facts,
		     const struct health_holds *holds, uint64_t now_ns)
{
	for (int returns = 0; returns < 2; returns++)
		for (unsigned int i = 0; i < run->count; i++) {
			uint8_t slot = run->seats[i].slot;
			bool lost = health_judge(&facts[slot]) != REASON_NONE;

			if (lost != returns)
				health_step(&run->health[slot], &facts[slot],
					    !(well_slots(run) & ~(1U << slot)), holds, now_ns);
		}
}

/* The first end of a stable time; 0 if nobody waits. */
static uint64_t next_deadline(const struct team_run *run)
{
	uint64_t deadline = 0;

	for (unsigned int i = 0; i < run->count; i++) {
		const struct health *health = &run->health[run->seats[i].slot];

		if (health->reason == REASON_WAITING_FOR_STABLE &&
		    (!deadline || health->stable_at_ns < deadline))
			deadline = health->stable_at_ns;
	}
	return deadline;
}

/* A retired member is better than nobody. */
static uint32_t usable_slots(const struct team_run *run)
{
	uint32_t well = well_slots(run);

	return well & ~run->retired ? well & ~run->retired : well;
}

/* Who is primary rather than who: the lower the better. */
static unsigned int seat_rank(const struct team_seat *seat)
{
	if (seat->drained)
		return 2;
	return seat->role == ROLE_STANDBY ? 1 : 0;
}

static bool is_barred(const struct team_run *run, const struct team_seat *seat)
{
	return run->barred >> seat->slot & 1;
}

/* … and who may have the team's MAC before who may not. */
static unsigned int primary_rank(const struct team_run *run, const struct team_seat *seat)
{
	return seat_rank(seat) + (is_barred(run, seat) ? 3 : 0);
}

/* The first one of these slots in the configuration, by rank; nobody whose better path carries. */
static const struct team_seat *best_of(const struct team_run *run, uint32_t slots)
{
	const struct team_seat *best = NULL;

	slots &= ~paths_idle(run);
	for (unsigned int i = 0; i < run->count; i++) {
		const struct team_seat *seat = &run->seats[i];

		if ((slots >> seat->slot & 1) &&
		    (!best || primary_rank(run, seat) < primary_rank(run, best)))
			best = seat;
	}
	return best;
}

static const struct team_seat *best_seat(const struct team_run *run)
{
	return best_of(run, run->usable);
}

/* T7: the primary stays while it is usable; T13: by its other path, too. */
static int choose_primary(const struct team_run *run)
{
	const struct team_seat *best = best_seat(run);
	int other = paths_other(run, run->primary);

	if (run->primary != FAILOVER_NO_PRIMARY && (run->usable >> run->primary & 1))
		return run->primary;
	if (other >= 0 && (run->usable >> other & 1))
		return other;
	return best ? best->slot : run->primary;
}

void failover_decide(struct team_run *run, const struct health_facts *facts,
		     const struct health_holds *holds, uint64_t now_ns,
		     struct decision *ret_decision)
{
	struct decision decision = {.primary_before = run->primary};
	uint32_t before = run->usable;

	step_all(run, facts, holds, now_ns);
	run->usable = usable_slots(run);
	run->barred &= ~(before & ~run->usable);
	run->primary = choose_primary(run);
	decision.lost = before & ~run->usable;
	decision.returned = run->usable & ~before;
	decision.primary = run->primary;
	decision.deadline_ns = next_deadline(run);
	*ret_decision = decision;
}

/* T6: are all active members at work? Those that are drained are not expected to be. */
static bool actives_well(const struct team_run *run)
{
	for (unsigned int i = 0; i < run->count; i++)
		if (seat_rank(&run->seats[i]) == 0 &&
		    !(run->usable >> paths_front(run, run->seats[i].slot) & 1))
			return false;
	return true;
}

/* Should another member be primary than @now's? */
static bool steps_back(const struct team_run *run, const struct team_seat *now,
		       const struct team_seat *best)
{
	if (!best || primary_rank(run, now) <= primary_rank(run, best))
		return false;
	return now->drained || is_barred(run, now) || actives_well(run);
}

int failover_preferred(const struct team_run *run)
{
	const struct team_seat *now = team_run_seat(run, run->primary), *best = best_seat(run);

	if (!now)
		return FAILOVER_NO_PRIMARY;
	if (steps_back(run, now, best))
		return best->slot;
	return paths_idle(run) >> now->slot & 1 ? now->other - 1 : FAILOVER_NO_PRIMARY;
}

/* T13: a member's buckets are at home with one of its paths. */
static bool is_front(const struct team_run *run, const struct team_seat *seat)
{
	return paths_front(run, seat->slot) == seat->slot;
}

void team_run_homes(const struct team_run *run, uint32_t *ret_weights)
{
	uint32_t any = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		ret_weights[slot] = 0;
	for (unsigned int i = 0; i < run->count; i++) {
		const struct team_seat *seat = &run->seats[i];

		ret_weights[seat->slot] =
			seat_rank(seat) || !is_front(run, seat) ? 0 : seat->weight;
		any |= ret_weights[seat->slot];
	}
	/* All active ones are drained: the standby is at home then. */
	for (unsigned int i = 0; !any && i < run->count; i++)
		if (!run->seats[i].drained && is_front(run, &run->seats[i]))
			ret_weights[run->seats[i].slot] = run->seats[i].weight;
}

void team_run_fallbacks(const struct team_run *run, uint32_t *ret_weights)
{
	uint32_t standby = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		ret_weights[slot] = 0;
	for (unsigned int i = 0; i < run->count; i++) {
		const struct team_seat *seat = &run->seats[i];

		if (!(run->usable >> seat->slot & 1) || !is_front(run, seat) ||
		    (seat->drained && seat != best_seat(run)))
			continue;
		ret_weights[seat->slot] = seat->weight;
		if (seat_rank(seat) == 1)
			standby |= 1U << seat->slot;
	}
	for (unsigned int slot = 0; standby && slot < PICK_SLOTS; slot++)
		if (!(standby >> slot & 1))
			ret_weights[slot] = 0;
}

/* Members, not paths: one of two that is well is enough. */
static unsigned int count_well(const struct team_run *run)
{
	uint32_t well = well_slots(run) & ~run->barred;
	unsigned int count = 0;

	for (unsigned int i = 0; i < run->count; i++) {
		int slot = run->seats[i].slot, other = run->seats[i].other - 1;

		count += (well >> slot & 1) && (other < slot || !(well >> other & 1));
	}
	return count;
}

enum team_state team_run_state(const struct team_run *run, unsigned int configured)
{
	if (!run->usable)
		return TEAM_DOWN;
	return count_well(run) >= configured ? TEAM_UP : TEAM_DEGRADED;
}

enum member_state member_run_state(const struct team_run *run, int slot,
				   enum member_reason *ret_reason)
{
	const struct team_seat *seat;
	bool idle;

	slot = paths_front(run, slot);
	seat = team_run_seat(run, slot);
	*ret_reason = run->health[slot].reason;
	if (!seat || *ret_reason != REASON_NONE)
		return MEMBER_FAILED;
	idle = seat->drained ? !(run->usable >> slot & 1)
			     : seat->role == ROLE_STANDBY && actives_well(run);
	/* Windows calls a healthy standby so, too. */
	if (idle || seat->drained)
		*ret_reason = REASON_ADMINISTRATIVE_DECISION;
	if (is_barred(run, seat))
		*ret_reason = REASON_MAC_NOT_PERMITTED;
	return idle ? MEMBER_STANDBY : MEMBER_ACTIVE;
}

int failover_heir(const struct team_run *run)
{
	uint32_t others = run->primary == FAILOVER_NO_PRIMARY ? run->usable
							      : run->usable & ~(1U << run->primary);
	const struct team_seat *heir = best_of(run, others);
	int other = paths_other(run, run->primary);

	if (other >= 0 && (run->usable >> other & 1))
		return other;
	return heir ? heir->slot : FAILOVER_NO_PRIMARY;
}

int failover_switch(struct team_run *run, int slot)
{
	const struct team_seat *seat = team_run_seat(run, slot), *best = best_seat(run);
	bool same = slot == paths_other(run, run->primary); /* member, by its other path */

	if (!seat || !(run->usable >> slot & 1) || (!same && seat_rank(seat) > seat_rank(best)))
		return -EBUSY;
	run->primary = slot;
	return 0;
}

int failover_bar(struct team_run *run, int slot)
{
	const struct team_seat *best;

	run->barred |= 1U << slot;
	best = best_seat(run);
	if (run->primary == slot && best && !is_barred(run, best))
		run->primary = best->slot;
	return run->primary;
}

void failover_unbar(struct team_run *run, int slot)
{
	run->barred &= ~(1U << slot);
}

bool failover_can_drain(const struct team_run *run, int slot)
{
	for (unsigned int i = 0; i < run->count; i++)
		if (run->seats[i].slot != slot && run->seats[i].other != slot + 1 &&
		    !run->seats[i].drained && (run->usable >> run->seats[i].slot & 1))
			return true;
	return false;
}
