// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/announce.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/upper.h"
#include "daemon/clock.h"
#include "datapath/stations.h"
#include "kernel/forwarding.h"
#include "kernel/frame.h"
#include "kernel/packet.h"

#include <string.h>
#include <sys/socket.h>

/* A failover must not become a flood. */
#define ANNOUNCE_FRAMES_MAX 2048

/* For as long switches remember whom they have not heard: the default of 802.1Q. */
#define STATION_AGE_NS (300 * 1000 * NS_PER_MS)

/* A lost NIC can hold a CPU so long that what came back at once is received only then. */
#define STALL_NS (3000 * NS_PER_MS)

#define IFA_UNUSABLE (0x08 | 0x40) /* IFA_F_DADFAILED, IFA_F_TENTATIVE: not ours to announce */

/* Where an address is, and the count of frames that say so. */
struct announcement {
	const struct announcer *announcer;
	struct upper upper;
	struct mac from;
	bool foreign; /* @from is none of the team's */
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

static void send_frame(struct announcement *announcement, uint8_t *frame, size_t length,
		       const uint16_t *tags, unsigned int tag_count)
{
	const struct announcer *announcer = announcement->announcer;

	for (unsigned int i = 0; i < tag_count; i++)
		length = frame_tag(frame, length, tags[i]);
	if (announcement->sent < ANNOUNCE_FRAMES_MAX &&
	    !packet_send(announcer->packet_fd, announcer->member->ifindex, frame, length))
		announcement->sent++;
}

static void announce(struct announcement *announcement, const struct link_address *address,
		     const struct link_neighbour *neighbour)
{
	const struct upper *upper = &announcement->upper;
	uint8_t frame[FRAME_SIZE_MAX];
	size_t length;

	if (address->family != neighbour->family)
		return;
	if (address->family == AF_INET)
		length = frame_arp_announce(frame, &announcement->from, &neighbour->mac,
					    address->bytes);
	else
		length = frame_neighbour_advert(frame, &announcement->from, &neighbour->mac,
						address->bytes, neighbour->bytes,
						forwarding_ipv6(upper->link->name));
	send_frame(announcement, frame, length, upper->tags, upper->tag_count);
}

/* Neighbours know a foreign MAC already, and it has not changed: the switches' news is enough. */
static void announce_address(struct announcement *announcement, const struct link_address *address)
{
	const struct observed *observed = announcement->announcer->observed;
	size_t known = observed->neighbour_count < OBSERVE_NEIGHBOURS ? observed->neighbour_count
								      : OBSERVE_NEIGHBOURS;

	for (size_t i = 0; i < ARRAY_SIZE(everybody); i++)
		announce(announcement, address, &everybody[i]);
	for (size_t i = 0; i < known && !announcement->foreign; i++)
		if (observed->neighbours[i].ifindex == address->ifindex)
			announce(announcement, address, &observed->neighbours[i]);
}

/* A member's MAC, even of one that is gone. */
static bool is_members_mac(const struct announcer *announcer, const struct mac *mac)
{
	const struct pick_state *state;

	if (!announcer->datapath)
		return false;
	state = datapath_state(announcer->datapath);
	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (memcmp(state->member_macs[slot], mac->bytes, sizeof(mac->bytes)) == 0)
			return true;
	return false;
}

/*
 * With which MAC a device on the team sends from now on: one that has a member's gets the new
 * primary's, with the team. A bridge may choose another, so it is believed only when it has.
 */
static bool choose_source(struct announcement *announcement)
{
	const struct announcer *announcer = announcement->announcer;
	const struct mac *own = &announcement->upper.link->mac, *primary = &announcer->member->mac;

	announcement->foreign = !is_members_mac(announcer, own) &&
				announcement->upper.link->ifindex != announcer->team_ifindex;
	announcement->from = announcement->foreign ? *own : *primary;
	return announcement->foreign || !announcement->upper.bridged ||
	       memcmp(own, primary, sizeof(*own)) == 0;
}

static void announce_addresses(struct announcement *announcement, enum announce_part part)
{
	const struct announcer *announcer = announcement->announcer;
	const struct observed *observed = announcer->observed;

	for (size_t i = 0; i < observed->address_count; i++) {
		const struct link_address *address = &observed->addresses[i];

		if ((address->flags & IFA_UNUSABLE) ||
		    !upper_find(&observed->links, address->ifindex, announcer->team_ifindex,
				&announcement->upper))
			continue;
		if (part == ANNOUNCE_REST && !announcement->upper.bridged)
			continue;
		if (choose_source(announcement))
			announce_address(announcement, address);
	}
}

/* Of a NIC beside the team, or of one that was a member a moment ago: not on top of the team. */
static bool is_devices_mac(const struct announcer *announcer, const struct mac *mac)
{
	const struct link_table *links = &announcer->observed->links;

	for (size_t i = 0; i < links->count; i++)
		if (!*links->links[i].kind &&
		    memcmp(&links->links[i].permanent_mac, mac, sizeof(*mac)) == 0)
			return true;
	return is_members_mac(announcer, mac);
}

static void announce_station(struct announcement *announcement, const struct station_key *key)
{
	uint8_t frame[FRAME_SIZE_MAX];
	struct mac station;

	memcpy(&station, key->mac, sizeof(station));
	if (mac_is_zero(&station) || is_devices_mac(announcement->announcer, &station))
		return;
	send_frame(announcement, frame, frame_learn(frame, &station), &key->vlan, key->vlan != 0);
}

unsigned int announce_team(const struct announcer *announcer, enum announce_part part)
{
	struct announcement announcement = {.announcer = announcer};
	_cleanup_free_ struct station_key *stations = NULL;
	uint64_t now_ns = clock_now_ns();
	size_t count = 0;

	/* First of all, since what is sent for them can come back from the NIC at once. */
	if (announcer->datapath)
		(void)stations_take(datapath_stations(announcer->datapath),
				    now_ns > STATION_AGE_NS ? now_ns - STATION_AGE_NS : 0,
				    now_ns + STALL_NS, &stations, &count);
	announce_addresses(&announcement, part);
	for (size_t i = 0; i < count; i++)
		announce_station(&announcement, &stations[i]);
	return announcement.sent;
}
