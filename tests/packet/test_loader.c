// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loader (T16): what is pinned outlives the process that pinned it and is adopted by the next,
 * programs are replaced under running traffic, and a device is given back as it was.
 */
#include "frame.h"
#include "world.h"

#include "base/strings.h"
#include "datapath/attach.h"
#include "datapath/datapath.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

static struct world *world;
static int team_device, devices[2];

static struct datapath *open_team(const char *team, bool expect_adopted)
{
	struct datapath *datapath = NULL;
	struct problem problem = {};
	bool adopted = !expect_adopted;

	if (datapath_open(world->teams, team, world->netns, NULL, &datapath, &adopted, &problem))
		fail_msg("%s", problem.text);
	assert_int_equal(adopted, expect_adopted);
	return datapath;
}

static void attach_team(struct datapath *datapath, int ifindex)
{
	struct problem problem = {};

	if (datapath_attach_team(datapath, ifindex, &problem))
		fail_msg("%s", problem.text);
}

static void attach_member(struct datapath *datapath, unsigned slot, int ifindex)
{
	struct problem problem = {};

	if (datapath_attach_member(datapath, slot, ifindex, &problem))
		fail_msg("%s", problem.text);
}

static void attach_all(struct datapath *datapath)
{
	attach_team(datapath, team_device);
	attach_member(datapath, SLOT_A, devices[0]);
	attach_member(datapath, SLOT_Z, devices[1]);
}

static const char *const pins[] = {"team", "member0_in", "member0_out", "member31_in",
				   "member31_out"};

/* The five hooks of such a team. */
static const struct {
	const int *ifindex;
	bool ingress;
} hooks[] = {
	{&team_device, false}, {&devices[0], true},  {&devices[0], false},
	{&devices[1], true},   {&devices[1], false},
};

struct attached {
	uint32_t programs[ARRAY_SIZE(hooks)], links[ARRAY_SIZE(hooks)];
};

static struct attached look_attached(void)
{
	struct attached attached;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		int ifindex = 0;

		assert_int_equal(world_programs(world, *hooks[i].ifindex, hooks[i].ingress,
						&attached.programs[i]),
				 1);
		attached.links[i] = world_link(world, "team0", pins[i], &ifindex);
		assert_int_not_equal(attached.links[i], 0);
		assert_int_equal(ifindex, *hooks[i].ifindex);
	}
	return attached;
}

static void assert_detached(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		assert_int_equal(world_programs(world, *hooks[i].ifindex, hooks[i].ingress, NULL),
				 0);
}

/* Opening alone touches no device; a new team's maps are empty but for whose they are. */
static void test_open(void **unused)
{
	struct datapath *datapath = open_team("team0", false);
	struct pick_state expected = {.layout = PICK_LAYOUT, .netns = world->netns};
	struct note_team notes = {};

	(void)unused;
	assert_memory_equal(datapath_state(datapath), &expected, sizeof(expected));
	assert_memory_equal(datapath_notes(datapath), &notes, sizeof(notes));
	assert_true(world_has_pins(world, "team0"));
	assert_detached();
	datapath_remove(datapath);
	assert_false(world_has_pins(world, "team0"));
}

/* The daemon dies and comes back: links stay, programs are those of the new one, maps go on. */
static void test_adopt(void **unused)
{
	struct datapath *datapath = open_team("team0", false);
	struct attached before, between, after;
	struct pick_state state;

	(void)unused;
	attach_all(datapath);
	frame_members(datapath_state(datapath));
	datapath_deal(datapath)[7].home = SLOT_Z;
	(void)strcpy(datapath_notes(datapath)->members[0].device, "member0");
	state = *datapath_state(datapath);
	before = look_attached();

	datapath_close(datapath);
	between = look_attached();
	assert_memory_equal(&between, &before, sizeof(before));

	datapath = open_team("team0", true);
	assert_memory_equal(datapath_state(datapath), &state, sizeof(state));
	assert_int_equal(datapath_deal(datapath)[7].home, SLOT_Z);
	assert_string_equal(datapath_notes(datapath)->members[0].device, "member0");
	attach_all(datapath);
	after = look_attached();
	assert_memory_equal(after.links, before.links, sizeof(after.links));
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		assert_int_not_equal(after.programs[i], before.programs[i]);
	datapath_remove(datapath);
	assert_detached();
}

/* The next one may remove what it has only adopted, without attaching it first. */
static void test_remove_adopted(void **unused)
{
	struct datapath *datapath = open_team("team0", false);

	(void)unused;
	attach_all(datapath);
	(void)look_attached();
	datapath_close(datapath);
	datapath_remove(open_team("team0", true));
	assert_detached();
	assert_false(world_has_pins(world, "team0"));
}

/* Attaching again changes nothing but the program, and that only for another one. */
static void test_attach_again(void **unused)
{
	struct datapath *datapath = open_team("team0", false);
	struct attached first, second;

	(void)unused;
	attach_all(datapath);
	first = look_attached();
	attach_all(datapath);
	second = look_attached();
	assert_memory_equal(&second, &first, sizeof(first));
	datapath_remove(datapath);
}

static bool is_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Maps of another layout are not adopted (model/steering.h): what they hold means something else. */
static void test_layout(void **unused)
{
	struct datapath *datapath = open_team("team0", false);

	(void)unused;
	frame_members(datapath_state(datapath));
	datapath_deal(datapath)[7].home = SLOT_Z;
	/* The daemon only reads these; here they are an older program's. */
	((struct pick_hold *)datapath_hold(datapath))[7].holder = SLOT_Z + 1;
	((struct drop_counts *)datapath_drops(datapath))->frames[7][DROP_REFLECTED] = 7;
	(void)strcpy(datapath_notes(datapath)->members[0].device, "member0");
	datapath_state(datapath)->layout = PICK_LAYOUT + 1;
	datapath_close(datapath);

	datapath = open_team("team0", false);
	assert_int_equal(datapath_state(datapath)->layout, PICK_LAYOUT);
	assert_int_equal(datapath_state(datapath)->usable, 0);
	assert_true(is_zero(datapath_notes(datapath), sizeof(struct note_team)));
	assert_true(is_zero(datapath_deal(datapath), PICK_BUCKETS * sizeof(struct pick_deal)));
	assert_true(is_zero(datapath_hold(datapath), PICK_BUCKETS * sizeof(struct pick_hold)));
	assert_true(is_zero(datapath_drops(datapath), sizeof(struct drop_counts)));
	datapath_remove(datapath);
}

/* A map of another size under our pin, left by an older build: it gives way. */
static void test_size(void **unused)
{
	char directory[128], path[160];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "state", 4, 8, 1, NULL);

	(void)unused;
	(void)snprintf(directory, sizeof(directory), "%s/team0", world->teams);
	(void)snprintf(path, sizeof(path), "%s/state", directory);
	datapath_close(open_team("team0", false));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	assert_int_equal(close(fd), 0);
	datapath_remove(open_team("team0", false));
}

/* A state map as layout 1 had it, with @state's beginning. */
static void pin_layout1(const struct pick_state *state)
{
	const size_t size = offsetof(struct pick_state, by);
	char path[160];
	int fd = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "state", 4, (__u32)size, 1,
		&(struct bpf_map_create_opts){.sz = sizeof(struct bpf_map_create_opts),
					      .map_flags = BPF_F_MMAPABLE});
	uint8_t bytes[sizeof(*state)];
	uint32_t key = 0;

	memcpy(bytes, state, sizeof(bytes));
	assert_int_equal(bpf_map_update_elem(fd, &key, bytes, BPF_ANY), 0);
	(void)snprintf(path, sizeof(path), "%s/team0/state", world->teams);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	assert_int_equal(close(fd), 0);
}

/* T16: an upgrade whose state has grown goes on with what an earlier layout knew, under traffic. */
static void test_earlier_layout(void **unused)
{
	struct datapath *datapath = open_team("team0", false);
	struct attached before, after;
	struct pick_state state;
	char path[160];

	(void)unused;
	attach_all(datapath);
	frame_members(datapath_state(datapath));
	datapath_state(datapath)->layout = 1;
	datapath_deal(datapath)[7].home = SLOT_Z;
	((struct pick_hold *)datapath_hold(datapath))[7].holder = SLOT_Z + 1;
	(void)strcpy(datapath_notes(datapath)->members[0].device, "member0");
	state = *datapath_state(datapath);
	before = look_attached();
	datapath_close(datapath);
	pin_layout1(&state);

	datapath = open_team("team0", true);
	state.layout = PICK_LAYOUT;
	assert_memory_equal(datapath_state(datapath), &state, sizeof(state));
	assert_int_equal(datapath_deal(datapath)[7].home, SLOT_Z);
	assert_int_equal(datapath_hold(datapath)[7].holder, SLOT_Z + 1);
	assert_string_equal(datapath_notes(datapath)->members[0].device, "member0");
	(void)snprintf(path, sizeof(path), "%s/team0/state_next", world->teams);
	assert_int_not_equal(access(path, F_OK), 0);
	attach_all(datapath);
	after = look_attached();
	assert_memory_equal(after.links, before.links, sizeof(after.links));
	datapath_close(datapath);

	/* What is pinned is the new map, once and for all. */
	datapath = open_team("team0", true);
	assert_memory_equal(datapath_state(datapath), &state, sizeof(state));
	datapath_remove(datapath);
	assert_detached();
}

static void test_other_namespace(void **unused)
{
	struct datapath *datapath = open_team("team0", false), *other = NULL;
	struct problem problem = {};
	struct attached before, after;
	bool adopted = true;

	(void)unused;
	attach_all(datapath);
	before = look_attached();
	assert_int_equal(datapath_open(world->teams, "team0", world->netns + 1, NULL, &other,
				       &adopted, &problem),
			 -EBUSY);
	assert_null(other);
	assert_int_equal(problem.error, -EBUSY);
	assert_non_null(strstr(problem.text, "another network namespace"));
	after = look_attached();
	assert_memory_equal(&after, &before, sizeof(before));
	assert_int_equal(datapath_state(datapath)->netns, world->netns);
	datapath_remove(datapath);
}

static void test_detach_member(void **unused)
{
	struct datapath *datapath = open_team("team0", false);

	(void)unused;
	attach_all(datapath);
	(void)look_attached();
	datapath_detach_member(datapath, SLOT_A);
	assert_int_equal(world_programs(world, devices[0], true, NULL), 0);
	assert_int_equal(world_programs(world, devices[0], false, NULL), 0);
	assert_int_equal(world_programs(world, devices[1], true, NULL), 1);
	assert_int_equal(world_link(world, "team0", "member0_in", NULL), 0);
	assert_int_equal(datapath_notes(datapath)->members[SLOT_A].ifindex, 0);
	datapath_detach_member(datapath, SLOT_A); /* nothing is there: no error */
	attach_member(datapath, SLOT_A, devices[0]);
	(void)look_attached();
	datapath_remove(datapath);
	assert_detached();
}

/* The member in a slot is another device now: the old one is free, the new one has the programs. */
static void test_member_exchanged(void **unused)
{
	struct datapath *datapath = open_team("team0", false);
	int ifindex = 0;

	(void)unused;
	attach_member(datapath, SLOT_A, devices[0]);
	attach_member(datapath, SLOT_A, devices[1]);
	assert_int_equal(world_programs(world, devices[0], true, NULL), 0);
	assert_int_equal(world_programs(world, devices[0], false, NULL), 0);
	assert_int_equal(world_programs(world, devices[1], true, NULL), 1);
	assert_int_equal(world_programs(world, devices[1], false, NULL), 1);
	assert_int_not_equal(world_link(world, "team0", "member0_in", &ifindex), 0);
	assert_int_equal(ifindex, devices[1]);
	datapath_remove(datapath);
	assert_detached();
}

/* T13: a VF is unplugged and comes back, under another ifindex or under the very same. */
static void vanish_and_return(struct datapath *datapath, int new_index)
{
	uint32_t before, after;
	int ifindex = -1;

	before = world_link(world, "team0", "member31_in", NULL);
	world_ip("link del dev member1");
	assert_int_equal(world_link(world, "team0", "member31_in", &ifindex), before);
	assert_int_equal(ifindex, 0);
	world_ip("link add name member1 index %d type veth peer name peer1", new_index);
	devices[1] = world_index("member1");
	assert_int_equal(devices[1], new_index);
	assert_int_equal(world_programs(world, devices[1], true, NULL), 0);
	attach_member(datapath, SLOT_Z, devices[1]);
	after = world_link(world, "team0", "member31_in", &ifindex);
	assert_int_not_equal(after, before);
	assert_int_equal(ifindex, devices[1]);
	(void)look_attached();
}

static void test_vanished_device(void **unused)
{
	struct datapath *datapath = open_team("team0", false);

	(void)unused;
	attach_all(datapath);
	vanish_and_return(datapath, 1000);
	vanish_and_return(datapath, 1000);
	datapath_remove(datapath);
	assert_detached();
}

/* Devices that vanish for good leave pins behind, which removing takes away. */
static void test_vanished_for_good(void **unused)
{
	struct datapath *datapath = open_team("team0", false);

	(void)unused;
	attach_all(datapath);
	(void)look_attached();
	world_ip("link del dev member0");
	world_ip("link del dev team");
	datapath_close(datapath);
	datapath_remove(open_team("team0", true));
	assert_false(world_has_pins(world, "team0"));
}

static void test_no_device(void **unused)
{
	struct datapath *datapath = open_team("team0", false);
	struct problem problem = {};

	(void)unused;
	assert_int_equal(datapath_attach_team(datapath, 4711, &problem), -ENODEV);
	assert_string_equal(problem.text, "cannot attach the sending program: No such device");
	assert_int_equal(datapath_state(datapath)->ifindex, 0);
	problem = (struct problem){};
	assert_int_equal(datapath_attach_member(datapath, SLOT_A, 4711, &problem), -ENODEV);
	assert_string_equal(problem.text, "cannot attach the receiving program: No such device");
	assert_int_equal(datapath_notes(datapath)->members[SLOT_A].ifindex, 0);
	datapath_remove(datapath);
}

/* Somebody else's clsact qdisc is there afterwards as before; ours would not be. */
static void test_foreign_clsact(void **unused)
{
	struct datapath *datapath = open_team("team0", false);

	(void)unused;
	assert_int_equal(system("tc qdisc add dev member0 clsact"), 0);
	assert_true(attach_has_clsact(devices[0]));
	attach_all(datapath);
	assert_true(datapath_notes(datapath)->members[SLOT_A].clsact_before);
	assert_false(datapath_notes(datapath)->members[SLOT_Z].clsact_before);
	datapath_remove(datapath);
	assert_true(attach_has_clsact(devices[0]));
	assert_false(attach_has_clsact(devices[1]));
	assert_detached();

	attach_drop_clsact(devices[1]); /* none: no error */
	attach_drop_clsact(devices[0]);
	assert_false(attach_has_clsact(devices[0]));
}

/* A bit for each of team0 and team1. */
static int collect(const char *team, void *data)
{
	if (strcmp(team, "team0") != 0 && strcmp(team, "team1") != 0)
		return -EINVAL;
	*(unsigned *)data |= 1U << (team[4] - '0');
	return 0;
}

/* Two teams know nothing of each other. */
static void test_two_teams(void **unused)
{
	struct datapath *first = open_team("team0", false), *second = open_team("team1", false);
	unsigned found = 0;

	(void)unused;
	attach_all(first);
	attach_team(second, world_index("outside"));
	attach_member(second, SLOT_A, world_index("peer0"));
	datapath_state(first)->usable = 5;
	datapath_state(second)->usable = 2;
	assert_int_equal(datapath_state(first)->usable, 5);
	(void)look_attached();
	assert_int_equal(datapath_each(world->teams, collect, &found), 0);
	assert_int_equal(found, 3);

	datapath_remove(second);
	assert_false(world_has_pins(world, "team1"));
	assert_int_equal(world_programs(world, world_index("peer0"), true, NULL), 0);
	(void)look_attached();
	assert_int_equal(datapath_state(first)->usable, 5);
	datapath_remove(first);
}

static void test_each_of_none(void **unused)
{
	unsigned found = 0;

	(void)unused;
	assert_int_equal(datapath_each("/nowhere", collect, &found), 0);
	assert_int_equal(found, 0);
}

/* T18: asking through the loader does not disturb what is attached. */
static void test_ask(void **unused)
{
	struct datapath *datapath = open_team("team0", false);
	uint8_t frame[FRAME_MAX];
	size_t length = frame_parse(MAC_PEER MAC_A TCP4, 0, frame);
	uint32_t hash = 0, own, verdict = 0;

	(void)unused;
	attach_all(datapath);
	frame_members(datapath_state(datapath));
	for (size_t i = 0; i < PICK_BUCKETS; i++)
		datapath_deal(datapath)[i] = (struct pick_deal){SLOT_C, SLOT_B};
	assert_int_equal(datapath_ask(datapath, frame, length, &hash, &verdict), 0);
	assert_int_equal(verdict, PICK_VERDICT(PICK_HOME, SLOT_C));
	own = hash;
	assert_int_not_equal(own, 0);
	hash = own + 1;
	datapath_deal(datapath)[hash % PICK_BUCKETS].home = SLOT_Z;
	assert_int_equal(datapath_ask(datapath, frame, length, &hash, &verdict), 0);
	assert_int_equal(verdict, PICK_VERDICT(PICK_HOME, SLOT_Z));
	assert_int_equal(hash, own + 1);
	/* Less than a header is no frame. */
	assert_int_equal(datapath_ask(datapath, frame, 13, &hash, &verdict), -EINVAL);
	assert_int_equal(verdict, PICK_VERDICT(PICK_HOME, SLOT_Z));
	datapath_remove(datapath);
}

static int make_devices(void **state)
{
	if (world_make(state))
		return -1;
	world = *state;
	team_device = world_veth("team", "52:54:00:00:00:0a", "outside", 4);
	devices[0] = world_veth("member0", "52:54:00:00:00:0a", "peer0", 1);
	devices[1] = world_veth("member1", "52:54:00:00:00:1f", "peer1", 1);
	return 0;
}

#define DEVICES(test) cmocka_unit_test_setup_teardown(test, make_devices, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICES(test_open),
		DEVICES(test_adopt),
		DEVICES(test_remove_adopted),
		DEVICES(test_attach_again),
		DEVICES(test_layout),
		DEVICES(test_size),
		DEVICES(test_earlier_layout),
		DEVICES(test_other_namespace),
		DEVICES(test_detach_member),
		DEVICES(test_member_exchanged),
		DEVICES(test_vanished_device),
		DEVICES(test_vanished_for_good),
		DEVICES(test_no_device),
		DEVICES(test_foreign_clsact),
		DEVICES(test_two_teams),
		DEVICES(test_each_of_none),
		DEVICES(test_ask),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
