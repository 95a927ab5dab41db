// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/admit.h"

#include "base/strings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>

#define SCOPE_LINK 253 /* RT_SCOPE_LINK: addresses that the kernel makes by itself */

/* Devices that carry other devices' traffic: a team over one would be a team of teams, or worse. */
static const char *const refused_kinds[] = {"bond", "team", "bridge", "vrf", "openvswitch"};

static int admit_kind(const struct link *device, struct problem *problem)
{
	if (device->flags & IFF_LOOPBACK)
		return problem_set(problem, -EINVAL,
				   "%s is the loopback; a member is a network card", device->name);
	if (device->type != ARPHRD_ETHER)
		return problem_set(problem, -EINVAL, "%s is not an Ethernet device", device->name);
	if (name_lookup(refused_kinds, ARRAY_SIZE(refused_kinds), device->kind) >= 0)
		return problem_set(problem, -EINVAL,
				   "%s is itself a %s; name the network cards instead",
				   device->name, device->kind);
	return 0;
}

int admit_master(const struct link *device, int owner, const struct link_table *links,
		 struct problem *problem)
{
	const struct link *master = link_by_index(links, device->master);
	const char *name = master ? master->name : "another interface";

	if (!device->master || device->master == owner)
		return 0;
	if (strcmp(device->slave_kind, "bridge") == 0)
		return problem_set(problem, -EBUSY,
				   "%s is a port of the bridge %s; take it out first: "
				   "ip link set %s nomaster",
				   device->name, name, device->name);
	/* A master that nobody has made by hand: netvsc and net_failover take the VF of their MAC. */
	if (master && !*device->slave_kind && !mac_is_zero(&device->mac) &&
	    mac_equal(&device->mac, &master->mac))
		return problem_set(problem, -EBUSY,
				   "%s is a path of %s, which the kernel fails over by itself; "
				   "name %s instead",
				   device->name, name, name);
	return problem_set(problem, -EBUSY,
			   "%s already belongs to %s; take it out first: "
			   "ip link set %s nomaster",
			   device->name, name, device->name);
}

static int admit_addresses(const struct link *device, const struct link_address *addresses,
			   size_t count, struct problem *problem)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < count; i++) {
		const struct link_address *address = &addresses[i];

		if (address->ifindex != device->ifindex || address->scope == SCOPE_LINK)
			continue;
		(void)inet_ntop(address->family, address->bytes, text, sizeof(text));
		return problem_set(problem, -EBUSY,
				   "%s has the address %s/%u, which belongs on the team; move it "
				   "with --take-addresses, or take it off: ip address del %s/%u "
				   "dev %s",
				   device->name, text, address->prefix, text, address->prefix,
				   device->name);
	}
	return 0;
}

int admit_member(const struct link *device, int team_ifindex, const struct link_table *links,
		 const struct link_address *addresses, size_t address_count,
		 struct problem *problem)
{
	int err = admit_kind(device, problem);

	if (!err)
		err = admit_master(device, team_ifindex, links, problem);
	if (!err && !device->master)
		err = admit_addresses(device, addresses, address_count, problem);
	return err;
}

int admit_name(const char *name, const struct link_table *links, struct problem *problem)
{
	const struct link *link = link_by_name(links, name);

	if (!link)
		return 0;
	return problem_set(problem, -EEXIST,
			   "there is an interface %s already%s%s%s; choose another "
			   "name",
			   name, *link->kind ? " (a " : "", link->kind, *link->kind ? ")" : "");
}
