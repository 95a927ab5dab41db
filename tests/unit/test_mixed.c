// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/mixed: teams of VFs and virtio (T14). */
#include "base/strings.h"
#include "core/mixed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	VF = 1,
	VIRTIO,
	VLAN,
	STACK,
	NETVSC,
	ITS_VF,
	VETH,
	LINKS
};

static struct link links[LINKS - 1] = {
	{.ifindex = VF, .bus = "pci", .driver = "igbvf"},
	{.ifindex = VIRTIO, .bus = "pci", .driver = "virtio_net"},
	{.ifindex = VLAN, .kind = "vlan", .lower = VF},
	{.ifindex = STACK, .kind = "macvlan", .lower = VLAN},
	{.ifindex = NETVSC, .bus = "vmbus"},
	{.ifindex = ITS_VF, .bus = "pci", .driver = "mlx5_core"},
	{.ifindex = VETH, .kind = "veth", .lower = VF},
};
static const struct link_table table = {.links = links, .count = ARRAY_SIZE(links)};

static enum member_path path(int ifindex)
{
	return mixed_path(link_by_index(&table, ifindex), &table);
}

static void path_is_told_by_the_device(void **state)
{
	(void)state;
	assert_int_equal(path(VF), MEMBER_PATH_HARDWARE);
	assert_int_equal(path(VIRTIO), MEMBER_PATH_SYNTHETIC);
	assert_int_equal(path(VLAN), MEMBER_PATH_HARDWARE);
	assert_int_equal(path(STACK), MEMBER_PATH_HARDWARE);
	assert_int_equal(path(VETH), MEMBER_PATH_UNKNOWN);
	links[VF - 1].driver[0] = '\0'; /* bound to nothing that has a name */
	assert_int_equal(path(VF), MEMBER_PATH_UNKNOWN);
	strcpy(links[VF - 1].driver, "igbvf");
}

static void second_path_counts(void **state)
{
	(void)state;
	assert_int_equal(path(NETVSC), MEMBER_PATH_SYNTHETIC);
	links[ITS_VF - 1].master = NETVSC;
	assert_int_equal(path(NETVSC), MEMBER_PATH_HARDWARE);
	links[ITS_VF - 1].master = 0;
	assert_int_equal(path(NETVSC), MEMBER_PATH_SYNTHETIC);
}

/* One that is away is what it was, and a daemon that begins meanwhile reads it in the note. */
static void path_outlives_the_device(void **state)
{
	struct note_member note = {.device = "ens4"};

	(void)state;
	assert_int_equal(mixed_note_path(&note, NULL, &table), MEMBER_PATH_UNKNOWN);
	assert_int_equal(mixed_note_path(&note, link_by_index(&table, VF), &table),
			 MEMBER_PATH_HARDWARE);
	assert_int_equal(mixed_note_path(&note, NULL, &table), MEMBER_PATH_HARDWARE);
	*note.device = '\0'; /* it has left */
	assert_int_equal(mixed_note_path(&note, NULL, &table), MEMBER_PATH_UNKNOWN);
	strcpy(note.device, "ens4");
	note.path = MEMBER_PATH_COUNT; /* of a later build */
	assert_int_equal(mixed_note_path(&note, NULL, &table), MEMBER_PATH_UNKNOWN);
}

/* VLANs above each other in a ring are no device that the kernel makes, but none to hang on. */
static void endless_stack_ends(void **state)
{
	(void)state;
	links[VLAN - 1].lower = STACK;
	assert_int_equal(path(STACK), MEMBER_PATH_UNKNOWN);
	links[VLAN - 1].lower = VF;
}

static void policies_change_roles_and_weights(void **state)
{
	static const struct {
		enum mixed_policy policy;
		struct team_seat seats[3];
		enum member_role roles[3];
		uint32_t weights[3];
	} cases[] = {
		{MIXED_STANDBY, /* both synthetic ones stand by */
		 {{.path = MEMBER_PATH_SYNTHETIC, .weight = 100},
		  {.path = MEMBER_PATH_HARDWARE, .weight = 100},
		  {.path = MEMBER_PATH_SYNTHETIC, .weight = 50}},
		 {ROLE_STANDBY, ROLE_ACTIVE, ROLE_STANDBY},
		 {100, 100, 50}},
		{MIXED_STANDBY, /* nothing to tell apart */
		 {{.path = MEMBER_PATH_SYNTHETIC, .weight = 1},
		  {.path = MEMBER_PATH_UNKNOWN, .weight = 1},
		  {.path = MEMBER_PATH_SYNTHETIC, .weight = 1}},
		 {ROLE_ACTIVE, ROLE_ACTIVE, ROLE_ACTIVE},
		 {1, 1, 1}},
		{MIXED_STANDBY, /* the administrator has spoken */
		 {{.path = MEMBER_PATH_SYNTHETIC, .weight = 1},
		  {.path = MEMBER_PATH_HARDWARE, .weight = 1, .role = ROLE_STANDBY},
		  {.path = MEMBER_PATH_HARDWARE, .weight = 1}},
		 {ROLE_ACTIVE, ROLE_STANDBY, ROLE_ACTIVE},
		 {1, 1, 1}},
		{MIXED_EQUAL,
		 {{.path = MEMBER_PATH_SYNTHETIC, .weight = 1},
		  {.path = MEMBER_PATH_HARDWARE, .weight = 1},
		  {.path = MEMBER_PATH_UNKNOWN, .weight = 1}},
		 {ROLE_ACTIVE, ROLE_ACTIVE, ROLE_ACTIVE},
		 {1, 1, 1}},
		{MIXED_WEIGHTED,
		 {{.path = MEMBER_PATH_HARDWARE, .weight = 100, .speed = 25000},
		  {.path = MEMBER_PATH_SYNTHETIC, .weight = 100, .speed = 10000},
		  {.path = MEMBER_PATH_HARDWARE, .weight = 200, .speed = 1000}},
		 {ROLE_ACTIVE, ROLE_ACTIVE, ROLE_ACTIVE},
		 {250000, 100000, 20000}},
		{MIXED_WEIGHTED, /* a VF whose link is down counts as the fastest */
		 {{.path = MEMBER_PATH_HARDWARE, .weight = 1, .speed = 10000},
		  {.path = MEMBER_PATH_SYNTHETIC, .weight = 1},
		  {.path = MEMBER_PATH_HARDWARE, .weight = 1}},
		 {ROLE_ACTIVE, ROLE_ACTIVE, ROLE_ACTIVE},
		 {1000, 250, 1000}},
		{MIXED_WEIGHTED, /* nobody tells */
		 {{.path = MEMBER_PATH_HARDWARE, .weight = 7},
		  {.path = MEMBER_PATH_SYNTHETIC, .weight = 7},
		  {.path = MEMBER_PATH_UNKNOWN, .weight = 7}},
		 {ROLE_ACTIVE, ROLE_ACTIVE, ROLE_ACTIVE},
		 {28, 7, 28}},
		{MIXED_WEIGHTED, /* a driver that lies */
		 {{.path = MEMBER_PATH_HARDWARE, .weight = 1000, .speed = UINT32_MAX},
		  {.path = MEMBER_PATH_SYNTHETIC, .weight = 1, .speed = 10},
		  {.path = MEMBER_PATH_UNKNOWN, .weight = 1, .speed = 1000}},
		 {ROLE_ACTIVE, ROLE_ACTIVE, ROLE_ACTIVE},
		 {1000000000, 1, 100}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct team_seat seats[3];

		memcpy(seats, cases[i].seats, sizeof(seats));
		mixed_arrange(cases[i].policy, seats, 3);
		for (unsigned int k = 0; k < 3; k++) {
			assert_int_equal(seats[k].role, cases[i].roles[k]);
			assert_int_equal(seats[k].weight, cases[i].weights[k]);
			assert_int_equal(seats[k].set_aside,
					 seats[k].role != cases[i].seats[k].role);
		}
	}
}

/* Two that stand by share what a lost member carried, by their weights. */
static void two_that_stand_by_share(void **state)
{
	struct team_seat seats[3] = {
		{.slot = 0, .weight = 5, .path = MEMBER_PATH_HARDWARE},
		{.slot = 1, .weight = 1, .path = MEMBER_PATH_SYNTHETIC},
		{.slot = 2, .weight = 2, .path = MEMBER_PATH_SYNTHETIC},
	};
	struct health_facts facts[PICK_SLOTS] = {
		{true, true, true, false}, {true, true, true, false}, {true, true, true, false}};
	const struct health_holds holds = {};
	uint32_t weights[PICK_SLOTS];
	struct decision decision;
	struct team_run run;

	(void)state;
	mixed_arrange(MIXED_STANDBY, seats, 3);
	team_run_init(&run);
	team_run_arrange(&run, seats, 3);
	failover_decide(&run, facts, &holds, 1, &decision);
	team_run_homes(&run, weights);
	assert_int_equal(weights[0], 5);
	assert_int_equal(weights[1] | weights[2], 0);
	team_run_fallbacks(&run, weights);
	assert_int_equal(weights[0], 0);
	assert_int_equal(weights[1], 1);
	assert_int_equal(weights[2], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_told_by_the_device),
		cmocka_unit_test(second_path_counts),
		cmocka_unit_test(path_outlives_the_device),
		cmocka_unit_test(endless_stack_ends),
		cmocka_unit_test(policies_change_roles_and_weights),
		cmocka_unit_test(two_that_stand_by_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
