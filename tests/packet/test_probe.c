// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a member hears (T12): probes of another member, each once and only the right ones, answers to
 * its questions, and that somebody is outside.
 */
#include "run.h"
#include "world.h"

#include "model/drop.h"
#include "model/probe.h"
#include "model/station.h"

#include "datapath/member.skel.h" /* uses the types of model/ */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SESSION 0x1122334455667788ULL
#define TOKEN 0x99aabbccddeeff01ULL
#define SEQUENCE 300

#define ARP_ANSWER "0806 0001 0800 06 04 0002 " MAC_PEER "c0000201 " MAC_B "00000000 "
#define ADVERT(target)                                                                             \
	"86dd 60000000 0020 3a ff " PEER6 target " 88 00 0000 60000000 " PEER6 "0201 " MAC_PEER
#define ASKS_FROM "fe800000 00000000 50540088 b500000b "

static struct member_bpf *programs; /* of B, which is not the primary */
static int ifindex;

static struct probe_state *probes(void)
{
	return &programs->data_probes->probes;
}

static struct probe_pair *from_a(void)
{
	return &probes()->pairs[SLOT_B][SLOT_A];
}

static void send_sequence(uint32_t sequence)
{
	probes()->sent[SLOT_A][sequence % PROBE_WINDOW] = (struct probe_sent){
		.token = TOKEN + sequence, .at_ns = monotonic(), .sequence = sequence};
}

/* What A sends to B under that number. */
static struct probe_frame probe_of(uint32_t sequence)
{
	return (struct probe_frame){
		.magic = htonl(PROBE_MAGIC),
		.version = PROBE_VERSION,
		.sender = SLOT_A,
		.receiver = SLOT_B,
		.sequence = htonl(sequence),
		.session = SESSION,
		.token = TOKEN + sequence,
	};
}

static int deliver(const struct probe_frame *probe, size_t length)
{
	struct run run = {.ifindex = ifindex};

	run.in_length = frame_parse(MAC_B MAC_A "88b5", 0, run.in);
	memcpy(run.in + run.in_length, probe, length);
	run.in_length += length;
	run_again(bpf_program__fd(programs->progs.member_ingress), &run);
	return run.verdict;
}

static int deliver_text(const char *text)
{
	struct run run;

	run_text(bpf_program__fd(programs->progs.member_ingress), text, 0, ifindex, 0, &run);
	return run.verdict;
}

static void test_genuine(void **state)
{
	struct probe_frame probe = probe_of(SEQUENCE);

	send_sequence(SEQUENCE);
	assert_int_equal(deliver(&probe, sizeof(probe)), RUN_DROP);
	assert_int_equal(from_a()->frames, 1);
	assert_int_equal(from_a()->newest, SEQUENCE);
	assert_in_range(from_a()->delay_ns, 1, 60 * 1000000000ULL);
	assert_int_equal(probes()->ears[SLOT_B].refused, 0);
	assert_int_equal(probes()->ears[SLOT_B].outside_ns, 0);
}

/* Whatever the order: each once. */
static void test_replayed(void **state)
{
	static const uint32_t order[] = {SEQUENCE, SEQUENCE + 2, SEQUENCE + 1, SEQUENCE + 1,
					 SEQUENCE, SEQUENCE + 2, SEQUENCE + 63};

	for (uint32_t i = 0; i < 64; i++)
		send_sequence(SEQUENCE + i);
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		struct probe_frame probe = probe_of(order[i]);

		assert_int_equal(deliver(&probe, sizeof(probe)), RUN_DROP);
	}
	assert_int_equal(from_a()->frames, 4);
	assert_int_equal(from_a()->newest, SEQUENCE + 63);
	assert_int_equal(probes()->ears[SLOT_B].refused, 3);
}

static void refused(const struct probe_frame *probe, const char *what)
{
	uint64_t before = probes()->ears[SLOT_B].refused;

	if (deliver(probe, sizeof(*probe)) != RUN_DROP)
		fail_msg("%s went on", what);
	if (probes()->ears[SLOT_B].refused != before + 1)
		fail_msg("%s was not counted", what);
	if (from_a()->frames || from_a()->newest || probes()->ears[SLOT_B].outside_ns)
		fail_msg("%s changed something", what);
}

static void test_forged(void **state)
{
	struct probe_frame forged[10];

	send_sequence(SEQUENCE);
	for (size_t i = 0; i < 10; i++)
		forged[i] = probe_of(SEQUENCE);
	forged[0].session++;
	forged[1].token++;
	forged[2].sequence = htonl(SEQUENCE + 1);
	forged[3].sequence = htonl(SEQUENCE + PROBE_WINDOW);
	forged[4].sequence = 0;
	forged[5].sender = SLOT_B;
	forged[6].sender = 255;
	forged[7].receiver = SLOT_A;
	forged[8].version = 0;
	forged[9].sender = SLOT_C;
	for (size_t i = 0; i < 10; i++)
		refused(&forged[i], "a forged probe");
	/* Of a sequence that has not been used the token is zero, and so is that of nobody. */
	forged[2].token = 0;
	refused(&forged[2], "a probe without a token");
}

/* T13: C is the other path of the same member. What is for it may come by this one. */
static void test_other_path(void **state)
{
	struct probe_frame probe = probe_of(SEQUENCE);
	const struct probe_pair *to_c = &probes()->pairs[SLOT_C][SLOT_A];
	__u8(*macs)[8] = programs->data_state->state.member_macs;

	send_sequence(SEQUENCE);
	probe.receiver = SLOT_C;
	refused(&probe, "a probe for another member");
	memcpy(macs[SLOT_C], macs[SLOT_B], sizeof(macs[0]));
	assert_int_equal(deliver(&probe, sizeof(probe)), RUN_DROP);
	assert_int_equal(to_c->frames, 1);
	assert_int_equal(to_c->newest, SEQUENCE);
	assert_int_equal(from_a()->frames, 0);
	probe.receiver = 255;
	refused(&probe, "a probe for nobody");
}

static void test_garbage(void **state)
{
	struct probe_frame probe = probe_of(SEQUENCE);
	size_t counted = 0;

	send_sequence(SEQUENCE);
	for (size_t length = 1; length < sizeof(probe); length++, counted++)
		assert_int_equal(deliver(&probe, length), RUN_NEXT);
	probe.magic++;
	assert_int_equal(deliver(&probe, sizeof(probe)), RUN_NEXT);
	assert_int_equal(probes()->ears[SLOT_B].refused, counted + 1);
	assert_int_equal(probes()->ears[SLOT_B].outside_ns, 0);
	assert_int_equal(from_a()->frames, 0);
}

/* The type is everybody's: who does not probe leaves it alone, and looks at no clock. */
static void test_nobody_probes(void **state)
{
	struct probe_frame probe = probe_of(SEQUENCE);

	send_sequence(SEQUENCE);
	probes()->session = 0;
	assert_int_equal(deliver(&probe, sizeof(probe)), RUN_NEXT);
	probe.session = 0;
	assert_int_equal(deliver(&probe, sizeof(probe)), RUN_NEXT);
	assert_int_equal(deliver_text(MAC_B MAC_PEER TCP4), RUN_NEXT);
	assert_int_equal(deliver_text(MAC_BROADCAST MAC_PEER ARP("01")), RUN_DROP);
	assert_int_equal(probes()->ears[SLOT_B].refused, 0);
	assert_int_equal(probes()->ears[SLOT_B].outside_ns, 0);
	assert_int_equal(from_a()->frames, 0);
}

static void test_answers(void **state)
{
	struct probe_ear *ear = &probes()->ears[SLOT_B];

	assert_int_equal(deliver_text(MAC_B MAC_PEER ARP_ANSWER), RUN_NEXT);
	assert_int_equal(ear->answers, 0); /* nobody has asked */
	probes()->answers_wanted = 1;
	assert_int_equal(deliver_text(MAC_B MAC_PEER ARP("02")), RUN_NEXT);
	assert_int_equal(deliver_text(MAC_B MAC_PEER ADVERT(SOURCE6)), RUN_NEXT);
	assert_int_equal(deliver_text(MAC_B MAC_PEER TCP6), RUN_NEXT);
	assert_int_equal(ear->answers, 0);
	assert_int_equal(deliver_text(MAC_B MAC_PEER ARP_ANSWER), RUN_NEXT);
	assert_int_equal(ear->answers, 1);
	assert_int_equal(deliver_text(MAC_B MAC_PEER ADVERT(ASKS_FROM)), RUN_DROP);
	assert_int_equal(ear->answers, 2);
	assert_true(ear->answered_ns > 0);
}

static void test_outside(void **state)
{
	static const struct {
		const char *frame;
		bool outside;
	} cases[] = {
		{MAC_B MAC_PEER TCP4, true},
		{MAC_BROADCAST MAC_PEER ARP("01"), true},
		{MAC_MULTICAST6 MAC_PEER IP6_TO("11", GROUP6) UDP("14e9"), true},
		{MAC_BROADCAST MAC_A ARP("01"), false},
		{MAC_A MAC_C TCP4, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		probes()->ears[SLOT_B].outside_ns = 0;
		(void)deliver_text(cases[i].frame);
		assert_int_equal(probes()->ears[SLOT_B].outside_ns != 0, cases[i].outside);
	}
}

static int make(void **state)
{
	if (world_make(state))
		return -1;
	ifindex = world_veth("b", "52:54:00:00:00:0b", "b-peer", 1);
	programs = member_bpf__open();
	assert_non_null(programs);
	programs->rodata->slot = SLOT_B;
	assert_int_equal(member_bpf__load(programs), 0);
	frame_members(&programs->data_state->state);
	probes()->session = SESSION;
	return 0;
}

static int end(void **state)
{
	member_bpf__destroy(programs);
	return world_end(state);
}

#define HEARD(test) cmocka_unit_test_setup_teardown(test, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEARD(test_genuine), HEARD(test_replayed),	HEARD(test_forged),
		HEARD(test_garbage), HEARD(test_nobody_probes), HEARD(test_answers),
		HEARD(test_outside), HEARD(test_other_path),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
