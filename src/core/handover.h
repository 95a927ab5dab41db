/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and routes that go from a device to another one: from a member to the team that it
 * joins, and back (T1).
 *
 * A machine that is reached over the very link that it teams must keep its addresses: bonding
 * takes a device in only when it is down, and the kernel forgets routes and IPv6 addresses then.
 * So everything is noted before, in the order in which it can be made again: addresses, which
 * bring their connected routes; routes without a gateway; routes through gateways, which those
 * lead to; default routes.
 */
#pragma once

#include "base/problem.h"
#include "model/link.h"
#include "model/route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A route that a router has advertised is learnt anew by the device that it is moved to. The one
 * that is moved bridges the time until then, and must not outlive it for long.
 */
#define HANDOVER_ADVERTISED_S 600

/* Does the address go along? The kernel makes link-local ones by itself, for each device. */
bool handover_moves_address(const struct link_address *address);

/*
 * Does the route go along? Of those that the kernel makes only such as come with no address:
 * @unprefixed says that some address of the family asks for no connected route (noprefixroute),
 * which means that a network manager has made it in the kernel's name.
 */
bool handover_moves_route(const struct route *route, bool unprefixed);

/* Routes are made in the order of their ranks: 0, 1, 2. */
unsigned int handover_rank(const struct route *route);
#define HANDOVER_RANKS 3

/*
 * Can the addresses of @device be moved at all? -EBUSY: other devices stand on it, and the kernel
 * has no way to put those onto another one.
 */
int handover_admit(const struct link *device, const struct link_table *links,
		   struct problem *problem);
