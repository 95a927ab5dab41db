// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mixed.h"

#include "base/strings.h"

#include <string.h>

#define LEVELS_MAX 8 /* of VLANs and macvlans above each other */

/* A speed of this many Mbit/s is one unit: with the greatest weight of 1,000 it stays below 2^32. */
#define SPEED_UNIT 10U
#define SPEED_MAX 10000000U
#define SYNTHETIC_PART 4U

static const char *const synthetic_buses[] = {"virtio", "vmbus", "xen"};

/* The last four are NICs of the nineties; there is none of them on a machine with SR-IOV. */
static const char *const synthetic_drivers[] = {"virtio_net", "vmxnet3", "e1000",
						"8139cp",     "8139too", "pcnet32"};

static enum member_path own_path(const struct link *link)
{
	if (name_lookup(synthetic_buses, ARRAY_SIZE(synthetic_buses), link->bus) >= 0 ||
	    name_lookup(synthetic_drivers, ARRAY_SIZE(synthetic_drivers), link->driver) >= 0)
		return MEMBER_PATH_SYNTHETIC;
	return strcmp(link->bus, "pci") == 0 && *link->driver ? MEMBER_PATH_HARDWARE
							      : MEMBER_PATH_UNKNOWN;
}

static bool has_hardware_below(const struct link *link, const struct link_table *links)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->links[i].master == link->ifindex &&
		    own_path(&links->links[i]) == MEMBER_PATH_HARDWARE)
			return true;
	return false;
}

enum member_path mixed_path(const struct link *link, const struct link_table *links)
{
	for (int level = 0; link && level < LEVELS_MAX; level++) {
		enum member_path path = own_path(link);

		if (path == MEMBER_PATH_SYNTHETIC && has_hardware_below(link, links))
			return MEMBER_PATH_HARDWARE;
		if (path != MEMBER_PATH_UNKNOWN ||
		    (strcmp(link->kind, "vlan") != 0 && strcmp(link->kind, "macvlan") != 0))
			return path;
		link = link_by_index(links, link->lower);
	}
	return MEMBER_PATH_UNKNOWN;
}

enum member_path mixed_note_path(struct note_member *note, const struct link *link,
				 const struct link_table *links)
{
	if (link)
		note->path = (__u8)mixed_path(link, links);
	else if (!*note->device || note->path >= MEMBER_PATH_COUNT)
		note->path = MEMBER_PATH_UNKNOWN;
	return (enum member_path)note->path;
}

bool mixed_is(const struct team_seat *seats, unsigned int count)
{
	unsigned int members[MEMBER_PATH_COUNT] = {};

	for (unsigned int i = 0; i < count; i++)
		members[seats[i].path]++;
	return members[MEMBER_PATH_HARDWARE] && members[MEMBER_PATH_SYNTHETIC];
}

bool mixed_applies(enum mixed_policy policy, const struct team_seat *seats, unsigned int count)
{
	if (policy == MIXED_EQUAL || !mixed_is(seats, count))
		return false;
	for (unsigned int i = 0; i < count; i++)
		if (seats[i].role == ROLE_STANDBY)
			return false;
	return true;
}

/* In units of SPEED_UNIT, at least one. */
static uint32_t speed_of(const struct team_seat *seat, uint32_t fastest)
{
	uint32_t speed = seat->speed;

	if (!speed && fastest)
		speed = seat->path == MEMBER_PATH_SYNTHETIC ? fastest / SYNTHETIC_PART : fastest;
	else if (!speed)
		speed = seat->path == MEMBER_PATH_SYNTHETIC ? SPEED_UNIT
							    : SYNTHETIC_PART * SPEED_UNIT;
	if (speed > SPEED_MAX)
		speed = SPEED_MAX;
	return speed > SPEED_UNIT ? speed / SPEED_UNIT : 1;
}

void mixed_arrange(enum mixed_policy policy, struct team_seat *seats, unsigned int count)
{
	uint32_t fastest = 0;

	if (!mixed_applies(policy, seats, count))
		return;
	for (unsigned int i = 0; i < count; i++)
		if (seats[i].speed > fastest)
			fastest = seats[i].speed;
	for (unsigned int i = 0; i < count; i++) {
		if (policy == MIXED_WEIGHTED)
			seats[i].weight *= speed_of(&seats[i], fastest);
		else if (seats[i].path == MEMBER_PATH_SYNTHETIC) {
			seats[i].role = ROLE_STANDBY;
			seats[i].set_aside = true;
		}
	}
}
