// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When the daemon is dead bonding fails over alone, and the sending program learns of it from the
 * source of the first frame (T16). A packet socket's frames do not teach: test_queue.c.
 */
#include "run.h"
#include "world.h"

#include "base/strings.h"
#include "model/drop.h"
#include "model/note.h"
#include "model/probe.h"

#include "datapath/team.skel.h" /* uses the types of model/ */

#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>

static struct team_bpf *team;
static int program;

#define ALL_USABLE (1U << SLOT_A | 1U << SLOT_B | 1U << SLOT_C | 1U << SLOT_Z)

struct learning_case {
	const char *what, *frame;
	uint32_t usable;
	unsigned primary; /* afterwards; before it is A */
};

static const struct learning_case cases[] = {
	{"the team's own source", MAC_PEER MAC_A TCP4, ALL_USABLE, SLOT_A},
	{"unicast", MAC_PEER MAC_B TCP4, ALL_USABLE, SLOT_B},
	{"the last slot", MAC_PEER MAC_Z TCP4, ALL_USABLE, SLOT_Z},
	{"the announcement for IPv4", MAC_BROADCAST MAC_C ARP("01"), ALL_USABLE, SLOT_C},
	{"the announcement for IPv6", "333300 000001 " MAC_B IP6_TO("3a", GROUP6) ICMP6("88"),
	 ALL_USABLE, SLOT_B},
	{"an announcement in a VLAN", MAC_BROADCAST MAC_C VLAN ARP("01"), ALL_USABLE, SLOT_C},
	{"a multicast report", "333300 000016 " MAC_B IP6_TO("3a", GROUP6) ICMP6("8f"), ALL_USABLE,
	 SLOT_B},
	{"the daemon has seen the loss", MAC_PEER MAC_B TCP4, ALL_USABLE & ~(1U << SLOT_A), SLOT_B},
	{"nothing is wanted", MAC_PEER MAC_B TCP4, 0, SLOT_B},
	{"a frame older than the loss of its member", MAC_PEER MAC_B TCP4,
	 ALL_USABLE & ~(1U << SLOT_B), SLOT_A},
	{"a foreign source", MAC_PEER MAC_FOREIGN TCP4, ALL_USABLE, SLOT_A},
	{"a foreign source, nothing is wanted", MAC_PEER MAC_FOREIGN TCP4, 0, SLOT_A},
	{"zero, which free slots have", MAC_PEER MAC_ZERO TCP4, ALL_USABLE, SLOT_A},
	{"zero, nothing is wanted", MAC_PEER MAC_ZERO TCP4, 0, SLOT_A},
};

static void team_reset(uint32_t usable)
{
	struct pick_state state = {.layout = PICK_LAYOUT, .idle_ns = 1000000000};

	frame_members(&state);
	state.usable = usable;
	team->data_state->state = state;
	/* Whatever is not the primary's is bonding's choice. */
	for (size_t i = 0; i < PICK_BUCKETS; i++)
		team->data_deal->deal[i] = (struct pick_deal){PICK_NOBODY, PICK_NOBODY};
}

static void test_learning(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pick_state *state = &team->data_state->state, expected;
		struct run run;

		team_reset(cases[i].usable);
		state->ifindex = RUN_LO;
		expected = *state;
		expected.primary = cases[i].primary;
		memcpy(expected.team_mac, expected.member_macs[cases[i].primary],
		       sizeof(expected.team_mac));
		run_text(program, cases[i].frame, 0, RUN_LO, 0, &run);
		if (state->primary != cases[i].primary)
			fail_msg("%s: the primary is %u", cases[i].what, state->primary);
		assert_memory_equal(state, &expected, sizeof(expected));
		assert_int_equal(run.verdict, RUN_NEXT);
		frame_leave(state, PICK_NOBODY, run.in);
		assert_memory_equal(run.out, run.in, run.in_length);
	}
}

/* A question teaches nothing, whoever's source it has. */
static void test_question_teaches_nothing(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pick_state *state = &team->data_state->state, before;
		struct run run;

		team_reset(cases[i].usable);
		before = *state;
		run_text(program, cases[i].frame, 0, RUN_LO, 0, &run);
		assert_memory_equal(state, &before, sizeof(before));
	}
}

/* No member has the zero MAC of a free slot: it is somebody else's frame. */
static void test_zero_is_foreign(void **unused)
{
	static const uint32_t masks[] = {ALL_USABLE, 0};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		struct run run;

		team_reset(masks[i]);
		run_text(program, MAC_PEER MAC_ZERO TCP4, 0, RUN_LO, 0, &run);
		assert_int_equal(PICK_VERDICT_WHY(run.cb[0]), PICK_FOREIGN);
	}
}

static int make_team(void **state)
{
	if (world_make(state))
		return -1;
	team = team_bpf__open_and_load();
	assert_non_null(team);
	program = bpf_program__fd(team->progs.team_egress);
	return 0;
}

static int end_team(void **state)
{
	team_bpf__destroy(team);
	return world_end(state);
}

#define TEAM(test) cmocka_unit_test_setup_teardown(test, make_team, end_team)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEAM(test_learning),
		TEAM(test_question_teaches_nothing),
		TEAM(test_zero_is_foreign),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
