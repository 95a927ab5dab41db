// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorder's watch: which source MAC each flow's frames come in with.
 *
 * A team that sends every member's traffic with that member's own MAC shows at the far end,
 * frame by frame, which member a flow took. A packet socket hears every frame that comes in on the
 * interface; ours are told by their payload, and booked under the act and flow that it names.
 */
#include "recorder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	WATCH_BUFFER = 32 << 20,
	/* Ethernet, the longest IP header without extensions, UDP and the payload's head */
	FRAME_HEAD = sizeof(struct ether_header) + 60 + sizeof(struct udphdr) +
		     sizeof(struct packet_head),
	FRAMES_AT_ONCE = 64,
};

static int watch_bind(int fd, const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_ALL),
				      .sll_ifindex = if_nametoindex(interface)};
	int on = 1, size = WATCH_BUFFER;

	if (!address.sll_ifindex)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

int watch_open(struct recorder *r)
{
	int fd, err;

	if (!r->options.watch)
		return 0;
	/* protocol 0: hears nothing until bound, so no frame of another interface slips in */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = watch_bind(fd, r->options.watch);
	if (err) {
		close(fd);
		return err;
	}
	r->watch.fd = fd;
	return 0;
}

/* Where the UDP payload of an Ethernet frame begins; 0 if it has none. */
static size_t payload_offset(const uint8_t *frame, size_t size)
{
	size_t ip = sizeof(struct ether_header);
	uint16_t type;

	if (size < ip + sizeof(struct ip6_hdr))
		return 0;
	memcpy(&type, frame + offsetof(struct ether_header, ether_type), sizeof(type));
	if (type == htons(ETH_P_IP) && frame[ip + offsetof(struct iphdr, protocol)] == IPPROTO_UDP)
		return ip + (frame[ip] & 0xf) * 4 + sizeof(struct udphdr);
	if (type == htons(ETH_P_IPV6) &&
	    frame[ip + offsetof(struct ip6_hdr, ip6_nxt)] == IPPROTO_UDP)
		return ip + sizeof(struct ip6_hdr) + sizeof(struct udphdr);
	return 0;
}

/* The MAC's place in the table; -1 if the table is full. */
static int mac_index(struct watch *w, const uint8_t *mac)
{
	for (unsigned int i = 0; i < w->macs_count; i++)
		if (!memcmp(w->macs[i], mac, MAC_SIZE))
			return i;
	if (w->macs_count == MACS_MAX)
		return -1;
	memcpy(w->macs[w->macs_count], mac, MAC_SIZE);
	return w->macs_count++;
}

static void frame_tally(struct recorder *r, const uint8_t *frame, size_t size)
{
	size_t payload = payload_offset(frame, size);
	struct flow_tally *tally;
	struct packet packet;
	int mac;

	if (!payload || payload > size || !packet_read(r, frame + payload, size - payload, &packet))
		return;
	tally = recorder_tally(r, packet.act, packet.flow);
	mac = mac_index(&r->watch, frame + offsetof(struct ether_header, ether_shost));
	if (!tally || mac < 0)
		return;
	r->acts[packet.act].watch_frames++;
	if (tally->macs.first < 0)
		tally->macs.first = mac;
	else if (tally->macs.last != mac)
		tally->macs.changes++;
	tally->macs.last = mac;
}

void watch_read(struct recorder *r)
{
	uint8_t frame[FRAME_HEAD];

	for (int i = 0; i < FRAMES_AT_ONCE; i++) {
		ssize_t size = recv(r->watch.fd, frame, sizeof(frame), 0);

		if (size < 0)
			return; /* nothing more; or the interface is down, and may come back */
		frame_tally(r, frame, size);
	}
}

static json_t *watch_macs(const struct watch *w)
{
	json_t *macs = json_array();

	for (unsigned int i = 0; i < w->macs_count; i++) {
		const uint8_t *m = w->macs[i];

		json_array_append_new(macs, json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0],
							 m[1], m[2], m[3], m[4], m[5]));
	}
	return macs;
}

json_t *watch_report(struct recorder *r, const struct act *act)
{
	json_t *first = json_array(), *last = json_array(), *changes = json_array();
	struct tpacket_stats stats = {0};
	socklen_t size = sizeof(stats);

	getsockopt(r->watch.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
	r->watch.drops += stats.tp_drops; /* reading them sets them back to 0 */
	for (unsigned int f = 0; f < r->options.flows; f++) {
		const struct flow_macs *m = &act->flows[f].macs;

		json_array_append_new(first, json_integer(m->first));
		json_array_append_new(last, json_integer(m->last));
		json_array_append_new(changes, json_integer(m->changes));
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:I, s:I}", "macs", watch_macs(&r->watch), "first",
			 first, "last", last, "changes", changes, "frames",
			 (json_int_t)act->watch_frames, "drops", (json_int_t)r->watch.drops);
}
