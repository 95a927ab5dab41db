// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorder's sender: one packet every period, flows taking turns.
 *
 * A wake-up that comes a little late finds several packets due and sends them together, but never
 * more than BURST, and then waits so that a backlog is worked off at no more than twice the rate.
 * What is due for longer than LAG_MAX is skipped: the rate drops, and the report says so.
 */
#include "recorder.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>

enum {
	BURST = 4,
};

static const uint64_t LAG_MAX_NS = 50 * NSEC_PER_MSEC;

void sender_start(struct recorder *r, uint64_t now_ns)
{
	struct sender *s = &r->sender;

	if (s->running || r->options.rate == 0)
		return;
	s->running = true;
	s->period_ns = NSEC_PER_SEC / r->options.rate;
	s->due_ns = now_ns;
	s->not_before_ns = now_ns;
	s->running_since_ns = now_ns;
}

void sender_stop(struct recorder *r, uint64_t now_ns)
{
	if (r->sender.running)
		r->acts[r->current].sending_ns += now_ns - r->sender.running_since_ns;
	r->sender.running = false;
}

static void send_one(struct recorder *r, unsigned int flow)
{
	static uint8_t bytes[SIZE_MAX_BYTES];
	struct act *act = &r->acts[r->current];
	struct flow_tally *tally = &act->flows[flow];
	struct packet_head *head = (struct packet_head *)bytes;
	ssize_t sent;

	if (tally->sent == SEQ_MAX) {
		act->refused++; /* the other end would not count it either */
		return;
	}
	*head = (struct packet_head){
		.magic = htonl(PACKET_MAGIC),
		.act = htons(r->current),
		.flow = htons(flow),
		.seq = htobe64(tally->sent),
		.sent_ns = htobe64(recorder_now()),
	};
	sent = send(r->sockets[flow], bytes, r->options.size, 0);
	if (sent < 0 && errno != EAGAIN) {
		/* An ICMP error of an earlier packet is told here once, in place of sending. */
		r->socket_errors++;
		sent = send(r->sockets[flow], bytes, r->options.size, 0);
	}
	if (sent < 0)
		act->refused++;
	else
		tally->sent++;
}

static void lag_skip(struct recorder *r, uint64_t now_ns)
{
	struct sender *s = &r->sender;
	uint64_t missed;

	if (now_ns < s->due_ns + LAG_MAX_NS)
		return;
	missed = (now_ns - s->due_ns) / s->period_ns;
	r->acts[r->current].skipped += missed;
	s->due_ns += missed * s->period_ns;
}

void sender_run(struct recorder *r, uint64_t now_ns)
{
	struct sender *s = &r->sender;
	unsigned int burst;

	if (now_ns < sender_next_ns(r))
		return;
	lag_skip(r, now_ns);
	for (burst = 0; burst < BURST && s->due_ns <= now_ns; burst++) {
		send_one(r, s->flow);
		s->flow = (s->flow + 1) % r->options.flows;
		s->due_ns += s->period_ns;
	}
	s->not_before_ns = now_ns + burst * s->period_ns / 2;
}

/* When sender_run() has something to do; in the far future if it has not. */
uint64_t sender_next_ns(const struct recorder *r)
{
	const struct sender *s = &r->sender;

	if (!s->running)
		return UINT64_MAX;
	return s->due_ns > s->not_before_ns ? s->due_ns : s->not_before_ns;
}
