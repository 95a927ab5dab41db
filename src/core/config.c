// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The settings of a team, its members, and their text.
 *
 * Theory of operation. Each setting is a row of a table, one of [Team] and one of [Member]: its
 * key, where it lives in struct team_config or struct member_config, and which values it takes.
 * Reading, printing, changing and defaults walk that table, so a new setting is one new row. Name
 * and Device are not rows: they say what a section is about, and no command changes them in place.
 */
#include "core/config.h"

#include "base/strings.h"
#include "core/config_private.h"

#include <errno.h>
#include <stdio.h>

/* What a setting takes: one of @words, or if there are none a number of @low to @high. */
struct setting {
	const char *key;
	size_t offset; /* of a 32 bit value in the table's struct */
	const char *const *words;
	uint32_t word_count;
	const char *unit; /* of a number */
	uint32_t low, high, step, usual;
};

#define SETTING(key_text, field) .key = (key_text), .offset = offsetof(struct team_config, field)
#define MEMBER_SETTING(key_text, field)                                                            \
	.key = (key_text), .offset = offsetof(struct member_config, field)
#define WORDS(names, count) .words = (names), .word_count = (count)
#define NUMBER(low_, high_, step_, unit_)                                                          \
	.low = (low_), .high = (high_), .step = (step_), .unit = (unit_)

static const struct setting team_rows[] = {
	{SETTING("Adopt", adopt), WORDS(yes_no_names, YES_NO_COUNT), .usual = 0},
	{SETTING("Distribution", distribution), WORDS(distribution_names, DISTRIBUTION_COUNT),
	 .usual = DISTRIBUTION_TRANSPORT_PORTS},
	{SETTING("MacPolicy", mac_policy), WORDS(mac_policy_names, MAC_POLICY_COUNT),
	 .usual = MAC_POLICY_MEMBER},
	{SETTING("StableTimeMs", stable_ms), NUMBER(0, 600000, 1, "milliseconds"), .usual = 1000},
	{SETTING("HoldDownMaxMs", hold_max_ms), NUMBER(0, 3600000, 1, "milliseconds"),
	 .usual = 60000},
	{SETTING("ReturnIdleMs", idle_ms), NUMBER(1, 60000, 1, "milliseconds"), .usual = 200},
	{SETTING("ReturnBoundMs", return_ms), NUMBER(0, 3600000, 1, "milliseconds"),
	 .usual = 10000},
	/* Bonding's num_peer_notif is a byte, its peer_notif_delay a multiple of miimon (100 ms). */
	{SETTING("AnnounceCount", announce_count), NUMBER(0, 255, 1, "announcements"), .usual = 3},
	{SETTING("AnnounceIntervalMs", announce_interval_ms),
	 NUMBER(100, 5000, 100, "milliseconds"), .usual = 200},
};

static const struct setting member_rows[] = {
	{MEMBER_SETTING("Weight", weight), NUMBER(1, 1000, 1, ""), .usual = 100},
	{MEMBER_SETTING("Role", role), WORDS(member_role_names, MEMBER_ROLE_COUNT),
	 .usual = ROLE_ACTIVE},
};

_Static_assert(sizeof(enum distribution) == sizeof(uint32_t) &&
		       sizeof(enum mac_policy) == sizeof(uint32_t) &&
		       sizeof(enum member_role) == sizeof(uint32_t),
	       "a setting is 32 bit wide");

struct table {
	const struct setting *rows;
	size_t count;
	const char *list; /* between a key that is not known and those that are */
};

static const struct table team_settings = {team_rows, ARRAY_SIZE(team_rows), "there are"};
static const struct table member_settings = {member_rows, ARRAY_SIZE(member_rows),
					     "besides its device a member has"};

static uint32_t setting_value(const struct setting *setting, const void *object)
{
	uint32_t value;

	memcpy(&value, (const char *)object + setting->offset, sizeof(value));
	return value;
}

static void setting_store(const struct setting *setting, void *object, uint32_t value)
{
	memcpy((char *)object + setting->offset, &value, sizeof(value));
}

static void table_defaults(const struct table *table, void *object)
{
	for (size_t i = 0; i < table->count; i++)
		setting_store(&table->rows[i], object, table->rows[i].usual);
}

static bool table_equal(const struct table *table, const void *a, const void *b)
{
	for (size_t i = 0; i < table->count; i++)
		if (setting_value(&table->rows[i], a) != setting_value(&table->rows[i], b))
			return false;
	return true;
}

static int table_index(const struct table *table, const char *key)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->rows[i].key, key) == 0)
			return (int)i;
	return -ENOENT;
}

static bool setting_takes(const struct setting *setting, uint32_t value)
{
	if (setting->words)
		return value < setting->word_count;
	return value >= setting->low && value <= setting->high && value % setting->step == 0;
}

int config_setting_index(const char *key)
{
	return table_index(&team_settings, key);
}

int config_member_setting_index(const char *key)
{
	return table_index(&member_settings, key);
}

/* -EINVAL: not a word or a number; -ERANGE: a number out of range. */
static int setting_read(const struct setting *setting, const char *text, uint32_t *ret_value)
{
	uint32_t value;
	int err;

	if (setting->words) {
		err = name_lookup(setting->words, setting->word_count, text);
		if (err < 0)
			return err;
		*ret_value = (uint32_t)err;
		return 0;
	}
	err = number_parse(text, setting->low, setting->high, &value);
	if (err)
		return err;
	if (!setting_takes(setting, value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* The value as text; @buffer holds CONFIG_SETTING_SIZE and is used for numbers only. */
static const char *setting_text(const struct setting *setting, uint32_t value, char *buffer)
{
	if (setting->words)
		return value < setting->word_count ? setting->words[value] : "?";
	(void)snprintf(buffer, CONFIG_SETTING_SIZE, "%u", value);
	return buffer;
}

/* Append to @text while there is room. */
static void text_append(char *text, size_t size, const char *before, const char *word)
{
	size_t used = strlen(text);

	(void)snprintf(text + used, size - used, "%s%s", before, word);
}

/* "0 to 600000 milliseconds", "one of a, b". */
static void setting_range(const struct setting *setting, char *text, size_t size)
{
	if (setting->words) {
		(void)snprintf(text, size, "%s", setting->word_count > 1 ? "one of" : "");
		for (uint32_t i = 0; i < setting->word_count; i++)
			text_append(text, size, i ? ", " : *text ? " " : "", setting->words[i]);
		return;
	}
	(void)snprintf(text, size, "%u to %u%s%s", setting->low, setting->high,
		       *setting->unit ? " " : "", setting->unit);
	if (setting->step > 1) {
		char buffer[CONFIG_SETTING_SIZE];

		(void)snprintf(buffer, sizeof(buffer), "%u", setting->step);
		text_append(text, size, ", a multiple of ", buffer);
	}
}

static int setting_unknown(const struct table *table, const char *key, struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE], known[160] = "";

	for (size_t i = 0; i < table->count; i++)
		text_append(known, sizeof(known), i ? ", " : "", table->rows[i].key);
	return problem_set(problem, -ENOENT, "there is no setting %s; %s %s",
			   config_shown(key, shown), table->list, known);
}

void config_defaults(struct team_config *team)
{
	*team = (struct team_config){};
	table_defaults(&team_settings, team);
}

void config_member_defaults(struct member_config *member)
{
	*member = (struct member_config){};
	table_defaults(&member_settings, member);
}

static int table_set(const struct table *table, void *object, const char *key, const char *value,
		     struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE], range[128];
	const struct setting *setting;
	int err, index = table_index(table, key);
	uint32_t number;

	if (index < 0)
		return setting_unknown(table, key, problem);
	setting = &table->rows[index];
	err = setting_read(setting, value, &number);
	if (err) {
		setting_range(setting, range, sizeof(range));
		return problem_set(problem, err, "%s cannot be %s: it takes %s", setting->key,
				   config_shown(value, shown), range);
	}
	setting_store(setting, object, number);
	return 0;
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

static int table_get(const struct table *table, const void *object, size_t index,
		     const char **ret_key, char *buffer, size_t size)
{
	char number[CONFIG_SETTING_SIZE];
	const struct setting *setting;
	const char *text;

	if (index >= table->count)
		return -ENOENT;
	setting = &table->rows[index];
	text = setting_text(setting, setting_value(setting, object), number);
	if (text_copy(buffer, size, text) < 0)
		return -ENOSPC;
	*ret_key = setting->key;
	return 0;
}

int config_get(const struct team_config *team, size_t index, const char **ret_key, char *buffer,
	       size_t size)
{
	return table_get(&team_settings, team, index, ret_key, buffer, size);
}

int config_member_get(const struct member_config *member, size_t index, const char **ret_key,
		      char *buffer, size_t size)
{
	return table_get(&member_settings, member, index, ret_key, buffer, size);
}

int config_name_set(struct team_config *team, const char *name, struct problem *problem)
{
	int err = config_name_check(name, problem);

	return err ? err : text_copy(team->name, sizeof(team->name), name);
}

/* Place of the member so named, member_count if there is none. */
static uint32_t member_place(const struct team_config *team, const char *spelled)
{
	uint32_t i = 0;

	while (i < team->member_count && strcmp(team->members[i].device, spelled) != 0)
		i++;
	return i;
}

int config_member_add(struct team_config *team, const char *device, struct problem *problem)
{
	char spelled[MEMBER_DEVICE_SIZE];
	int err = config_device_spell(device, spelled, problem);

	if (err)
		return err;
	if (member_place(team, spelled) < team->member_count)
		return problem_set(problem, -EEXIST, "%s is a member already", spelled);
	if (team->member_count >= TEAM_MEMBERS_MAX)
		return problem_set(problem, -E2BIG,
				   "%s would be a member too many: a team has at most %d", spelled,
				   TEAM_MEMBERS_MAX);
	config_member_defaults(&team->members[team->member_count]);
	(void)text_copy(team->members[team->member_count++].device, MEMBER_DEVICE_SIZE, spelled);
	return 0;
}

struct member_config *config_member_find(struct team_config *team, const char *device)
{
	char spelled[MEMBER_DEVICE_SIZE];
	uint32_t place;

	if (config_device_spell(device, spelled, NULL))
		return NULL;
	place = member_place(team, spelled);
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

int config_member_remove(struct team_config *team, const char *device, struct problem *problem)
{
	char spelled[MEMBER_DEVICE_SIZE], shown[CONFIG_SHOWN_SIZE];
	uint32_t place = team->member_count;

	if (config_device_spell(device, spelled, NULL) == 0)
		place = member_place(team, spelled);
	if (place == team->member_count)
		return problem_set(problem, -ENOENT, "%s is not a member",
				   config_shown(device, shown));
	team->member_count--;
	memmove(&team->members[place], &team->members[place + 1],
		(team->member_count - place) * sizeof(*team->members));
	team->members[team->member_count] = (struct member_config){};
	return 0;
}

/* @of: whose settings they are, with a blank before; "" for the team's. */
static void table_difference(const struct table *table, const void *from, const void *to,
			     const char *of, char *text, size_t size)
{
	char buffers[2][CONFIG_SETTING_SIZE], change[128];

	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		uint32_t was = setting_value(row, from), shall = setting_value(row, to);

		if (was == shall)
			continue;
		(void)snprintf(change, sizeof(change), "%s %s instead of %s%s", row->key,
			       setting_text(row, shall, buffers[0]),
			       setting_text(row, was, buffers[1]), of);
		text_append(text, size, *text ? ", " : "", change);
	}
}

bool config_difference(const struct team_config *from, const struct team_config *to, char *text,
		       size_t size)
{
	char of[MEMBER_DEVICE_SIZE + 8];

	*text = '\0';
	table_difference(&team_settings, from, to, "", text, size);
	for (uint32_t i = 0; i < to->member_count; i++) {
		uint32_t place = member_place(from, to->members[i].device);

		if (place == from->member_count)
			continue;
		(void)snprintf(of, sizeof(of), " of %s", to->members[i].device);
		table_difference(&member_settings, &from->members[place], &to->members[i], of, text,
				 size);
	}
	return *text;
}

bool config_equal(const struct team_config *a, const struct team_config *b)
{
	if (strcmp(a->name, b->name) != 0 || a->member_count != b->member_count)
		return false;
	if (!table_equal(&team_settings, a, b))
		return false;
	for (uint32_t i = 0; i < a->member_count; i++)
		if (strcmp(a->members[i].device, b->members[i].device) != 0 ||
		    !table_equal(&member_settings, &a->members[i], &b->members[i]))
			return false;
	return true;
}
