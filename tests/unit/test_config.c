// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/config: names, settings, members and what several files show together. What one file
 * may say is in tests/config (golden files).
 */
#include "base/cleanup.h"
#include "base/strings.h"
#include "core/config_host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int parse(const char *text, size_t length, struct team_config *ret_team,
		 struct config_error *ret_error)
{
	struct config_object object;
	int err = config_object_parse("a.conf", text, length, &object, ret_error);

	if (!err)
		*ret_team = object.team;
	return err;
}

static int format(const struct team_config *team, char **ret_text)
{
	const struct config_object object = {.kind = CONFIG_TEAM, .team = *team};

	return config_object_format(&object, ret_text, NULL);
}

static bool equal(const struct team_config *a, const struct team_config *b)
{
	const struct config_object objects[] = {{.kind = CONFIG_TEAM, .team = *a},
						{.kind = CONFIG_TEAM, .team = *b}};

	return config_object_equal(&objects[0], &objects[1]);
}

static void test_team_names(void **state)
{
	static const struct {
		const char *name;
		int result;
	} cases[] = {
		{"team0", 0},
		{"t", 0},
		{"a-b_cd@e+f,g", 0},
		{"abcdefghijklmno", 0},
		{"0a", 0},
		{"lo0", 0},
		{"", -EINVAL},
		{"abcdefghijklmnop", -EINVAL},
		{".", -EINVAL},
		{"..", -EINVAL},
		{".hidden", -EINVAL},
		{"team0.5", -EINVAL},
		{"lo", -EINVAL},
		{"all", -EINVAL},
		{"default", -EINVAL},
		{"bonding_masters", -EINVAL},
		{"-force", -EINVAL},
		{"12", -EINVAL},
		{"a/b", -EINVAL},
		{"a:1", -EINVAL},
		{"team%d", -EINVAL},
		{"a b", -EINVAL},
		{"a\tb", -EINVAL},
		{"a\nb", -EINVAL},
		{"a\x7f", -EINVAL},
		{"a\xa0", -EINVAL},
		{"größe", -EINVAL},
		{"$HOME", -EINVAL},
		{"a;b", -EINVAL},
		{"*", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct team_config team = {.name = "before"};
		struct problem problem = {};

		if (config_name_set(&team, cases[i].name, &problem) != cases[i].result)
			fail_msg("\"%s\": %s", cases[i].name, problem.text);
		assert_string_equal(team.name, cases[i].result ? "before" : cases[i].name);
		assert_int_equal(problem.text[0] != '\0', cases[i].result != 0);
		assert_int_equal(config_name_check(cases[i].name, NULL), cases[i].result);
	}
}

static void test_devices(void **state)
{
	static const struct {
		const char *device, *stored; /* NULL = refused */
	} cases[] = {
		{"ens4", "ens4"},
		{"ENS4", "ENS4"},
		{"12", "12"},
		{"all", "all"},
		{"52:54:00:AB:cd:EF", "52:54:00:ab:cd:ef"},
		{"pci-0000:00:04.0", "pci-0000:00:04.0"},
		{"pci-ABCD:3B:1F.7", "pci-abcd:3b:1f.7"},
		{"pci-10000:01:00.0", "pci-10000:01:00.0"},
		{"", NULL},
		{"lo", NULL},
		{"abcdefghijklmnop", NULL},
		{"a b", NULL},
		{"00:00:00:00:00:00", NULL},
		{"ff:ff:ff:ff:ff:ff", NULL},
		{"01:80:c2:00:00:00", NULL},
		{"52:54:00:12:34:5", NULL},
		{"0000:00:04.0", NULL},
		{"pci-", NULL},
		{"pci-00:04.0", NULL},
		{"pci-000:00:04.0", NULL},
		{"pci-00000:00:04.0", NULL},
		{"pci-123456789:00:04.0", NULL},
		{"pci-0000:000:04.0", NULL},
		{"pci-0000:00:4.0", NULL},
		{"pci-0000:00:20.0", NULL},
		{"pci-0000:00:04.8", NULL},
		{"pci-0000:00:04.00", NULL},
		{"pci-0000:00:04.", NULL},
		{"pci-0000:00:04", NULL},
		{"pci-0000", NULL},
		{"pci-0000:00", NULL},
		{"pci-0000:00:04.0 ", NULL},
		{"PCI-0000:00:04.0", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct team_config team = {};
		struct problem problem = {};
		int wanted = cases[i].stored ? 0 : -EINVAL;

		if (config_member_add(&team, cases[i].device, &problem) != wanted)
			fail_msg("\"%s\": %s", cases[i].device, problem.text);
		assert_int_equal(config_device_check(cases[i].device, NULL), wanted);
		assert_int_equal(team.member_count, cases[i].stored ? 1 : 0);
		if (cases[i].stored)
			assert_string_equal(team.members[0].device, cases[i].stored);
	}
}

static void test_members(void **state)
{
	struct team_config team = {};
	struct problem problem = {};
	char name[LINK_NAME_SIZE];

	(void)state;
	for (int i = 0; i < TEAM_MEMBERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "eth%d", i);
		assert_int_equal(config_member_add(&team, name, &problem), 0);
	}
	assert_int_equal(config_member_add(&team, "eth7", NULL), -EEXIST);
	assert_int_equal(config_member_add(&team, "eth32", &problem), -E2BIG);
	assert_string_equal(problem.text, "eth32 would be a member too many: a team has at most "
					  "32");
	assert_int_equal(config_member_remove(&team, "eth32", NULL), -ENOENT);
	assert_int_equal(config_member_remove(&team, "a b", NULL), -ENOENT);
	assert_int_equal(config_member_remove(&team, "eth0", NULL), 0);
	assert_int_equal(config_member_remove(&team, "eth31", NULL), 0);
	assert_int_equal(config_member_remove(&team, "eth7", NULL), 0);
	assert_int_equal(team.member_count, 29);
	assert_string_equal(team.members[0].device, "eth1");
	assert_string_equal(team.members[6].device, "eth8");
	assert_string_equal(team.members[28].device, "eth30");
	assert_string_equal(team.members[29].device, "");
}

static void test_member_remove_by_other_case(void **state)
{
	struct team_config team = {};

	(void)state;
	assert_int_equal(config_member_add(&team, "52:54:00:ab:cd:ef", NULL), 0);
	assert_int_equal(config_member_remove(&team, "52:54:00:AB:CD:EF", NULL), 0);
	assert_int_equal(team.member_count, 0);
}

static void test_set(void **state)
{
	static const struct {
		const char *key, *value;
		int result;
		const char *text; /* NULL = none */
	} cases[] = {
		{"Distribution", "transport-ports", 0, NULL},
		{"Distribution", "", -EINVAL,
		 "Distribution cannot be (empty): it takes one of transport-ports, ip-addresses, "
		 "mac-addresses"},
		{"MacPolicy", "member", 0, NULL},
		{"MacPolicy", "0", -EINVAL, "MacPolicy cannot be 0: it takes one of member, team"},
		{"Mixed", "weighted", 0, NULL},
		{"Mixed", "Equal", -EINVAL,
		 "Mixed cannot be Equal: it takes one of standby, weighted, equal"},
		{"StableTimeMs", "0", 0, NULL},
		{"StableTimeMs", "600000", 0, NULL},
		{"StableTimeMs", "600001", -ERANGE,
		 "StableTimeMs cannot be 600001: it takes 0 to 600000 milliseconds"},
		{"ReturnIdleMs", "1", 0, NULL},
		{"ReturnIdleMs", "0", -ERANGE,
		 "ReturnIdleMs cannot be 0: it takes 1 to 60000 milliseconds"},
		{"ReturnBoundMs", "3600000", 0, NULL},
		{"ReturnBoundMs", "1s", -EINVAL,
		 "ReturnBoundMs cannot be 1s: it takes 0 to 3600000 milliseconds"},
		{"AnnounceCount", "255", 0, NULL},
		{"AnnounceCount", "256", -ERANGE,
		 "AnnounceCount cannot be 256: it takes 0 to 255 announcements"},
		{"AnnounceIntervalMs", "5000", 0, NULL},
		{"AnnounceIntervalMs", "150", -ERANGE,
		 "AnnounceIntervalMs cannot be 150: it takes 100 to 5000 milliseconds, a multiple "
		 "of "
		 "100"},
		{"AnnounceIntervalMs", "2\n\x1b[31m\xff", -EINVAL,
		 "AnnounceIntervalMs cannot be 2??[31m?: it takes 100 to 5000 milliseconds, a "
		 "multiple of 100"},
		{"Name", "team1", -ENOENT, NULL},
		{"announcecount", "3", -ENOENT,
		 "there is no setting announcecount; there are Adopt, Distribution, MacPolicy, "
		 "Mixed, StableTimeMs, HoldDownMaxMs, ReturnIdleMs, ReturnBoundMs, AnnounceCount, "
		 "AnnounceIntervalMs, Probe, ProbeIntervalMs, ProbeMultiplier, ProbeAddress"},
		{"ProbeAddress", "192.0.2.1,", -EINVAL,
		 "ProbeAddress cannot be 192.0.2.1,: that is not an IP address"},
		{"ProbeAddress", "0.0.0.0", -EINVAL,
		 "ProbeAddress cannot be 0.0.0.0: it takes the address of one host"},
		{"", "3", -ENOENT, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct team_config team, before;
		struct problem problem = {};

		config_defaults(&team);
		before = team;
		assert_int_equal(config_set(&team, cases[i].key, cases[i].value, &problem),
				 cases[i].result);
		assert_int_equal(problem.error, cases[i].result);
		if (cases[i].result)
			assert_true(equal(&team, &before));
		if (cases[i].text)
			assert_string_equal(problem.text, cases[i].text);
	}
}

/* The defaults are promises of the manual. */
static void test_get_defaults(void **state)
{
	static const char *const wanted[][2] = {
		{"Adopt", "no"},	  {"Distribution", "transport-ports"},
		{"MacPolicy", "member"},  {"Mixed", "standby"},
		{"StableTimeMs", "1000"}, {"HoldDownMaxMs", "60000"},
		{"ReturnIdleMs", "200"},  {"ReturnBoundMs", "10000"},
		{"AnnounceCount", "3"},	  {"AnnounceIntervalMs", "200"},
		{"Probe", "auto"},	  {"ProbeIntervalMs", "50"},
		{"ProbeMultiplier", "3"}, {"ProbeAddress", ""},
	};
	char value[CONFIG_SETTING_SIZE];
	struct team_config team;
	const char *key;

	(void)state;
	config_defaults(&team);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_int_equal(config_get(&team, i, &key, value, sizeof(value)), 0);
		assert_string_equal(key, wanted[i][0]);
		assert_string_equal(value, wanted[i][1]);
	}
	assert_int_equal(config_get(&team, ARRAY_SIZE(wanted), &key, value, sizeof(value)),
			 -ENOENT);
	assert_int_equal(config_get(&team, 4, &key, value, 4), -ENOSPC);
	assert_int_equal(config_get(&team, 4, &key, value, 5), 0);
}

static void test_set_reaches_the_model(void **state)
{
	struct team_config team;

	(void)state;
	config_defaults(&team);
	assert_int_equal(config_set(&team, "StableTimeMs", "11", NULL), 0);
	assert_int_equal(config_set(&team, "HoldDownMaxMs", "16", NULL), 0);
	assert_int_equal(config_set(&team, "ReturnIdleMs", "12", NULL), 0);
	assert_int_equal(config_set(&team, "ReturnBoundMs", "13", NULL), 0);
	assert_int_equal(config_set(&team, "AnnounceCount", "14", NULL), 0);
	assert_int_equal(config_set(&team, "AnnounceIntervalMs", "1500", NULL), 0);
	assert_int_equal(team.stable_ms, 11);
	assert_int_equal(team.hold_max_ms, 16);
	assert_int_equal(team.idle_ms, 12);
	assert_int_equal(team.return_ms, 13);
	assert_int_equal(team.announce_count, 14);
	assert_int_equal(team.announce_interval_ms, 1500);
}

/* T4, T6. */
static void test_member_settings(void **state)
{
	struct problem problem = {};
	struct member_config *member;
	struct team_config team;

	(void)state;
	config_defaults(&team);
	assert_int_equal(config_member_add(&team, "ens4", NULL), 0);
	assert_int_equal(config_member_add(&team, "52:54:00:AA:00:01", NULL), 0);
	assert_null(config_member_find(&team, "ens5"));
	member = config_member_find(&team, "52:54:00:aa:00:01");
	assert_ptr_equal(member, &team.members[1]);
	assert_int_equal(member->weight, 100);
	assert_int_equal(member->role, ROLE_ACTIVE);
	assert_int_equal(config_member_set(member, "Weight", "7", NULL), 0);
	assert_int_equal(config_member_set(member, "Role", "standby", NULL), 0);
	assert_int_equal(member->weight, 7);
	assert_int_equal(member->role, ROLE_STANDBY);
	assert_int_equal(config_roles_check(&team, NULL), 0);
	assert_int_equal(config_member_set(member, "Weight", "0", &problem), -ERANGE);
	assert_string_equal(problem.text, "Weight cannot be 0: it takes 1 to 1000");
	assert_int_equal(member->weight, 7);
	team.members[0].role = ROLE_STANDBY;
	problem = (struct problem){};
	assert_int_equal(config_roles_check(&team, &problem), -EINVAL);
	assert_string_equal(problem.text, "ens4 and 52:54:00:aa:00:01 are both standby; a team has "
					  "at most one");
}

static void test_parse_failure_touches_nothing(void **state)
{
	static const char text[] = "[Team]\nName=team1\nAnnounceCount=9\n[Member]\n";
	struct team_config team, before;
	struct config_error error = {.line = 99};

	(void)state;
	config_defaults(&team);
	before = team;
	assert_int_equal(parse(text, strlen(text), &team, &error), -EINVAL);
	assert_true(equal(&team, &before));
	assert_string_equal(error.file, "a.conf");
	assert_int_equal(error.line, 4);
	assert_string_equal(error.text, "[Member] has no Device");
	assert_int_equal(parse(text, strlen(text), &team, NULL), -EINVAL);
	assert_int_equal(parse(NULL, 0, &team, &error), -EINVAL);
	assert_int_equal(error.line, 0);
}

static void test_parse_reads_no_further_than_told(void **state)
{
	static const char text[] = "[Team]\nName=team1\n[Member]\nDevice=ens4\n[Broken";
	struct team_config team;

	(void)state;
	assert_int_equal(parse(text, strlen(text) - 7, &team, NULL), 0);
	assert_string_equal(team.name, "team1");
	assert_string_equal(team.members[0].device, "ens4");
}

static void team_make(struct team_config *team, const char *name, const char *first,
		      const char *second)
{
	config_defaults(team);
	(void)text_copy(team->name, sizeof(team->name), name);
	assert_int_equal(config_member_add(team, first, NULL), 0);
	if (second)
		assert_int_equal(config_member_add(team, second, NULL), 0);
}

static void test_format(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct team_config team;

	(void)state;
	team_make(&team, "team0", "ens4", "52:54:00:AB:CD:EF");
	team.announce_count = 5;
	assert_int_equal(format(&team, &text), 0);
	assert_string_equal(strstr(text, "[Team]"), "[Team]\nName=team0\nAnnounceCount=5\n\n["
						    "Member]\nDevice=ens4\n\n"
						    "[Member]\nDevice=52:54:00:ab:cd:ef\n");
}

/* What could not be read back is never written: it would be refused at the next start. */
static void test_format_refuses(void **state)
{
	struct team_config good, team;
	char *text = NULL;

	(void)state;
	team_make(&good, "team0", "ens4", NULL);
	team = good;
	team.stable_ms = 600001;
	assert_int_equal(format(&team, &text), -EINVAL);
	team = good;
	team.mac_policy = MAC_POLICY_COUNT;
	assert_int_equal(format(&team, &text), -EINVAL);
	team = good;
	team.member_count = 0;
	assert_int_equal(format(&team, &text), -EINVAL);
	team = good;
	(void)text_copy(team.name, sizeof(team.name), "x\nMacPolicy=");
	assert_int_equal(format(&team, &text), -EINVAL);
	team = good;
	(void)text_copy(team.members[0].device, MEMBER_DEVICE_SIZE, "a\n[Member]\nDevice=b");
	assert_int_equal(format(&team, &text), -EINVAL);
	assert_null(text);
}

static void test_check(void **state)
{
	static const struct {
		const char *first[3], *second[3]; /* name, two members */
		int result;
		const char *text;
	} cases[] = {
		{{"team0", "ens4", "ens5"}, {"team1", "ens6", "ens7"}, 0, NULL},
		{{"team0", "ens4", "ens5"},
		 {"team0", "ens6", "ens7"},
		 -EEXIST,
		 "there is a team team0 already"},
		{{"team0", "ens4", "ens5"},
		 {"team1", "ens6", "ens5"},
		 -EBUSY,
		 "ens5 is a member of team0 already"},
		{{"team0", "52:54:00:ab:cd:ef", NULL},
		 {"team1", "52:54:00:AB:CD:EF", NULL},
		 -EBUSY,
		 "52:54:00:ab:cd:ef is a member of team0 already"},
		{{"team0", "ens4", NULL},
		 {"team1", "team0", NULL},
		 -EINVAL,
		 "team0 cannot be a member of team1: it is a team itself"},
		{{"team0", "team1", NULL},
		 {"team1", "ens4", NULL},
		 -EINVAL,
		 "team1 cannot be a member of team0: it is a team itself"},
		{{"team0", "ens4", NULL},
		 {"team1", "ens5", "team1"},
		 -EINVAL,
		 "team1 cannot be a member of team1: it is a team itself"},
	};
	static const char *const files[] = {"10-first.conf", "20-second.conf"};
	static struct team_list list = {.count = 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_error error = {.line = 99};

		team_make(&list.teams[0], cases[i].first[0], cases[i].first[1], cases[i].first[2]);
		team_make(&list.teams[1], cases[i].second[0], cases[i].second[1],
			  cases[i].second[2]);
		assert_int_equal(config_check(&list, files, &error), cases[i].result);
		assert_int_equal(config_check(&list, NULL, NULL), cases[i].result);
		assert_int_equal(error.line, cases[i].result ? 0 : 99);
		if (!cases[i].text)
			continue;
		assert_string_equal(error.text, cases[i].text);
		assert_string_equal(error.file, "20-second.conf");
		(void)config_check(&list, NULL, &error);
		assert_memory_equal(error.file, cases[i].second[0], strlen(cases[i].second[0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_team_names),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_member_remove_by_other_case),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_get_defaults),
		cmocka_unit_test(test_set_reaches_the_model),
		cmocka_unit_test(test_member_settings),
		cmocka_unit_test(test_parse_failure_touches_nothing),
		cmocka_unit_test(test_parse_reads_no_further_than_told),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_refuses),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
