// SPDX-License-Identifier: GPL-2.0-or-later
/* T20: the difference of two views of a team, as events in their order. */
#include "daemon/event_view.h"

#include "base/strings.h"
#include "daemon/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct team_record ring[TEAM_RECORDS];
static struct event_view before, after;
static char told[4096];

static void take(void *data, json_t *event)
{
	char *text = json_dumps(event, JSON_COMPACT);

	(void)data;
	assert_true(strlen(told) + strlen(text) + 2 < sizeof(told));
	(void)strcat(strcat(told, text), "\n");
	free(text);
	json_decref(event);
}

static const char *compare(const struct event_view *from, const struct event_view *to)
{
	*told = '\0';
	event_compare(from, to, take, NULL);
	return told;
}

static int set_up(void **unused)
{
	(void)unused;
	memset(ring, 0, sizeof(ring));
	before = (struct event_view){
		.team = "team0",
		.state = TEAM_UP,
		.primary = "ens4",
		.records = ring,
		.record_count = 2,
		.member_count = 2,
		.members = {{"ens4", "ens4", MEMBER_ACTIVE, REASON_NONE},
			    {"pci-0000:00:05.0", "ens5", MEMBER_ACTIVE, REASON_NONE}},
	};
	after = before;
	return 0;
}

static void test_nothing(void **unused)
{
	(void)unused;
	assert_string_equal(compare(&before, &after), "");
}

/* What has led to it comes before what has become of it. */
static void test_failover(void **unused)
{
	(void)unused;
	ring[2] = (struct team_record){.cause = "media-disconnected",
				       .member = "ens4",
				       .primary_before = "ens4",
				       .primary_after = "ens5",
				       .seen_ns = 1000,
				       .decided_ns = 2000,
				       .applied_ns = 3000,
				       .buckets_moved = 512};
	after.record_count = 3;
	after.state = TEAM_DEGRADED;
	(void)strcpy(after.primary, "ens5");
	after.members[0].state = MEMBER_FAILED;
	after.members[0].reason = REASON_MEDIA_DISCONNECTED;
	assert_string_equal(compare(&before, &after),
			    "{\"event\":\"failover\",\"team\":\"team0\",\"cause\":\"media-"
			    "disconnected\","
			    "\"member\":\"ens4\",\"primary_before\":\"ens4\",\"primary\":\"ens5\","
			    "\"seen_us\":1,\"decided_us\":2,\"applied_us\":3,\"buckets_moved\":512}"
			    "\n"
			    "{\"event\":\"primary\",\"team\":\"team0\",\"primary_before\":\"ens4\","
			    "\"primary\":\"ens5\"}\n"
			    "{\"event\":\"member-state\",\"team\":\"team0\",\"member\":\"ens4\","
			    "\"device\":\"ens4\",\"state_before\":\"active\",\"state\":\"failed\","
			    "\"reason_before\":\"none\",\"reason\":\"media-disconnected\"}\n"
			    "{\"event\":\"team-state\",\"team\":\"team0\",\"state_before\":\"up\","
			    "\"state\":\"degraded\"}\n");
}

/* A change that was taken back between two looks is told all the same. */
static void test_other_records(void **unused)
{
	static const char *const causes[] = {"switchover", "drained", "restored", "joined"};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		(void)text_copy(ring[2 + i].cause, sizeof(ring[0].cause), causes[i]);
	after.record_count = 2 + ARRAY_SIZE(causes);
	(void)compare(&before, &after);
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		char wanted[64];

		(void)snprintf(wanted, sizeof(wanted), "{\"event\":\"%s\",\"team\"", causes[i]);
		assert_non_null(strstr(told, wanted));
	}
}

static unsigned int count_lines(void)
{
	unsigned int count = 0;

	for (const char *at = told; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

static void test_records_beyond_the_ring(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < TEAM_RECORDS; i++)
		(void)snprintf(ring[i].cause, sizeof(ring[i].cause), "c%u", i);
	after.record_count = 2 + 3 * TEAM_RECORDS;
	(void)compare(&before, &after);
	assert_int_equal(count_lines(), TEAM_RECORDS);
	/* The oldest that is left first. */
	assert_non_null(strstr(told, "{\"event\":\"c2\""));
	assert_ptr_equal(strstr(told, "{\"event\":\"c2\""), told);
	/* Another team of that name has fewer. */
	after.record_count = 1;
	(void)compare(&before, &after);
	assert_int_equal(count_lines(), 1);
}

static void test_a_team_appears_and_goes(void **unused)
{
	(void)unused;
	after.record_count = 0;
	assert_string_equal(compare(NULL, &after),
			    "{\"event\":\"primary\",\"team\":\"team0\",\"primary_before\":\"\","
			    "\"primary\":\"ens4\"}\n"
			    "{\"event\":\"member-state\",\"team\":\"team0\",\"member\":\"ens4\","
			    "\"device\":\"ens4\",\"state_before\":\"\",\"state\":\"active\","
			    "\"reason_before\":\"\",\"reason\":\"none\"}\n"
			    "{\"event\":\"member-state\",\"team\":\"team0\",\"member\":\"ens5\","
			    "\"device\":\"pci-0000:00:05.0\",\"state_before\":\"\",\"state\":"
			    "\"active\","
			    "\"reason_before\":\"\",\"reason\":\"none\"}\n"
			    "{\"event\":\"team-state\",\"team\":\"team0\",\"state_before\":\"\","
			    "\"state\":\"up\"}\n");
	assert_string_equal(compare(&before, NULL), "{\"event\":\"removed\",\"team\":\"team0\"}\n");
}

static void test_a_member_leaves(void **unused)
{
	(void)unused;
	after.member_count = 1;
	assert_string_equal(compare(&before, &after), "{\"event\":\"left\",\"team\":\"team0\","
						      "\"member\":\"ens5\","
						      "\"device\":\"pci-0000:00:05.0\"}\n");
}

static void test_trouble(void **unused)
{
	(void)unused;
	(void)strcpy(after.trouble, "the kernel says no");
	assert_string_equal(compare(&before, &after), "{\"event\":\"trouble\",\"team\":\"team0\","
						      "\"text\":\"the kernel says no\"}\n");
	assert_string_equal(compare(&after, &before), "{\"event\":\"trouble-cleared\",\"team\":"
						      "\"team0\","
						      "\"text\":\"the kernel says no\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, set_up),
		cmocka_unit_test_setup(test_failover, set_up),
		cmocka_unit_test_setup(test_other_records, set_up),
		cmocka_unit_test_setup(test_records_beyond_the_ring, set_up),
		cmocka_unit_test_setup(test_a_team_appears_and_goes, set_up),
		cmocka_unit_test_setup(test_a_member_leaves, set_up),
		cmocka_unit_test_setup(test_trouble, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
