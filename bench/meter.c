// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * failover-meter - counts what a failover costs: packets and time, in both directions
 *
 * Theory of operation. Guest, switch and peer are namespaces of one machine. Traffic runs both
 * ways at a fixed pace (meter_traffic.c) in a thread of its own. A cycle is: some rest, of random
 * length so that it keeps no step with anybody's timer; the switch's end of the cable of the
 * active member goes down; as soon as everything arrives again, up; when bonding sees the link of
 * every member, the cycle ends, and sending pauses for a moment, in which flows may go home.
 *
 * Each cycle is one line of JSON. Three stretches of it are told apart: rest, in which nothing
 * may be lost, or the pace is too high for this machine; failover, from the loss of the link
 * until its return; and what came after its return.
 */
#include "meter.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	REST_MIN_MS = 20,
	REST_SPREAD_MS = 100,
	DOWN_MIN_MS = 60,
	RETURN_MS = 20,
	DRAIN_MS = 15,
	PAUSE_MS = 60,
	PATIENCE_MS = 10000,
	/* traffic flows again if all of what was sent this long ago has come */
	FLOWS_FROM_MS = 40,
	FLOWS_UNTIL_MS = 10,
};

struct options {
	struct meter_end guest, peer;
	const char *switch_netns, *bond;
	const char *members[METER_MEMBERS_MAX];
	unsigned int member_count, flows, tick_us, cycles, at_rest_ms, second_ms, seed;
	bool busiest, until_eof;
};

struct meter {
	struct options options;
	struct traffic *traffic;
	struct links *links;
};

static const char help[] =
	"Usage: failover-meter --guest NETNS,ADDRESS --peer NETNS,ADDRESS\n"
	"                      --switch NETNS --bond NAME\n"
	"                      --member GUEST:PORT --member GUEST:PORT [options]\n"
	"\n"
	"Pulls the cable of the bond's active member, again and again, under traffic,\n"
	"and prints a line of JSON each time: what was lost, how long a flow was silent.\n"
	"\n"
	"  --cycles N     how often (default 10)\n"
	"  --flows N      UDP flows each way (default 8)\n"
	"  --tick-us N    each flow sends once in that time (default 1000)\n"
	"  --busiest      if bonding tells of no active member, pull the one that sends\n"
	"                 most; without it each in its turn\n"
	"  --second MS    so long after it pull the cable of the next active member, too\n"
	"  --at-rest MS   pull nothing: only send for that long, and print what was lost\n"
	"  --until-eof    the same, until standard input ends\n"
	"  --seed N       of the random rests (default 1)\n"
	"  --help         this text\n";

uint64_t meter_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t); /* that of the kernel's time stamps */
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000 * NS_PER_MS)};

	(void)nanosleep(&t, NULL);
}

/* ---- a cycle ---- */

static bool is_flowing(struct meter *meter)
{
	return traffic_flows(meter->traffic, FLOWS_FROM_MS * NS_PER_MS, FLOWS_UNTIL_MS * NS_PER_MS);
}

static bool is_well(struct meter *meter)
{
	return links_well(meter->links) && is_flowing(meter);
}

/* Looks every 2 ms; false: in vain. */
static bool wait_for(struct meter *meter, bool (*condition)(struct meter *meter))
{
	uint64_t end = meter_now() + PATIENCE_MS * NS_PER_MS;

	while (!condition(meter)) {
		if (meter_now() > end)
			return false;
		sleep_ms(2);
	}
	return true;
}

static void print_toll(const char *way, struct toll toll)
{
	printf("\"%s\": {\"lost\": %llu, \"disturbed\": %llu, \"silence_us\": %llu}", way,
	       (unsigned long long)toll.lost, (unsigned long long)toll.disturbed,
	       (unsigned long long)(toll.silence_ns / NS_PER_US));
}

static void print_tolls(struct meter *meter, const char *name, unsigned int from, unsigned int to)
{
	printf(", \"%s\": {", name);
	print_toll("out", traffic_toll(meter->traffic, WAY_OUT, from, to));
	printf(", ");
	print_toll("in", traffic_toll(meter->traffic, WAY_IN, from, to));
	printf("}");
}

static void print_disorder(struct meter *meter, const char *way_name, enum way way)
{
	struct disorder disorder = traffic_disorder(meter->traffic, way);

	printf("\"%s\": {\"duplicated\": %llu, \"reordered\": %llu}", way_name,
	       (unsigned long long)disorder.duplicated, (unsigned long long)disorder.reordered);
}

static void print_disorders(struct meter *meter)
{
	printf(", \"all\": {");
	print_disorder(meter, "out", WAY_OUT);
	printf(", ");
	print_disorder(meter, "in", WAY_IN);
	printf("}");
}

/* Which cable: the active member's; where bonding has none, the busiest one's, or each in turn. */
static unsigned int choose(struct meter *meter, unsigned int cycle)
{
	int active = links_active(meter->links);

	if (active >= 0)
		return (unsigned int)active;
	return meter->options.busiest ? links_busiest(meter->links)
				      : cycle % meter->options.member_count;
}

/* The one that is pulled after @first. Who has not noticed yet loses the next one as well. */
static unsigned int choose_second(struct meter *meter, unsigned int first)
{
	unsigned int next = (first + 1) % meter->options.member_count;
	unsigned int active = choose(meter, next);

	return active == first ? next : active;
}

/* Pulls the cable of @ret_pulled[0] and, if it is wanted, of another one. */
static int pull(struct meter *meter, unsigned int cycle, unsigned int *ret_pulled,
		unsigned int *ret_count)
{
	int err;

	*ret_count = 1;
	ret_pulled[0] = choose(meter, cycle);
	err = links_plug(meter->links, ret_pulled[0], false);
	if (err || !meter->options.second_ms)
		return err;
	sleep_ms(meter->options.second_ms);
	*ret_count = 2;
	ret_pulled[1] = choose_second(meter, ret_pulled[0]);
	return links_plug(meter->links, ret_pulled[1], false);
}

static int plug(struct meter *meter, const unsigned int *pulled, unsigned int count)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < count; i++)
		err = links_plug(meter->links, pulled[i], true);
	return err;
}

static int cycle_run(struct meter *meter, unsigned int cycle)
{
	unsigned int pulled[2], count, down, up, end;
	bool recovered, well;
	int err;

	traffic_begin(meter->traffic);
	links_mark(meter->links);
	sleep_ms(REST_MIN_MS + (unsigned int)random() % REST_SPREAD_MS);
	down = traffic_tick(meter->traffic);
	err = pull(meter, cycle, pulled, &count);
	if (err)
		return err;
	sleep_ms(DOWN_MIN_MS);
	recovered = wait_for(meter, is_flowing);
	up = traffic_tick(meter->traffic);
	err = plug(meter, pulled, count);
	if (err)
		return err;
	well = wait_for(meter, is_well);
	sleep_ms(RETURN_MS);
	end = traffic_tick(meter->traffic);
	traffic_pause(meter->traffic);
	sleep_ms(DRAIN_MS);
	printf("{\"cycle\": %u, \"member\": %u, \"recovered\": %s, \"well\": %s, \"ticks\": %u,"
	       " \"skipped\": %llu",
	       cycle, pulled[0], recovered ? "true" : "false", well ? "true" : "false", end,
	       (unsigned long long)traffic_skipped(meter->traffic));
	print_tolls(meter, "rest", 0, down);
	print_tolls(meter, "failover", down, up);
	print_tolls(meter, "return", up, end);
	print_disorders(meter);
	printf("}\n");
	fflush(stdout);
	sleep_ms(PAUSE_MS - DRAIN_MS);
	return 0;
}

static int rest_run(struct meter *meter)
{
	unsigned int end;
	char ignored[64];

	traffic_begin(meter->traffic);
	if (meter->options.at_rest_ms)
		sleep_ms(meter->options.at_rest_ms);
	else
		while (read(STDIN_FILENO, ignored, sizeof(ignored)) > 0)
			;
	end = traffic_tick(meter->traffic);
	traffic_pause(meter->traffic);
	sleep_ms(PAUSE_MS);
	if (end == METER_TICKS_MAX)
		return -EOVERFLOW; /* the rest of the time nothing was sent */
	printf("{\"ticks\": %u, \"skipped\": %llu", end,
	       (unsigned long long)traffic_skipped(meter->traffic));
	print_tolls(meter, "rest", 0, end);
	print_disorders(meter);
	printf("}\n");
	return 0;
}

/* ---- command line ---- */

static int member_parse(struct options *options, const char *text)
{
	if (options->member_count == METER_MEMBERS_MAX || !strchr(text, ':'))
		return -EINVAL;
	options->members[options->member_count++] = text;
	return 0;
}

static int option_take(struct options *options, int id, char *text)
{
	switch (id) {
	case 'g':
		return meter_end_parse(text, &options->guest);
	case 'p':
		return meter_end_parse(text, &options->peer);
	case 's':
		options->switch_netns = text;
		return 0;
	case 'b':
		options->bond = text;
		return 0;
	case 'm':
		return member_parse(options, text);
	case 'c':
		return meter_number_parse(text, 1, 1000000, &options->cycles);
	case 'f':
		return meter_number_parse(text, 1, METER_FLOWS_MAX, &options->flows);
	case 't':
		return meter_number_parse(text, 100, 100000, &options->tick_us);
	case 'r':
		return meter_number_parse(text, 1, 3000, &options->at_rest_ms);
	case 'n':
		return meter_number_parse(text, 1, 2000, &options->second_ms);
	case 'y':
		options->busiest = true;
		return 0;
	case 'u':
		options->until_eof = true;
		return 0;
	case 'e':
		return meter_number_parse(text, 0, 1U << 31, &options->seed);
	case 'h':
		fputs(help, stdout);
		exit(EXIT_SUCCESS);
	}
	return -EINVAL;
}

static int options_parse(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"guest", required_argument, NULL, 'g'},
		{"peer", required_argument, NULL, 'p'},
		{"switch", required_argument, NULL, 's'},
		{"bond", required_argument, NULL, 'b'},
		{"member", required_argument, NULL, 'm'},
		{"cycles", required_argument, NULL, 'c'},
		{"flows", required_argument, NULL, 'f'},
		{"tick-us", required_argument, NULL, 't'},
		{"at-rest", required_argument, NULL, 'r'},
		{"busiest", no_argument, NULL, 'y'},
		{"second", required_argument, NULL, 'n'},
		{"until-eof", no_argument, NULL, 'u'},
		{"seed", required_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int id, err = 0;

	while (!err && (id = getopt_long(argc, argv, "", names, NULL)) != -1) {
		err = option_take(options, id, optarg);
		if (err && id != '?')
			fprintf(stderr, "failover-meter: \"%s\" is no such value\n", optarg);
	}
	if (!err && (optind < argc || !options->guest.netns || !options->peer.netns ||
		     !options->switch_netns || !options->bond || options->member_count < 2)) {
		fputs("failover-meter: guest, peer, switch, bond and two members are needed\n",
		      stderr);
		err = -EINVAL;
	}
	return err;
}

static int run(struct meter *meter)
{
	const struct options *options = &meter->options;
	int err = links_open(options->guest.netns, options->switch_netns, options->bond,
			     options->members, options->member_count, &meter->links);

	if (!err)
		err = traffic_open(&options->guest, &options->peer, options->flows,
				   options->tick_us * NS_PER_US, &meter->traffic);
	if (err)
		return err;
	if (options->at_rest_ms || options->until_eof)
		err = rest_run(meter);
	else
		for (unsigned int cycle = 0; !err && cycle < options->cycles; cycle++)
			err = cycle_run(meter, cycle);
	traffic_close(meter->traffic);
	links_close(meter->links);
	return err;
}

int main(int argc, char **argv)
{
	static struct meter meter = {
		.options = {.flows = 8, .tick_us = 1000, .cycles = 10, .seed = 1},
	};
	int err;

	if (options_parse(&meter.options, argc, argv)) {
		fprintf(stderr, "Try 'failover-meter --help'.\n");
		return 2;
	}
	srandom(meter.options.seed);
	err = run(&meter);
	if (err)
		fprintf(stderr, "failover-meter: %s\n", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
