// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A member's two paths (T13): which devices are one member (src/core/seat), the steps that follow
 * (src/core/plan), and who carries what when a path is lost and returns (src/core/paths, failover,
 * deal, and what the sending program makes of it).
 */
#include "base/strings.h"
#include "core/deal.h"
#include "core/paths.h"
#include "core/plan.h"

#define PICK_NOW() now_ns
static uint64_t now_ns = 1000000000;
#include "model/pick.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ETHER 1
#define TEAM 10
#define MAC "52:54:00:00:00:04"

/* --- devices and steps ------------------------------------------------------------------ */

static struct scene {
	struct team_config want;
	struct link_table links;
	struct note_team notes;
	struct plan_view view;
	struct action_list list;
} scene;

static struct link *get(const char *name)
{
	struct link *link = link_by_name(&scene.links, name);

	assert_non_null(link);
	return link;
}

/* @bus: "pci" is a VF, "virtio" synthetic, "" neither. */
static void put(int ifindex, const char *name, const char *bus, uint8_t mac)
{
	struct link link = {.ifindex = ifindex, .type = ETHER, .mac = {{0x52, 0x54, 0, 0, 0, mac}}};

	link.permanent_mac = link.mac;
	(void)text_copy(link.name, sizeof(link.name), name);
	(void)text_copy(link.bus, sizeof(link.bus), bus);
	if (strcmp(bus, "pci") == 0)
		(void)text_copy(link.driver, sizeof(link.driver), "igbvf");
	assert_int_equal(link_table_put(&scene.links, &link), 0);
}

static void want_member(const char *device)
{
	struct member_config *member = &scene.want.members[scene.want.member_count++];

	assert_int_equal(text_copy(member->device, sizeof(member->device), device), 0);
}

/* Carries out what is planned, as the kernel and the daemon would. */
static void carry_out(void)
{
	for (unsigned int i = 0; i < scene.list.count; i++) {
		const struct action *action = &scene.list.actions[i];
		struct note_member *note =
			action->slot < 0 ? NULL : &scene.notes.members[action->slot];
		struct link *link = link_by_index(&scene.links, action->ifindex);

		if (action->kind == ACTION_JOIN) {
			(void)text_copy(note->device, sizeof(note->device), action->device);
			note->ifindex = (uint32_t)action->ifindex;
			scene.notes.second[action->slot] = action->path_of ? 1 : 0;
			link->master = TEAM;
			(void)text_copy(link->slave_kind, sizeof(link->slave_kind), "bond");
			link->slave.queue_id = (uint16_t)(action->slot + 1);
		} else if (action->kind == ACTION_DETACH) {
			note->ifindex = 0;
		} else if (action->kind == ACTION_LEAVE) {
			*note = (struct note_member){};
			scene.notes.second[action->slot] = 0;
			if (link)
				link->master = 0;
		}
	}
}

/* The sentences of the plan, one a line; then it is carried out. */
static void expect(const char *lines)
{
	char text[2048] = "";

	plan_bond(&scene.want, &scene.links, &get("team0")->bond);
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	for (unsigned int i = 0; i < scene.list.count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? "\n" : "", scene.list.actions[i].text);
	assert_string_equal(text, lines);
	carry_out();
}

static int make(void **state)
{
	struct link bond = {.ifindex = TEAM, .name = "team0", .kind = "bond", .type = ETHER};

	(void)state;
	scene = (struct scene){
		.want = {.name = "team0", .announce_count = 3, .announce_interval_ms = 200}};
	scene.view = (struct plan_view){
		.links = &scene.links,
		.notes = &scene.notes,
		.ifindex = TEAM,
	};
	plan_bond(&scene.want, &scene.links, &bond.bond);
	assert_int_equal(link_table_put(&scene.links, &bond), 0);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	link_table_done(&scene.links);
	action_list_done(&scene.list);
	return 0;
}

static void two_devices_of_one_mac_are_one_member(void **state)
{
	(void)state;
	put(3, "ens3", "virtio", 4);
	put(4, "ens4", "pci", 4);
	put(5, "ens5", "pci", 5);
	want_member("ens4");
	want_member("ens5");
	expect("take ens4 into team0 as member 0\n"
	       "take ens5 into team0 as member 1\n"
	       "take ens3 into team0 as the other path of member 0");
	assert_int_equal(plan_slot(&scene.notes, "ens4"), 0);
	assert_int_equal(plan_other_slot(&scene.notes, "ens4"), 2);
	assert_int_equal(plan_other_slot(&scene.notes, "ens5"), -1);
	expect("");
}

/* Live migration: the VF goes, and another one comes, with another name and number. */
static void a_vf_comes_back_under_another_name(void **state)
{
	(void)state;
	put(3, "ens3", "virtio", 4);
	put(4, "ens4", "pci", 4);
	want_member("ens4");
	expect("take ens4 into team0 as member 0\n"
	       "take ens3 into team0 as the other path of member 0");
	link_table_drop(&scene.links, 4);
	expect("wait for ens4, which is not there\n"
	       "take the programs off what was ens4");
	put(7, "ens7", "pci", 4);
	expect("take ens7 into team0 as member 0");
	expect("");
}

static void a_vf_comes_later_than_the_daemon(void **state)
{
	(void)state;
	put(3, "ens3", "virtio", 4);
	want_member(MAC);
	expect("take ens3 into team0 as member 0");
	put(8, "ens8", "pci", 4);
	expect("take ens8 into team0 as the other path of member 0");
	expect("");
	/* … and goes, which nobody waits for; and the synthetic one may go instead. */
	link_table_drop(&scene.links, 8);
	expect("take the programs off what was " MAC);
	expect("");
	put(9, "ens9", "pci", 4);
	expect("take ens9 into team0 as the other path of member 0");
	link_table_drop(&scene.links, 3);
	expect("wait for " MAC ", which is not there\n"
	       "take the programs off what was " MAC);
	put(12, "ens12", "virtio", 4);
	expect("take ens12 into team0 as member 0");
	expect("");
}

static void a_member_leaves_with_both_paths(void **state)
{
	(void)state;
	put(3, "ens3", "virtio", 4);
	put(4, "ens4", "pci", 4);
	put(5, "ens5", "pci", 5);
	want_member("ens5");
	want_member("ens4");
	expect("take ens5 into team0 as member 0\n"
	       "take ens4 into team0 as member 1\n"
	       "take ens3 into team0 as the other path of member 1");
	scene.want.member_count = 1;
	expect("give ens4 back as it was\n"
	       "give the other path of ens4 back as it was");
	expect("");
}

static void what_is_no_pair(void **state)
{
	(void)state;
	put(3, "ens3", "virtio", 4);
	put(4, "ens4", "pci", 4);
	want_member("ens3");
	want_member("ens4"); /* both by their names: the MAC would be at two ports */
	expect("take ens3 into team0 as member 0\n"
	       "ens3 and ens4 have one MAC and are two paths of one member; name one of them");
	assert_int_equal(scene.list.actions[1].kind, ACTION_REFUSE);
	scene.want.member_count = 1;
	scene.want.mac_policy = MAC_POLICY_TEAM; /* one MAC that wanders */
	assert_false(seat_pairs(&scene.want));
	scene.want.mac_policy = MAC_POLICY_MEMBER;
	get("ens4")->permanent_mac.bytes[5] = 9; /* another card */
	expect("");
	get("ens4")->permanent_mac.bytes[5] = 4;
	get("ens4")->master = 77; /* somebody else's, who may be netvsc */
	expect("");
	get("ens4")->master = 0;
	(void)text_copy(get("ens4")->bus, LINK_BUS_SIZE, "virtio"); /* two of a kind */
	(void)text_copy(get("ens4")->driver, LINK_DRIVER_SIZE, "");
	expect("");
}

/* netvsc and net_failover take the VF in by themselves: the member is their device. */
static void a_master_of_the_kernel_is_the_member(void **state)
{
	struct link *failover;

	(void)state;
	put(3, "eth0nsby", "virtio", 4);
	put(4, "ens4", "pci", 4);
	put(6, "eth0", "virtio", 4);
	get("eth0nsby")->master = get("ens4")->master = 6;
	want_member(MAC);
	failover = get("eth0");
	assert_ptr_equal(member_link(&scene.want.members[0], &scene.links), failover);
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	assert_int_equal(scene.list.actions[scene.list.count - 1].ifindex, 6);
	scene.want.member_count = 0;
	want_member("ens4");
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	assert_string_equal(scene.list.actions[scene.list.count - 1].text, "ens4 is a path of "
									   "eth0, which the kernel "
									   "fails over by itself; "
									   "name eth0 instead");
}

static void slots_are_enough_for_32_devices(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 17; i++) {
		char name[LINK_NAME_SIZE];

		(void)snprintf(name, sizeof(name), "vf%u", i);
		put(100 + i, name, "pci", (uint8_t)(100 + i));
		want_member(name);
		(void)snprintf(name, sizeof(name), "virtio%u", i);
		put(200 + i, name, "virtio", (uint8_t)(100 + i));
	}
	scene.list.count = 0;
	plan_team(&scene.want, &scene.view, &scene.list);
	assert_int_equal(scene.list.count, 1 + 34); /* bonding's downdelay, too */
	assert_string_equal(scene.list.actions[34].text, "team0 has 32 devices, second paths of "
							 "members among them; there is no "
							 "place for virtio16");
}

/* --- who carries ------------------------------------------------------------------------- */

#define VF 0
#define SPARE 2
#define MATE 1

static struct team_run run;
static struct pick_deal deal[PICK_BUCKETS];
static struct pick_hold hold[PICK_BUCKETS];
static struct pick_state state;

/* As daemon/team does it after each decision. */
static void deal_all(void)
{
	uint32_t weights[PICK_SLOTS];
	uint8_t others[PICK_SLOTS];

	state.usable = run.usable;
	team_run_homes(&run, weights);
	assert_true(paths_table(&run, others));
	if (deal_path_homes(deal, others, weights))
		state.dealt_ns = now_ns;
	(void)deal_homes(deal, weights);
	team_run_fallbacks(&run, weights);
	deal_fallbacks(deal, weights);
	deal_path_fallbacks(deal, others, run.usable);
}

static void use(uint32_t usable)
{
	run.usable = usable;
	for (unsigned int slot = 0; slot < 3; slot++)
		run.health[slot].reason =
			usable >> slot & 1 ? REASON_NONE : REASON_MEDIA_DISCONNECTED;
	deal_all();
}

static int team(void **data)
{
	struct team_seat seats[] = {
		{.slot = VF, .weight = 1, .path = MEMBER_PATH_HARDWARE, .other = SPARE + 1},
		{.slot = SPARE, .weight = 1, .path = MEMBER_PATH_SYNTHETIC, .other = VF + 1},
		{.slot = MATE, .weight = 1, .path = MEMBER_PATH_HARDWARE},
	};

	(void)data;
	paths_arrange(seats, ARRAY_SIZE(seats));
	assert_true(seats[1].spare);
	assert_false(seats[0].spare || seats[2].spare);
	assert_int_equal(seats[1].path, MEMBER_PATH_HARDWARE); /* for T14 */
	team_run_init(&run);
	team_run_arrange(&run, seats, ARRAY_SIZE(seats));
	deal_clear(deal);
	memset(hold, 0, sizeof(hold));
	state = (struct pick_state){.idle_ns = 200};
	run.primary = VF;
	use(1 << VF | 1 << SPARE | 1 << MATE);
	return 0;
}

static unsigned int send_all(unsigned int slot)
{
	unsigned int count = 0;
	uint32_t why;

	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		count += pick_slot(&state, &deal[bucket], &hold[bucket], &why) == slot;
	return count;
}

static void the_spare_is_idle_while_the_vf_carries(void **data)
{
	(void)data;
	assert_int_equal(paths_idle(&run), 1 << SPARE);
	assert_int_equal(paths_members(&run), 2);
	assert_int_equal(paths_front(&run, SPARE), VF);
	assert_int_equal(deal_count(deal, VF), 512);
	assert_int_equal(deal_count(deal, MATE), 512);
	assert_int_equal(send_all(SPARE), 0);
	assert_int_equal(failover_heir(&run), SPARE);
	assert_int_equal(team_run_state(&run, 2), TEAM_UP);
}

/* By the next frame, before anything is dealt; and no bucket of anybody else moves. */
static void a_lost_vf_is_its_spares(void **data)
{
	struct pick_deal before[PICK_BUCKETS];
	enum member_reason reason;

	(void)data;
	assert_int_equal(send_all(VF), 512);
	memcpy(before, deal, sizeof(before));
	state.usable &= ~(1U << VF);
	assert_int_equal(send_all(SPARE), 512);
	use(1 << SPARE | 1 << MATE);
	assert_int_equal(send_all(SPARE), 512);
	assert_int_equal(deal_count(deal, SPARE), 512);
	assert_int_equal(deal_count(deal, VF), 0);
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		assert_int_equal(deal[bucket].home == MATE, before[bucket].home == MATE);
	assert_int_equal(paths_front(&run, VF), SPARE);
	assert_int_equal(team_run_state(&run, 2), TEAM_UP);
	assert_int_equal(member_run_state(&run, VF, &reason), MEMBER_ACTIVE);
	assert_int_equal(reason, REASON_NONE);
	/* Then the spare, too: the mate has all. */
	use(1 << MATE);
	assert_int_equal(send_all(MATE), PICK_BUCKETS);
	assert_int_equal(team_run_state(&run, 2), TEAM_DEGRADED);
	assert_int_equal(member_run_state(&run, SPARE, &reason), MEMBER_FAILED);
	assert_int_equal(reason, REASON_MEDIA_DISCONNECTED);
	run.health[VF].reason = REASON_NOT_PRESENT; /* what is there tells more */
	(void)member_run_state(&run, VF, &reason);
	assert_int_equal(reason, REASON_MEDIA_DISCONNECTED);
}

/* T5: each flow when it pauses. */
static void flows_go_back_as_they_pause(void **data)
{
	(void)data;
	use(1 << SPARE | 1 << MATE);
	assert_int_equal(send_all(SPARE), 512);
	now_ns += 1000;
	use(1 << VF | 1 << SPARE | 1 << MATE);
	assert_int_equal(deal_count(deal, VF), 512);
	assert_int_equal(send_all(SPARE), 512);
	now_ns += 100;
	assert_int_equal(send_all(VF), 0);
	now_ns += 300;
	assert_int_equal(send_all(VF), 512);
}

static void the_primary_goes_from_path_to_path(void **data)
{
	struct health_facts facts[PICK_SLOTS] = {};
	const struct health_holds holds = {.stable_ns = 1000};
	struct decision decision;

	(void)data;
	for (unsigned int slot = 0; slot < 3; slot++)
		facts[slot] = (struct health_facts){true, true, true, false};
	facts[VF].present = false;
	failover_decide(&run, facts, &holds, 1, &decision);
	assert_int_equal(decision.lost, 1 << VF);
	assert_int_equal(decision.primary, SPARE);
	assert_int_equal(failover_preferred(&run), FAILOVER_NO_PRIMARY);
	facts[VF].present = true;
	failover_decide(&run, facts, &holds, 2, &decision);
	assert_int_equal(decision.returned, 0); /* its stable time */
	failover_decide(&run, facts, &holds, 1002, &decision);
	assert_int_equal(decision.returned, 1 << VF);
	assert_int_equal(decision.primary, SPARE);
	assert_int_equal(failover_preferred(&run), VF);
	assert_int_equal(failover_switch(&run, VF), 0);
	/* A mate that is lost is no concern of the spare. */
	facts[MATE].carrier = false;
	failover_decide(&run, facts, &holds, 1003, &decision);
	deal_all();
	assert_int_equal(send_all(SPARE), 0);
	assert_false(failover_can_drain(&run, VF)); /* its own spare is nobody else */
}

/*
 * T6 and T13 at once: the spare path of a member that stands by is primary. All come back in one
 * moment, or its better path does while an active member is still away.
 */
static void a_standby_steps_back_from_either_path(void **data)
{
	(void)data;
	for (unsigned int i = 0; i < run.count; i++)
		if (run.seats[i].slot != MATE)
			run.seats[i].role = ROLE_STANDBY;
	use(1 << SPARE);
	run.primary = SPARE;
	use(1 << VF | 1 << SPARE);
	assert_int_equal(failover_preferred(&run), VF);
	assert_int_equal(failover_switch(&run, VF), 0);
	run.primary = SPARE;
	use(1 << VF | 1 << SPARE | 1 << MATE);
	assert_int_equal(failover_preferred(&run), MATE);
	assert_int_equal(failover_switch(&run, MATE), 0);
	assert_int_equal(failover_preferred(&run), FAILOVER_NO_PRIMARY);
}

/* Of two active ones one is still away: the standby goes on, by its better path. */
static void a_standby_that_goes_on_takes_its_better_path(void **data)
{
	static const uint8_t away = 3;

	(void)data;
	for (unsigned int i = 0; i < run.count; i++)
		if (run.seats[i].slot != MATE)
			run.seats[i].role = ROLE_STANDBY;
	run.seats[run.count++] = (struct team_seat){.slot = away, .weight = 1};
	run.health[away].reason = REASON_MEDIA_DISCONNECTED;
	use(1 << VF | 1 << SPARE | 1 << MATE);
	run.primary = SPARE;
	assert_int_equal(failover_preferred(&run), VF);
	assert_int_equal(failover_switch(&run, VF), 0);
	assert_int_equal(failover_preferred(&run), FAILOVER_NO_PRIMARY);
}

int main(void)
{
#define PLAN(name) cmocka_unit_test_setup_teardown(name, make, drop)
#define RUN(name) cmocka_unit_test_setup(name, team)
	const struct CMUnitTest tests[] = {
		PLAN(two_devices_of_one_mac_are_one_member),
		PLAN(a_vf_comes_back_under_another_name),
		PLAN(a_vf_comes_later_than_the_daemon),
		PLAN(a_member_leaves_with_both_paths),
		PLAN(what_is_no_pair),
		PLAN(a_master_of_the_kernel_is_the_member),
		PLAN(slots_are_enough_for_32_devices),
		RUN(the_spare_is_idle_while_the_vf_carries),
		RUN(a_lost_vf_is_its_spares),
		RUN(flows_go_back_as_they_pause),
		RUN(the_primary_goes_from_path_to_path),
		RUN(a_standby_steps_back_from_either_path),
		RUN(a_standby_that_goes_on_takes_its_better_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
