// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random frames through the loaded programs: what no table thought of. Each run asserts what holds
 * for any frame whatever, and where model/pick.h can tell the answer, that answer.
 *
 * Frames are put together from pieces that the programs look at, cut and broken at random. Some
 * seeds are fixed; FUZZ_SECONDS in the environment goes on with others for so long, FUZZ_SEED is
 * one seed alone: a failure prints it, with the frame. The last line says how many frames it were.
 */
#include "run.h"
#include "world.h"

#include "base/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static uint64_t pick_clock;
#define PICK_NOW() pick_clock
#include "model/drop.h"
#include "model/note.h"
#include "model/pick.h"
#include "model/probe.h"

#include "datapath/member.skel.h" /* they use the types of model/ */
#include "datapath/team.skel.h"

#include <bpf/bpf.h>
#include <cmocka.h>

#define FRAMES_A_SEED 20000
#define LENGTH_MIN 15 /* a header, and something behind it */
#define LENGTH_MAX 1514

static const uint64_t seeds[] = {1, 0x10f7ea3, 0xdecade, 0xfffffffffffffff7};

static struct team_bpf *team;
static struct member {
	unsigned slot;
	const char *name, *mac;
	struct member_bpf *programs;
	int ifindex;
} members[] = {
	{.slot = SLOT_A, .name = "a", .mac = "52:54:00:00:00:0a"}, /* the primary */
	{.slot = SLOT_B, .name = "b", .mac = "52:54:00:00:00:0b"},
	{.slot = SLOT_Z, .name = "z", .mac = "52:54:00:00:00:1f"},
};

static uint64_t random_state, frames;

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint64_t draw_below(uint64_t bound)
{
	return draw() % bound;
}

/* --- frames --- */

static const char *const macs[] = {
	MAC_A,		MAC_B,		MAC_C,		MAC_Z,	  MAC_PEER,
	MAC_FOREIGN,	MAC_BROADCAST,	MAC_MULTICAST4, MAC_ZERO, MAC_MULTICAST6,
	"0180c200000e", "0180c2000010", "xxxxxxxxxxxx",
};

static const char *const tags[] = {"", "", "", VLAN, QINQ, QINQ VLAN, "88a8", "8100 0fff 8100"};

static const char *const bodies[] = {
	TCP4,
	UDP4,
	TCP6,
	IP4("06", FIRST_FRAGMENT) TCP("c001"),
	IP4("11", LATER_FRAGMENT) PAYLOAD,
	IP4("01", DONT_FRAGMENT) "0800 0000",
	IP4("2f", DONT_FRAGMENT) "2000 6558 00000000" PAYLOAD,
	IP4("04", DONT_FRAGMENT) INNER_IP4("06", "01") TCP("c001"),
	IP6("3a") ICMP6("85"),
	IP6("3a") ICMP6("87"),
	IP6("3a") ICMP6("80"),
	IP6("3a"),
	IP6("3a") "xx",
	IP6("3a") ICMP6("84"),
	IP6("3a") ICMP6("89"),
	IP6("3a") ICMP6("8a"),
	IP6("00") "3a00 0502 0000 0100" ICMP6("8f"),
	IP6("2c") "0600 00b9 00000001" PAYLOAD,
	ARP("01"),
	ARP("02"),
	"8847 00012140" PAYLOAD,
	"8864 1100 0001 002a 0021" PAYLOAD,
	"88cc 0207 04 000000000000 0000",
	"0800",
	"86dd 60",
	"0806",
	"88b5 696f7650 01 00 01 00 00000001",
	"0004 4242 03",
	"05ff",
	"ffff",
	"xxxx",
};

static size_t append(uint8_t *frame, size_t length, const char *text)
{
	uint8_t piece[FRAME_MAX];
	size_t added = frame_parse(text, (uint8_t)draw(), piece);

	memcpy(frame + length, piece, added);
	return length + added;
}

/* Kernels refuse a test run on less than an IP header; behind a tag, less may be there. */
static size_t least_length(const struct run *run)
{
	uint16_t type = (uint16_t)(run->in[12] << 8 | run->in[13]);

	return type == 0x0800 ? 14 + 20 : type == 0x86dd ? 14 + 40 : LENGTH_MIN;
}

static void draw_frame(struct run *run)
{
	size_t length = append(run->in, 0, macs[draw_below(ARRAY_SIZE(macs))]);

	length = append(run->in, length, macs[draw_below(ARRAY_SIZE(macs))]);
	length = append(run->in, length, tags[draw_below(ARRAY_SIZE(tags))]);
	length = append(run->in, length, bodies[draw_below(ARRAY_SIZE(bodies))]);
	while (length < LENGTH_MAX && draw_below(16))
		run->in[length++] = (uint8_t)draw();
	if (draw_below(20) == 0)
		length = LENGTH_MAX;
	if (draw_below(4) == 0)
		length = LENGTH_MIN + draw_below(length);
	if (draw_below(4) == 0)
		run->in[draw_below(length)] ^= (uint8_t)(1 << draw_below(8));
	while (length < least_length(run))
		run->in[length++] = (uint8_t)draw();
	run->in_length = length;
}

static void explain(const struct run *run)
{
	for (size_t i = 0; i < run->in_length; i++)
		(void)fprintf(stderr, "%02x%s", run->in[i], i == 5 || i == 11 ? " " : "");
	(void)fprintf(stderr, "\n");
}

#define HOLDS(run, truth)                                                                          \
	do {                                                                                       \
		if (!(truth)) {                                                                    \
			explain(run);                                                              \
			fail_msg("frame %llu: %s", (unsigned long long)frames, #truth);            \
		}                                                                                  \
	} while (0)

static void run_frame(int fd, int ifindex, struct run *run)
{
	memset(run->out, 0, sizeof(run->out));
	run->ifindex = ifindex;
	run_again(fd, run);
	HOLDS(run, run->out_length == run->in_length);
	frames++;
}

static bool same(const struct run *run, size_t from, size_t to)
{
	return memcmp(run->in + from, run->out + from, to - from) == 0;
}

/* --- sending: the team --- */

static uint16_t word(const struct run *run, size_t at)
{
	return at + 2 <= run->in_length ? (uint16_t)(run->in[at] << 8 | run->in[at + 1]) : 0;
}

/* Who has this MAC; PICK_NOBODY. */
static unsigned owner(const struct pick_state *state, const uint8_t *mac)
{
	static const uint8_t zero[6];

	for (unsigned slot = 0; slot < PICK_SLOTS; slot++)
		if (memcmp(state->member_macs[slot], mac, 6) == 0 && memcmp(mac, zero, 6) != 0)
			return slot;
	return PICK_NOBODY;
}

/* T7 and T3 in words of their own, not the program's. */
static enum pick_why expected_class(const struct run *run, const struct pick_state *state)
{
	uint16_t type = word(run, 12);
	size_t network = 14;

	if (owner(state, run->in + 6) == PICK_NOBODY)
		return PICK_FOREIGN;
	for (int i = 0; i < 2 && (type == 0x8100 || type == 0x88a8); i++) {
		if (run->in_length < network + 4)
			break;
		type = word(run, network + 2);
		network += 4;
	}
	if (type == 0x0806)
		return PICK_ARP;
	if (type == 0x86dd && run->in_length > network + 40 && run->in[network + 6] == 58 &&
	    run->in[network + 40] >= 133 && run->in[network + 40] <= 137)
		return PICK_DISCOVERY;
	return run->in[0] & 1 ? PICK_MULTICAST : PICK_HOME;
}

static void check_dealt(const struct run *run, const struct pick_state *state)
{
	uint32_t bucket = pick_bucket(run->cb[1]), why;
	struct pick_hold hold = team->data_hold->hold[bucket];
	uint8_t slot = pick_slot(state, &team->data_deal->deal[bucket], &hold, &why);

	HOLDS(run, run->cb[0] == PICK_VERDICT(why, slot));
}

static void check_primarys(const struct run *run, const struct pick_state *state,
			   enum pick_why class)
{
	uint32_t well = state->usable & ~state->lost, primary = state->primary;

	if ((state->lost >> primary & 1) && state->heir && (well >> (state->heir - 1) & 1))
		primary = state->heir - 1;
	if (class == PICK_ARP || class == PICK_DISCOVERY || !(well >> primary & 1))
		primary = PICK_NOBODY;
	HOLDS(run, run->cb[0] == PICK_VERDICT(class, primary));
}

/* A team in which time decides nothing: buckets are at home, or their holder is lost. */
static void draw_team(struct pick_state *state)
{
	state->usable = (uint32_t)(draw_below(4) ? draw() : 0);
	state->lost = (uint32_t)(draw_below(2) ? draw() & draw() : 0);
	state->primary = (uint32_t)draw_below(PICK_SLOTS);
	state->heir = (uint32_t)draw_below(PICK_SLOTS + 1);
	for (size_t i = 0; i < PICK_BUCKETS; i++)
		team->data_deal->deal[i] = (struct pick_deal){(uint8_t)draw_below(PICK_SLOTS),
							      (uint8_t)draw_below(PICK_SLOTS)};
}

static void ask_team(void)
{
	struct pick_state *state = &team->data_state->state, before;
	struct run run = {.cb = {0, draw_below(2) ? (uint32_t)draw() : 0}};
	enum pick_why class;

	draw_frame(&run);
	before = *state;
	run_frame(bpf_program__fd(team->progs.team_egress), RUN_LO, &run);
	class = expected_class(&run, state);
	HOLDS(&run, run.verdict == RUN_NEXT);
	HOLDS(&run, same(&run, 0, run.in_length));
	HOLDS(&run, memcmp(&before, state, sizeof(before)) == 0);
	if (class == PICK_HOME)
		check_dealt(&run, state);
	else
		check_primarys(&run, state, class);
}

/* --- receiving and sending: a member --- */

static uint64_t dropped(const struct member *member)
{
	const struct drop_counts *drops = &member->programs->data_drops->drops;
	uint64_t sum = 0;

	for (size_t slot = 0; slot < PICK_SLOTS; slot++)
		for (size_t cause = 0; cause < DROP_CAUSE_COUNT; cause++)
			sum += drops->frames[slot][cause];
	return sum;
}

/* T12: it looks like a probe, which noise never is. */
static bool is_like_probe(const struct run *run)
{
	return run->in_length >= 14 + sizeof(struct probe_frame) &&
	       word(run, 12) == PROBE_ETHERTYPE && word(run, 14) == PROBE_MAGIC >> 16 &&
	       word(run, 16) == (PROBE_MAGIC & 0xffff);
}

static void check_refused(const struct member *member, const struct run *run, uint64_t before)
{
	HOLDS(run, run->verdict == RUN_DROP);
	HOLDS(run, same(run, 0, run->in_length));
	HOLDS(run, dropped(member) == before);
}

/*
 * T9: nothing changes but the destination, and that from our own MAC to the team's. Every other
 * frame comes while paths are probed.
 */
static void receive(const struct member *member)
{
	const struct pick_state *state = &member->programs->data_state->state;
	uint64_t before = dropped(member);
	bool ours, to_team, probing;
	struct run run = {};

	draw_frame(&run);
	probing = frames % 2;
	member->programs->data_probes->probes.session = probing;
	run_frame(bpf_program__fd(member->programs->progs.member_ingress), member->ifindex, &run);
	ours = memcmp(run.in, state->member_macs[member->slot], 6) == 0;
	if (ours && probing && is_like_probe(&run)) {
		check_refused(member, &run, before);
		return;
	}
	to_team = memcmp(run.out, state->team_mac, 6) == 0;
	HOLDS(&run, run.verdict == RUN_NEXT || run.verdict == RUN_DROP);
	HOLDS(&run, dropped(member) == before + (run.verdict == RUN_DROP));
	HOLDS(&run, ours ? to_team : same(&run, 0, 6));
	HOLDS(&run, same(&run, 6, run.in_length));
	HOLDS(&run, !ours || run.verdict == RUN_NEXT);
	if (!ours && owner(state, run.in + 6) != PICK_NOBODY)
		HOLDS(&run, run.verdict == RUN_DROP);
}

/* T7: nothing changes but the source, and no mate's leaves here. */
static void send_out(const struct member *member)
{
	const struct pick_state *state = &member->programs->data_state->state;
	struct run run = {};
	unsigned source;

	draw_frame(&run);
	run_frame(bpf_program__fd(member->programs->progs.member_egress), member->ifindex, &run);
	source = owner(state, run.out + 6);
	HOLDS(&run, run.verdict == RUN_NEXT);
	HOLDS(&run, same(&run, 0, 6) && same(&run, 12, run.in_length));
	HOLDS(&run, source == member->slot || (source == PICK_NOBODY && same(&run, 6, 12)));
}

static void run_seed(uint64_t seed)
{
	random_state = seed;
	for (unsigned i = 0; i < FRAMES_A_SEED; i++) {
		const struct member *member = &members[draw_below(ARRAY_SIZE(members))];

		if (i % 500 == 0)
			draw_team(&team->data_state->state);
		ask_team();
		receive(member);
		send_out(member);
	}
}

static void test_noise(void **unused)
{
	const char *seed = getenv("FUZZ_SEED"), *seconds = getenv("FUZZ_SECONDS");
	uint64_t until = monotonic() + (seconds ? strtoull(seconds, NULL, 0) : 0) * 1000000000;
	size_t round = 0;

	(void)unused;
	if (seed) {
		run_seed(strtoull(seed, NULL, 0));
		return;
	}
	for (; round < ARRAY_SIZE(seeds) || monotonic() < until; round++) {
		uint64_t next = round < ARRAY_SIZE(seeds) ? seeds[round] : monotonic();

		/* Told before, so that it is the last one told when something fails. */
		(void)fprintf(stderr, "# seed %llu\n", (unsigned long long)next);
		run_seed(next);
	}
}

static int make_world(void **state)
{
	if (world_make(state))
		return -1;
	team = team_bpf__open_and_load();
	assert_non_null(team);
	frame_members(&team->data_state->state);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct member *member = &members[i];
		char peer[16];

		(void)snprintf(peer, sizeof(peer), "%s-peer", member->name);
		member->ifindex = world_veth(member->name, member->mac, peer, 1);
		member->programs = member_bpf__open();
		assert_non_null(member->programs);
		member->programs->rodata->slot = member->slot;
		assert_int_equal(member_bpf__load(member->programs), 0);
		frame_members(&member->programs->data_state->state);
	}
	return 0;
}

static int end_world(void **state)
{
	team_bpf__destroy(team);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		member_bpf__destroy(members[i].programs);
	return world_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_noise, make_world, end_world),
	};
	int failed;

	if (world_check())
		return 77;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)printf("# executed %llu\n", (unsigned long long)frames);
	return failed;
}
