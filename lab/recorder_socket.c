// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorder's sockets, and the tally of what comes in on them.
 */
#include "recorder.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Room for seconds of one flow's packets, so that our own stalls lose nothing. */
	SOCKET_BUFFER = 2 << 20,
	ARRIVALS_FIRST = 64,
};

static void port_set(struct sockaddr_storage *address, unsigned int port)
{
	/* sin_port and sin6_port lie at the same place */
	((struct sockaddr_in *)address)->sin_port = htons(port);
}

static int socket_connect(int fd, const struct address_pair *pair, unsigned int port)
{
	struct address_pair p = *pair;

	port_set(&p.local, port);
	port_set(&p.peer, port);
	if (bind(fd, (struct sockaddr *)&p.local, p.size) < 0 ||
	    connect(fd, (struct sockaddr *)&p.peer, p.size) < 0)
		return -errno;
	return 0;
}

static int socket_option(int fd, int option, int value)
{
	return setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int socket_open(const struct recorder *r, unsigned int flow)
{
	const struct address_pair *pair = &r->options.pairs[flow % r->options.pairs_count];
	int fd = socket(pair->local.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	err = socket_option(fd, SO_RCVBUFFORCE, SOCKET_BUFFER);
	if (!err)
		err = socket_option(fd, SO_TIMESTAMPNS, 1);
	if (!err)
		err = socket_connect(fd, pair, r->options.port + flow);
	if (err)
		close(fd);
	return err ? err : fd;
}

int sockets_open(struct recorder *r)
{
	r->sockets = calloc(r->options.flows, sizeof(*r->sockets));
	if (!r->sockets)
		return -ENOMEM;
	for (unsigned int flow = 0; flow < r->options.flows; flow++) {
		int fd = socket_open(r, flow);

		if (fd < 0)
			return fd;
		r->sockets[flow] = fd;
	}
	return 0;
}

/* Makes room for @seq; rows double, so that a long act costs few copies. */
static bool arrivals_reserve(struct flow_tally *tally, uint64_t seq)
{
	uint32_t capacity = tally->capacity ? tally->capacity : ARRIVALS_FIRST;
	struct arrival *grown;

	if (seq < tally->capacity)
		return true;
	while (capacity <= seq)
		capacity *= 2;
	grown = realloc(tally->arrivals, capacity * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + tally->capacity, 0, (capacity - tally->capacity) * sizeof(*grown));
	tally->arrivals = grown;
	tally->capacity = capacity;
	return true;
}

static void packet_tally(struct recorder *r, const struct packet *packet, uint64_t received_ns)
{
	struct flow_tally *tally = recorder_tally(r, packet->act, packet->flow);
	struct act *act = &r->acts[packet->act];
	struct arrival *arrival;

	if (!tally || !arrivals_reserve(tally, packet->seq)) {
		fprintf(stderr, "recorder: out of memory\n");
		exit(EXIT_FAILURE); /* a tally with gaps of our own making is worth nothing */
	}
	r->received++;
	act->received++;
	arrival = &tally->arrivals[packet->seq];
	if (arrival->sent_ns) {
		act->duplicated++;
		return;
	}
	*arrival = (struct arrival){.sent_ns = packet->sent_ns, .received_ns = received_ns};
	tally->unique++;
	if (packet->seq < tally->next)
		act->reordered++;
	else
		tally->next = packet->seq + 1;
}

static uint64_t received_at(const struct recorder *r, struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	struct timespec t;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return recorder_now();
	memcpy(&t, CMSG_DATA(c), sizeof(t));
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec - r->realtime_offset_ns;
}

void sockets_receive(struct recorder *r, unsigned int flow)
{
	char control[CMSG_SPACE(sizeof(struct timespec))];
	uint8_t bytes[sizeof(struct packet_head)];
	struct iovec part = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(r->sockets[flow], &message, 0);
	struct packet packet;

	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR)
			r->socket_errors++;
		return;
	}
	if (packet_read(r, bytes, got, &packet) && packet.flow == flow)
		packet_tally(r, &packet, received_at(r, &message));
	else
		r->malformed++;
}

/* Books what our sockets have dropped since the last look under the current act. */
void sockets_count_drops(struct recorder *r)
{
	uint64_t drops = 0;

	for (unsigned int flow = 0; flow < r->options.flows; flow++) {
		uint32_t info[SK_MEMINFO_VARS] = {0};
		socklen_t size = sizeof(info);

		getsockopt(r->sockets[flow], SOL_SOCKET, SO_MEMINFO, info, &size);
		drops += info[SK_MEMINFO_DROPS];
	}
	r->acts[r->current].socket_drops += drops - r->socket_drops;
	r->socket_drops = drops;
}
