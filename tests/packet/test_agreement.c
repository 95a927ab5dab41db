// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loaded program against the same header compiled for user space (T18): thousands of random
 * teams and flows, each asked and each sent, must get the same slot for the same reason and leave
 * the bucket in the same state.
 *
 * Time. The program reads the clock somewhere between the two readings that surround its run, so
 * user space decides at both. Where they differ the run fell on a deadline, and either is right;
 * that must be rare.
 */
#include "run.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

static uint64_t pick_clock;
#define PICK_NOW() pick_clock
#include "model/drop.h"
#include "model/note.h"
#include "model/pick.h"
#include "model/probe.h"

#include "datapath/team.skel.h" /* uses the types of model/ */

#include <bpf/bpf.h>
#include <cmocka.h>

#define QUESTIONS 20000
#define SENDINGS 5000
#define UNDECIDED_PERCENT 1
#define MS 1000000ULL

static struct team_bpf *team;
static int program;

/* splitmix64 with a fixed seed: a failure comes again. */
static uint64_t draw(void)
{
	static uint64_t seed = 0x10f7ea3;
	uint64_t z = seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t draw_below(uint64_t bound)
{
	return draw() % bound;
}

static bool draw_one_in(unsigned count)
{
	return draw_below(count) == 0;
}

/* A slot: mostly one of a few, so that they meet; at times nobody, or what nobody should write. */
static uint8_t draw_slot(void)
{
	if (draw_one_in(10))
		return PICK_NOBODY;
	if (draw_one_in(20))
		return (uint8_t)draw();
	return (uint8_t)(draw_one_in(4) ? draw_below(PICK_SLOTS) : draw_below(3));
}

/* A moment up to two seconds ago, at times never, at times still to come. */
static uint64_t draw_moment(uint64_t now)
{
	if (draw_one_in(5))
		return 0;
	if (draw_one_in(5))
		return now + 100 * MS + draw_below(1000 * MS);
	return now - draw_below(2000 * MS);
}

static uint32_t draw_usable(void)
{
	if (draw_one_in(10))
		return draw_one_in(2) ? 0 : ~0U;
	return (uint32_t)(draw_one_in(2) ? draw() : draw_below(8));
}

/* A team at random, and within it the bucket that will be asked for. */
static void draw_team(uint32_t bucket)
{
	struct pick_state *state = &team->data_state->state;
	struct pick_hold *hold = &team->data_hold->hold[bucket];
	uint64_t now = monotonic();

	state->usable = draw_usable();
	state->primary = (uint32_t)draw_below(PICK_SLOTS);
	state->idle_ns = draw_one_in(5) ? 0 : draw_below(1000 * MS);
	state->dealt_ns = draw_moment(now);
	for (size_t i = 0; i < PICK_SLOTS; i++)
		state->return_by[i] = draw_moment(now);
	team->data_deal->deal[bucket] = (struct pick_deal){draw_slot(), draw_slot()};
	hold->holder = draw_one_in(4) ? 0 : (uint8_t)(draw_slot() + 1);
	hold->seen_ns = draw_moment(now);
}

struct decision {
	uint32_t why, slot;
	struct pick_hold hold;
};

static struct decision decide(uint32_t bucket, uint64_t now)
{
	struct decision decision = {.hold = team->data_hold->hold[bucket]};

	pick_clock = now;
	decision.slot = pick_slot(&team->data_state->state, &team->data_deal->deal[bucket],
				  &decision.hold, &decision.why);
	return decision;
}

static bool same_decision(const struct decision *a, const struct decision *b)
{
	return a->why == b->why && a->slot == b->slot && a->hold.holder == b->hold.holder;
}

static void run_frame(uint32_t hash, struct run *ret_run)
{
	run_text(program, MAC_PEER MAC_A TCP4, 0, RUN_LO, hash, ret_run);
}

static void test_question(void **unused)
{
	unsigned undecided = 0;

	(void)unused;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		uint32_t hash = (uint32_t)draw() | 1U << 31; /* 0 would ask for the frame's own */
		struct decision first, last, *right;
		struct run run;

		draw_team(pick_bucket(hash));
		first = decide(pick_bucket(hash), monotonic());
		run_frame(hash, &run);
		last = decide(pick_bucket(hash), monotonic());
		undecided += !same_decision(&first, &last);
		right = run.cb[0] == PICK_VERDICT(first.why, first.slot) ? &first : &last;
		if (run.cb[0] != PICK_VERDICT(right->why, right->slot))
			fail_msg("question %u: %#x, here %#x", i, run.cb[0],
				 PICK_VERDICT(right->why, right->slot));
		assert_int_equal(run.cb[1], hash);
	}
	assert_in_range(undecided, 0, QUESTIONS * UNDECIDED_PERCENT / 100);
}

/* Is this how the program left the bucket, if it decided between two moments? */
static bool left_so(const struct pick_hold *hold, const struct decision *decision, uint64_t from,
		    uint64_t to, const struct pick_hold *before)
{
	bool seen_now = decision->hold.seen_ns != before->seen_ns;

	if (hold->holder != decision->hold.holder)
		return false;
	return seen_now ? hold->seen_ns >= from && hold->seen_ns <= to
			: hold->seen_ns == before->seen_ns;
}

static bool send_agrees(uint32_t bucket, unsigned *undecided)
{
	const struct pick_hold *hold = &team->data_hold->hold[bucket];
	struct pick_hold before = *hold, after;
	struct decision first, last;
	uint64_t from = monotonic(), to;
	struct run run;

	first = decide(bucket, from);
	run_frame(0, &run);
	to = monotonic();
	after = *hold;
	team->data_hold->hold[bucket] = before;
	last = decide(bucket, to);
	*undecided += !same_decision(&first, &last);
	return left_so(&after, &first, from, to, &before) ||
	       left_so(&after, &last, from, to, &before);
}

/* For real: the slot is in the frame's queue, which a test run does not show; the bucket is left. */
static void test_sending(void **unused)
{
	struct pick_state *state = &team->data_state->state;
	unsigned undecided = 0;
	struct run run;
	uint32_t bucket;

	(void)unused;
	run_frame(0, &run);
	bucket = pick_bucket(run.cb[1]);
	state->ifindex = RUN_LO;
	for (unsigned i = 0; i < SENDINGS; i++) {
		draw_team(bucket);
		if (!send_agrees(bucket, &undecided))
			fail_msg("sending %u: the bucket was left otherwise", i);
	}
	assert_in_range(undecided, 0, SENDINGS * UNDECIDED_PERCENT / 100);
}

/* Random frames whose class is known because they are made for it; the rest of them is noise. */
static void test_classes(void **unused)
{
	static const struct {
		const char *head;
		enum pick_why why;
	} heads[] = {
		{MAC_PEER MAC_A IP4("06", DONT_FRAGMENT), PICK_HOME},
		{MAC_PEER MAC_B IP6("11"), PICK_HOME},
		{MAC_PEER MAC_A VLAN IP4("11", LATER_FRAGMENT), PICK_HOME},
		{MAC_PEER MAC_A IP6("2c"), PICK_HOME},
		{MAC_PEER MAC_A IP6("3a") "80", PICK_HOME},
		{MAC_PEER MAC_A "8864", PICK_HOME},
		{MAC_PEER MAC_A "0806", PICK_ARP},
		{MAC_PEER MAC_A QINQ "0806", PICK_ARP},
		{MAC_PEER MAC_A IP6("3a") "87", PICK_DISCOVERY},
		{MAC_MULTICAST6 MAC_A QINQ IP6("3a") "88", PICK_DISCOVERY},
		{MAC_MULTICAST4 MAC_A IP4("11", DONT_FRAGMENT), PICK_MULTICAST},
		{MAC_BROADCAST MAC_Z "8847", PICK_MULTICAST},
		{MAC_PEER MAC_FOREIGN, PICK_FOREIGN},
		{MAC_MULTICAST4 MAC_FOREIGN, PICK_FOREIGN},
	};

	(void)unused;
	team->data_state->state.usable = ~0U;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		size_t which = draw_below(sizeof(heads) / sizeof(heads[0])), head;
		struct run run = {.ifindex = RUN_LO};

		head = frame_parse(heads[which].head, 0, run.in);
		run.in_length = head + 48 + draw_below(1400);
		for (size_t j = head; j < run.in_length; j++)
			run.in[j] = (uint8_t)draw();
		/* Of a foreign frame the type is noise, too, but a test run wants a whole IP header. */
		run_again(program, &run);
		if (PICK_VERDICT_WHY(run.cb[0]) != heads[which].why)
			fail_msg("frame %u (%s): %u", i, heads[which].head,
				 PICK_VERDICT_WHY(run.cb[0]));
		assert_int_equal(run.verdict, RUN_NEXT);
		assert_memory_equal(run.out, run.in, run.in_length);
	}
}

/*
 * T5: two processors send flows of one bucket. One has read the clock, then the other stores its
 * own, later reading; to the first the bucket was seen in the future, and so just now.
 */
static void test_seen_by_another_processor(void **unused)
{
	struct pick_state *state = &team->data_state->state;
	struct run run;

	(void)unused;
	state->usable = 1U << SLOT_A | 1U << SLOT_B;
	state->idle_ns = 500 * MS;
	team->data_deal->deal[1] = (struct pick_deal){SLOT_A, SLOT_B};
	team->data_hold->hold[1].holder = SLOT_B + 1;
	team->data_hold->hold[1].seen_ns = monotonic() + 10000 * MS;
	run_frame(PICK_BUCKETS | 1, &run);
	assert_int_equal(run.cb[0], PICK_VERDICT(PICK_HELD, SLOT_B));
}

static int make_team(void **unused)
{
	if (world_make(unused))
		return -1;
	team = team_bpf__open_and_load();
	assert_non_null(team);
	program = bpf_program__fd(team->progs.team_egress);
	frame_members(&team->data_state->state);
	return 0;
}

static int end_team(void **unused)
{
	team_bpf__destroy(team);
	return world_end(unused);
}

#define TEAM(test) cmocka_unit_test_setup_teardown(test, make_team, end_team)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEAM(test_question),
		TEAM(test_sending),
		TEAM(test_classes),
		TEAM(test_seen_by_another_processor),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
