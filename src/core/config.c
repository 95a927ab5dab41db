// SPDX-License-Identifier: GPL-2.0-or-later
/* The settings of a team and its members; core/config_table.h has the theory. */
#include "core/config.h"

#include "base/strings.h"
#include "core/config_private.h"

#include <errno.h>

static const struct setting team_rows[] = {
	{.key = "Adopt",
	 SETTING(team_config, adopt),
	 WORDS(yes_no_names, YES_NO_COUNT),
	 .usual = 0},
	{.key = "Distribution",
	 SETTING(team_config, distribution),
	 WORDS(distribution_names, DISTRIBUTION_COUNT),
	 .usual = DISTRIBUTION_TRANSPORT_PORTS},
	{.key = "MacPolicy",
	 SETTING(team_config, mac_policy),
	 WORDS(mac_policy_names, MAC_POLICY_COUNT),
	 .usual = MAC_POLICY_MEMBER},
	{.key = "Mixed",
	 SETTING(team_config, mixed),
	 WORDS(mixed_policy_names, MIXED_POLICY_COUNT),
	 .usual = MIXED_STANDBY},
	{.key = "StableTimeMs",
	 SETTING(team_config, stable_ms),
	 NUMBER(0, 600000, 1, "milliseconds"),
	 .usual = 1000},
	{.key = "HoldDownMaxMs",
	 SETTING(team_config, hold_max_ms),
	 NUMBER(0, 3600000, 1, "milliseconds"),
	 .usual = 60000},
	{.key = "ReturnIdleMs",
	 SETTING(team_config, idle_ms),
	 NUMBER(1, 60000, 1, "milliseconds"),
	 .usual = 200},
	{.key = "ReturnBoundMs",
	 SETTING(team_config, return_ms),
	 NUMBER(0, 3600000, 1, "milliseconds"),
	 .usual = 10000},
	/* Bonding's num_peer_notif is a byte, its peer_notif_delay a multiple of miimon (100 ms). */
	{.key = "AnnounceCount",
	 SETTING(team_config, announce_count),
	 NUMBER(0, 255, 1, "announcements"),
	 .usual = 3},
	{.key = "AnnounceIntervalMs",
	 SETTING(team_config, announce_interval_ms),
	 NUMBER(100, 5000, 100, "milliseconds"),
	 .usual = 200},
	{.key = "Probe",
	 SETTING(team_config, probe),
	 WORDS(probe_mode_names, PROBE_MODE_COUNT),
	 .usual = PROBE_AUTO},
	{.key = "ProbeIntervalMs",
	 SETTING(team_config, probe_interval_ms),
	 NUMBER(5, 10000, 1, "milliseconds"),
	 .usual = 50},
	{.key = "ProbeMultiplier",
	 SETTING(team_config, probe_multiplier),
	 NUMBER(2, 50, 1, "probes"),
	 .usual = 3},
	{.key = "ProbeAddress",
	 TEXT(team_config, probe_addresses),
	 .fault = config_addresses_fault,
	 .spell = config_addresses_spell},
};

static const struct setting member_rows[] = {
	{.key = "Weight", SETTING(member_config, weight), NUMBER(1, 1000, 1, ""), .usual = 100},
	{.key = "Role",
	 SETTING(member_config, role),
	 WORDS(member_role_names, MEMBER_ROLE_COUNT),
	 .usual = ROLE_ACTIVE},
};

_Static_assert(sizeof(enum distribution) == sizeof(uint32_t) &&
		       sizeof(enum mac_policy) == sizeof(uint32_t) &&
		       sizeof(enum mixed_policy) == sizeof(uint32_t) &&
		       sizeof(enum probe_mode) == sizeof(uint32_t) &&
		       sizeof(enum member_role) == sizeof(uint32_t),
	       "a setting is 32 bit wide");

static const struct table team_settings = {team_rows, ARRAY_SIZE(team_rows), "there are"};
static const struct table member_settings = {member_rows, ARRAY_SIZE(member_rows),
					     "besides its device a member has"};

static const struct parts members = {
	.section = "Member",
	.key = "Device",
	.noun = "a member",
	.owner = "a team",
	.settings = &member_settings,
	.count_offset = offsetof(struct team_config, member_count),
	.offset = offsetof(struct team_config, members),
	.size = sizeof(struct member_config),
	.name_size = MEMBER_DEVICE_SIZE,
	.max = TEAM_MEMBERS_MAX,
	.spell = config_device_spell,
};

void config_defaults(struct team_config *team)
{
	*team = (struct team_config){};
	table_defaults(&team_settings, team);
}

int config_set(struct team_config *team, const char *key, const char *value,
	       struct problem *problem)
{
	return table_set(&team_settings, team, key, value, problem);
}

int config_member_set(struct member_config *member, const char *key, const char *value,
		      struct problem *problem)
{
	return table_set(&member_settings, member, key, value, problem);
}

int config_get(const struct team_config *team, size_t index, const char **ret_key, char *buffer,
	       size_t size)
{
	return table_get(&team_settings, team, index, ret_key, buffer, size);
}

int config_name_set(struct team_config *team, const char *name, struct problem *problem)
{
	int err = config_name_check(name, problem);

	return err ? err : text_copy(team->name, sizeof(team->name), name);
}

int config_member_add(struct team_config *team, const char *device, struct problem *problem)
{
	return parts_add(&members, team, device, problem);
}

int config_member_remove(struct team_config *team, const char *device, struct problem *problem)
{
	return parts_remove(&members, team, device, problem);
}

struct member_config *config_member_find(struct team_config *team, const char *device)
{
	char spelled[MEMBER_DEVICE_SIZE];
	uint32_t place;

	if (config_device_spell(device, spelled, NULL))
		return NULL;
	place = parts_place(&members, team, spelled);
	return place < team->member_count ? &team->members[place] : NULL;
}

int config_roles_check(const struct team_config *team, struct problem *problem)
{
	const struct member_config *standby = NULL;

	for (uint32_t i = 0; i < team->member_count; i++) {
		const struct member_config *member = &team->members[i];

		if (member->role != ROLE_STANDBY)
			continue;
		if (standby)
			return problem_set(problem, -EINVAL,
					   "%s and %s are both standby; a team has at most one",
					   standby->device, member->device);
		standby = member;
	}
	if (standby && team->member_count == 1)
		return problem_set(problem, -EINVAL,
				   "%s is standby and there is no active member; a team needs one",
				   standby->device);
	return 0;
}

static int name_set(void *team, const char *name, struct problem *problem)
{
	return config_name_set(team, name, problem);
}

static int finish(void *object, struct problem *problem)
{
	const struct team_config *team = object;

	/* T21: an adopted team has the members that its bond has. */
	if (team->member_count == 0 && !team->adopt)
		return problem_set(problem, -EINVAL, "there is no [Member]; a team has 1 to %d",
				   TEAM_MEMBERS_MAX);
	if (team->adopt && team->mac_policy != MAC_POLICY_MEMBER)
		return problem_set(problem, -EINVAL,
				   "%s is adopted, and keeps fail_over_mac=active; MacPolicy must "
				   "be member",
				   team->name);
	return config_roles_check(team, problem);
}

const struct kind team_kind = {
	.section = "Team",
	.size = sizeof(struct team_config),
	.settings = &team_settings,
	.parts = &members,
	.comment = "# A team of iovteam, see iovteam.conf(5). \"iovteam team set\" and \"iovteam "
		   "member\" write\n# this file anew; comments of yours are lost then.\n",
	.name_set = name_set,
	.finish = finish,
};
