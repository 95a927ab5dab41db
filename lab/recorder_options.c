// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorder's command line.
 */
#include "recorder.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"Usage: recorder --local ADDR --peer ADDR [options]\n"
	"\n"
	"Sends numbered UDP packets to a second recorder and counts what comes from it:\n"
	"lost, duplicated, reordered, silent for how long. Start one at each end:\n"
	"\n"
	"  here:   recorder --local 10.0.0.1 --peer 10.0.0.2\n"
	"  there:  recorder --local 10.0.0.2 --peer 10.0.0.1\n"
	"\n"
	"then type the same acts at both:\n"
	"\n"
	"  act NAME   start an act: count anew, and send under this name\n"
	"  pause      stop sending; receiving goes on\n"
	"  resume     send again\n"
	"  status     totals so far, cheap enough to poll\n"
	"  report     all tallies of all acts\n"
	"  quit       end (so does the end of stdin)\n"
	"\n"
	"Each line is answered by one line of JSON. What was lost on the way is what one\n"
	"end's report calls sent.sent less what the other's calls received.unique.\n"
	"\n"
	"Options:\n"
	"  --local ADDR   own address, IPv4 or IPv6\n"
	"  --peer ADDR    the other end's; give --local and --peer several times to deal\n"
	"                 the flows over several pairs of addresses\n"
	"  --flows N      UDP flows (default 256, at most 4096)\n"
	"  --port N       port of flow 0 at both ends, flow n has N + n (default 20000)\n"
	"  --rate N       packets per second over all flows, 0 to only receive\n"
	"                 (default 1000)\n"
	"  --size N       bytes of payload, 24 to 8900 (default 64)\n"
	"  --watch IFACE  note the source MAC that each flow's frames come in with\n"
	"  --limit N      end by itself after N seconds (default 600)\n"
	"  --help         this text\n";

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "recorder: %s: %s\n", what, why);
	return -EINVAL;
}

static int number_parse(const char *name, const char *text, unsigned long min, unsigned long max,
			unsigned int *ret)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || !isdigit((unsigned char)*text) || *end || value < min || value > max) {
		fprintf(stderr, "recorder: --%s %s: want a number from %lu to %lu\n", name, text,
			min, max);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

static int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_size)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *info;
	int err = getaddrinfo(text, NULL, &hints, &info);

	if (err)
		return fail(text, "not an IPv4 or IPv6 address");
	memcpy(ret, info->ai_addr, info->ai_addrlen);
	*ret_size = info->ai_addrlen;
	freeaddrinfo(info);
	return 0;
}

enum option_id {
	OPTION_LOCAL = 1,
	OPTION_PEER,
	OPTION_WATCH,
	OPTION_HELP,
	OPTION_NUMBERS = 256, /* this one and above: the row in numbers[]; '?' is an error */
};

static const struct number_option {
	const char *name;
	unsigned long min, max;
	size_t offset; /* in struct options */
} numbers[] = {
	{"flows", 1, FLOWS_MAX, offsetof(struct options, flows)},
	{"port", 1, 65535, offsetof(struct options, port)},
	{"rate", 0, RATE_MAX, offsetof(struct options, rate)},
	{"size", sizeof(struct packet_head), SIZE_MAX_BYTES, offsetof(struct options, size)},
	{"limit", 1, 86400, offsetof(struct options, limit_seconds)},
};

static const struct option long_options[] = {
	{"local", required_argument, NULL, OPTION_LOCAL},
	{"peer", required_argument, NULL, OPTION_PEER},
	{"watch", required_argument, NULL, OPTION_WATCH},
	{"help", no_argument, NULL, OPTION_HELP},
	{"flows", required_argument, NULL, OPTION_NUMBERS},
	{"port", required_argument, NULL, OPTION_NUMBERS + 1},
	{"rate", required_argument, NULL, OPTION_NUMBERS + 2},
	{"size", required_argument, NULL, OPTION_NUMBERS + 3},
	{"limit", required_argument, NULL, OPTION_NUMBERS + 4},
	{NULL, 0, NULL, 0},
};

static int number_option(struct options *o, int row, const char *text)
{
	const struct number_option *n = &numbers[row];

	return number_parse(n->name, text, n->min, n->max, (unsigned int *)((char *)o + n->offset));
}

/* Pair by pair: the first --local belongs to the first --peer. */
static int pairs_check(struct options *o, unsigned int locals, unsigned int peers)
{
	if (locals == 0 || locals != peers)
		return fail("addresses", "want --local and --peer, as many of one as of the other");
	for (unsigned int i = 0; i < locals; i++)
		if (o->pairs[i].local.ss_family != o->pairs[i].peer.ss_family)
			return fail("addresses", "--local and its --peer must be of one family");
	o->pairs_count = locals;
	if (o->port + o->flows - 1 > 65535)
		return fail("--port", "the flows need more ports than there are above it");
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	unsigned int locals = 0, peers = 0;
	int id, err = 0;

	while (!err && (id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (id == OPTION_LOCAL && locals < PAIRS_MAX) {
			err = address_parse(optarg, &o->pairs[locals].local,
					    &o->pairs[locals].size);
			locals++;
		} else if (id == OPTION_PEER && peers < PAIRS_MAX) {
			err = address_parse(optarg, &o->pairs[peers].peer, &o->pairs[peers].size);
			peers++;
		} else if (id == OPTION_WATCH) {
			o->watch = optarg;
		} else if (id == OPTION_HELP) {
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		} else if (id >= OPTION_NUMBERS) {
			err = number_option(o, id - OPTION_NUMBERS, optarg);
		} else {
			err = -EINVAL; /* getopt has said why, or there are too many addresses */
		}
	}
	if (!err && optind < argc)
		err = fail(argv[optind], "unknown argument");
	return err ? err : pairs_check(o, locals, peers);
}
