// SPDX-License-Identifier: GPL-2.0-or-later
#include "meter.h"

#include "kernel/netlink.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct links {
	struct netlink *guest, *ports;
	int bond;
	int members[METER_MEMBERS_MAX];	  /* ifindex in the guest … */
	int at_switch[METER_MEMBERS_MAX]; /* … and at the other end */
	uint64_t sent[METER_MEMBERS_MAX]; /* packets, when links_mark() looked */
	unsigned int count;
};

/* The part of "guest:port" before or behind the colon, as an ifindex of this namespace. */
static int member_index(const char *text, bool port)
{
	const char *colon = strchr(text, ':');
	char name[IFNAMSIZ];

	if (!colon)
		return 0;
	if (port)
		(void)snprintf(name, sizeof(name), "%s", colon + 1);
	else
		(void)snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
	return (int)if_nametoindex(name);
}

/* One end: its netlink socket, and the indices of its devices. */
static int end_open(const char *netns, const char *const *members, unsigned int count, bool port,
		    struct netlink **ret_netlink, int *indices)
{
	int back, err = netns_enter(netns, &back);

	if (err)
		return err;
	err = netlink_open(ret_netlink);
	for (unsigned int i = 0; !err && i < count; i++) {
		indices[i] = member_index(members[i], port);
		if (!indices[i])
			err = -ENODEV;
	}
	netns_leave(back);
	return err;
}

static int bond_index(const char *netns, const char *bond, int *ret_index)
{
	int back, err = netns_enter(netns, &back);

	if (err)
		return err;
	*ret_index = (int)if_nametoindex(bond);
	netns_leave(back);
	return *ret_index ? 0 : -ENODEV;
}

int links_open(const char *guest_netns, const char *switch_netns, const char *bond,
	       const char *const *members, unsigned int count, struct links **ret_links)
{
	struct links *links = calloc(1, sizeof(*links));
	int err;

	if (!links)
		return -ENOMEM;
	links->count = count;
	err = end_open(guest_netns, members, count, false, &links->guest, links->members);
	if (!err)
		err = end_open(switch_netns, members, count, true, &links->ports, links->at_switch);
	if (!err)
		err = bond_index(guest_netns, bond, &links->bond);
	if (err) {
		links_close(links);
		return err;
	}
	*ret_links = links;
	return 0;
}

void links_close(struct links *links)
{
	netlink_close(links->guest);
	netlink_close(links->ports);
	free(links);
}

int links_plug(struct links *links, unsigned int member, bool plugged)
{
	struct problem problem = {};
	int err = rtnl_link_set_up(links->ports, links->at_switch[member], plugged, &problem);

	if (err)
		fprintf(stderr, "failover-meter: %s\n", problem.text);
	return err;
}

bool links_well(struct links *links)
{
	struct link link;

	for (unsigned int i = 0; i < links->count; i++)
		if (rtnl_link_get(links->guest, links->members[i], &link) || !link.carrier ||
		    link.slave.mii_status != 0)
			return false;
	return true;
}

static uint64_t sent_by(struct links *links, unsigned int member)
{
	struct link link;

	return rtnl_link_get(links->guest, links->members[member], &link)
		       ? 0
		       : link.counters.tx_packets;
}

void links_mark(struct links *links)
{
	for (unsigned int i = 0; i < links->count; i++)
		links->sent[i] = sent_by(links, i);
}

unsigned int links_busiest(struct links *links)
{
	unsigned int busiest = 0;
	uint64_t most = 0;

	for (unsigned int i = 0; i < links->count; i++) {
		uint64_t sent = sent_by(links, i);

		if (sent <= links->sent[i] + most)
			continue;
		most = sent - links->sent[i];
		busiest = i;
	}
	return busiest;
}

int links_active(struct links *links)
{
	struct link bond;

	if (rtnl_link_get(links->guest, links->bond, &bond) || !bond.bond.active_ifindex)
		return -1;
	for (unsigned int i = 0; i < links->count; i++)
		if (links->members[i] == bond.bond.active_ifindex)
			return (int)i;
	return -1;
}
