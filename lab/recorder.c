// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * recorder - sends and receives numbered UDP packets and counts exactly what became of them
 *
 * Theory of operation. Two recorders face each other, one at each end of what is tested. Both
 * send and both receive, on one connected UDP socket per flow, so each measures one direction.
 * Every payload says who it is: act, flow, number within flow and act, time of sending. An act
 * is a stretch of time with a name ("healthy", "link-lost"); both ends are told of acts by lines
 * on stdin, in the same order, and so agree on their numbers. Packets are counted under the act
 * that they were sent in, whenever they come.
 *
 * The receiver keeps a row per flow and act with a place for each number: a second packet for a
 * place is a duplicate, one that comes after a later number is reordered, an empty place before
 * a filled one is a hole. Losses at the end of an act leave no hole, so true loss is what the
 * other end says it sent, less what is unique here: who drives the two ends does that sum.
 *
 * Sending is even: packets are due at fixed times, never more than a few at once; a sender that
 * was itself stalled skips what it missed rather than flood. Times of reception are the kernel's,
 * so a recorder that wakes late sees no silence where there was none, and drops at its own sockets
 * are reported apart from loss on the way.
 *
 * All runs in one thread around epoll: wait until the next packet is due, send it, read what came.
 */
#include "recorder.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 64,
	LINE_SIZE = 256,
	/* what an epoll event belongs to: a flow's number, or one of these */
	EVENT_STDIN = FLOWS_MAX,
	EVENT_WATCH,
};

struct line_reader {
	char text[LINE_SIZE];
	size_t used;
	bool overlong; /* what has no room is dropped to the end of its line */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

uint64_t recorder_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void clock_compare(struct recorder *r)
{
	r->realtime_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - recorder_now());
}

struct flow_tally *recorder_tally(struct recorder *r, unsigned int act, unsigned int flow)
{
	struct act *a = &r->acts[act];

	if (!a->flows) {
		a->flows = calloc(r->options.flows, sizeof(*a->flows));
		if (!a->flows)
			return NULL;
		for (unsigned int i = 0; i < r->options.flows; i++)
			a->flows[i].macs = (struct flow_macs){.first = -1, .last = -1};
	}
	return &a->flows[flow];
}

bool packet_read(const struct recorder *r, const void *bytes, size_t size, struct packet *ret)
{
	struct packet_head head;

	if (size < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (ntohl(head.magic) != PACKET_MAGIC)
		return false;
	*ret = (struct packet){
		.act = ntohs(head.act),
		.flow = ntohs(head.flow),
		.seq = be64toh(head.seq),
		.sent_ns = be64toh(head.sent_ns),
	};
	return ret->act > 0 && ret->act < ACTS_MAX && ret->flow < r->options.flows &&
	       ret->seq < SEQ_MAX && ret->sent_ns > 0;
}

/* ---- commands ---- */

static void answer(json_t *json)
{
	if (!json) {
		fprintf(stderr, "recorder: out of memory\n");
		exit(EXIT_FAILURE);
	}
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(json);
}

static json_t *status(const struct recorder *r)
{
	uint64_t sent = 0;

	for (unsigned int a = 1; a <= r->current; a++)
		for (unsigned int f = 0; f < r->options.flows; f++)
			sent += r->acts[a].flows[f].sent;
	return json_pack("{s:i, s:s, s:b, s:I, s:I, s:I}", "act", (int)r->current, "name",
			 r->acts[r->current].name, "running", r->sender.running, "now_ns",
			 (json_int_t)recorder_now(), "sent", (json_int_t)sent, "received",
			 (json_int_t)r->received);
}

static json_t *refuse(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

static bool name_valid(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	return length > 0 && length < ACT_NAME_SIZE;
}

static json_t *command_act(struct recorder *r, const char *name)
{
	if (!name_valid(name))
		return refuse("act: want a name of 1 to 31 letters, digits, '-', '_' or '.'");
	if (r->current + 1 == ACTS_MAX)
		return refuse("act: too many acts");
	if (!recorder_tally(r, r->current + 1, 0))
		return NULL;
	sender_stop(r, recorder_now());
	sockets_count_drops(r);
	r->current++;
	strcpy(r->acts[r->current].name, name);
	clock_compare(r);
	r->sender.flow = 0; /* the receiver knows the order of sending by this */
	sender_start(r, recorder_now());
	return status(r);
}

static json_t *command_pause(struct recorder *r, const char *argument)
{
	(void)argument;
	sender_stop(r, recorder_now());
	return status(r);
}

static json_t *command_resume(struct recorder *r, const char *argument)
{
	(void)argument;
	if (r->current == 0)
		return refuse("resume: no act yet");
	sender_start(r, recorder_now());
	return status(r);
}

static json_t *command_status(struct recorder *r, const char *argument)
{
	(void)argument;
	return status(r);
}

static json_t *command_report(struct recorder *r, const char *argument)
{
	bool was_running = r->sender.running;
	json_t *json;

	(void)argument;
	sender_stop(r, recorder_now());
	sockets_count_drops(r);
	clock_compare(r);
	json = report_make(r);
	if (was_running)
		sender_start(r, recorder_now());
	return json;
}

static const struct command {
	const char *name;
	json_t *(*run)(struct recorder *r, const char *argument);
} commands[] = {
	{"act", command_act},	    {"pause", command_pause},	{"resume", command_resume},
	{"status", command_status}, {"report", command_report},
};

/* Returns false on "quit". */
static bool line_run(struct recorder *r, char *line)
{
	char *argument = line + strcspn(line, " ");

	if (*argument)
		*argument++ = '\0';
	if (!strcmp(line, "quit"))
		return false;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(line, commands[i].name)) {
			answer(commands[i].run(r, argument));
			return true;
		}
	}
	answer(refuse("want act NAME, pause, resume, status, report or quit"));
	return true;
}

/* Runs every whole line that stdin has. Returns false when there is no more to come. */
static bool stdin_read(struct recorder *r, struct line_reader *reader)
{
	size_t room = sizeof(reader->text) - 1 - reader->used;
	ssize_t got = read(STDIN_FILENO, reader->text + reader->used, room);
	char *end;

	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	if (got == 0)
		return false;
	reader->used += got;
	reader->text[reader->used] = '\0';
	while ((end = strchr(reader->text, '\n'))) {
		*end++ = '\0';
		if (!reader->overlong && !line_run(r, reader->text))
			return false;
		reader->overlong = false;
		reader->used -= end - reader->text;
		memmove(reader->text, end, reader->used + 1);
	}
	if (reader->used == sizeof(reader->text) - 1) {
		if (!reader->overlong)
			answer(refuse("line too long"));
		reader->overlong = true;
		reader->used = 0;
	}
	return true;
}

/* ---- the loop ---- */

static int event_add(int epoll, int fd, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int events_open(struct recorder *r)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int err = epoll < 0 ? -errno : event_add(epoll, STDIN_FILENO, EVENT_STDIN);

	if (!err && r->watch.fd >= 0)
		err = event_add(epoll, r->watch.fd, EVENT_WATCH);
	for (unsigned int i = 0; !err && i < r->options.flows; i++)
		err = event_add(epoll, r->sockets[i], i);
	return err ? err : epoll;
}

static struct timespec time_until(uint64_t when_ns)
{
	uint64_t now = recorder_now();
	uint64_t left = when_ns > now ? when_ns - now : 0;

	return (struct timespec){.tv_sec = left / NSEC_PER_SEC, .tv_nsec = left % NSEC_PER_SEC};
}

static bool event_run(struct recorder *r, struct line_reader *reader, uint32_t what)
{
	if (what == EVENT_STDIN)
		return stdin_read(r, reader);
	if (what == EVENT_WATCH)
		watch_read(r);
	else
		sockets_receive(r, what);
	return true;
}

static int loop(struct recorder *r, int epoll)
{
	uint64_t end_ns = recorder_now() + r->options.limit_seconds * NSEC_PER_SEC;
	struct line_reader reader = {.used = 0};
	struct epoll_event events[EVENTS_MAX];

	while (recorder_now() < end_ns) {
		uint64_t next = sender_next_ns(r);
		struct timespec wait = time_until(next < end_ns ? next : end_ns);
		int n = epoll_pwait2(epoll, events, EVENTS_MAX, &wait, NULL);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++)
			if (!event_run(r, &reader, events[i].data.u32))
				return 0;
		sender_run(r, recorder_now());
	}
	return -ETIME;
}

static int report_errno(const char *what, int err)
{
	fprintf(stderr, "recorder: %s: %s\n", what, strerror(-err));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static struct recorder r = {
		.options = {.flows = 256,
			    .port = 20000,
			    .rate = 1000,
			    .size = 64,
			    .limit_seconds = 600},
		.watch = {.fd = -1},
	};
	int err, epoll;

	if (options_parse(&r.options, argc, argv)) {
		fprintf(stderr, "Try 'recorder --help'.\n");
		return 2;
	}
	prctl(PR_SET_TIMERSLACK, 1UL); /* ns; the default 50 us would blur the pace */
	clock_compare(&r);
	err = sockets_open(&r);
	if (err)
		return report_errno("sockets", err);
	err = watch_open(&r);
	if (err)
		return report_errno(r.options.watch, err);
	epoll = events_open(&r);
	if (epoll < 0)
		return report_errno("epoll", epoll);
	answer(status(&r));
	err = loop(&r, epoll);
	return err ? report_errno("loop", err) : EXIT_SUCCESS;
}
