// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What has to do with frames and is no BPF program (tests/packet/test_noise.c has those): flows
 * that are asked about, announcements, the list of multicast groups, and the frames that the lab's
 * recorder looks into. The first byte says which.
 */
#include "base/cleanup.h"
#include "daemon/flow.h"
#include "kernel/frame.h"
#include "kernel/multicast.h"
#include "recorder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ssize_t recv(int fd, void *buffer, size_t size, int flags);

static void insist(bool truth)
{
	if (!truth)
		abort();
}

static uint16_t word_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* --- a flow that somebody asks about --- */

static void check_flow(const struct flow *flow, const struct mac *team)
{
	static const uint16_t types[] = {ETH_P_802_EX1, ETH_P_IP, ETH_P_IPV6};
	static const size_t lengths[] = {14 + 20, 14 + 20 + 20, 14 + 40 + 20};
	size_t kind = flow->family == AF_INET ? 1 : flow->family == AF_INET6 ? 2 : 0;
	uint8_t *frame = malloc(FLOW_FRAME_SIZE); /* so that a step beyond it is seen */

	insist(frame != NULL);
	insist(flow_frame(flow, frame) == lengths[kind]);
	insist(word_at(frame + 12) == types[kind]);
	insist(!kind || memcmp(frame + 6, team, sizeof(*team)) == 0);
	if (kind) {
		insist(frame[14] >> 4 == (kind == 1 ? 4 : 6));
		insist(word_at(frame + lengths[kind] - 20) == flow->source_port);
		insist(word_at(frame + lengths[kind] - 18) == flow->destination_port);
	}
	free(frame);
}

static void fuzz_flow(const uint8_t *data, size_t size)
{
	static const struct mac team = {{2, 0, 0, 0, 0, 1}};
	json_t *json = json_loadb((const char *)data, size, 0, NULL);
	struct problem problem = {};
	struct flow flow;

	if (json && flow_read(json, &team, &flow, &problem) == 0)
		check_flow(&flow, &team);
	else if (json)
		insist(*problem.text);
	json_decref(json);
}

/* --- /proc/net/dev_mcast --- */

static void fuzz_multicast(const uint8_t *data, size_t size)
{
	_cleanup_fclose_ FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;
	_cleanup_free_ struct mac *macs = NULL;
	size_t count = 0;

	if (file && multicast_parse(file, 2, "ens4", &macs, &count) == 0)
		insist(!count == !macs);
}

/* --- announcements --- */

/* RFC 1071: with the checksum in its place the sum of all words is all ones. */
static uint16_t sum(const uint8_t *bytes, size_t length, uint32_t begin)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		begin += word_at(bytes + i);
	while (begin >> 16)
		begin = (begin & 0xffff) + (begin >> 16);
	return (uint16_t)begin;
}

static void fuzz_questions(const struct mac *from, const struct mac *to, const uint8_t *data)
{
	uint8_t frame[FRAME_SIZE_MAX];
	struct probe_frame probe;

	insist(frame_arp_probe(frame, from, to, data + 12) == FRAME_ARP_SIZE);
	insist(!word_at(frame + 28) && !word_at(frame + 30));
	insist(frame_neighbour_solicit(frame, from, data[45] & 1 ? to : NULL, data + 12,
				       data + 28) == FRAME_ADVERT_SIZE);
	insist(sum(frame + 22, FRAME_ADVERT_SIZE - 22, 32 + IPPROTO_ICMPV6) == 0xffff);
	memcpy(&probe, data + 12, sizeof(probe));
	insist(frame_path_probe(frame, from, to, &probe) == FRAME_PROBE_SIZE);
	insist(memcmp(frame + 14, &probe, sizeof(probe)) == 0);
}

static void fuzz_announcement(const uint8_t *data, size_t size)
{
	uint8_t frame[FRAME_SIZE_MAX], tagged[FRAME_SIZE_MAX];
	struct mac from, to;
	size_t length;

	if (size < 48)
		return;
	memcpy(&from, data, 6);
	memcpy(&to, data + 6, 6);
	insist(frame_arp_announce(frame, &from, &to, data + 12) == FRAME_ARP_SIZE);
	length = frame_neighbour_advert(frame, &from, &to, data + 12, data + 28, data[44] & 1);
	insist(length == FRAME_ADVERT_SIZE);
	insist(sum(frame + 22, length - 22, 32 + IPPROTO_ICMPV6) == 0xffff);
	fuzz_questions(&from, &to, data);
	memcpy(tagged, frame, length);
	insist(frame_tag(tagged, length, word_at(data + 46)) == length + 4);
	insist(memcmp(tagged, frame, 12) == 0 && word_at(tagged + 12) == ETH_P_8021Q &&
	       memcmp(tagged + 16, frame + 12, length - 12) == 0);
}

/* --- what the recorder sees on the wire --- */

static const uint8_t *wire;
static size_t wire_size;

/* Frames of two bytes of length each, cut as the recorder asks. */
ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
	size_t frame;

	if (wire_size < 2) {
		errno = EAGAIN;
		return -1;
	}
	frame = word_at(wire);
	wire += 2;
	wire_size -= 2;
	if (frame > wire_size)
		frame = wire_size;
	if (size > frame)
		size = frame;
	memcpy(buffer, wire, size);
	wire += frame;
	wire_size -= frame;
	return (ssize_t)size;
}

static void fuzz_recorder(const uint8_t *data, size_t size)
{
	static struct recorder recorder;

	memset(&recorder, 0, sizeof(recorder));
	recorder.options.flows = 3;
	recorder.watch.fd = -1;
	wire = data;
	wire_size = size;
	watch_read(&recorder);
	insist(recorder.watch.macs_count <= MACS_MAX);
	for (size_t i = 0; i < ACTS_MAX; i++)
		free(recorder.acts[i].flows);
}

static void (*const targets[])(const uint8_t *data, size_t size) = {
	fuzz_flow,
	fuzz_multicast,
	fuzz_announcement,
	fuzz_recorder,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		targets[data[0] % 4](data + 1, size - 1);
	return 0;
}
