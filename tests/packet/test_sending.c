// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the sending program makes of each kind of frame (T3, T5, T7): asked, which must change
 * nothing, and for real, which must change nothing but the one bucket that the frame is of. Which
 * transmit queue comes out of it a test run cannot see: that is test_queue.c.
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

#define A_TO_PEER MAC_PEER MAC_A

struct frame_case {
	const char *what, *frame;
	enum pick_why why; /* PICK_HOME: dealt by its hash */
};

static const struct frame_case frames[] = {
	/* Broadcast and multicast are the primary's, at once. */
	{"DHCP broadcast", MAC_BROADCAST MAC_A IP4("11", DONT_FRAGMENT) UDP("0044"),
	 PICK_MULTICAST},
	{"IPv4 multicast", MAC_MULTICAST4 MAC_A UDP4, PICK_MULTICAST},
	{"IPv6 multicast", MAC_MULTICAST6 MAC_A IP6_TO("11", GROUP6) UDP("14e9"), PICK_MULTICAST},
	{"IGMP report behind a router alert",
	 "01005e 000016 " MAC_A "0800 46c0 0028 0000 4000 01 02 0000 c0000201 e0000016 94040000 "
	 "2200 0000 00000001 04000000 e00000fb",
	 PICK_MULTICAST},
	{"MLD report behind a router alert",
	 "333300 000016 " MAC_A IP6_TO("00", GROUP6) "3a00 0502 0000 0100 8f00 0000 00000001",
	 PICK_MULTICAST},
	{"MLD report without", "333300 000016 " MAC_A IP6_TO("3a", GROUP6) ICMP6("8f"),
	 PICK_MULTICAST},
	{"LLDP", "0180c2 00000e " MAC_A "88cc 0207 04 " MAC_A "0000", PICK_MULTICAST},
	{"802.3 to a group", "0180c2 000000 " MAC_A "0026 424203 0000", PICK_MULTICAST},
	{"RARP", MAC_BROADCAST MAC_A "8035 0001 0800 0604 0003", PICK_MULTICAST},
	{"broadcast in a VLAN", MAC_BROADCAST MAC_A VLAN UDP4, PICK_MULTICAST},
	{"multicast of one byte", MAC_MULTICAST4 MAC_A "8847 00", PICK_MULTICAST},

	/* ARP and discovery have a MAC inside: whoever carries the interface's sends them. */
	{"ARP request", MAC_BROADCAST MAC_A ARP("01"), PICK_ARP},
	{"ARP request, unicast", A_TO_PEER ARP("01"), PICK_ARP},
	{"ARP reply", A_TO_PEER ARP("02"), PICK_ARP},
	{"ARP in a VLAN", A_TO_PEER VLAN ARP("02"), PICK_ARP},
	{"ARP in QinQ", MAC_BROADCAST MAC_A QINQ ARP("01"), PICK_ARP},
	{"ARP of one byte", A_TO_PEER "0806 00", PICK_ARP},
	{"router solicitation", "333300 000002 " MAC_A IP6_TO("3a", GROUP6) ICMP6("85"),
	 PICK_DISCOVERY},
	{"router advertisement", A_TO_PEER IP6("3a") ICMP6("86"), PICK_DISCOVERY},
	{"neighbour solicitation", "3333ff 000002 " MAC_A IP6_TO("3a", GROUP6) ICMP6("87"),
	 PICK_DISCOVERY},
	{"neighbour solicitation, unicast", A_TO_PEER IP6("3a") ICMP6("87"), PICK_DISCOVERY},
	{"neighbour advertisement", "333300 000001 " MAC_A IP6_TO("3a", GROUP6) ICMP6("88"),
	 PICK_DISCOVERY},
	{"neighbour advertisement, unicast", A_TO_PEER IP6("3a") ICMP6("88"), PICK_DISCOVERY},
	{"redirect", A_TO_PEER IP6("3a") ICMP6("89"), PICK_DISCOVERY},
	{"neighbour solicitation in a VLAN", A_TO_PEER VLAN IP6("3a") ICMP6("87"), PICK_DISCOVERY},
	{"neighbour solicitation in QinQ", A_TO_PEER QINQ IP6("3a") ICMP6("87"), PICK_DISCOVERY},
	{"a type, and no more", A_TO_PEER IP6("3a") "87", PICK_DISCOVERY},

	/* What only looks like it is dealt. */
	{"ICMPv6 before discovery", A_TO_PEER IP6("3a") ICMP6("84"), PICK_HOME},
	{"ICMPv6 behind discovery", A_TO_PEER IP6("3a") ICMP6("8a"), PICK_HOME},
	{"ICMPv6 echo", A_TO_PEER IP6("3a") ICMP6("80"), PICK_HOME},
	{"UDP with the number of a type", A_TO_PEER IP6("11") ICMP6("87"), PICK_HOME},
	{"ICMPv6 behind an extension header", A_TO_PEER IP6("3c") "3a00 0104 00000000" ICMP6("80"),
	 PICK_HOME},
	{"discovery behind an extension header: nobody sends it so",
	 A_TO_PEER IP6("3c") "3a00 0104 00000000" ICMP6("87"), PICK_HOME},
	{"ICMPv6 in a fragment", A_TO_PEER IP6("2c") "3a00 0001 12345678" ICMP6("80"), PICK_HOME},

	/* Everything else unicast is dealt. */
	{"TCP", A_TO_PEER TCP4, PICK_HOME},
	{"UDP", A_TO_PEER UDP4, PICK_HOME},
	{"ICMP", A_TO_PEER IP4("01", DONT_FRAGMENT) "0800 0000 0001 0001", PICK_HOME},
	{"first fragment", A_TO_PEER IP4("11", FIRST_FRAGMENT) UDP("c001"), PICK_HOME},
	{"later fragment", A_TO_PEER IP4("11", LATER_FRAGMENT) PAYLOAD, PICK_HOME},
	{"ESP", A_TO_PEER IP4("32", DONT_FRAGMENT) PAYLOAD, PICK_HOME},
	{"TCP over IPv6", A_TO_PEER TCP6, PICK_HOME},
	{"GRE", A_TO_PEER IP4("2f", DONT_FRAGMENT) "0000 0800 " INNER_IP4("06", "01") TCP("c001"),
	 PICK_HOME},
	{"TCP in a VLAN", A_TO_PEER VLAN TCP4, PICK_HOME},
	{"TCP in QinQ", A_TO_PEER QINQ TCP6, PICK_HOME},
	{"three tags: no longer looked through", A_TO_PEER QINQ VLAN ARP("01"), PICK_HOME},
	{"MPLS", A_TO_PEER "8847 00064140 " PAYLOAD, PICK_HOME},
	{"PPPoE", A_TO_PEER "8864 1100 0001 0016 0021 " PAYLOAD, PICK_HOME},
	{"802.3", A_TO_PEER "0026 aaaa03 000000 " PAYLOAD, PICK_HOME},

	/* A team mate's source is ours as well. */
	{"TCP from a team mate", MAC_PEER MAC_B TCP4, PICK_HOME},
	{"TCP from the last slot", MAC_PEER MAC_Z TCP4, PICK_HOME},
	{"ARP from a team mate", MAC_BROADCAST MAC_C ARP("01"), PICK_ARP},

	/* A source that is not ours is the primary's, whatever the frame is. */
	{"TCP from behind a bridge", MAC_PEER MAC_FOREIGN TCP4, PICK_FOREIGN},
	{"ARP from behind a bridge", MAC_BROADCAST MAC_FOREIGN ARP("01"), PICK_FOREIGN},
	{"discovery from behind a bridge", MAC_PEER MAC_FOREIGN IP6("3a") ICMP6("87"),
	 PICK_FOREIGN},
	{"multicast from behind a bridge", MAC_MULTICAST4 MAC_FOREIGN UDP4, PICK_FOREIGN},
	{"VRRP", "01005e 000012 00005e 000107 " IP4("70", DONT_FRAGMENT) "21070101", PICK_FOREIGN},
	{"a source in the last byte's stead", MAC_PEER "525400 0000aa " TCP4, PICK_FOREIGN},

	/* Cut short. A test run takes no frame with less than an IP header: test_queue.c. */
	{"one byte of what is not IP", A_TO_PEER "8847 00", PICK_HOME},
	{"half an IPv6 header in a VLAN", A_TO_PEER VLAN "86dd 60000000 0020 3a ff " SOURCE6,
	 PICK_HOME},
	{"an IPv6 header that ends before the type", A_TO_PEER IP6("3a"), PICK_HOME},
	{"half a tag", A_TO_PEER "8100 00", PICK_HOME},
	{"a tag alone", A_TO_PEER "8100 0064 0806", PICK_ARP},
	{"one tag of two", A_TO_PEER "88a8 00c8 8100", PICK_HOME},
};

struct health_case {
	const char *what;
	uint32_t usable;
	bool home_lost; /* then the fallback carries */
	bool primary_lost;
};

#define ALL_USABLE (1U << SLOT_A | 1U << SLOT_B | 1U << SLOT_C | 1U << SLOT_Z)

/* All buckets are dealt to B, with C behind it; A is the primary. */
static const struct health_case healths[] = {
	{"all well", ALL_USABLE, false, false},
	{"the home is lost", ALL_USABLE & ~(1U << SLOT_B), true, false},
	{"the primary is lost", ALL_USABLE & ~(1U << SLOT_A), false, true},
	{"only the primary is left", 1U << SLOT_A, true, false},
	{"all are lost", 0, true, true},
};

static uint32_t expected_verdict(const struct health_case *health, enum pick_why why)
{
	switch (why) {
	case PICK_MULTICAST:
	case PICK_FOREIGN:
		return PICK_VERDICT(why, health->primary_lost ? PICK_NOBODY : SLOT_A);
	case PICK_ARP:
	case PICK_DISCOVERY:
		return PICK_VERDICT(why, PICK_NOBODY);
	case PICK_HOME:
		if (!health->home_lost)
			return PICK_VERDICT(PICK_HOME, SLOT_B);
		if (health->usable >> SLOT_C & 1)
			return PICK_VERDICT(PICK_FALLBACK, SLOT_C);
		return PICK_VERDICT(PICK_UNUSABLE, PICK_NOBODY);
	case PICK_HELD:
	case PICK_FALLBACK:
	case PICK_UNUSABLE:
	case PICK_WHY_COUNT:
		break;
	}
	fail_msg("no class of frames: %u", why);
	return 0;
}

static struct team_bpf *team;
static int program;

/* What the program may write. */
struct memory {
	struct pick_state state;
	struct pick_deal deal[PICK_BUCKETS];
	struct pick_hold hold[PICK_BUCKETS];
	struct drop_counts drops;
};

static void memory_take(struct memory *memory)
{
	memcpy(&memory->state, &team->data_state->state, sizeof(memory->state));
	memcpy(memory->deal, team->data_deal->deal, sizeof(memory->deal));
	memcpy(memory->hold, team->data_hold->hold, sizeof(memory->hold));
	memcpy(&memory->drops, &team->data_drops->drops, sizeof(memory->drops));
}

/* Byte by byte, padding included. Buckets are allowed to differ in number @except; -1: none. */
static void assert_memory_same(struct memory *before, int except)
{
	struct memory now;

	memory_take(&now);
	if (except >= 0)
		before->hold[except] = now.hold[except];
	assert_memory_equal(&now.state, &before->state, sizeof(now.state));
	assert_memory_equal(now.deal, before->deal, sizeof(now.deal));
	assert_memory_equal(now.hold, before->hold, sizeof(now.hold));
	assert_memory_equal(&now.drops, &before->drops, sizeof(now.drops));
}

/* A team of no interface that exists: so each run is a question. */
static void team_reset(uint32_t usable)
{
	struct pick_state state = {.layout = PICK_LAYOUT, .idle_ns = 1000000000};

	frame_members(&state);
	state.usable = usable;
	team->data_state->state = state;
	memset(team->data_hold->hold, 0, sizeof(team->data_hold->hold));
	for (size_t i = 0; i < PICK_BUCKETS; i++)
		team->data_deal->deal[i] = (struct pick_deal){SLOT_B, SLOT_C};
}

static void assert_passed(const struct run *run)
{
	assert_int_equal(run->verdict, RUN_NEXT);
	assert_int_equal(run->out_length, run->in_length);
	assert_memory_equal(run->out, run->in, run->in_length);
}

static void ask_case(const struct health_case *health, const struct frame_case *frame)
{
	uint32_t expected = expected_verdict(health, frame->why);
	struct memory before;
	struct run run;

	team_reset(health->usable);
	memory_take(&before);
	run_text(program, frame->frame, 0, RUN_LO, 0, &run);
	if (run.cb[0] != expected)
		fail_msg("%s, %s: %#x, expected %#x", frame->what, health->what, run.cb[0],
			 expected);
	assert_passed(&run);
	assert_memory_same(&before, -1);
	if (frame->why == PICK_HOME)
		assert_int_not_equal(run.cb[1], 0);
}

static void test_question(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(healths); i++)
		for (size_t j = 0; j < ARRAY_SIZE(frames); j++)
			ask_case(&healths[i], &frames[j]);
}

/* The bucket of a frame, by asking. */
static int bucket_of(const struct frame_case *frame)
{
	struct run run;

	run_text(program, frame->frame, 0, RUN_LO, 0, &run);
	return frame->why == PICK_HOME ? (int)(run.cb[1] & (PICK_BUCKETS - 1)) : -1;
}

static void send_case(const struct health_case *health, const struct frame_case *frame)
{
	uint32_t verdict = expected_verdict(health, frame->why);
	uint8_t slot = PICK_VERDICT_SLOT(verdict);
	struct memory before;
	struct run run;
	int bucket;

	team_reset(health->usable);
	bucket = bucket_of(frame);
	team->data_state->state.ifindex = RUN_LO;
	memory_take(&before);
	run_text(program, frame->frame, 0, RUN_LO, 0, &run);
	frame_leave(&team->data_state->state, slot, run.in);
	assert_passed(&run);
	/* The control block belongs to others when the frame is no question. */
	assert_int_equal(run.cb[0], 0);
	assert_int_equal(run.cb[1], 0);
	if (frame->why == PICK_HOME)
		assert_int_equal(team->data_hold->hold[bucket].holder,
				 slot == PICK_NOBODY ? 0 : slot + 1);
	assert_memory_same(&before, bucket);
}

/* A team mate's source teaches the program who the primary is: test_learning.c. */
static bool teaches(const struct frame_case *frame)
{
	uint8_t bytes[FRAME_MAX];

	(void)frame_parse(frame->frame, 0, bytes);
	return memcmp(bytes + 6, team->data_state->state.team_mac, 6) != 0 &&
	       frame->why != PICK_FOREIGN;
}

static void test_real(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(healths); i++)
		for (size_t j = 0; j < ARRAY_SIZE(frames); j++)
			if (!teaches(&frames[j]))
				send_case(&healths[i], &frames[j]);
}

/* T17: the carrier program's word counts as the daemon's does, and the heir is the primary. */
static void test_lost(void **unused)
{
	static const struct {
		const char *what, *frame;
		uint32_t lost, heir, verdict;
	} cases[] = {
		{"home is lost", A_TO_PEER TCP4, 1U << SLOT_B, 0,
		 PICK_VERDICT(PICK_FALLBACK, SLOT_C)},
		{"home and fallback are lost", A_TO_PEER TCP4, 1U << SLOT_B | 1U << SLOT_C, 0,
		 PICK_VERDICT(PICK_UNUSABLE, PICK_NOBODY)},
		{"somebody else is lost", A_TO_PEER TCP4, 1U << SLOT_Z, 0,
		 PICK_VERDICT(PICK_HOME, SLOT_B)},
		{"the primary is lost", MAC_BROADCAST MAC_A UDP4, 1U << SLOT_A, SLOT_Z + 1,
		 PICK_VERDICT(PICK_MULTICAST, SLOT_Z)},
		{"the primary is lost, a foreign source", MAC_PEER MAC_FOREIGN TCP4, 1U << SLOT_A,
		 SLOT_Z + 1, PICK_VERDICT(PICK_FOREIGN, SLOT_Z)},
		{"ARP follows bonding", MAC_BROADCAST MAC_A ARP("01"), 1U << SLOT_A, SLOT_Z + 1,
		 PICK_VERDICT(PICK_ARP, PICK_NOBODY)},
		{"the primary is lost and has no heir", MAC_BROADCAST MAC_A UDP4, 1U << SLOT_A, 0,
		 PICK_VERDICT(PICK_MULTICAST, PICK_NOBODY)},
		{"primary and heir are lost", MAC_BROADCAST MAC_A UDP4, 1U << SLOT_A | 1U << SLOT_Z,
		 SLOT_Z + 1, PICK_VERDICT(PICK_MULTICAST, PICK_NOBODY)},
		{"an heir waits while the primary is well", MAC_BROADCAST MAC_A UDP4, 1U << SLOT_B,
		 SLOT_Z + 1, PICK_VERDICT(PICK_MULTICAST, SLOT_A)},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run run;

		team_reset(ALL_USABLE);
		team->data_state->state.lost = cases[i].lost;
		team->data_state->state.heir = cases[i].heir;
		run_text(program, cases[i].frame, 0, RUN_LO, 0, &run);
		if (run.cb[0] != cases[i].verdict)
			fail_msg("%s: %#x, expected %#x", cases[i].what, run.cb[0],
				 cases[i].verdict);
	}
}

/* Asked with a hash, the program answers for that hash and not for the frame's. */
static void test_question_with_hash(void **state)
{
	struct run run;

	(void)state;
	team_reset(ALL_USABLE);
	team->data_deal->deal[0x345].home = SLOT_Z;
	run_text(program, A_TO_PEER TCP4, 0, RUN_LO, 0x12344, &run);
	assert_int_equal(run.cb[0], PICK_VERDICT(PICK_HOME, SLOT_B));
	assert_int_equal(run.cb[1], 0x12344);
	run_text(program, A_TO_PEER TCP4, 0, RUN_LO, 0xfffff745, &run);
	assert_int_equal(run.cb[0], PICK_VERDICT(PICK_HOME, SLOT_Z));
	/* What is not dealt has no use for a hash. */
	run_text(program, A_TO_PEER ARP("02"), 0, RUN_LO, 0xfffff745, &run);
	assert_int_equal(run.cb[0], PICK_VERDICT(PICK_ARP, PICK_NOBODY));
}

static uint32_t hash_of(const char *frame, uint8_t vary)
{
	struct run run;

	run_text(program, frame, vary, RUN_LO, 0, &run);
	assert_int_equal(PICK_VERDICT_WHY(run.cb[0]), PICK_HOME);
	return run.cb[1];
}

/* T3: frames that one flow or one datagram consists of have one hash. */
static void test_one_flow(void **state)
{
	static const struct {
		const char *what, *first, *second;
	} pairs[] = {
		{"TCP, another segment", A_TO_PEER TCP4,
		 A_TO_PEER IP4("06", DONT_FRAGMENT) PORTS("c001") "7fffffff 00000007 5011 1000"},
		{"fragments of IPv4", A_TO_PEER IP4("11", FIRST_FRAGMENT) UDP("c001"),
		 A_TO_PEER IP4("11", LATER_FRAGMENT) PAYLOAD},
		{"fragments of IPv6", A_TO_PEER IP6("2c") "1100 0001 12345678" UDP("c001"),
		 A_TO_PEER IP6("2c") "1100 0591 12345678" PAYLOAD},
		{"fragments of IPv4 in a VLAN",
		 A_TO_PEER VLAN IP4("11", FIRST_FRAGMENT) UDP("c001"),
		 A_TO_PEER VLAN IP4("11", LATER_FRAGMENT) PAYLOAD},
		{"two pings", A_TO_PEER IP4("01", DONT_FRAGMENT) "0800 0000 0001 0001",
		 A_TO_PEER IP4("01", DONT_FRAGMENT) "0800 0000 0001 0002"},
		/* T5: the team's MAC changes with its primary, and moves no flow by that. */
		{"another primary", A_TO_PEER TCP4, MAC_PEER MAC_B TCP4},
		{"another primary, not IP", A_TO_PEER "8847 00064140 " PAYLOAD,
		 MAC_PEER MAC_B "8847 00064140 " PAYLOAD},
	};

	(void)state;
	team_reset(ALL_USABLE);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (hash_of(pairs[i].first, 0) != hash_of(pairs[i].second, 0))
			fail_msg("%s: two hashes", pairs[i].what);
}

#define SPREAD_FLOWS 256
#define SPREAD_BUCKETS 150 /* 226 are to be expected of 1024 */

static unsigned count_buckets(const char *frame)
{
	bool used[PICK_BUCKETS] = {};
	unsigned count = 0;

	for (unsigned i = 0; i < SPREAD_FLOWS; i++) {
		uint32_t bucket = hash_of(frame, (uint8_t)i) & (PICK_BUCKETS - 1);

		count += !used[bucket];
		used[bucket] = true;
	}
	return count;
}

/* T3: what differs where it is looked spreads over the buckets, inside tunnels and tags too. */
static void test_spread(void **state)
{
	static const struct {
		const char *what, *frame;
	} flows[] = {
		{"TCP ports", A_TO_PEER IP4("06", DONT_FRAGMENT) TCP("c0xx")},
		{"UDP ports", A_TO_PEER IP4("11", DONT_FRAGMENT) UDP("c0xx")},
		{"ports over IPv6", A_TO_PEER IP6("06") TCP("c0xx")},
		{"ports behind an extension header",
		 A_TO_PEER IP6("3c") "0600 0104 00000000" TCP("c0xx")},
		{"ports in a VLAN", A_TO_PEER VLAN IP4("06", DONT_FRAGMENT) TCP("c0xx")},
		{"ports in QinQ", A_TO_PEER QINQ IP6("11") UDP("c0xx")},
		{"addresses: pings", A_TO_PEER IP4_FROM("01", DONT_FRAGMENT, "xx") "0800 0000"},
		{"addresses: fragments", A_TO_PEER IP4_FROM("11", LATER_FRAGMENT, "xx") PAYLOAD},
		{"ports in IP in IP",
		 A_TO_PEER IP4("04", DONT_FRAGMENT) INNER_IP4("06", "01") TCP("c0xx")},
		{"addresses in IP in IP",
		 A_TO_PEER IP4("04", DONT_FRAGMENT) INNER_IP4("01", "xx") "0800 0000"},
		{"ports in IPv4 in IPv6", A_TO_PEER IP6("04") INNER_IP4("06", "01") TCP("c0xx")},
		{"ports in GRE",
		 A_TO_PEER IP4("2f", DONT_FRAGMENT) "0000 0800" INNER_IP4("06", "01") TCP("c0xx")},
		{"ports in Ethernet in GRE",
		 A_TO_PEER IP4("2f", DONT_FRAGMENT) "0000 6558" MAC_B MAC_C
						    "0800" INNER_IP4("06", "01") TCP("c0xx")},
		{"ports in PPPoE",
		 A_TO_PEER "8864 1100 0001 002a 0021 " INNER_IP4("06", "01") TCP("c0xx")},
		/* What is not IP goes by its MACs, so two neighbours may take two members. */
		{"MACs", "525400 0100xx " MAC_A "9000 " PAYLOAD},
		{"MACs in a VLAN", "525400 0100xx " MAC_A VLAN "9000 " PAYLOAD},
		{"MACs in 802.3", "525400 0100xx " MAC_A "0026 aaaa03 000000 " PAYLOAD},
		{"vendors of MACs", "52xx00 010001 " MAC_A "9000 " PAYLOAD},
		{"VXLAN: the sender's port stands for the flow inside",
		 A_TO_PEER IP4(
			 "11",
			 DONT_FRAGMENT) "c0xx 12b5 0040 0000 08000000 00000100 " MAC_B MAC_C TCP4},
	};

	(void)state;
	team_reset(ALL_USABLE);
	for (size_t i = 0; i < ARRAY_SIZE(flows); i++) {
		unsigned buckets = count_buckets(flows[i].frame);

		if (buckets < SPREAD_BUCKETS)
			fail_msg("%s: %u buckets", flows[i].what, buckets);
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
		TEAM(test_lost),     TEAM(test_question),
		TEAM(test_real),     TEAM(test_question_with_hash),
		TEAM(test_one_flow), TEAM(test_spread),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
