// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/probe (T12) in simulated time: members on a network that loses, delays and doubles what
 * it is told to, somebody outside who may answer, and the verdicts. One round is one look of the
 * daemon; what the receiving program does is done here as it does it (datapath/probe_receive.h).
 */
#include "core/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ULL
#define INTERVAL (50 * MS)
#define A 1U
#define B 2U
#define C 4U
#define D 8U
#define E 16U

/* Who is connected to what; words with a bit for each slot. */
struct network {
	struct probe_run run;
	struct probe_state state;
	uint32_t members;
	uint32_t sends, receives;    /* their cables, by direction */
	uint32_t inside[PICK_SLOTS]; /* hear each other with no cable: of one NIC */
	bool apart;		     /* the physical switches are not joined */
	uint32_t elsewhere; /* members at two switches that are not joined to the others' */
	bool broadcasts;    /* somebody outside is heard by all */
	bool inbound;	    /* somebody outside sends to slot 0 */
	bool answers;	    /* somebody outside answers */
	unsigned int loss;  /* percent, of probes and answers */
	uint64_t delay_ns;
	bool doubled;
	uint32_t stands; /* their processors stand still: what comes to them waits */
	uint32_t waits[PICK_SLOTS][PICK_SLOTS]; /* the newest, by receiver and sender */
	uint64_t roll_ns;			/* that long a roll call takes, 0 = none at all */
	uint64_t called_ns;			/* the one that is under way was begun then */
	uint64_t now_ns;
	unsigned int changes;
	struct {
		uint64_t at_ns;
		uint32_t sequence;
		uint8_t from, to;
	} way[4096]; /* frames that are on it */
	unsigned int begin, end;
};

static struct network *net;

static int make(void **state)
{
	net = calloc(1, sizeof(*net));
	*state = net;
	probe_init(&net->run, 0);
	net->run.settings = (struct probe_settings){.interval_ns = INTERVAL, .multiplier = 3};
	net->members = net->sends = net->receives = A | B;
	net->broadcasts = net->answers = true;
	net->now_ns = 5000 * MS;
	srandom(1);
	return net ? 0 : -1;
}

static int drop(void **state)
{
	free(*state);
	return 0;
}

static bool lost(void)
{
	return (unsigned int)(random() % 100) < net->loss;
}

static bool passes(unsigned int from, unsigned int to)
{
	if (net->inside[from] >> to & 1)
		return true;
	if ((net->elsewhere >> from ^ net->elsewhere >> to) & 1)
		return false;
	return !net->apart && (net->sends >> from & 1) && (net->receives >> to & 1);
}

/* As the receiving program does it. */
static void hear(unsigned int from, unsigned int to, uint32_t sequence, uint64_t at_ns)
{
	struct probe_pair *pair = &net->state.pairs[to][from];
	uint64_t delay_ns = at_ns - net->state.sent[from][sequence % PROBE_WINDOW].at_ns;

	if (sequence > pair->newest)
		pair->newest = sequence;
	if (delay_ns > pair->delay_ns)
		pair->delay_ns = delay_ns;
	pair->frames++;
}

static void arrive(void)
{
	for (; net->begin != net->end && net->way[net->begin % 4096].at_ns <= net->now_ns;
	     net->begin++) {
		unsigned int from = net->way[net->begin % 4096].from;
		unsigned int to = net->way[net->begin % 4096].to;
		uint32_t sequence = net->way[net->begin % 4096].sequence;

		if (net->stands >> to & 1)
			net->waits[to][from] = sequence;
		else
			hear(from, to, sequence, net->way[net->begin % 4096].at_ns);
	}
}

static void put_on_way(unsigned int from, unsigned int to, uint32_t sequence)
{
	for (int i = 0; i < 1 + net->doubled; i++) {
		net->way[net->end % 4096].at_ns = net->now_ns + net->delay_ns;
		net->way[net->end % 4096].sequence = sequence;
		net->way[net->end % 4096].from = (uint8_t)from;
		net->way[net->end % 4096].to = (uint8_t)to;
		net->end++;
	}
}

static void send_probes(unsigned int slot)
{
	uint32_t targets = probe_targets(&net->run, slot);
	uint32_t sequence = probe_send(&net->run, slot, net->now_ns);

	net->state.sent[slot][sequence % PROBE_WINDOW].at_ns = net->now_ns;
	for (unsigned int to = 0; to < PICK_SLOTS; to++)
		if ((targets >> to & 1) && passes(slot, to) && !lost())
			put_on_way(slot, to, sequence);
}

static void hear_outside(unsigned int slot)
{
	struct probe_ear *ear = &net->state.ears[slot];
	bool both = (net->sends & net->receives) >> slot & 1;

	if (!(net->receives >> slot & 1) || (net->stands >> slot & 1))
		return;
	if (net->broadcasts || (net->inbound && !slot))
		ear->outside_ns = net->now_ns + MS;
	if (net->run.asks && net->answers && both && !lost() && !lost())
		ear->answered_ns = net->now_ns + MS;
}

/* As the daemon does it: one roll call at a time. */
static void call_roll(void)
{
	if (net->run.calls && !net->called_ns)
		net->called_ns = net->now_ns;
	if (!net->called_ns || net->stands || net->now_ns < net->called_ns + net->roll_ns)
		return;
	net->changes += probe_called(&net->run, &net->state, net->called_ns, net->now_ns);
	net->called_ns = 0;
}

/* Between two times that probes are sent, when the core asks for that. */
static void look_between(uint64_t until_ns)
{
	uint64_t at_ns;

	while ((at_ns = probe_look_at(&net->run, net->now_ns)) && at_ns < until_ns) {
		assert_true(at_ns > net->now_ns);
		net->now_ns = at_ns;
		arrive();
		net->changes += probe_look(&net->run, &net->state, net->now_ns);
		call_roll();
	}
}

/* Time passes, and the daemon looks @late_ns after it should have. */
static void look_late(uint64_t late_ns)
{
	uint64_t next_ns = net->now_ns + INTERVAL;

	look_between(next_ns);
	net->now_ns = next_ns + late_ns;
	arrive();
	(void)probe_late(&net->run, late_ns);
	net->changes += probe_judge(&net->run, &net->state, net->members, net->now_ns);
	call_roll();
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (net->members >> slot & 1) {
			send_probes(slot);
			hear_outside(slot);
		}
}

static void look(unsigned int rounds)
{
	while (rounds--)
		look_late(0);
}

/* Rounds until exactly these are silent; 0: not within so many. */
static unsigned int until_within(uint32_t silent, unsigned int rounds)
{
	for (unsigned int round = 1; round <= rounds; round++) {
		look(1);
		if (net->run.silent == silent)
			return round;
	}
	return 0;
}

static unsigned int until(uint32_t silent)
{
	return until_within(silent, 100);
}

static void cut(uint32_t slots)
{
	net->sends &= ~slots;
	net->receives &= ~slots;
}

static void mend(uint32_t slots)
{
	net->sends |= slots;
	net->receives |= slots;
}

static void stays(uint32_t silent, unsigned int rounds)
{
	for (; rounds; rounds--) {
		look(1);
		assert_int_equal(net->run.silent, silent);
	}
}

static void a_pulled_cable_is_told_by_answers(void **state)
{
	net->broadcasts = false;
	stays(0, 20);
	cut(A);
	assert_in_range(until(A), 4, 5);
	stays(A, 100);
	mend(A);
	assert_in_range(until(0), 1, 4);
	cut(B);
	assert_in_range(until(B), 4, 5);
}

static void a_pulled_cable_is_told_by_what_comes_in(void **state)
{
	net->answers = false;
	look(20);
	cut(B);
	assert_in_range(until(B), 4, 5);
	stays(B, 100);
	mend(B);
	assert_in_range(until(0), 1, 4);
}

/* Traffic comes in at the primary alone, so the other one must not be thought better. */
static void who_still_receives_keeps(void **state)
{
	net->broadcasts = net->answers = false;
	net->inbound = true;
	look(20);
	cut(B);
	assert_in_range(until(B), 4, 6);
}

static void nobody_can_tell_nothing_is_done(void **state)
{
	net->broadcasts = net->answers = false;
	look(20);
	cut(A);
	stays(0, 200);
}

static void a_dead_gateway_is_no_dead_link(void **state)
{
	look(20);
	net->answers = net->broadcasts = false;
	stays(0, 200);
	net->run.settings.addresses = true;
	stays(0, 200);
}

static void both_dead_and_back_in_either_order(void **state)
{
	for (uint32_t first = A; first <= B; first++) {
		look(20);
		cut(A | B);
		stays(0, 100);
		mend(first);
		assert_in_range(until(first ^ (A | B)), 1, 6);
		stays(first ^ (A | B), 50);
		mend(A | B);
		assert_in_range(until(0), 1, 5);
	}
}

/* The second one is lost while the first is: then the first is no worse. */
static void the_last_one_is_not_given_up(void **state)
{
	look(20);
	cut(A);
	assert_true(until(A));
	net->members = A;
	look(1);
	assert_int_equal(net->run.silent, 0);
	stays(0, 50);
	net->members = A | B;
	assert_true(until(A));
}

static void both_dead_the_silent_one_comes_back(void **state)
{
	look(20);
	cut(A);
	assert_true(until(A));
	cut(B);
	stays(A, 100);
	mend(A);
	assert_in_range(until(B), 1, 30);
}

static void one_way_loss_is_told(void **state)
{
	/* Not asked, B could be one that does not send, as far as is known. */
	for (int asked = 0; asked < 2; asked++) {
		net->answers = asked;
		look(20);
		net->sends &= ~A;
		assert_in_range(until(A), 4, 5);
		stays(A, 100);
		mend(A);
		assert_in_range(until(0), 1, 4);
		net->receives &= ~A;
		if (asked)
			assert_in_range(until(A), 4, 5);
		else
			stays(0, 50);
		mend(A);
		assert_true(asked ? until(0) : 1);
		look(5);
	}
}

static void one_way_loss_in_silence_is_nobodys(void **state)
{
	net->answers = net->broadcasts = false;
	look(20);
	net->sends &= ~A;
	stays(0, 100);
}

static void switches_that_are_not_joined_tell_nothing(void **state)
{
	net->apart = true;
	stays(0, 50);
	cut(A);
	stays(0, 200);
}

static void then_addresses_tell(void **state)
{
	net->apart = true;
	net->run.settings.addresses = true;
	stays(0, 50);
	cut(A);
	assert_in_range(until(A), 3, 6);
	stays(A, 50);
	mend(A);
	assert_in_range(until(0), 1, 3);
	net->answers = false;
	stays(0, 100);
}

/* Where nobody answers a member that comes has not missed less than the others. */
static void a_newcomer_is_no_better(void **state)
{
	net->apart = true;
	net->run.settings.addresses = true;
	stays(0, 50);
	net->answers = false;
	stays(0, 100);
	net->members = A;
	stays(0, 20);
	net->members = A | B;
	stays(0, 200);
	net->answers = true;
	stays(0, 50);
	cut(B);
	assert_in_range(until(B), 3, 6);
}

static void part(bool addresses)
{
	net->members = net->sends = net->receives = A | B | C | D | E;
	net->elsewhere = D | E;
	net->run.settings.addresses = addresses;
}

/* Three at one switch and two at another, which are not joined: nobody hears it, all are well. */
static void two_networks_are_not_compared(void **state)
{
	for (int addresses = 0; addresses < 2; addresses++) {
		part(addresses);
		stays(0, 100);
	}
	net->answers = net->broadcasts = false;
	stays(0, 100);
}

static void each_network_is_judged_by_itself(void **state)
{
	part(false);
	net->answers = false;
	look(50);
	cut(D);
	assert_in_range(until(D), 4, 5);
	stays(D, 50);
	mend(D);
	assert_in_range(until(0), 1, 5);
	cut(A);
	assert_in_range(until(A), 4, 5);
}

/* D and E hear each other still, by their switch, which has lost its own way out. */
static void one_of_two_networks_is_cut_off(void **state)
{
	part(true);
	net->inside[3] = E;
	net->inside[4] = D;
	look(50);
	cut(D | E);
	assert_in_range(until(D | E), 3, 6);
	stays(D | E, 50);
	mend(D | E);
	assert_in_range(until(0), 1, 3);
}

static void the_majority_keeps(void **state)
{
	net->members = net->sends = net->receives = A | B | C;
	net->broadcasts = net->answers = false;
	look(20);
	cut(B);
	assert_in_range(until(B), 4, 5);
	cut(C);
	stays(B, 50);
	mend(B | C);
	assert_true(until(0));
}

/* B and C are of one NIC, whose own switch passes their frames to each other. */
static void answers_count_more_than_heads(void **state)
{
	net->members = net->sends = net->receives = A | B | C;
	net->inside[1] = C;
	net->inside[2] = B;
	net->broadcasts = false;
	look(20);
	cut(B | C);
	assert_in_range(until(B | C), 4, 5);
	stays(B | C, 50);
}

static void many_members_send_to_four_each(void **state)
{
	net->members = net->sends = net->receives = 0xffffffff;
	look(20);
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		assert_int_equal(__builtin_popcount(probe_targets(&net->run, slot)), 4);
	cut(0xff << 4);
	assert_in_range(until(0xff << 4), 4, 5);
	mend(0xff << 4);
	assert_in_range(until(0), 1, 5);
}

/* An hour each: whatever the network does to single frames, nobody is given up. */
static void loss_and_doubles_do_not_flap(void **state)
{
	net->doubled = true;
	for (net->loss = 1; net->loss <= 30; net->loss += 7)
		look(72000);
	assert_int_equal(net->changes, 0);
}

/* The network stands still for longer than it takes to give up, for all alike or one alone. */
static void delay_is_learnt(void **state)
{
	look(20);
	net->delay_ns = 45 * MS;
	look(20);
	net->delay_ns = 90 * MS;
	look(20);
	net->delay_ns = 170 * MS;
	net->answers = net->broadcasts = false;
	net->inbound = true;
	look(20);
	assert_int_equal(net->changes, 0);
}

/* One that is late, as on a busy machine, does not make the next verdict a late one. */
static void late_probe_is_soon_forgotten(void **state)
{
	net->delay_ns = MS;
	look(20);
	net->delay_ns = 140 * MS;
	look(1);
	net->delay_ns = MS;
	look(25);
	assert_int_equal(net->changes, 0);
	cut(A);
	assert_in_range(until(A), 4, 5);
}

/* A switch may keep frames for a path that is dead, and send them when it is back. */
static void what_waited_for_a_path_is_no_delay(void **state)
{
	uint64_t due_ns;

	look(20);
	due_ns = net->run.due_ns;
	cut(A);
	assert_true(until(A));
	net->state.pairs[0][1].delay_ns = 5000 * MS;
	mend(A);
	assert_true(until(0));
	assert_int_equal(net->run.due_ns, due_ns);
}

/* What was not looked at was not missed, whoever could have told. */
static void a_stalled_daemon_decides_nothing(void **state)
{
	look(20);
	for (int i = 0; i < 50; i++) {
		look_late(10000 * MS);
		look_late(70 * MS);
		look(1);
	}
	assert_int_equal(net->changes, 0);
	cut(A);
	look(1);
	look_late(10000 * MS);
	assert_int_equal(net->run.silent, 0);
	assert_in_range(until(A), 3, 5);
	look_late(10000 * MS);
	stays(A, 20);
}

/* They run again: what has waited is taken in, and all have answered the roll call. */
static void run_again(void)
{
	net->stands = 0;
	for (unsigned int to = 0; to < PICK_SLOTS; to++)
		for (unsigned int from = 0; from < PICK_SLOTS; from++)
			if (net->waits[to][from])
				hear(from, to, net->waits[to][from], net->now_ns);
	memset(net->waits, 0, sizeof(net->waits));
	call_roll();
}

/* What comes to a processor that stands still has not been lost, however long it waits. */
static void a_standing_processor_is_no_dead_path(void **state)
{
	bool called = false;

	look(20);
	for (unsigned int looks = 1; looks < 20; looks++) {
		net->stands = B;
		look(looks);
		called |= net->called_ns != 0;
		run_again();
		assert_false(net->run.calls);
		look(5);
	}
	assert_true(called);
	assert_int_equal(net->changes, 0);
	look(50);
	cut(A);
	assert_in_range(until(A), 4, 5);
}

/* That is found when it runs again. */
static void a_path_dies_while_a_processor_stands(void **state)
{
	look(20);
	net->stands = B;
	cut(A);
	look(10);
	assert_int_equal(net->run.silent, 0);
	run_again();
	assert_true(until(A)); /* what has waited was a long delay, and is soon forgotten */
}

/* Of switches that are not joined: answers that wait are answers. */
static void answers_may_wait_for_a_processor(void **state)
{
	net->apart = true;
	net->run.settings.addresses = true;
	look(20);
	net->stands = A;
	look(20);
	assert_true(net->run.calls);
	net->state.ears[0].answered_ns = net->now_ns;
	run_again();
	look(20);
	assert_int_equal(net->changes, 0);
}

/* They do not hear each other any more, but are answered; nor is that lost while one stands. */
static void an_answer_may_wait_where_nobody_is_heard(void **state)
{
	look(20);
	net->apart = true;
	look(50);
	for (unsigned int looks = 1; looks < 30; looks++) {
		net->stands = B;
		look(looks);
		net->state.ears[1].outside_ns = net->state.ears[1].answered_ns = net->now_ns;
		run_again();
		look(5);
	}
	assert_int_equal(net->changes, 0);
}

/* The other one is silent, and back, while this one's processor stands. */
static void who_stands_does_not_lose_against_who_comes_back(void **state)
{
	look(20);
	cut(A);
	assert_true(until(A));
	look(20);
	net->stands = B;
	mend(A);
	for (int i = 0; i < 30; i++) {
		look(1);
		assert_false(net->run.silent & B);
	}
	run_again();
	look(20);
	assert_int_equal(net->run.silent, 0);
}

/* A verdict of whatever kind comes when the roll call is over, however long that takes. */
static void a_long_roll_call_is_waited_for(void **state)
{
	for (uint64_t looks = 1; looks < 200; looks += 33) {
		net->roll_ns = looks * INTERVAL - INTERVAL / 2;
		look(20);
		cut(A);
		assert_in_range(until_within(A, 300), 4 + looks, 8 + looks);
		mend(A);
		assert_true(until(0));
	}
	net->apart = true;
	net->run.settings.addresses = true;
	memset(net->state.pairs, 0, sizeof(net->state.pairs));
	look(20);
	net->roll_ns = 5 * INTERVAL / 2;
	cut(A);
	assert_in_range(until(A), 5, 9);
}

/* The third probe that is lost is due three quarters of an interval after it was sent. */
static void a_verdict_does_not_wait_for_the_next_probes(void **state)
{
	uint64_t at_ns;

	look(20);
	assert_int_equal(probe_look_at(&net->run, net->now_ns), 0);
	cut(A);
	look(3);
	assert_int_equal(net->run.silent, 0);
	at_ns = probe_look_at(&net->run, net->now_ns);
	assert_int_equal(at_ns, net->now_ns + INTERVAL * 3 / 4);
	net->now_ns = at_ns;
	assert_false(probe_look(&net->run, &net->state, net->now_ns));
	assert_true(net->run.calls);
	assert_true(probe_called(&net->run, &net->state, net->now_ns, net->now_ns));
	assert_int_equal(net->run.silent, A);
}

static void a_new_daemon_goes_on(void **state)
{
	look(20);
	cut(A);
	assert_true(until(A));
	probe_init(&net->run, A);
	net->run.settings = (struct probe_settings){.interval_ns = INTERVAL, .multiplier = 3};
	for (unsigned int to = 0; to < PICK_SLOTS; to++)
		for (unsigned int from = 0; from < PICK_SLOTS; from++)
			net->state.pairs[to][from].newest = 0;
	stays(A, 50);
	mend(A);
	assert_true(until(0));
}

/* --- T13: A is a VF, C the synthetic path of the same member, which takes no part while A carries --- */

static void two_paths(void)
{
	net->run.others[0] = 3;
	net->run.others[2] = 1;
	net->broadcasts = false;
	stays(0, 20);
}

static void the_other_path_must_show_that_it_works(void **state)
{
	two_paths();
	cut(A);
	assert_in_range(until(A | C), 4, 5);
	net->members |= C;
	mend(C);
	assert_in_range(until(A), 1, 4);
	stays(A, 50);
	mend(A);
	assert_in_range(until(0), 1, 4);
	net->members &= ~C;
	stays(0, 50);
}

static void a_dead_uplink_takes_both_paths(void **state)
{
	two_paths();
	cut(A | C);
	assert_in_range(until(A | C), 4, 5);
	net->members |= C;
	stays(A | C, 100);
	mend(A);
	assert_true(until(C) || net->run.silent == 0);
}

/* The member counts once, or two members would be a majority against one. */
static void two_paths_are_one_voice(void **state)
{
	two_paths();
	net->members |= C;
	mend(C);
	look(20);
	net->answers = false;
	cut(B);
	stays(0, 100);
	assert_int_equal(probe_targets(&net->run, 0), B);
	assert_int_equal(probe_targets(&net->run, 2), B);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		TEST(a_pulled_cable_is_told_by_answers),
		TEST(a_pulled_cable_is_told_by_what_comes_in),
		TEST(who_still_receives_keeps),
		TEST(nobody_can_tell_nothing_is_done),
		TEST(a_dead_gateway_is_no_dead_link),
		TEST(both_dead_and_back_in_either_order),
		TEST(the_last_one_is_not_given_up),
		TEST(both_dead_the_silent_one_comes_back),
		TEST(one_way_loss_is_told),
		TEST(one_way_loss_in_silence_is_nobodys),
		TEST(switches_that_are_not_joined_tell_nothing),
		TEST(then_addresses_tell),
		TEST(a_newcomer_is_no_better),
		TEST(two_networks_are_not_compared),
		TEST(each_network_is_judged_by_itself),
		TEST(one_of_two_networks_is_cut_off),
		TEST(the_majority_keeps),
		TEST(answers_count_more_than_heads),
		TEST(many_members_send_to_four_each),
		TEST(loss_and_doubles_do_not_flap),
		TEST(delay_is_learnt),
		TEST(late_probe_is_soon_forgotten),
		TEST(what_waited_for_a_path_is_no_delay),
		TEST(a_stalled_daemon_decides_nothing),
		TEST(a_standing_processor_is_no_dead_path),
		TEST(a_path_dies_while_a_processor_stands),
		TEST(answers_may_wait_for_a_processor),
		TEST(an_answer_may_wait_where_nobody_is_heard),
		TEST(who_stands_does_not_lose_against_who_comes_back),
		TEST(a_long_roll_call_is_waited_for),
		TEST(a_verdict_does_not_wait_for_the_next_probes),
		TEST(a_new_daemon_goes_on),
		TEST(the_other_path_must_show_that_it_works),
		TEST(a_dead_uplink_takes_both_paths),
		TEST(two_paths_are_one_voice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
