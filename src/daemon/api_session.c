// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_session.h"

#include "daemon/api_error.h"
#include "daemon/json_text.h"
#include "daemon/manager.h"
#include "kernel/rtnl_route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define DEPTH_MAX 8 /* VLANs on VLANs … */

static int parse(const char *text, uint8_t *ret_family, uint8_t *ret_bytes)
{
	char bare[INET6_ADDRSTRLEN];

	/* A link-local peer's scope is no part of its address. */
	(void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(text, "%"), text);
	*ret_family = strchr(bare, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*ret_family, bare, ret_bytes) == 1 ? 0 : -EINVAL;
}

static void add_name(json_t *names, const char *name)
{
	if (*name)
		(void)json_array_append_new(names, json_text(name));
}

/* All by which a command may mean this device: its name, its MACs, its place on the bus. */
static void add_device(json_t *names, const struct link *link)
{
	char text[sizeof("pci-") + LINK_BUS_SIZE];

	add_name(names, link->name);
	if (link->type == 1 && !mac_is_zero(&link->permanent_mac))
		add_name(names, mac_format(&link->permanent_mac, text));
	if (strcmp(link->bus, "pci") == 0) {
		(void)snprintf(text, sizeof(text), "pci-%s", link->bus_id);
		add_name(names, text);
	}
}

/* The device, and what it stands on or belongs to: a VLAN's device, a member's team. */
static json_t *name_all(const struct link_table *links, const struct link *link)
{
	json_t *names = json_array();

	for (int depth = 0; link && depth < DEPTH_MAX; depth++) {
		const struct link *master = link_by_index(links, link->master);

		add_device(names, link);
		if (master)
			add_device(names, master);
		link = strcmp(link->kind, "veth") ? link_by_index(links, link->lower) : NULL;
	}
	return names;
}

void call_session(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const char *peer = json_string_value(json_object_get(parameters, "peer"));
	const struct manager *manager = data;
	const struct link *link = NULL;
	uint8_t family, bytes[16];
	int ifindex;

	if (parse(peer, &family, bytes))
		return api_error(reply, API_REFUSED, "\"%s\" is not an address", peer);
	if (!rtnl_route_device(manager->observed.requests, family, bytes, &ifindex))
		link = link_by_index(&manager->observed.links, ifindex);
	if (!link)
		return api_error(reply, API_NOT_FOUND, "there is no route to %s", peer);
	reply->parameters = json_pack("{s:o, s:o}", "device", json_text(link->name), "names",
				      name_all(&manager->observed.links, link));
}
