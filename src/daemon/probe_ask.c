// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/probe_ask.h"

#include "core/config.h"
#include "core/upper.h"
#include "kernel/frame.h"
#include "kernel/packet.h"

#include <string.h>
#include <sys/socket.h>

/* Who is asked by whom. */
struct question {
	const struct team_context *context;
	int packet_fd;
	const struct link *member;
	const struct mac *from;
	const struct mac *to; /* NULL: whoever has the address */
	struct upper upper;   /* where the address is */
};

static void send_question(const struct question *question, uint8_t family, const uint8_t *address)
{
	static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	uint8_t frame[FRAME_SIZE_MAX], source[16];
	size_t length;

	if (family == AF_INET) {
		length = frame_arp_probe(frame, question->from,
					 question->to ? question->to : &everybody, address);
	} else {
		probe_link_local(question->from->bytes, source);
		length = frame_neighbour_solicit(frame, question->from, question->to, source,
						 address);
	}
	for (unsigned int i = 0; i < question->upper.tag_count; i++)
		length = frame_tag(frame, length, question->upper.tags[i]);
	(void)packet_send(question->packet_fd, question->member->ifindex, frame, length);
}

static size_t known_neighbours(const struct observed *observed)
{
	return observed->neighbour_count < OBSERVE_NEIGHBOURS ? observed->neighbour_count
							      : OBSERVE_NEIGHBOURS;
}

/* On the team or a VLAN of it; a bridge has neighbours of its own, maybe on this machine. */
static bool is_outside(const struct team *team, const struct observed *observed,
		       const struct link_neighbour *neighbour, struct upper *ret_upper)
{
	return upper_find(&observed->links, neighbour->ifindex, team->ifindex, ret_upper) &&
	       !ret_upper->bridged;
}

/* An address whose MAC is known is asked alone, so that others are left in peace. */
static void ask_address(const struct team *team, struct question *question,
			const struct link_address *address)
{
	const struct observed *observed = question->context->observed;
	size_t size = address->family == AF_INET ? 4 : 16;
	struct upper upper;

	question->to = NULL;
	question->upper = (struct upper){};
	for (size_t i = 0; i < known_neighbours(observed); i++) {
		const struct link_neighbour *neighbour = &observed->neighbours[i];

		if (neighbour->family == address->family &&
		    memcmp(neighbour->bytes, address->bytes, size) == 0 &&
		    is_outside(team, observed, neighbour, &upper)) {
			question->to = &neighbour->mac;
			question->upper = upper;
		}
	}
	send_question(question, address->family, address->bytes);
}

static void ask_neighbours(const struct team *team, struct question *question, unsigned int round)
{
	const struct observed *observed = question->context->observed;
	size_t known = known_neighbours(observed), first = (size_t)round * PROBE_ASK_NEIGHBOURS;
	unsigned int asked = 0;

	for (size_t i = 0; i < known && asked < PROBE_ASK_NEIGHBOURS; i++) {
		const struct link_neighbour *neighbour = &observed->neighbours[(first + i) % known];

		if (!is_outside(team, observed, neighbour, &question->upper))
			continue;
		question->to = &neighbour->mac;
		send_question(question, neighbour->family, neighbour->bytes);
		asked++;
	}
}

void probe_ask(const struct team *team, const struct team_context *context, int packet_fd,
	       const struct link *member, const struct mac *from, unsigned int round)
{
	struct question question = {
		.context = context, .packet_fd = packet_fd, .member = member, .from = from};
	struct link_address addresses[PROBE_ADDRESSES_MAX];
	unsigned int count = config_probe_addresses(&team->config, addresses);

	for (unsigned int i = 0; i < count; i++)
		ask_address(team, &question, &addresses[i]);
	if (!count)
		ask_neighbours(team, &question, round);
}
