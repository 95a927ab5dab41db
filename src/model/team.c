// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/team.h"

#include "base/strings.h"

#define PATH_PREFIX "pci-"

const char *const yes_no_names[] = {"no", "yes"};
NAME_TABLE_COMPLETE(yes_no_names, YES_NO_COUNT);

const char *const on_off_names[] = {"off", "on"};
NAME_TABLE_COMPLETE(on_off_names, YES_NO_COUNT);

const char *const distribution_names[] = {
	[DISTRIBUTION_TRANSPORT_PORTS] = "transport-ports",
	[DISTRIBUTION_IP_ADDRESSES] = "ip-addresses",
	[DISTRIBUTION_MAC_ADDRESSES] = "mac-addresses",
};
NAME_TABLE_COMPLETE(distribution_names, DISTRIBUTION_COUNT);

const char *const mac_policy_names[] = {
	[MAC_POLICY_MEMBER] = "member",
	[MAC_POLICY_TEAM] = "team",
};
NAME_TABLE_COMPLETE(mac_policy_names, MAC_POLICY_COUNT);

const char *const probe_mode_names[] = {
	[PROBE_OFF] = "off",
	[PROBE_ON] = "on",
	[PROBE_AUTO] = "auto",
};
NAME_TABLE_COMPLETE(probe_mode_names, PROBE_MODE_COUNT);

const char *const member_role_names[] = {
	[ROLE_ACTIVE] = "active",
	[ROLE_STANDBY] = "standby",
};
NAME_TABLE_COMPLETE(member_role_names, MEMBER_ROLE_COUNT);

const char *const mixed_policy_names[] = {
	[MIXED_STANDBY] = "standby",
	[MIXED_WEIGHTED] = "weighted",
	[MIXED_EQUAL] = "equal",
};
NAME_TABLE_COMPLETE(mixed_policy_names, MIXED_POLICY_COUNT);

const char *const member_path_names[] = {
	[MEMBER_PATH_UNKNOWN] = "unknown",
	[MEMBER_PATH_HARDWARE] = "hardware",
	[MEMBER_PATH_SYNTHETIC] = "synthetic",
};
NAME_TABLE_COMPLETE(member_path_names, MEMBER_PATH_COUNT);

const char *const team_state_names[] = {
	[TEAM_UP] = "up",
	[TEAM_DEGRADED] = "degraded",
	[TEAM_DOWN] = "down",
};
NAME_TABLE_COMPLETE(team_state_names, TEAM_STATE_COUNT);

const char *const member_state_names[] = {
	[MEMBER_ACTIVE] = "active",
	[MEMBER_STANDBY] = "standby",
	[MEMBER_FAILED] = "failed",
};
NAME_TABLE_COMPLETE(member_state_names, MEMBER_STATE_COUNT);

const char *const member_reason_names[] = {
	[REASON_NONE] = "none",
	[REASON_ADMINISTRATIVE_DECISION] = "administrative-decision",
	[REASON_MEDIA_DISCONNECTED] = "media-disconnected",
	[REASON_PATH_UNRESPONSIVE] = "path-unresponsive",
	[REASON_WAITING_FOR_STABLE] = "waiting-for-stable-connectivity",
	[REASON_NOT_PRESENT] = "not-present",
	[REASON_MAC_NOT_PERMITTED] = "mac-not-permitted",
	[REASON_UNKNOWN] = "unknown",
};
NAME_TABLE_COMPLETE(member_reason_names, MEMBER_REASON_COUNT);

enum member_key member_key_of(const char *device)
{
	struct mac mac;

	if (mac_parse(device, &mac) == 0)
		return MEMBER_BY_MAC;
	if (strncmp(device, PATH_PREFIX, strlen(PATH_PREFIX)) == 0)
		return MEMBER_BY_PATH;
	return MEMBER_BY_NAME;
}

const struct mac *link_own_mac(const struct link *link)
{
	bool doubtful = mac_equal(&link->permanent_mac, &link->mac);

	return doubtful && !mac_is_zero(&link->slave.mac) ? &link->slave.mac : &link->permanent_mac;
}

bool device_means(const char *device, const struct link *link)
{
	struct mac mac;

	switch (member_key_of(device)) {
	case MEMBER_BY_MAC:
		(void)mac_parse(device, &mac);
		return mac_equal(link_own_mac(link), &mac);
	case MEMBER_BY_PATH:
		return strcmp(link->bus_id, device + strlen(PATH_PREFIX)) == 0;
	case MEMBER_BY_NAME:
	case MEMBER_KEY_COUNT:
		break;
	}
	return strcmp(link->name, device) == 0;
}

static bool is_taken_in(const char *device, const struct link *link, const struct link_table *links)
{
	const struct link *master = link_by_index(links, link->master);

	return master && device_means(device, master);
}

struct link *device_link(const char *device, const struct link_table *links)
{
	for (size_t i = 0; i < links->count; i++)
		if (device_means(device, &links->links[i]) &&
		    !is_taken_in(device, &links->links[i], links))
			return &links->links[i];
	return NULL;
}

bool member_means(const struct member_config *member, const struct link *link)
{
	return device_means(member->device, link);
}

struct link *member_link(const struct member_config *member, const struct link_table *links)
{
	return device_link(member->device, links);
}

struct team_config *team_list_find(struct team_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (strcmp(list->teams[i].name, name) == 0)
			return &list->teams[i];
	return NULL;
}
