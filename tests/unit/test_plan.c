// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/plan (C2): what is wanted against what is there, as the sentences of the steps in
 * their order. Each test begins with a team of two members that is as it should be, changes one
 * thing and reads the plan.
 */
#include "base/strings.h"
#include "core/plan.h"
#include "core/quirk.h"

#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ETHER 1
#define TEAM 10

/* Desired and observed; view points into it. */
static struct scene {
	struct team_config want;
	struct link_table links;
	struct link_address addresses[4];
	struct note_team notes;
	struct plan_view view;
	struct action_list list;
} scene;

static void put(const struct link *link)
{
	assert_int_equal(link_table_put(&scene.links, link), 0);
}

static struct link *get(const char *name)
{
	struct link *link = link_by_name(&scene.links, name);

	assert_non_null(link);
	return link;
}

static void rename_link(const char *before, const char *after)
{
	assert_int_equal(text_copy(get(before)->name, LINK_NAME_SIZE, after), 0);
}

static void want_member(const char *device)
{
	struct member_config *member = &scene.want.members[scene.want.member_count++];

	assert_int_equal(text_copy(member->device, sizeof(member->device), device), 0);
}

static void note(unsigned int slot, const char *device, unsigned int ifindex)
{
	struct note_member *member = &scene.notes.members[slot];

	assert_int_equal(text_copy(member->device, sizeof(member->device), device), 0);
	member->ifindex = ifindex;
}

static int scene_make(void **state)
{
	struct link slave = {.type = ETHER, .master = TEAM, .slave_kind = "bond"};
	struct link bond = {.ifindex = TEAM, .name = "team0", .kind = "bond", .type = ETHER};

	(void)state;
	scene = (struct scene){
		.want = {.name = "team0", .announce_count = 3, .announce_interval_ms = 200}};
	scene.view = (struct plan_view){
		.links = &scene.links,
		.addresses = scene.addresses,
		.notes = &scene.notes,
		.ifindex = TEAM,
	};
	plan_bond(&scene.want, &scene.links, &bond.bond);
	put(&bond);
	for (uint16_t slot = 0; slot < 2; slot++) {
		slave.ifindex = 4 + slot;
		(void)snprintf(slave.name, sizeof(slave.name), "ens%u", 4U + slot);
		(void)snprintf(slave.bus_id, sizeof(slave.bus_id), "0000:00:0%u.0", 4U + slot);
		slave.permanent_mac = (struct mac){{0x52, 0x54, 0, 0, 0, (uint8_t)(4 + slot)}};
		slave.slave.queue_id = slot + 1;
		put(&slave);
		want_member(slave.name);
		note(slot, slave.name, 4U + slot);
	}
	return 0;
}

static int scene_drop(void **state)
{
	(void)state;
	link_table_done(&scene.links);
	action_list_done(&scene.list);
	return 0;
}

struct step {
	enum action_kind kind;
	const char *device;
	int slot, ifindex;
	const char *text;
};

static void expect(const struct step *steps, size_t count)
{
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	for (size_t i = 0; i < count && i < scene.list.count; i++) {
		const struct action *action = &scene.list.actions[i];

		assert_string_equal(action->text, steps[i].text);
		assert_int_equal(action->kind, steps[i].kind);
		assert_string_equal(action->team, "team0");
		assert_string_equal(action->device, steps[i].device);
		assert_int_equal(action->slot, steps[i].slot);
		assert_int_equal(action->ifindex, steps[i].ifindex);
		assert_int_equal(action_acts(action),
				 steps[i].kind != ACTION_WAIT && steps[i].kind != ACTION_REFUSE);
	}
	if (scene.list.count > count)
		fail_msg("one step more: %s", scene.list.actions[count].text);
	assert_int_equal(scene.list.count, count);
}

#define EXPECT(...)                                                                                \
	do {                                                                                       \
		static const struct step steps[] = {__VA_ARGS__};                                  \
                                                                                                   \
		expect(steps, ARRAY_SIZE(steps));                                                  \
	} while (0)

#define CREATE_TEAM0                                                                               \
	{                                                                                          \
		ACTION_CREATE, "", -1, 0, "make the team team0 and load its programs"              \
	}

/* --- the team --------------------------------------------------------------------------- */

static void as_wanted_is_nothing(void **state)
{
	(void)state;
	expect(NULL, 0);
	get("team0")->bond.active_ifindex = 5; /* who is active is no attribute of the plan */
	expect(NULL, 0);
}

static void new_team_is_made_then_joined(void **state)
{
	(void)state;
	link_table_drop(&scene.links, TEAM);
	get("ens4")->master = get("ens5")->master = 0;
	scene.view.notes = NULL;
	EXPECT(CREATE_TEAM0, {ACTION_JOIN, "ens4", 0, 4, "take ens4 into team0 as member 0"},
	       {ACTION_JOIN, "ens5", 1, 5, "take ens5 into team0 as member 1"});
}

/* Somebody deleted the interface: members keep their slots. */
static void lost_interface_is_made_anew(void **state)
{
	(void)state;
	link_table_drop(&scene.links, TEAM);
	get("ens4")->master = get("ens5")->master = 0;
	note(0, "ens5", 5);
	note(1, "ens4", 4);
	EXPECT(CREATE_TEAM0, {ACTION_JOIN, "ens4", 1, 4, "take ens4 into team0 as member 1"},
	       {ACTION_JOIN, "ens5", 0, 5, "take ens5 into team0 as member 0"});
}

static void removal_is_one_step(void **state)
{
	(void)state;
	scene.list.count = 0;
	plan_removal("team0", false, &scene.list);
	assert_int_equal(scene.list.count, 1);
	assert_int_equal(scene.list.actions[0].kind, ACTION_REMOVE);
	assert_string_equal(scene.list.actions[0].team, "team0");
	assert_int_equal(scene.list.actions[0].slot, -1);
	assert_string_equal(scene.list.actions[0].text, "delete the team team0 and give its "
							"members back");
}

/* --- the bond's attributes -------------------------------------------------------------- */

static void bond_is_what_the_design_says(void **state)
{
	struct link_bond bond;

	(void)state;
	plan_bond(&scene.want, &scene.links, &bond);
	assert_int_equal(bond.mode, 1);
	assert_int_equal(bond.fail_over_mac, 1);
	assert_int_equal(bond.all_slaves_active, 1);
	assert_int_equal(bond.num_peer_notif, 3);
	assert_int_equal(bond.peer_notif_delay, 200);
	assert_int_equal(bond.resend_igmp, 3);
	assert_int_equal(bond.miimon, 100);
	assert_int_equal(bond.downdelay, 0);
	assert_int_equal(bond.active_ifindex, 0);
}

static void each_attribute_is_put_right(void **state)
{
	static const struct {
		size_t offset, size;
		const char *text;
	} cases[] = {
#define CASE(field, text)                                                                          \
	{offsetof(struct link_bond, field), sizeof(((struct link_bond *)0)->field), text}
		CASE(mode, "set mode 1 instead of 7 of team0"),
		CASE(all_slaves_active, "set all_slaves_active 1 instead of 7 of team0"),
		CASE(num_peer_notif, "set num_peer_notif 3 instead of 7 of team0"),
		CASE(peer_notif_delay, "set peer_notif_delay 200 instead of 7 of team0"),
		CASE(resend_igmp, "set resend_igmp 3 instead of 7 of team0"),
		CASE(miimon, "set miimon 100 instead of 7 of team0"),
		CASE(updelay, "set updelay 0 instead of 7 of team0"),
		CASE(downdelay, "set downdelay 0 instead of 7 of team0"),
		CASE(use_carrier, "set use_carrier 1 instead of 7 of team0"),
		CASE(primary_ifindex, "set primary_ifindex 0 instead of 7 of team0"),
		CASE(primary_reselect, "set primary_reselect 2 instead of 7 of team0"),
#undef CASE
	};
	struct link_bond right = get("team0")->bond;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct step step = {ACTION_SET, "", -1, 0, cases[i].text};
		uint8_t *field = (uint8_t *)&get("team0")->bond + cases[i].offset;

		memset(field, 0, cases[i].size);
		if (cases[i].size == sizeof(uint32_t))
			memcpy(field, &(uint32_t){7}, sizeof(uint32_t));
		else
			*field = 7;
		expect(&step, 1);
		get("team0")->bond = right;
	}
}

/* A member whose driver has a quirk lets bonding wait, as soon as the device is there. */
static void slow_drivers_are_given_time(void **state)
{
	struct link_bond bond;

	(void)state;
	assert_int_equal(quirk_rest_ms(""), 0);
	assert_int_equal(quirk_rest_ms("igb"), 0);
	assert_true(quirk_rest_ms("igbvf") > 0);
	(void)snprintf(get("ens5")->driver, LINK_DRIVER_SIZE, "igbvf");
	plan_bond(&scene.want, &scene.links, &bond);
	assert_int_equal(bond.downdelay, quirk_rest_ms("igbvf"));
	assert_int_equal(bond.downdelay % bond.miimon, 0); /* else bonding rounds it */
	EXPECT({ACTION_SET, "", -1, 0, "set downdelay 2000 instead of 0 of team0"});
	/* Nor does it lose that by a rename. */
	rename_link("ens5", "wan");
	EXPECT({ACTION_SET, "", -1, 0, "set downdelay 2000 instead of 0 of team0"});
}

static void several_attributes_are_one_step(void **state)
{
	(void)state;
	scene.want.announce_count = 5;
	scene.want.announce_interval_ms = 100;
	get("team0")->bond.miimon = 0;
	EXPECT({ACTION_SET, "", -1, 0,
		"set num_peer_notif 5 instead of 3, peer_notif_delay 100 instead of 200, "
		"resend_igmp 5 instead of 3, miimon 100 instead of 0 of team0"});
}

/* All differ, with the longest values: cut perhaps, but a string. */
static void longest_sentence_fits(void **state)
{
	(void)state;
	memset(&get("team0")->bond, 0xff, sizeof(struct link_bond));
	get("team0")->bond.fail_over_mac = 1; /* that empties the bond: test_macs.c */
	scene.want.announce_count = 255;
	scene.want.announce_interval_ms = UINT32_MAX - 1;
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	assert_int_equal(scene.list.count, 1);
	assert_int_equal(strncmp(scene.list.actions[0].text, "set mode 1 instead of 255, ", 27), 0);
	assert_true(strlen(scene.list.actions[0].text) < ACTION_TEXT_SIZE);
}

/* --- members ---------------------------------------------------------------------------- */

static void free_device_joins(void **state)
{
	(void)state;
	put(&(struct link){.ifindex = 6, .name = "ens6", .type = ETHER});
	want_member("ens6");
	EXPECT({ACTION_JOIN, "ens6", 2, 6, "take ens6 into team0 as member 2"});
}

/* T1: by whatever name it is known, people read the interface's. */
static void device_is_found_by_mac_and_path(void **state)
{
	(void)state;
	scene.want.member_count = 0;
	want_member("52:54:00:00:00:04");
	want_member("pci-0000:00:05.0");
	scene.view.notes = NULL;
	link_table_drop(&scene.links, TEAM);
	get("ens4")->master = get("ens5")->master = 0;
	EXPECT(CREATE_TEAM0,
	       {ACTION_JOIN, "52:54:00:00:00:04", 0, 4, "take ens4 into team0 as member 0"},
	       {ACTION_JOIN, "pci-0000:00:05.0", 1, 5, "take ens5 into team0 as member 1"});
}

/* Somebody took it out of the bond: it is taken in again, into its slot. */
static void member_taken_out_by_hand_joins_again(void **state)
{
	(void)state;
	get("ens4")->master = 0;
	EXPECT({ACTION_JOIN, "ens4", 0, 4, "take ens4 into team0 as member 0"});
}

/* Removed and plugged in again it has another ifindex, which our programs do not know. */
static void replugged_member_joins_again(void **state)
{
	struct link again = *get("ens5");

	(void)state;
	again.ifindex = 15;
	again.master = 0;
	link_table_drop(&scene.links, 5);
	put(&again);
	EXPECT({ACTION_JOIN, "ens5", 1, 15, "take ens5 into team0 as member 1"});
	get("ens5")->master = TEAM; /* even if somebody put it into the bond himself */
	EXPECT({ACTION_JOIN, "ens5", 1, 15, "take ens5 into team0 as member 1"});
}

static void unwanted_member_leaves(void **state)
{
	(void)state;
	scene.want.member_count = 1;
	EXPECT({ACTION_LEAVE, "ens5", 1, 5, "give ens5 back as it was"});
}

/* It is gone already, but its slot is still to be freed. */
static void unwanted_member_that_is_gone_leaves(void **state)
{
	(void)state;
	scene.want.member_count = 1;
	link_table_drop(&scene.links, 5);
	EXPECT({ACTION_LEAVE, "ens5", 1, 0, "give ens5 back as it was"});
}

/* The slot of who leaves is free for who joins; members that stay keep theirs. */
static void exchanged_member_takes_the_free_slot(void **state)
{
	(void)state;
	put(&(struct link){.ifindex = 6, .name = "ens6", .type = ETHER});
	scene.want.member_count = 0;
	want_member("ens6");
	want_member("ens5");
	EXPECT({ACTION_LEAVE, "ens4", 0, 4, "give ens4 back as it was"},
	       {ACTION_JOIN, "ens6", 0, 6, "take ens6 into team0 as member 0"});
}

static void queue_id_is_put_right(void **state)
{
	(void)state;
	get("ens5")->slave.queue_id = 7;
	get("ens4")->slave.queue_id = 0;
	EXPECT({ACTION_QUEUE, "ens4", 0, 4, "set queue_id 1 of ens4 instead of 0"},
	       {ACTION_QUEUE, "ens5", 1, 5, "set queue_id 2 of ens5 instead of 7"});
}

/* T1: in configuration a missing device is waited for; it has a slot already. */
static void detached_programs_are_attached_again(void **state)
{
	(void)state;
	scene.view.detached = true;
	scene.view.detached_members = 2;
	EXPECT({ACTION_ATTACH, "", -1, 0, "attach the program of team0 again"},
	       {ACTION_ATTACH, "ens5", 1, 5, "attach the programs of ens5 again"});
}

static void missing_device_is_waited_for(void **state)
{
	(void)state;
	link_table_drop(&scene.links, 4);
	scene.notes.members[0].ifindex = 0;
	want_member("ens9");
	EXPECT({ACTION_WAIT, "ens4", 0, 0, "wait for ens4, which is not there"},
	       {ACTION_WAIT, "ens9", 2, 0, "wait for ens9, which is not there"});
}

/* It may have gone to another namespace only, and take no filter of ours there. */
static void programs_leave_a_device_that_is_gone(void **state)
{
	(void)state;
	link_table_drop(&scene.links, 4);
	EXPECT({ACTION_WAIT, "ens4", 0, 0, "wait for ens4, which is not there"},
	       {ACTION_DETACH, "ens4", 0, 0, "take the programs off what was ens4"});
}

/* Taken out by hand and put to another use, it is refused, and rid of our programs. */
static void programs_leave_a_device_that_is_in_use(void **state)
{
	(void)state;
	put(&(struct link){.ifindex = 11, .name = "br0", .type = ETHER, .kind = "bridge"});
	get("ens4")->master = 11;
	(void)text_copy(get("ens4")->slave_kind, LINK_KIND_SIZE, "bridge");
	EXPECT({ACTION_REFUSE, "ens4", 0, 4,
		"ens4 is a port of the bridge br0; take it out first: ip link set ens4 nomaster"},
	       {ACTION_DETACH, "ens4", 0, 4, "take the programs off what was ens4"});
}

/* --- renames (core/seat.h) --------------------------------------------------------------- */

static void renamed_member_stays(void **state)
{
	(void)state;
	rename_link("ens4", "wan");
	expect(NULL, 0);
}

static void renamed_member_leaves_for_another_of_its_name(void **state)
{
	(void)state;
	rename_link("ens4", "wan");
	put(&(struct link){.ifindex = 6, .name = "ens4", .type = ETHER});
	EXPECT({ACTION_LEAVE, "ens4", 0, 4, "give wan back as it was, since it is ens4 no more"},
	       {ACTION_JOIN, "ens4", 0, 6, "take ens4 into team0 as member 0"});
}

static void members_that_exchange_names_exchange_slots(void **state)
{
	(void)state;
	rename_link("ens4", "wan");
	rename_link("ens5", "ens4");
	rename_link("wan", "ens5");
	EXPECT({ACTION_LEAVE, "ens4", 0, 4, "give ens5 back as it was, since it is ens4 no more"},
	       {ACTION_LEAVE, "ens5", 1, 5, "give ens4 back as it was, since it is ens5 no more"},
	       {ACTION_JOIN, "ens4", 0, 5, "take ens4 into team0 as member 0"},
	       {ACTION_JOIN, "ens5", 1, 4, "take ens5 into team0 as member 1"});
}

/* ens5 bears a name now by which another member is configured: it is that one. */
static void member_that_takes_the_name_of_another_is_the_other(void **state)
{
	(void)state;
	link_table_drop(&scene.links, 4);
	scene.notes.members[0].ifindex = 0;
	rename_link("ens5", "ens4");
	EXPECT({ACTION_LEAVE, "ens5", 1, 5, "give ens4 back as it was, since it is ens5 no more"},
	       {ACTION_JOIN, "ens4", 0, 5, "take ens4 into team0 as member 0"},
	       {ACTION_WAIT, "ens5", 1, 0, "wait for ens5, which is not there"});
}

/* A MAC may be that of two devices: who is a member stays it. */
static void member_stays_beside_another_of_its_mac(void **state)
{
	struct link other = *get("ens5");

	(void)state;
	assert_int_equal(
		text_copy(scene.want.members[1].device, MEMBER_DEVICE_SIZE, "52:54:00:00:00:05"),
		0);
	note(1, "52:54:00:00:00:05", 5);
	other.ifindex = 3;
	other.master = 0;
	(void)text_copy(other.name, LINK_NAME_SIZE, "eth0");
	put(&other);
	expect(NULL, 0);
}

static void team_gets_its_name_back(void **state)
{
	(void)state;
	rename_link("team0", "lan");
	EXPECT({ACTION_RENAME, "", -1, 0, "name the interface team0 again"});
	scene.view.rename_refused = true; /* before Linux 6.2 */
	EXPECT({ACTION_RENAME, "", -1, 0, "name the interface team0 again"});
	get("lan")->flags = IFF_UP;
	EXPECT({ACTION_REFUSE, "", -1, 0,
		"the team's interface is called lan now; it gets its name back when it is set "
		"down"});
	put(&(struct link){.ifindex = 6, .name = "team0", .type = ETHER});
	EXPECT({ACTION_REFUSE, "", -1, 0,
		"the team's interface is called lan now, and another one has its name"});
}

/* --- what somebody has changed at members ------------------------------------------------- */

static void mtu_is_put_right(void **state)
{
	(void)state;
	get("team0")->mtu = get("ens4")->mtu = 9000;
	get("ens5")->mtu = 1500;
	EXPECT({ACTION_MTU, "ens5", 1, 5, "set MTU 9000 of ens5 instead of 1500"});
}

/* T8: the MAC that it has joined with, whatever its driver calls permanent. */
static void mac_is_put_right(void **state)
{
	struct link *link = get("ens5");

	(void)state;
	link->slave.mac = (struct mac){{2, 0, 0, 0, 0, 5}};
	link->mac = (struct mac){{2, 0, 0, 0, 0, 6}};
	EXPECT({ACTION_MAC, "ens5", 1, 5,
		"set MAC 02:00:00:00:00:05 of ens5 instead of 02:00:00:00:00:06"});
	link->mac = link->slave.mac;
	expect(NULL, 0);
}

static void device_in_use_is_refused(void **state)
{
	(void)state;
	put(&(struct link){.ifindex = 11, .name = "br0", .type = ETHER, .kind = "bridge"});
	put(&(struct link){
		.ifindex = 6, .name = "ens6", .type = ETHER, .master = 11, .slave_kind = "bridge"});
	put(&(struct link){.ifindex = 7, .name = "ens7", .type = ETHER});
	scene.addresses[0] = (struct link_address){
		.ifindex = 7, .family = AF_INET, .prefix = 24, .bytes = {192, 0, 2, 1}};
	scene.view.address_count = 1;
	want_member("ens6");
	want_member("ens7");
	want_member("br0");
	EXPECT({ACTION_REFUSE, "ens6", 2, 6,
		"ens6 is a port of the bridge br0; take it out first: ip link set ens6 nomaster"},
	       {ACTION_REFUSE, "ens7", 3, 7,
		"ens7 has the address 192.0.2.1/24, which belongs on the team; move it with "
		"--take-addresses, or take it off: ip address del 192.0.2.1/24 dev ens7"},
	       {ACTION_REFUSE, "br0", 4, 11,
		"br0 is itself a bridge; name the network cards instead"});
}

/* T1: those whose addresses the team takes may have some, and others may not. */
static void addresses_that_are_taken_do_not_matter(void **state)
{
	static const int taken[] = {7};

	(void)state;
	for (int ifindex = 6; ifindex <= 7; ifindex++) {
		struct link link = {.ifindex = ifindex, .type = ETHER};

		(void)snprintf(link.name, sizeof(link.name), "ens%d", ifindex);
		put(&link);
		scene.addresses[ifindex - 6] = (struct link_address){.ifindex = ifindex,
								     .family = AF_INET,
								     .prefix = 24,
								     .bytes = {192, 0, 2, 1}};
		want_member(link.name);
	}
	scene.view.address_count = 2;
	scene.view.taken = taken;
	scene.view.taken_count = ARRAY_SIZE(taken);
	EXPECT({ACTION_REFUSE, "ens6", 2, 6,
		"ens6 has the address 192.0.2.1/24, which belongs on the team; move it with "
		"--take-addresses, or take it off: ip address del 192.0.2.1/24 dev ens6"},
	       {ACTION_JOIN, "ens7", 3, 7,
		"take ens7 into team0 as member 3, with its addresses and routes"});
}

/* T1: a device is a member once, whatever it is called. */
static void one_device_under_two_names_is_refused(void **state)
{
	(void)state;
	want_member("52:54:00:00:00:04");
	EXPECT({ACTION_REFUSE, "52:54:00:00:00:04", 2, 4,
		"ens4 and 52:54:00:00:00:04 are the same device"});
}

/* Another bond of the team's name is not ours, and no member is taken into it. */
static void bond_of_somebody_else_is_not_ours(void **state)
{
	(void)state;
	link_table_drop(&scene.links, TEAM);
	put(&(struct link){.ifindex = TEAM + 1, .name = "team0", .kind = "bond", .type = ETHER});
	get("ens4")->master = get("ens5")->master = 0;
	EXPECT(CREATE_TEAM0, {ACTION_JOIN, "ens4", 0, 4, "take ens4 into team0 as member 0"},
	       {ACTION_JOIN, "ens5", 1, 5, "take ens5 into team0 as member 1"});
}

static void everything_at_once_is_in_order(void **state)
{
	(void)state;
	put(&(struct link){.ifindex = 6, .name = "ens6", .type = ETHER});
	get("team0")->bond.mode = 0;
	get("ens5")->slave.queue_id = 0;
	scene.want.member_count = 0;
	want_member("ens9");
	want_member("ens6");
	want_member("ens5");
	EXPECT({ACTION_LEAVE, "ens4", 0, 4, "give ens4 back as it was"},
	       {ACTION_SET, "", -1, 0, "set mode 1 instead of 0 of team0"},
	       {ACTION_WAIT, "ens9", 0, 0, "wait for ens9, which is not there"},
	       {ACTION_JOIN, "ens6", 2, 6, "take ens6 into team0 as member 2"},
	       {ACTION_QUEUE, "ens5", 1, 5, "set queue_id 2 of ens5 instead of 0"});
}

/* T1: 32 members leave and 32 others come, each with a slot of his own. */
static void all_32_members_are_exchanged(void **state)
{
	struct link link = {.type = ETHER};
	uint32_t slots = 0;

	(void)state;
	scene.want.member_count = 0;
	for (unsigned int i = 0; i < TEAM_MEMBERS_MAX; i++) {
		char old[LINK_NAME_SIZE];

		(void)snprintf(old, sizeof(old), "old%u", i);
		note(i, old, 100 + i);
		(void)snprintf(link.name, sizeof(link.name), "new%u", i);
		link.ifindex = 200 + (int)i;
		put(&link);
		want_member(link.name);
	}
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	assert_int_equal(scene.list.count, 2 * TEAM_MEMBERS_MAX);
	for (unsigned int i = 0; i < TEAM_MEMBERS_MAX; i++) {
		assert_int_equal(scene.list.actions[i].kind, ACTION_LEAVE);
		assert_int_equal(scene.list.actions[TEAM_MEMBERS_MAX + i].kind, ACTION_JOIN);
		slots |= 1U << scene.list.actions[TEAM_MEMBERS_MAX + i].slot;
	}
	assert_int_equal(slots, UINT32_MAX);
}

static void slots_are_found_by_the_configured_name(void **state)
{
	(void)state;
	note(7, "pci-0000:00:05.0", 5);
	assert_int_equal(plan_slot(&scene.notes, "ens4"), 0);
	assert_int_equal(plan_slot(&scene.notes, "pci-0000:00:05.0"), 7);
	assert_int_equal(plan_slot(&scene.notes, "ens"), -1);
	assert_int_equal(plan_slot(&scene.notes, ""), -1);
	assert_int_equal(plan_slot(NULL, "ens4"), -1);
}

/* What only the daemon and the programs know of is a step, too: nothing changes unsaid. */
static void settings_are_told(void **state)
{
	struct team_config running;

	(void)state;
	running = scene.want;
	scene.view.running = &running;
	expect(NULL, 0);
	scene.want.stable_ms = 5000;
	scene.want.members[1].weight = 300;
	scene.want.members[1].role = ROLE_STANDBY;
	running.member_count = 2;
	EXPECT({ACTION_CONFIGURE, "", -1, 0,
		"set StableTimeMs 5000 instead of 0, Weight 300 instead of 0 of ens5, Role "
		"standby instead of active of ens5"});
}

#define PLAN(test) cmocka_unit_test_setup_teardown(test, scene_make, scene_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN(as_wanted_is_nothing),
		PLAN(settings_are_told),
		PLAN(new_team_is_made_then_joined),
		PLAN(lost_interface_is_made_anew),
		PLAN(removal_is_one_step),
		PLAN(bond_is_what_the_design_says),
		PLAN(each_attribute_is_put_right),
		PLAN(slow_drivers_are_given_time),
		PLAN(several_attributes_are_one_step),
		PLAN(longest_sentence_fits),
		PLAN(free_device_joins),
		PLAN(device_is_found_by_mac_and_path),
		PLAN(member_taken_out_by_hand_joins_again),
		PLAN(replugged_member_joins_again),
		PLAN(unwanted_member_leaves),
		PLAN(unwanted_member_that_is_gone_leaves),
		PLAN(exchanged_member_takes_the_free_slot),
		PLAN(queue_id_is_put_right),
		PLAN(detached_programs_are_attached_again),
		PLAN(missing_device_is_waited_for),
		PLAN(programs_leave_a_device_that_is_gone),
		PLAN(programs_leave_a_device_that_is_in_use),
		PLAN(renamed_member_stays),
		PLAN(renamed_member_leaves_for_another_of_its_name),
		PLAN(members_that_exchange_names_exchange_slots),
		PLAN(member_that_takes_the_name_of_another_is_the_other),
		PLAN(member_stays_beside_another_of_its_mac),
		PLAN(team_gets_its_name_back),
		PLAN(mtu_is_put_right),
		PLAN(mac_is_put_right),
		PLAN(device_in_use_is_refused),
		PLAN(addresses_that_are_taken_do_not_matter),
		PLAN(one_device_under_two_names_is_refused),
		PLAN(bond_of_somebody_else_is_not_ours),
		PLAN(everything_at_once_is_in_order),
		PLAN(all_32_members_are_exchanged),
		PLAN(slots_are_found_by_the_configured_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
