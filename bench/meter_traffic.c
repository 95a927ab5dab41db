// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The meter's packets.
 *
 * Theory of operation. At every tick each flow sends one packet in each direction; so one number,
 * the tick, tells which packets belong together and when they were sent. Both ends are sockets of
 * one process (in two namespaces), hence one clock, and the kernel's time of reception is that
 * clock too: a thread that reads late sees no silence where there was none.
 *
 * Silence of a flow: from the last packet before a loss to the first one after it, or, where
 * nothing was lost, by how much a packet was later than the one before it. A tick that was sent
 * late is not silence. What is known of it is thus exact to a tick.
 */
#include "meter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT_RECEIVE = 20000,
	PORT_SEND = 21000, /* of flow 0 */
	SOCKET_BUFFER = 8 << 20,
	BATCH = 32,
	CATCH_UP = 8, /* ticks that a late thread sends at once; more are skipped */
};

#define METER_MAGIC 0x66616d65U

struct payload {
	uint32_t magic;
	uint32_t cycle;
	uint32_t flow;
	uint32_t tick;
	uint8_t filler[48]; /* 64 bytes in all */
};

struct traffic {
	pthread_mutex_t lock; /* of all below but the sockets */
	pthread_t thread;
	unsigned int flows;
	uint64_t tick_ns;
	int senders[WAY_COUNT][METER_FLOWS_MAX], receivers[WAY_COUNT];
	bool stop, sending;
	uint32_t cycle;
	unsigned int tick;
	uint64_t due_ns, skipped;
	uint64_t sent_ns[WAY_COUNT][METER_TICKS_MAX];
	uint64_t received_ns[WAY_COUNT][METER_FLOWS_MAX][METER_TICKS_MAX]; /* 0 = not come */
	uint32_t newest[WAY_COUNT][METER_FLOWS_MAX];			   /* tick that has come */
	struct disorder disorder[WAY_COUNT];
};

/* ---- sockets ---- */

static int socket_bound(const struct meter_end *end, uint16_t port)
{
	struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd, back, err = netns_enter(end->netns, &back);

	if (err)
		return err;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? -errno : 0;
	netns_leave(back);
	if (!err && (inet_pton(AF_INET, end->address, &local.sin_addr) != 1 ||
		     bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0))
		err = -errno;
	return err ? err : fd;
}

/* Connected, so that each flow has a hash of its own. */
static int sender_open(const struct meter_end *from, const struct meter_end *to, unsigned int flow)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(PORT_RECEIVE)};
	int fd = socket_bound(from, (uint16_t)(PORT_SEND + flow));

	if (fd < 0)
		return fd;
	if (inet_pton(AF_INET, to->address, &peer.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		return -errno;
	return fd;
}

static int receiver_open(const struct meter_end *end)
{
	int fd = socket_bound(end, PORT_RECEIVE), size = SOCKET_BUFFER, on = 1;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		return -errno;
	return fd;
}

static int way_open(struct traffic *traffic, enum way way, const struct meter_end *from,
		    const struct meter_end *to)
{
	traffic->receivers[way] = receiver_open(to);
	if (traffic->receivers[way] < 0)
		return traffic->receivers[way];
	for (unsigned int flow = 0; flow < traffic->flows; flow++) {
		traffic->senders[way][flow] = sender_open(from, to, flow);
		if (traffic->senders[way][flow] < 0)
			return traffic->senders[way][flow];
	}
	return 0;
}

/* ---- the thread ---- */

/* A packet that the kernel does not take is lost like any other. */
static void send_tick(struct traffic *traffic)
{
	struct payload payload = {
		.magic = METER_MAGIC, .cycle = traffic->cycle, .tick = traffic->tick};

	for (int way = 0; way < WAY_COUNT; way++) {
		traffic->sent_ns[way][traffic->tick] = meter_now();
		for (unsigned int flow = 0; flow < traffic->flows; flow++) {
			payload.flow = flow;
			/* An ICMP error of an earlier packet is told once in place of sending. */
			if (send(traffic->senders[way][flow], &payload, sizeof(payload), 0) < 0)
				(void)send(traffic->senders[way][flow], &payload, sizeof(payload),
					   0);
		}
	}
	traffic->tick++;
}

static void send_due(struct traffic *traffic)
{
	uint64_t now = meter_now();

	if (now > traffic->due_ns + CATCH_UP * traffic->tick_ns) {
		uint64_t missed = (now - traffic->due_ns) / traffic->tick_ns;

		traffic->skipped += missed;
		traffic->due_ns += missed * traffic->tick_ns;
	}
	while (traffic->due_ns <= now && traffic->tick < METER_TICKS_MAX) {
		send_tick(traffic);
		traffic->due_ns += traffic->tick_ns;
	}
}

static uint64_t received_at(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	struct timespec t;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return meter_now();
	memcpy(&t, CMSG_DATA(c), sizeof(t));
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void take(struct traffic *traffic, int way, const struct payload *payload, size_t size,
		 uint64_t received_ns)
{
	if (size != sizeof(*payload) || payload->magic != METER_MAGIC ||
	    payload->cycle != traffic->cycle || payload->flow >= traffic->flows ||
	    payload->tick >= traffic->tick)
		return;
	if (traffic->received_ns[way][payload->flow][payload->tick]) {
		traffic->disorder[way].duplicated++;
		return;
	}
	traffic->received_ns[way][payload->flow][payload->tick] = received_ns;
	if (payload->tick < traffic->newest[way][payload->flow])
		traffic->disorder[way].reordered++;
	else
		traffic->newest[way][payload->flow] = payload->tick;
}

static void receive(struct traffic *traffic, int way)
{
	struct payload payloads[BATCH];
	char control[BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	int count;

	do {
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){&payloads[i], sizeof(payloads[i])};
			messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
							      .msg_iovlen = 1,
							      .msg_control = control[i],
							      .msg_controllen = sizeof(control[i])};
		}
		count = recvmmsg(traffic->receivers[way], messages, BATCH, 0, NULL);
		for (int i = 0; i < count; i++)
			take(traffic, way, &payloads[i], messages[i].msg_len,
			     received_at(&messages[i].msg_hdr));
	} while (count == BATCH);
}

static void sleep_until(uint64_t when_ns)
{
	struct timespec t = {.tv_sec = (time_t)(when_ns / NS_PER_S),
			     .tv_nsec = (long)(when_ns % NS_PER_S)};

	(void)clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL);
}

static void *run(void *data)
{
	struct traffic *traffic = data;
	bool stop = false;

	prctl(PR_SET_TIMERSLACK, 1UL); /* ns; the default 50 us would blur the ticks */
	while (!stop) {
		uint64_t next;

		pthread_mutex_lock(&traffic->lock);
		if (traffic->sending)
			send_due(traffic);
		for (int way = 0; way < WAY_COUNT; way++)
			receive(traffic, way);
		next = traffic->sending ? traffic->due_ns : meter_now() + traffic->tick_ns;
		stop = traffic->stop;
		pthread_mutex_unlock(&traffic->lock);
		sleep_until(next);
	}
	return NULL;
}

/* ---- what the meter asks ---- */

int traffic_open(const struct meter_end *guest, const struct meter_end *peer, unsigned int flows,
		 uint64_t tick_ns, struct traffic **ret_traffic)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));
	int err;

	if (!traffic)
		return -ENOMEM;
	traffic->flows = flows;
	traffic->tick_ns = tick_ns;
	pthread_mutex_init(&traffic->lock, NULL);
	err = way_open(traffic, WAY_OUT, guest, peer);
	if (!err)
		err = way_open(traffic, WAY_IN, peer, guest);
	if (!err)
		err = -pthread_create(&traffic->thread, NULL, run, traffic);
	if (err) {
		free(traffic); /* the process ends: it takes the sockets with it */
		return err;
	}
	*ret_traffic = traffic;
	return 0;
}

void traffic_close(struct traffic *traffic)
{
	pthread_mutex_lock(&traffic->lock);
	traffic->stop = true;
	pthread_mutex_unlock(&traffic->lock);
	pthread_join(traffic->thread, NULL);
	free(traffic);
}

void traffic_begin(struct traffic *traffic)
{
	pthread_mutex_lock(&traffic->lock);
	for (int way = 0; way < WAY_COUNT; way++)
		for (unsigned int flow = 0; flow < traffic->flows; flow++)
			memset(traffic->received_ns[way][flow], 0,
			       traffic->tick * sizeof(traffic->received_ns[way][flow][0]));
	memset(traffic->newest, 0, sizeof(traffic->newest));
	memset(traffic->disorder, 0, sizeof(traffic->disorder));
	traffic->cycle++;
	traffic->tick = 0;
	traffic->skipped = 0;
	traffic->due_ns = meter_now();
	traffic->sending = true;
	pthread_mutex_unlock(&traffic->lock);
}

void traffic_pause(struct traffic *traffic)
{
	pthread_mutex_lock(&traffic->lock);
	traffic->sending = false;
	pthread_mutex_unlock(&traffic->lock);
}

unsigned int traffic_tick(struct traffic *traffic)
{
	unsigned int tick;

	pthread_mutex_lock(&traffic->lock);
	tick = traffic->tick;
	pthread_mutex_unlock(&traffic->lock);
	return tick;
}

static bool tick_arrived(const struct traffic *traffic, int way, unsigned int tick)
{
	for (unsigned int flow = 0; flow < traffic->flows; flow++)
		if (!traffic->received_ns[way][flow][tick])
			return false;
	return true;
}

bool traffic_flows(struct traffic *traffic, uint64_t from_ns, uint64_t until_ns)
{
	bool flows = true, any = false;
	uint64_t now;

	pthread_mutex_lock(&traffic->lock);
	now = meter_now();
	for (int way = 0; way < WAY_COUNT; way++)
		for (unsigned int tick = traffic->tick; flows && tick-- > 0;) {
			uint64_t sent_ns = traffic->sent_ns[way][tick];

			if (sent_ns + from_ns < now)
				break;
			if (sent_ns + until_ns > now)
				continue;
			any = true;
			flows = tick_arrived(traffic, way, tick);
		}
	pthread_mutex_unlock(&traffic->lock);
	return flows && any;
}

/* How long a flow was silent before @tick, which came; @before is the last one that did. */
static uint64_t silence_before(const struct traffic *traffic, enum way way,
			       const uint64_t *received_ns, unsigned int before, unsigned int tick)
{
	uint64_t gap = received_ns[tick] - received_ns[before];
	uint64_t paced = traffic->sent_ns[way][tick] - traffic->sent_ns[way][before];

	if (received_ns[tick] < received_ns[before])
		return 0;
	if (tick > before + 1)
		return gap;
	return gap > paced ? gap - paced : 0;
}

static void flow_toll(const struct traffic *traffic, enum way way, unsigned int flow,
		      unsigned int from, unsigned int to, struct toll *toll)
{
	const uint64_t *received_ns = traffic->received_ns[way][flow];
	unsigned int before = from ? from - 1 : 0;
	uint64_t lost_before = toll->lost;

	while (before > 0 && !received_ns[before])
		before--;
	for (unsigned int tick = from; tick < to; tick++) {
		uint64_t silence;

		if (!received_ns[tick]) {
			toll->lost++;
			continue;
		}
		silence = received_ns[before]
				  ? silence_before(traffic, way, received_ns, before, tick)
				  : 0;
		if (silence > toll->silence_ns)
			toll->silence_ns = silence;
		before = tick;
	}
	toll->disturbed += toll->lost > lost_before;
}

struct toll traffic_toll(struct traffic *traffic, enum way way, unsigned int from, unsigned int to)
{
	struct toll toll = {0};

	pthread_mutex_lock(&traffic->lock);
	for (unsigned int flow = 0; flow < traffic->flows; flow++)
		flow_toll(traffic, way, flow, from, to, &toll);
	pthread_mutex_unlock(&traffic->lock);
	return toll;
}

struct disorder traffic_disorder(struct traffic *traffic, enum way way)
{
	struct disorder disorder;

	pthread_mutex_lock(&traffic->lock);
	disorder = traffic->disorder[way];
	pthread_mutex_unlock(&traffic->lock);
	return disorder;
}

uint64_t traffic_skipped(struct traffic *traffic)
{
	uint64_t skipped;

	pthread_mutex_lock(&traffic->lock);
	skipped = traffic->skipped;
	pthread_mutex_unlock(&traffic->lock);
	return skipped;
}
