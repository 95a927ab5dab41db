// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/observe.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"
#include "kernel/sysfs.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <poll.h>

#define OWN_READS_MAX 64 /* others may send as fast as we read */

#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

static const unsigned groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				  RTNLGRP_NEIGH};

int observe_open(struct observed *observed)
{
	int err = netlink_open(&observed->requests);

	if (!err)
		err = netlink_open_events(&observed->events, groups, ARRAY_SIZE(groups));
	return err;
}

void observe_close(struct observed *observed)
{
	netlink_close(observed->requests);
	netlink_close(observed->events);
	link_table_done(&observed->links);
	free(observed->addresses);
}

static bool same_neighbour(const struct link_neighbour *a, const struct link_neighbour *b)
{
	return a->ifindex == b->ifindex && a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static struct link_neighbour *find_neighbour(struct observed *observed,
					     const struct link_neighbour *neighbour)
{
	size_t known = observed->neighbour_count < OBSERVE_NEIGHBOURS ? observed->neighbour_count
								      : OBSERVE_NEIGHBOURS;

	for (size_t i = 0; i < known; i++)
		if (same_neighbour(&observed->neighbours[i], neighbour))
			return &observed->neighbours[i];
	return NULL;
}

/* A neighbour that has a MAC replaces what we knew of it; one without is not forgotten yet. */
static void remember_neighbour(struct observed *observed, const struct link_neighbour *neighbour)
{
	struct link_neighbour *known = find_neighbour(observed, neighbour);

	if (known && (neighbour->state & NUD_FAILED))
		known->state = neighbour->state;
	if (mac_is_zero(&neighbour->mac) || (neighbour->mac.bytes[0] & 1))
		return;
	if (!known)
		known = &observed->neighbours[observed->neighbour_count++ % OBSERVE_NEIGHBOURS];
	*known = *neighbour;
}

/* The kernel has; we note when, if it was of use to it. */
static void forget_neighbour(struct observed *observed, const struct link_neighbour *neighbour)
{
	struct link_neighbour *known = find_neighbour(observed, neighbour);

	if (known && (known->state & NUD_USABLE))
		known->forgotten_ns = clock_now_ns();
}

/*
 * A virtio NIC is known by the PCI function that carries it (T1), as a VF is by its own. Drivers'
 * names say what has quirks (core/quirk.h), and what is hardware (core/mixed.h).
 */
static void resolve_bus(struct link *link)
{
	char address[LINK_BUS_SIZE];

	if (strcmp(link->bus, "pci") == 0)
		(void)sysfs_pci_driver(link->bus_id, link->driver, sizeof(link->driver));
	else if (*link->bus &&
		 !sysfs_pci_address(link->bus, link->bus_id, address, sizeof(address))) {
		if (strcmp(link->bus, "virtio") == 0)
			(void)text_copy(link->driver, sizeof(link->driver), "virtio_net");
		memcpy(link->bus_id, address, sizeof(address));
		memcpy(link->bus, "pci", sizeof("pci"));
	}
}

static int observe_addresses(struct observed *observed)
{
	struct link_address *addresses;
	size_t count;
	int err = rtnl_address_dump(observed->requests, &addresses, &count);

	if (err)
		return err;
	free(observed->addresses);
	observed->addresses = addresses;
	observed->address_count = count;
	return 0;
}

int observe_all(struct observed *observed)
{
	_cleanup_free_ struct link_neighbour *neighbours = NULL;
	size_t count = 0;
	int err = rtnl_link_dump(observed->requests, &observed->links);

	for (size_t i = 0; i < observed->links.count; i++)
		resolve_bus(&observed->links.links[i]);
	if (!err)
		err = observe_addresses(observed);
	if (!err)
		err = rtnl_neighbour_dump(observed->requests, &neighbours, &count);
	for (size_t i = 0; i < count; i++)
		remember_neighbour(observed, &neighbours[i]);
	return err;
}

struct reading {
	struct observed *observed;
	struct observe_changes changes;
};

static int take_link(struct observed *observed, const struct nlmsghdr *message,
		     struct observe_changes *changes)
{
	const struct link *before;
	struct link link;
	int err = rtnl_link_decode(message, &link);

	if (err)
		return err;
	resolve_bus(&link);
	before = link_by_index(&observed->links, link.ifindex);
	if (message->nlmsg_type == RTM_DELLINK || !before || strcmp(before->name, link.name) != 0)
		changes->devices = true;
	if (message->nlmsg_type == RTM_NEWLINK)
		return link_table_put(&observed->links, &link);
	link_table_drop(&observed->links, link.ifindex);
	return 0;
}

/*
 * A message that does not decode is skipped: the next observation of everything puts it right.
 * (A bridge's RTM_NEWLINK of family AF_BRIDGE is of this kind.)
 */
static int take_event(const struct nlmsghdr *message, void *data)
{
	struct link_neighbour neighbour;
	struct reading *reading = data;

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (take_link(reading->observed, message, &reading->changes) == -ENOMEM)
			return -ENOMEM;
		reading->changes.links = true;
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		reading->changes.addresses = true;
		break;
	case RTM_NEWNEIGH:
		if (!rtnl_neighbour_decode(message, &neighbour))
			remember_neighbour(reading->observed, &neighbour);
		break;
	case RTM_DELNEIGH:
		if (!rtnl_neighbour_decode(message, &neighbour))
			forget_neighbour(reading->observed, &neighbour);
		break;
	}
	return 0;
}

int observe_read(struct observed *observed, struct observe_changes *ret_changes)
{
	struct reading reading = {.observed = observed};
	int err = netlink_read(observed->events, take_event, &reading);

	if (err == -ENOBUFS)
		log_warning("the kernel had more events than were read; all is observed anew");
	if (err || observed->stale) {
		reading.changes =
			(struct observe_changes){.links = true, .addresses = true, .devices = true};
		err = observe_all(observed);
	} else if (reading.changes.addresses) {
		err = observe_addresses(observed);
	}
	observed->stale = err != 0;
	*ret_changes = reading.changes;
	return err;
}

int observe_link(struct observed *observed, int ifindex)
{
	struct observe_changes changes;
	struct link link;
	int err = observe_read(observed, &changes);

	if (!err)
		err = rtnl_link_get(observed->requests, ifindex, &link);
	if (!err) {
		resolve_bus(&link);
		err = link_table_put(&observed->links, &link);
	}
	/* Of what was not seen no event tells. */
	observed->stale = err && err != -ENODEV;
	return err;
}

static bool has_more(const struct observed *observed)
{
	struct pollfd events = {.fd = netlink_fd(observed->events), .events = POLLIN};

	return poll(&events, 1, 0) == 1 && events.revents & POLLIN;
}

/* One request may have thousands: a NIC that joins a bridge has its address in each VLAN. */
int observe_own(struct observed *observed)
{
	struct observe_changes changes;
	int err = observe_read(observed, &changes);

	for (int i = 0; !err && i < OWN_READS_MAX && has_more(observed); i++)
		err = observe_read(observed, &changes);
	return err;
}

int observe_settled(struct observed *observed, int ifindex)
{
	struct link ignored;

	/* The kernel answers under the lock under which devices change. */
	(void)rtnl_link_get(observed->requests, ifindex, &ignored);
	return observe_own(observed);
}

int observe_counters(struct observed *observed)
{
	struct link_table now = {};
	int err = rtnl_link_dump(observed->requests, &now);

	for (size_t i = 0; !err && i < now.count; i++) {
		struct link *link = link_by_index(&observed->links, now.links[i].ifindex);

		if (link)
			link->counters = now.links[i].counters;
	}
	link_table_done(&now);
	return err;
}
