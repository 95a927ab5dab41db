// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as one message to each decoder; a sanitizer sees where one reads beyond its end. */
#include "kernel/replay.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_bridge.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"
#include "kernel/rtnl_route.h"
#include "kernel/rtnl_vf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A message that is kept and written anew, for another device. */
static void replay(const struct nlmsghdr *message)
{
	const struct replay away = {.from = 7, .to = 8, .from_name = "a", .to_name = "longer-name"};
	struct record_list list = {};

	if (record_list_add(&list, message))
		return;
	(void)replay_same(list.records[0], &away, list.records[0]);
	record_list_done(&list);
}

/* What a host asks for. Any VF that is told of is one of the table. */
static void host(const struct nlmsghdr *message)
{
	struct vf_table table = {};
	struct bridge_vlan vlan;
	struct bridge_fdb entry;

	if (rtnl_bridge_decode_vlan(message, &vlan) == 0 && vlan.pvid > VLAN_MAX)
		abort();
	(void)rtnl_fdb_decode(message, &entry);
	if (rtnl_vf_decode(message, &table) == 0)
		for (size_t i = 0; i < table.count; i++)
			if (table.vfs[i].index != i)
				abort();
	vf_table_done(&table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link_neighbour neighbour;
	struct link_address address;
	struct nlmsghdr *message;
	struct route route;
	struct link link;

	/* What the transport has made sure of: a whole header, and the length that it says. */
	if (size < sizeof(*message))
		return 0;
	message = malloc(size); /* exactly as long, and aligned */
	if (!message)
		return 0;
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	if (rtnl_link_decode(message, &link) == 0)
		(void)(strlen(link.name) + strlen(link.kind) + strlen(link.slave_kind) +
		       strlen(link.bus) + strlen(link.bus_id));
	(void)rtnl_address_decode(message, &address);
	(void)rtnl_neighbour_decode(message, &neighbour);
	(void)rtnl_route_decode(message, &route);
	host(message);
	replay(message);
	free(message);
	return 0;
}
