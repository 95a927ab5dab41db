// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cost-meter - what a packet costs between two network namespaces of one machine
 *
 * Theory of operation. One thread has the sockets of both ends: it sends a few packets, takes what
 * has come, and goes on. On a machine with one processor everything between is done in that time as
 * well: the send call runs the softirq that receives. So the time of it all is the cost of it all,
 * and in a VM whose clock counts instructions (QEMU's -icount) that is a number of instructions.
 * What two paths differ by is told by the difference of two runs. A run is cut into slices, and the
 * median one counts: what the machine does now and then besides does not.
 *
 * Requests are another matter: a second thread answers, as another machine would, and each round
 * trip is timed with all its waking up.
 */
#include "meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT_TO = 20000,
	PORT_FROM = 21000,
	BATCH = 16,
	SLICES = 15,
	WARM_UP = 2048, /* packets, or KiB: caches are warm, neighbours known, buckets learnt */
	CHUNK = 64 << 10,
	SIZE_MAX_UDP = 1400,
	REQUESTS_MAX = 100000,
	REQUESTS_WARM_UP = 50,
	ANSWER_S = 5,
};

struct options {
	struct meter_end from, to;
	unsigned int flows, size, packets, kib, requests;
};

static const char help[] = "Usage: cost-meter --from NETNS,ADDRESS --to NETNS,ADDRESS [options]\n"
			   "\n"
			   "Sends packets from one namespace to another and prints, as JSON,\n"
			   "how many came and how long each took, on one processor.\n"
			   "\n"
			   "  --packets N   UDP packets to send (default 20000)\n"
			   "  --flows N     of how many flows, in turn (default 64, at most 64)\n"
			   "  --size N      bytes in each (default 64)\n"
			   "  --tcp KIB     a TCP connection instead, that carries so much\n"
			   "  --requests N  N requests instead, each answered: round trips\n"
			   "  --help        this text\n";

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "cost-meter: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static int socket_bound(const struct meter_end *end, int type, uint16_t port)
{
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd, back, on = 1;

	if (netns_enter(end->netns, &back))
		die(end->netns);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	netns_leave(back);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    inet_pton(AF_INET, end->address, &local.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
		die(end->address);
	return fd;
}

static void socket_connect(int fd, const struct meter_end *end)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT_TO)};

	if (inet_pton(AF_INET, end->address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* ---- UDP ---- */

struct udp {
	int senders[METER_FLOWS_MAX], receiver;
	unsigned int flows, next;
};

static void udp_open(struct udp *udp, const struct options *options)
{
	*udp = (struct udp){.flows = options->flows};
	udp->receiver = socket_bound(&options->to, SOCK_DGRAM, PORT_TO);
	for (unsigned int flow = 0; flow < udp->flows; flow++) {
		udp->senders[flow] =
			socket_bound(&options->from, SOCK_DGRAM, (uint16_t)(PORT_FROM + flow));
		socket_connect(udp->senders[flow], &options->to);
	}
}

/* Returns how many have come. */
static unsigned int udp_run(struct udp *udp, unsigned int size, unsigned int packets)
{
	static char buffer[SIZE_MAX_UDP];
	unsigned int received = 0;

	for (unsigned int sent = 0; sent < packets; sent += BATCH) {
		for (unsigned int i = 0; i < BATCH; i++)
			if (send(udp->senders[udp->next++ % udp->flows], buffer, size, 0) < 0)
				die("send");
		while (recv(udp->receiver, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0)
			received++;
	}
	return received;
}

/* ---- TCP ---- */

struct tcp {
	int sender, receiver;
};

static void tcp_open(struct tcp *tcp, const struct options *options)
{
	int listener = socket_bound(&options->to, SOCK_STREAM, PORT_TO);

	tcp->sender = socket_bound(&options->from, SOCK_STREAM, PORT_FROM);
	if (listen(listener, 1) < 0)
		die("listen");
	socket_connect(tcp->sender, &options->to);
	tcp->receiver = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (tcp->receiver < 0)
		die("accept");
	close(listener);
}

/* Returns the KiB that have come. */
static unsigned int tcp_run(const struct tcp *tcp, unsigned int kib)
{
	static char buffer[CHUNK];
	uint64_t bytes = (uint64_t)kib << 10, sent = 0, received = 0;

	while (received < bytes) {
		size_t rest = bytes - sent < CHUNK ? bytes - sent : CHUNK;
		ssize_t done;

		done = rest ? send(tcp->sender, buffer, rest, MSG_DONTWAIT) : 0;
		if (done > 0)
			sent += (uint64_t)done;
		while ((done = recv(tcp->receiver, buffer, CHUNK, MSG_DONTWAIT)) > 0)
			received += (uint64_t)done;
		if (done == 0)
			break; /* the other end has gone */
	}
	return (unsigned int)(received >> 10);
}

/* ---- requests ---- */

/* The other end: it ends with the process. */
static void *answer(void *data)
{
	const int *fd = data;
	char buffer[SIZE_MAX_UDP];

	for (;;) {
		struct sockaddr_in from;
		socklen_t length = sizeof(from);
		ssize_t size =
			recvfrom(*fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &length);

		if (size < 0 ||
		    sendto(*fd, buffer, (size_t)size, 0, (struct sockaddr *)&from, length) < 0)
			die("answer");
	}
	return NULL;
}

static uint64_t round_trip(int fd, unsigned int size)
{
	static char buffer[SIZE_MAX_UDP];
	uint64_t begin_ns = now_ns();

	if (send(fd, buffer, size, 0) < 0 || recv(fd, buffer, sizeof(buffer), 0) < 0)
		die("request");
	return now_ns() - begin_ns;
}

static void measure_requests(const struct options *options)
{
	static uint64_t ns[REQUESTS_MAX];
	const struct timeval patience = {.tv_sec = ANSWER_S};
	int fd = socket_bound(&options->from, SOCK_DGRAM, PORT_FROM);
	int far = socket_bound(&options->to, SOCK_DGRAM, PORT_TO);
	unsigned int count = options->requests;
	pthread_t thread;

	socket_connect(fd, &options->to);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    pthread_create(&thread, NULL, answer, &far))
		die("requests");
	for (unsigned int i = 0; i < REQUESTS_WARM_UP; i++)
		(void)round_trip(fd, options->size);
	for (unsigned int i = 0; i < count; i++)
		ns[i] = round_trip(fd, options->size);
	qsort(ns, count, sizeof(ns[0]), compare_ns);
	printf("{\"requests\": %u, \"p50_us\": %.1f, \"p99_us\": %.1f}\n", count,
	       (double)ns[(count - 1) / 2] / NS_PER_US,
	       (double)ns[(count * 99 - 1) / 100] / NS_PER_US);
}

/* ---- the command ---- */

struct work {
	struct udp udp;
	struct tcp tcp;
};

/* Returns how many units, packets or KiB, have come. */
static unsigned int work_run(struct work *work, const struct options *options, unsigned int units)
{
	return options->kib ? tcp_run(&work->tcp, units)
			    : udp_run(&work->udp, options->size, units);
}

static void measure(const struct options *options)
{
	unsigned int got = 0, slice = (options->kib ? options->kib : options->packets) / SLICES;
	uint64_t ns[SLICES];
	struct work work;

	slice -= slice % BATCH;
	if (options->kib)
		tcp_open(&work.tcp, options);
	else
		udp_open(&work.udp, options);
	(void)work_run(&work, options, WARM_UP);
	for (unsigned int i = 0; i < SLICES; i++) {
		uint64_t begin_ns = now_ns();

		got += work_run(&work, options, slice);
		ns[i] = now_ns() - begin_ns;
	}
	qsort(ns, SLICES, sizeof(ns[0]), compare_ns);
	printf("{\"sent\": %u, \"received\": %u, \"ns_each\": %.1f}\n", slice * SLICES, got,
	       (double)ns[SLICES / 2] / slice);
}

static int option_take(int option, char *value, struct options *options)
{
	switch (option) {
	case 'f':
		return meter_end_parse(value, &options->from);
	case 't':
		return meter_end_parse(value, &options->to);
	case 'p':
		return meter_number_parse(value, BATCH * SLICES, 10000000, &options->packets);
	case 'n':
		return meter_number_parse(value, 1, METER_FLOWS_MAX, &options->flows);
	case 's':
		return meter_number_parse(value, 1, SIZE_MAX_UDP, &options->size);
	case 'r':
		return meter_number_parse(value, 1, REQUESTS_MAX, &options->requests);
	case 'k':
		return meter_number_parse(value, BATCH * SLICES, 10000000, &options->kib);
	default:
		return -EINVAL;
	}
}

int main(int argc, char *argv[])
{
	static const struct option long_options[] = {{"from", required_argument, NULL, 'f'},
						     {"to", required_argument, NULL, 't'},
						     {"packets", required_argument, NULL, 'p'},
						     {"flows", required_argument, NULL, 'n'},
						     {"size", required_argument, NULL, 's'},
						     {"tcp", required_argument, NULL, 'k'},
						     {"requests", required_argument, NULL, 'r'},
						     {"help", no_argument, NULL, 'h'},
						     {}};
	struct options options = {.flows = METER_FLOWS_MAX, .size = 64, .packets = 20000};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		if (option == 'h') {
			(void)fputs(help, stdout);
			return EXIT_SUCCESS;
		}
		if (option_take(option, optarg, &options)) {
			(void)fprintf(stderr, "cost-meter: bad option; see --help\n");
			return 2;
		}
	}
	if (optind < argc || !options.from.netns || !options.to.netns) {
		(void)fprintf(stderr, "cost-meter: --from and --to are needed; see --help\n");
		return 2;
	}
	if (options.requests)
		measure_requests(&options);
	else
		measure(&options);
	return EXIT_SUCCESS;
}
