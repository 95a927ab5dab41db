// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Teams in simulated time: the core's decisions, the dealing, and the selection that the BPF
 * program runs, under random sequences of faults and planned work (T4 to T6, T11, T20); and a year
 * of flaps at every period.
 *
 * Links have different latencies, each below the idle time, so that a frame that is sent on another
 * link too early arrives before the one sent ahead of it. What must hold for every frame:
 *   - it leaves on a usable member while there is one;
 *   - a flow moves only if its member is lost, or to its home, after a pause or at the bound;
 *   - a flow that its member's loss or a bound has not moved is never reordered.
 */
#include "base/strings.h"
#include "core/deal.h"
#include "core/failover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t now_ns;
#define PICK_NOW() now_ns
#include "model/pick.h"

#define MS 1000000ULL
#define SECOND (1000 * MS)
#define DAY (86400 * SECOND)
#define YEAR (365 * DAY)
#define IDLE (200 * MS)
#define BOUND (10 * SECOND)
#define LATENCY_MAX (IDLE / 2)

#define SEQUENCES 1000
#define EVENTS 40
#define FRAMES 150 /* between two events */
#define FLOWS 64

static const struct health_holds holds = {.stable_ns = SECOND, .max_ns = 60 * SECOND};
static const unsigned int sizes[] = {2, 3, 4, 8, 32};

struct flow {
	unsigned int bucket;
	uint8_t slot;	     /* that its last frame took, PICK_NOBODY at first */
	uint64_t sent_ns;    /* its last frame */
	uint64_t arrived_ns; /* the latest arrival of its frames */
};

static struct world {
	unsigned int count;
	struct team_seat seats[PICK_SLOTS];
	struct health_facts facts[PICK_SLOTS];
	uint64_t latency_ns[PICK_SLOTS];
	struct team_run run;
	struct pick_state state;
	struct pick_deal deal[PICK_BUCKETS];
	struct pick_hold hold[PICK_BUCKETS];
	struct flow flows[FLOWS];
	uint64_t deadline_ns;
} world;

static unsigned long chance(unsigned long bound)
{
	return (unsigned long)random() % bound;
}

/* --- what daemon/team.c does with a decision ---------------------------------------------- */

static void deal_behind(void)
{
	uint32_t weights[PICK_SLOTS];

	team_run_fallbacks(&world.run, weights);
	deal_fallbacks(world.deal, weights);
}

static void decide(void)
{
	struct decision decision;
	int preferred;

	failover_decide(&world.run, world.facts, &holds, now_ns, &decision);
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (decision.returned >> slot & 1)
			world.state.return_by[slot] = now_ns + BOUND;
	world.state.usable = world.run.usable;
	world.deadline_ns = decision.deadline_ns;
	deal_behind();
	preferred = failover_preferred(&world.run);
	if (preferred != FAILOVER_NO_PRIMARY)
		assert_int_equal(failover_switch(&world.run, preferred), 0);
}

static void settle(void)
{
	uint32_t weights[PICK_SLOTS];

	team_run_arrange(&world.run, world.seats, world.count);
	team_run_homes(&world.run, weights);
	if (deal_homes(world.deal, weights)) {
		world.state.dealt_ns = now_ns;
		for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
			world.state.return_by[slot] = now_ns + BOUND;
	}
	decide();
}

/* --- faults and planned work -------------------------------------------------------------- */

static void flip_carrier(unsigned int seat)
{
	struct health_facts *facts = &world.facts[world.seats[seat].slot];

	facts->carrier = !facts->carrier;
	decide();
}

/* A member that is removed and put in again keeps its slot, as after a re-plug. */
static void flip_presence(unsigned int seat)
{
	struct health_facts *facts = &world.facts[world.seats[seat].slot];

	facts->present = !facts->present;
	decide();
}

static void change_weight(unsigned int seat)
{
	world.seats[seat].weight = 1 + (uint32_t)chance(1000);
	settle();
}

static void flip_drain(unsigned int seat)
{
	uint8_t slot = world.seats[seat].slot;

	if (!world.seats[seat].drained && !failover_can_drain(&world.run, slot))
		return;
	world.seats[seat].drained = !world.seats[seat].drained;
	settle();
}

/* T20: a drained member retires when nothing lingers on it. */
static void retire_drained(void)
{
	for (unsigned int i = 0; i < world.count; i++) {
		const struct team_seat *seat = &world.seats[i];

		if (!seat->drained || (world.run.retired >> seat->slot & 1) ||
		    deal_lingering(world.deal, world.hold, &world.state, seat->slot, now_ns))
			continue;
		world.run.retired |= 1U << seat->slot;
		decide();
	}
}

static void happen(void)
{
	static void (*const events[])(unsigned int) = {flip_carrier,  flip_carrier,  flip_carrier,
						       flip_presence, change_weight, flip_drain};

	events[chance(ARRAY_SIZE(events))](chance(world.count));
}

/* --- frames --------------------------------------------------------------------------------- */

/* Why a flow may leave a member that is still well. */
static bool may_go_home(const struct flow *flow, uint8_t slot)
{
	uint64_t seen = flow->sent_ns > world.state.dealt_ns ? flow->sent_ns : world.state.dealt_ns;

	return world.deal[flow->bucket].home == slot &&
	       (now_ns - seen > IDLE || now_ns > world.state.return_by[slot]);
}

static void send(struct flow *flow)
{
	uint32_t why;
	uint8_t before = flow->slot, slot = pick_slot(&world.state, &world.deal[flow->bucket],
						      &world.hold[flow->bucket], &why);
	bool forced = before != PICK_NOBODY && !(world.state.usable >> before & 1);
	uint64_t arrival_ns;

	if (slot == PICK_NOBODY) {
		assert_int_equal(world.state.usable, 0);
		return;
	}
	assert_true(world.state.usable >> slot & 1);
	if (before != PICK_NOBODY && slot != before && !forced) {
		assert_true(may_go_home(flow, slot));
		forced = now_ns - flow->sent_ns <= IDLE; /* by the bound */
	}
	arrival_ns = now_ns + world.latency_ns[slot];
	if (!forced && arrival_ns < flow->arrived_ns && slot != before)
		fail_msg("a flow that need not move is reordered");
	if (arrival_ns > flow->arrived_ns)
		flow->arrived_ns = arrival_ns;
	flow->slot = slot;
	flow->sent_ns = now_ns;
}

/* One flow for each bucket, so that what the bucket remembers is what the flow did. */
static void traffic(void)
{
	for (unsigned int frame = 0; frame < FRAMES; frame++) {
		now_ns += chance(5 * MS) * (chance(40) ? 1 : 100);
		if (world.deadline_ns && now_ns >= world.deadline_ns)
			decide();
		retire_drained();
		send(&world.flows[chance(FLOWS)]);
	}
}

static void begin(unsigned int count)
{
	world = (struct world){.count = count, .state = {.idle_ns = IDLE}};
	now_ns = 1000 * SECOND;
	team_run_init(&world.run);
	deal_clear(world.deal);
	for (unsigned int i = 0; i < count; i++) {
		world.seats[i] = (struct team_seat){
			.slot = (uint8_t)i,
			.weight = chance(2) ? 100 : 1 + (uint32_t)chance(1000),
			.role = count > 2 && i == 2 && chance(2) ? ROLE_STANDBY : ROLE_ACTIVE,
		};
		world.facts[i] = (struct health_facts){true, true, true, false};
		world.latency_ns[i] = chance(LATENCY_MAX);
	}
	for (unsigned int i = 0; i < FLOWS; i++)
		world.flows[i] =
			(struct flow){.bucket = i * (PICK_BUCKETS / FLOWS), .slot = PICK_NOBODY};
	settle();
	decide();
}

static void random_sequences(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= SEQUENCES; seed++) {
		srandom(seed);
		begin(sizes[seed % ARRAY_SIZE(sizes)]);
		for (unsigned int event = 0; event < EVENTS; event++) {
			happen();
			traffic();
		}
	}
}

/* T5, plainly: one is lost and returns; who was with the others stays there all the time. */
static void loss_and_return_move_nobody_else(void **state)
{
	(void)state;
	srandom(5);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t before[FLOWS];

		begin(sizes[i]);
		for (unsigned int seat = 0; seat < world.count; seat++)
			world.seats[seat].role = ROLE_ACTIVE;
		settle();
		traffic();
		for (unsigned int flow = 0; flow < FLOWS; flow++)
			before[flow] = world.flows[flow].slot;
		for (unsigned int turn = 0; turn < 8; turn++) {
			flip_carrier(0);
			for (unsigned int round = 0; round < 20; round++)
				traffic();
			for (unsigned int flow = 0; flow < FLOWS; flow++)
				if (before[flow] != 0 && before[flow] != PICK_NOBODY)
					assert_int_equal(world.flows[flow].slot, before[flow]);
		}
	}
}

/* --- flaps (T11) ---------------------------------------------------------------------------- */

/* A member beside another that is always well. */
struct flapper {
	struct health health;
	unsigned int changes; /* of its being well, after it came */
};

static void flapper_begin(struct flapper *flapper)
{
	const struct health_facts well = {true, true, true, false};

	*flapper = (struct flapper){};
	health_init(&flapper->health);
	health_step(&flapper->health, &well, false, &holds, now_ns);
}

static void step(struct flapper *flapper, bool carrier)
{
	const struct health_facts facts = {true, true, carrier, false};
	bool well = health_is_well(&flapper->health);

	health_step(&flapper->health, &facts, false, &holds, now_ns);
	flapper->changes += well != health_is_well(&flapper->health);
}

/* Up for a while: the hold may end within. */
static void be_up(struct flapper *flapper, uint64_t for_ns)
{
	uint64_t end_ns = now_ns + for_ns;

	step(flapper, true);
	if (flapper->health.reason == REASON_WAITING_FOR_STABLE &&
	    flapper->health.stable_at_ns < end_ns) {
		now_ns = flapper->health.stable_at_ns;
		step(flapper, true);
	}
	now_ns = end_ns;
}

static void be_down(struct flapper *flapper, uint64_t for_ns)
{
	step(flapper, false);
	now_ns += for_ns;
}

/* Doublings from the first hold to the longest: 1, 2, 4, 8, 16, 32, 60 s. */
#define DOUBLINGS 6
/* A loss and a return are two changes; one more loss can follow. */
#define CHANGES_MAX (2 * (1 + DOUBLINGS) + 1)

/*
 * Once the member has been out through a whole period, and nothing is remembered but the hold,
 * which does not change any more, every later period is that one again: the year is over.
 */
static void flap_for_a_year(uint64_t period_ns, uint64_t up_ns)
{
	uint64_t end_ns = now_ns + YEAR;
	struct flapper flapper;

	flapper_begin(&flapper);
	while (now_ns < end_ns) {
		struct health before = flapper.health;
		unsigned int changes = flapper.changes;

		be_down(&flapper, period_ns - up_ns);
		be_up(&flapper, up_ns);
		if (changes == flapper.changes && !health_is_well(&before) &&
		    before.hold_ns == flapper.health.hold_ns)
			break;
	}
	if (flapper.changes > CHANGES_MAX)
		fail_msg("period %llu us: %u changes", (unsigned long long)(period_ns / 1000),
			 flapper.changes);
	assert_false(health_is_well(&flapper.health));
}

static void a_year_of_flaps_at_every_period(void **state)
{
	static const unsigned int parts[] = {1, 10, 50, 90, 99}; /* % of the period with carrier */

	(void)state;
	for (uint64_t period_ns = MS; period_ns <= 10 * SECOND; period_ns += MS)
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
			now_ns = SECOND;
			flap_for_a_year(period_ns, period_ns * parts[i] / 100);
		}
}

/* Without the short cut, at periods that change all the time; and slow ones, which are forgiven. */
static void a_year_of_random_flaps(void **state)
{
	static const uint64_t longest[] = {10 * SECOND, 60 * SECOND, 600 * SECOND, DAY};

	(void)state;
	srandom(11);
	for (size_t i = 0; i < ARRAY_SIZE(longest); i++) {
		struct flapper flapper;
		uint64_t begin_ns = now_ns = SECOND;

		flapper_begin(&flapper);
		while (now_ns - begin_ns < YEAR) {
			be_down(&flapper, 1 + (uint64_t)random() * 1000 % longest[i]);
			be_up(&flapper, 1 + (uint64_t)random() * 1000 % longest[i]);
		}
		if (longest[i] <= holds.max_ns)
			assert_in_range(flapper.changes, 1, CHANGES_MAX);
		assert_in_range(flapper.changes, 1,
				CHANGES_MAX + 2 * (now_ns - begin_ns) / holds.max_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sequences),
		cmocka_unit_test(loss_and_return_move_nobody_else),
		cmocka_unit_test(a_year_of_flaps_at_every_period),
		cmocka_unit_test(a_year_of_random_flaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
