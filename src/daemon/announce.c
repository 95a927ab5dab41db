// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/announce.h"

#include "kernel/forwarding.h"
#include "kernel/frame.h"
#include "kernel/packet.h"

#include <string.h>
#include <sys/socket.h>

/* A failover must not become a flood. */
#define ANNOUNCE_FRAMES_MAX 2048

#define IFA_UNUSABLE (0x08 | 0x40) /* IFA_F_DADFAILED, IFA_F_TENTATIVE: not ours to announce */

/* Where frames leave, and the count of them. */
struct announcement {
	int packet_fd;
	const struct link *member;
	unsigned int sent;
};

/* Everybody on the wire, in both families. */
static const struct link_neighbour everybody[] = {
	{.family = AF_INET, .mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}},
	{
		.family = AF_INET6,
		.mac = {{0x33, 0x33, 0, 0, 0, 1}},
		.bytes = {0xff, 0x02, [15] = 1},
	},
};

/* The interface whose addresses these are: the team, or a VLAN on it. NULL: neither. */
static const struct link *carried_link(const struct observed *observed, int ifindex,
				       int team_ifindex)
{
	const struct link *link = link_by_index(&observed->links, ifindex);

	if (!link || ifindex == team_ifindex)
		return link;
	return link->lower == team_ifindex && strcmp(link->kind, "vlan") == 0 ? link : NULL;
}

static void announce(struct announcement *announcement, const struct link *link,
		     const struct link_address *address, const struct link_neighbour *neighbour)
{
	const struct mac *from = &announcement->member->mac;
	uint8_t frame[FRAME_SIZE_MAX];
	size_t length;

	if (address->family != neighbour->family || announcement->sent == ANNOUNCE_FRAMES_MAX)
		return;
	if (address->family == AF_INET)
		length = frame_arp_announce(frame, from, &neighbour->mac, address->bytes);
	else
		length = frame_neighbour_advert(frame, from, &neighbour->mac, address->bytes,
						neighbour->bytes, forwarding_ipv6(link->name));
	if (link->vlan_id)
		length = frame_tag(frame, length, link->vlan_id);
	if (!packet_send(announcement->packet_fd, announcement->member->ifindex, frame, length))
		announcement->sent++;
}

static void announce_address(struct announcement *announcement, const struct observed *observed,
			     const struct link *link, const struct link_address *address)
{
	size_t known = observed->neighbour_count < OBSERVE_NEIGHBOURS ? observed->neighbour_count
								      : OBSERVE_NEIGHBOURS;

	for (size_t i = 0; i < sizeof(everybody) / sizeof(everybody[0]); i++)
		announce(announcement, link, address, &everybody[i]);
	for (size_t i = 0; i < known; i++)
		if (observed->neighbours[i].ifindex == link->ifindex)
			announce(announcement, link, address, &observed->neighbours[i]);
}

unsigned int announce_team(const struct observed *observed, int packet_fd, int team_ifindex,
			   const struct link *member)
{
	struct announcement announcement = {.packet_fd = packet_fd, .member = member};

	for (size_t i = 0; i < observed->address_count; i++) {
		const struct link_address *address = &observed->addresses[i];
		const struct link *link = carried_link(observed, address->ifindex, team_ifindex);

		if (link && !(address->flags & IFA_UNUSABLE))
			announce_address(&announcement, observed, link, address);
	}
	return announcement.sent;
}
