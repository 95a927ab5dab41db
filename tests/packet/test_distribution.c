// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a bucket is computed from (T3): which frames agree under each distribution and which do
 * not, and that neighbouring addresses spread.
 */
#include "run.h"
#include "world.h"

#include "base/strings.h"
#include "model/drop.h"
#include "model/note.h"
#include "model/probe.h"

#include "datapath/team.skel.h" /* uses the types of model/ */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define A_TO_PEER MAC_PEER MAC_A
#define MAC_OTHER "525400 0000fd "
#define SOURCE6_B "20010db8 00000000 00000000 00000003 "
#define IP6_FROM(source, next) "86dd 60000000 0020 " next " 40 " source PEER6
#define VLAN_B "8100 0065 "

static struct team_bpf *team;
static int program;

struct pair_case {
	const char *what;
	enum pick_by by;
	const char *one, *other;
	bool agree;
};

static const struct pair_case pairs[] = {
	{"ports", PICK_BY_ADDRESSES, A_TO_PEER TCP4, A_TO_PEER IP4("06", DONT_FRAGMENT) TCP("c002"),
	 true},
	{"protocols", PICK_BY_ADDRESSES, A_TO_PEER TCP4, A_TO_PEER UDP4, true},
	{"a later fragment", PICK_BY_ADDRESSES, A_TO_PEER UDP4,
	 A_TO_PEER IP4("11", LATER_FRAGMENT) PAYLOAD, true},
	{"ICMP", PICK_BY_ADDRESSES, A_TO_PEER TCP4,
	 A_TO_PEER IP4("01", DONT_FRAGMENT) "0800 0000 0001 0001", true},
	{"a tag", PICK_BY_ADDRESSES, A_TO_PEER TCP4, A_TO_PEER VLAN TCP4, true},
	{"two tags", PICK_BY_ADDRESSES, A_TO_PEER TCP4, A_TO_PEER QINQ TCP4, true},
	{"another source", PICK_BY_ADDRESSES, A_TO_PEER TCP4,
	 A_TO_PEER IP4_FROM("06", DONT_FRAGMENT, "03") TCP("c001"), false},
	{"another source in a VLAN", PICK_BY_ADDRESSES, A_TO_PEER VLAN TCP4,
	 A_TO_PEER VLAN IP4_FROM("06", DONT_FRAGMENT, "03") TCP("c001"), false},
	{"another neighbour", PICK_BY_ADDRESSES, A_TO_PEER TCP4, MAC_OTHER MAC_A TCP4, true},
	{"ports, IPv6", PICK_BY_ADDRESSES, A_TO_PEER TCP6, A_TO_PEER IP6("06") TCP("c002"), true},
	{"protocols, IPv6", PICK_BY_ADDRESSES, A_TO_PEER TCP6, A_TO_PEER IP6("11") UDP("c001"),
	 true},
	{"a tag, IPv6", PICK_BY_ADDRESSES, A_TO_PEER TCP6, A_TO_PEER VLAN TCP6, true},
	{"two tags, IPv6", PICK_BY_ADDRESSES, A_TO_PEER TCP6, A_TO_PEER QINQ TCP6, true},
	{"another source, IPv6", PICK_BY_ADDRESSES, A_TO_PEER TCP6,
	 A_TO_PEER IP6_FROM(SOURCE6_B, "06") TCP("c001"), false},
	{"not IP: the payload", PICK_BY_ADDRESSES, A_TO_PEER "88b5 " PAYLOAD,
	 A_TO_PEER "88b5 00 " PAYLOAD, true},
	{"not IP: the neighbour", PICK_BY_ADDRESSES, A_TO_PEER "88b5 " PAYLOAD,
	 MAC_OTHER MAC_A "88b5 " PAYLOAD, false},
	{"not IP: the VLAN", PICK_BY_ADDRESSES, A_TO_PEER VLAN "88b5 " PAYLOAD,
	 A_TO_PEER VLAN_B "88b5 " PAYLOAD, false},

	{"ports", PICK_BY_MACS, A_TO_PEER TCP4, A_TO_PEER IP4("06", DONT_FRAGMENT) TCP("c002"),
	 true},
	{"another source address", PICK_BY_MACS, A_TO_PEER TCP4,
	 A_TO_PEER IP4_FROM("06", DONT_FRAGMENT, "03") TCP("c001"), true},
	{"families", PICK_BY_MACS, A_TO_PEER TCP4, A_TO_PEER TCP6, true},
	{"not IP", PICK_BY_MACS, A_TO_PEER TCP4, A_TO_PEER "88b5 " PAYLOAD, true},
	{"another team mate as source", PICK_BY_MACS, A_TO_PEER TCP4, MAC_PEER MAC_B TCP4, true},
	{"another neighbour", PICK_BY_MACS, A_TO_PEER TCP4, MAC_OTHER MAC_A TCP4, false},
	{"VLANs", PICK_BY_MACS, A_TO_PEER VLAN TCP4, A_TO_PEER VLAN_B TCP4, false},
	{"a VLAN and none", PICK_BY_MACS, A_TO_PEER VLAN TCP4, A_TO_PEER TCP4, false},

	{"ports", PICK_BY_PORTS, A_TO_PEER TCP4, A_TO_PEER IP4("06", DONT_FRAGMENT) TCP("c002"),
	 false},
	{"another neighbour", PICK_BY_PORTS, A_TO_PEER TCP4, MAC_OTHER MAC_A TCP4, true},
};

/* A question: the program leaves the hash in cb[1]. */
static uint32_t hash_of(const char *frame, uint8_t vary)
{
	struct run run;

	run_text(program, frame, vary, RUN_LO, 0, &run);
	assert_true(PICK_VERDICT_WHY(run.cb[0]) == PICK_HOME);
	return run.cb[1];
}

static void test_pairs(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		team->data_state->state.by = pairs[i].by;
		if ((hash_of(pairs[i].one, 0) == hash_of(pairs[i].other, 0)) != pairs[i].agree)
			fail_msg("%s, by %u: %s", pairs[i].what, pairs[i].by,
				 pairs[i].agree ? "not the same" : "the same");
	}
}

/* What the primary's frames are does not depend on the distribution. */
static void test_classes_stay(void **unused)
{
	(void)unused;
	for (enum pick_by by = PICK_BY_PORTS; by <= PICK_BY_MACS; by++) {
		struct run run;

		team->data_state->state.by = by;
		run_text(program, MAC_BROADCAST MAC_A ARP("01"), 0, RUN_LO, 0, &run);
		assert_int_equal(PICK_VERDICT_WHY(run.cb[0]), PICK_ARP);
		run_text(program, MAC_MULTICAST4 MAC_A UDP4, 0, RUN_LO, 0, &run);
		assert_int_equal(PICK_VERDICT_WHY(run.cb[0]), PICK_MULTICAST);
		run_text(program, MAC_PEER MAC_FOREIGN TCP4, 0, RUN_LO, 0, &run);
		assert_int_equal(PICK_VERDICT_WHY(run.cb[0]), PICK_FOREIGN);
	}
}

/* 256 neighbours in a row. */
static const struct {
	const char *what;
	enum pick_by by;
	const char *frame;
} rows[] = {
	{"source", PICK_BY_ADDRESSES, A_TO_PEER IP4_FROM("06", DONT_FRAGMENT, "xx") TCP("c001")},
	{"source, networks", PICK_BY_ADDRESSES,
	 A_TO_PEER "0800 4500 0028 1234 4000 40 06 0000 0axx0001 c0000202 " TCP("c001")},
	{"destination", PICK_BY_ADDRESSES,
	 A_TO_PEER "0800 4500 0028 1234 4000 40 06 0000 c0000201 c00002xx " TCP("c001")},
	{"source, IPv6", PICK_BY_ADDRESSES,
	 A_TO_PEER IP6_FROM("20010db8 00000000 00000000 000000xx ", "06") TCP("c001")},
	{"network, IPv6", PICK_BY_ADDRESSES,
	 A_TO_PEER IP6_FROM("20010db8 0000xx00 00000000 00000001 ", "06") TCP("c001")},
	{"the last byte of MACs", PICK_BY_MACS, "525400 0100xx " MAC_A TCP4},
	{"the middle of MACs", PICK_BY_MACS, "525400 01xx00 " MAC_A TCP4},
	{"the VLAN", PICK_BY_MACS, A_TO_PEER "8100 00xx " TCP4},
};

/*
 * Pearson's chi-square of 256 draws among @members, who have each their part of the buckets, as
 * they are dealt (in turn) and as ranges; as a normal deviate (Wilson and Hilferty), of which four
 * are allowed.
 */
static void assert_even(const char *what, const uint32_t *hashes, unsigned members)
{
	const double freedom = members - 1, spread = 2 / (9 * freedom);

	for (int ranges = 0; ranges < 2; ranges++) {
		unsigned count[PICK_SLOTS] = {};
		double chi = 0, mean = 256.0 / members;

		for (unsigned i = 0; i < 256; i++) {
			uint32_t bucket = hashes[i] % PICK_BUCKETS;

			count[ranges ? bucket * members / PICK_BUCKETS : bucket % members]++;
		}
		for (unsigned i = 0; i < members; i++)
			chi += (count[i] - mean) * (count[i] - mean) / mean;
		if ((cbrt(chi / freedom) - (1 - spread)) / sqrt(spread) > 4)
			fail_msg("%s among %u members: chi-square %.1f", what, members, chi);
	}
}

static void test_rows_spread(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t hashes[256];

		team->data_state->state.by = rows[i].by;
		for (unsigned vary = 0; vary < 256; vary++)
			hashes[vary] = hash_of(rows[i].frame, (uint8_t)vary);
		for (unsigned members = 2; members <= PICK_SLOTS; members++)
			assert_even(rows[i].what, hashes, members);
	}
}

static int make_team(void **state)
{
	if (world_make(state))
		return -1;
	team = team_bpf__open_and_load();
	assert_non_null(team);
	program = bpf_program__fd(team->progs.team_egress);
	team->data_state->state = (struct pick_state){.layout = PICK_LAYOUT};
	frame_members(&team->data_state->state);
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
		TEAM(test_pairs),
		TEAM(test_classes_stay),
		TEAM(test_rows_spread),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
