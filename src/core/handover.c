// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/handover.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static bool is_link_local(uint8_t family, const uint8_t *bytes)
{
	return family == AF_INET6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool handover_moves_address(const struct link_address *address)
{
	if (address->flags & IFA_F_DADFAILED)
		return false;
	return !is_link_local(address->family, address->bytes) ||
	       address->protocol != IFAPROT_KERNEL_LL;
}

bool handover_moves_route(const struct route *route, bool unprefixed)
{
	if (route->cached || route->protocol == RTPROT_REDIRECT)
		return false;
	if (route->protocol != RTPROT_KERNEL)
		return true;
	return unprefixed && route->type == RTN_UNICAST && route->table != RT_TABLE_LOCAL &&
	       !is_link_local(route->family, route->destination);
}

unsigned int handover_rank(const struct route *route)
{
	if (!route->gateway)
		return 0;
	return route->prefix ? 1 : 2;
}

int handover_admit(const struct link *device, const struct link_table *links,
		   struct problem *problem)
{
	for (size_t i = 0; i < links->count; i++) {
		const struct link *above = &links->links[i];

		/* Both ends of a veth pair name the other one. */
		if (above->lower != device->ifindex || strcmp(above->kind, "veth") == 0)
			continue;
		return problem_set(problem, -EBUSY,
				   "%s (a %s) stands on %s and cannot be moved with the addresses; "
				   "remove it first, and make it again afterwards",
				   above->name, *above->kind ? above->kind : "device",
				   device->name);
	}
	return 0;
}
