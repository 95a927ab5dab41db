// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A team that keeps its one MAC (T8 `team`): with the daemon dead, the program at a member learns
 * from what bonding sends there that this member has become active, and exchanges the MACs of both
 * as bonding has (T16).
 */
#include "run.h"
#include "world.h"

#include "base/strings.h"
#include "model/drop.h"
#include "model/note.h"
#include "model/probe.h"

#include "datapath/member.skel.h" /* uses the types of model/ */
#include "datapath/team.skel.h"

#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#define ALL_USABLE (1U << SLOT_A | 1U << SLOT_B | 1U << SLOT_C | 1U << SLOT_Z)

static struct member_bpf *member; /* in slot B */
static int device;

/* A is the primary and has the team's MAC; bonding's active slave is what the case says. */
static struct pick_state *reset(uint32_t active)
{
	struct pick_state *state = &member->data_state->state;

	*state = (struct pick_state){.layout = PICK_LAYOUT, .one_mac = 1, .active = active};
	frame_members(state);
	return state;
}

struct learning_case {
	const char *what, *in, *out; /* NULL: as it came */
	uint32_t active, usable;     /* before */
	bool one_mac, learns;
};

#define SLOT_NUMBER(slot) ((slot) + 1U)
#define ASKS MAC_BROADCAST MAC_A ARP("01")
#define ASKS_AS_B MAC_BROADCAST MAC_B ARP("01")

static const struct learning_case cases[] = {
	{"the announcement on another member", ASKS, NULL, SLOT_NUMBER(SLOT_A), ALL_USABLE, true,
	 true},
	{"the announcement for IPv6", "333300 000001 " MAC_A IP6_TO("3a", GROUP6) ICMP6("88"), NULL,
	 SLOT_NUMBER(SLOT_A), ALL_USABLE, true, true},
	{"whatever bonding chose for", MAC_PEER MAC_A TCP4, NULL, SLOT_NUMBER(SLOT_A), ALL_USABLE,
	 true, true},
	{"nothing is wanted", ASKS, NULL, SLOT_NUMBER(SLOT_A), 0, true, true},
	{"the other member is known to be lost", ASKS, NULL, SLOT_NUMBER(SLOT_A),
	 ALL_USABLE & ~(1U << SLOT_A), true, true},
	{"no news", ASKS, ASKS_AS_B, SLOT_NUMBER(SLOT_B), ALL_USABLE, true, false},
	{"the first that was ever seen", ASKS, ASKS_AS_B, 0, ALL_USABLE, true, false},
	{"a frame older than the loss of this member", ASKS, ASKS_AS_B, SLOT_NUMBER(SLOT_A),
	 ALL_USABLE & ~(1U << SLOT_B), true, false},
	{"each member its own MAC", ASKS, ASKS_AS_B, SLOT_NUMBER(SLOT_A), ALL_USABLE, false, false},
	{"a member's own source", MAC_BROADCAST MAC_B ARP("01"), NULL, SLOT_NUMBER(SLOT_A),
	 ALL_USABLE, true, false},
	{"a foreign source", MAC_BROADCAST MAC_FOREIGN ARP("01"), NULL, SLOT_NUMBER(SLOT_A),
	 ALL_USABLE, true, false},
};

static void expect_takeover(struct pick_state *state)
{
	state->active = SLOT_NUMBER(SLOT_B);
	state->primary = SLOT_B;
	memcpy(state->member_macs[SLOT_A], state->member_macs[SLOT_B], 6);
	memcpy(state->member_macs[SLOT_B], state->team_mac, 6);
}

static void test_learning(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct learning_case *test = &cases[i];
		struct pick_state *state = reset(test->active), expected;
		uint8_t out[FRAME_MAX];
		struct run run;

		state->usable = test->usable;
		state->one_mac = test->one_mac;
		expected = *state;
		if (test->learns)
			expect_takeover(&expected);
		else if (!test->active)
			expected.active = SLOT_NUMBER(SLOT_B);
		run_text(bpf_program__fd(member->progs.member_egress), test->in, 0, device, 0,
			 &run);
		if (memcmp(state, &expected, sizeof(expected)) != 0)
			fail_msg("%s: primary %u, active %u", test->what, state->primary,
				 state->active);
		assert_int_equal(run.verdict, RUN_NEXT);
		assert_int_equal(run.out_length,
				 frame_parse(test->out ? test->out : test->in, 0, out));
		assert_memory_equal(run.out, out, run.out_length);
	}
}

struct ingress_case {
	const char *what, *in, *out; /* NULL: dropped */
	unsigned primary;
	bool usable;
};

/* The device has B's MAC at first, and the team's below. */
static const struct ingress_case stale[] = {
	{"to the old primary, which is well", MAC_A MAC_PEER TCP4, MAC_A MAC_PEER TCP4, SLOT_C,
	 true},
	{"to one that was lost with the team's MAC", MAC_A MAC_PEER TCP4, NULL, SLOT_C, false},
	{"to the primary", MAC_A MAC_PEER TCP4, MAC_A MAC_PEER TCP4, SLOT_B, true},
	{"to the primary, before it is wanted", MAC_A MAC_PEER TCP4, MAC_A MAC_PEER TCP4, SLOT_B,
	 false},
};

static void test_stale_mac(void **unused)
{
	(void)unused;
	world_ip("link set member-b address 52:54:00:00:00:0a");
	for (size_t i = 0; i < ARRAY_SIZE(stale); i++) {
		struct pick_state *state = reset(SLOT_NUMBER(SLOT_C));
		__u64 *count = &member->data_drops->drops.frames[SLOT_B][DROP_NOT_PRIMARY];
		uint8_t out[FRAME_MAX];
		__u64 before = *count;
		struct run run;

		state->primary = stale[i].primary;
		if (!stale[i].usable)
			state->usable &= ~(1U << SLOT_B);
		run_text(bpf_program__fd(member->progs.member_ingress), stale[i].in, 0, device, 0,
			 &run);
		if (run.verdict != (stale[i].out ? RUN_NEXT : RUN_DROP))
			fail_msg("%s: verdict %d", stale[i].what, run.verdict);
		assert_int_equal(*count - before, !stale[i].out);
		if (stale[i].out) {
			assert_int_equal(run.out_length, frame_parse(stale[i].out, 0, out));
			assert_memory_equal(run.out, out, run.out_length);
		}
	}
}

/* The team's own program learns nothing from a source here: all sources are the team's. */
static void test_team_learns_nothing(void **unused)
{
	static const char *const sources[] = {MAC_PEER MAC_A TCP4, MAC_PEER MAC_B TCP4,
					      MAC_BROADCAST MAC_C ARP("01")};
	struct team_bpf *team = team_bpf__open_and_load();

	(void)unused;
	assert_non_null(team);
	team->data_state->state = *reset(SLOT_NUMBER(SLOT_A));
	team->data_state->state.ifindex = RUN_LO;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		struct pick_state before = team->data_state->state;
		struct run run;

		run_text(bpf_program__fd(team->progs.team_egress), sources[i], 0, RUN_LO, 0, &run);
		assert_memory_equal(&team->data_state->state, &before, sizeof(before));
	}
	team_bpf__destroy(team);
}

static int make_member(void **state)
{
	if (world_make(state))
		return -1;
	device = world_veth("member-b", "52:54:00:00:00:0b", "peer-b", 1);
	member = member_bpf__open();
	assert_non_null(member);
	member->rodata->slot = SLOT_B;
	assert_int_equal(member_bpf__load(member), 0);
	return 0;
}

static int end_member(void **state)
{
	member_bpf__destroy(member);
	return world_end(state);
}

#define MEMBER(test) cmocka_unit_test_setup_teardown(test, make_member, end_member)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMBER(test_learning),
		MEMBER(test_stale_mac),
		MEMBER(test_team_learns_nothing),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
