// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/announce.h"

#include "kernel/frame.h"
#include "kernel/packet.h"

#include <string.h>
#include <sys/socket.h>

/* A failover must not become a flood: neighbours x addresses, at most this many frames. */
#define ANNOUNCE_FRAMES_MAX 2048

#define IFA_UNUSABLE (0x08 | 0x40) /* IFA_F_DADFAILED, IFA_F_TENTATIVE: not ours to announce */

/* Is @link the team's interface, or a VLAN on it? */
static bool is_carried(const struct link *link, int team_ifindex)
{
	if (link->ifindex == team_ifindex)
		return true;
	return link->lower == team_ifindex && strcmp(link->kind, "vlan") == 0;
}

static size_t build_frame(uint8_t *frame, const struct mac *from,
			  const struct link_neighbour *neighbour,
			  const struct link_address *address)
{
	if (neighbour->family == AF_INET)
		return frame_arp_announce(frame, from, &neighbour->mac, address->bytes);
	return frame_neighbour_advert(frame, from, &neighbour->mac, address->bytes,
				      neighbour->bytes);
}

static unsigned int tell_neighbour(const struct observed *observed, int packet_fd,
				   const struct link *link, const struct mac *from,
				   const struct link_neighbour *neighbour)
{
	uint8_t frame[FRAME_SIZE_MAX];
	unsigned int sent = 0;

	for (size_t i = 0; i < observed->address_count; i++) {
		const struct link_address *address = &observed->addresses[i];
		size_t length;

		if (address->ifindex != link->ifindex || address->family != neighbour->family ||
		    (address->flags & IFA_UNUSABLE))
			continue;
		length = build_frame(frame, from, neighbour, address);
		if (!packet_send(packet_fd, link->ifindex, frame, length))
			sent++;
	}
	return sent;
}

unsigned int announce_team(const struct observed *observed, int packet_fd, int team_ifindex,
			   const struct mac *team_mac)
{
	size_t known = observed->neighbour_count < OBSERVE_NEIGHBOURS ? observed->neighbour_count
								      : OBSERVE_NEIGHBOURS;
	const struct link *team = link_by_index(&observed->links, team_ifindex);
	unsigned int sent = 0;

	for (size_t i = 0; team && i < known && sent < ANNOUNCE_FRAMES_MAX; i++) {
		const struct link_neighbour *neighbour = &observed->neighbours[i];
		const struct link *link = link_by_index(&observed->links, neighbour->ifindex);

		if (link && is_carried(link, team_ifindex))
			sent += tell_neighbour(observed, packet_fd, link,
					       mac_equal(&link->mac, &team->mac) ? team_mac
										 : &link->mac,
					       neighbour);
	}
	return sent;
}
