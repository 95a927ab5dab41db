// SPDX-License-Identifier: GPL-2.0-or-later
/* Bonds of the kernel itself; where it has none, that this is explained. */
#include "test_kernel_world.h"

#include "kernel/rtnl_bond.h"

#include <poll.h>

static bool have_bonding(struct netlink *netlink)
{
	struct link_bond settings = {.mode = 1};

	if (rtnl_bond_create(netlink, "probe", &settings, 0, NULL) < 0)
		return false;
	assert_int_equal(rtnl_link_delete(netlink, index_of(netlink, "probe"), NULL), 0);
	return true;
}

static const struct link_bond wanted = {
	.mode = 1,
	.fail_over_mac = 1,
	.all_slaves_active = 1,
	.num_peer_notif = 3,
	.peer_notif_delay = 200,
	.resend_igmp = 2,
	.miimon = 100,
	.downdelay = 2000,
	.primary_reselect = 2,
};

static void bond_lacks_are_explained(void **state)
{
	struct problem problem = {};
	struct world *world = *state;

	if (have_bonding(world->netlink))
		skip();
	assert_int_equal(rtnl_bond_create(world->netlink, "team0", &wanted, 8, &problem),
			 -EOPNOTSUPP);
	assert_int_equal(problem.error, -EOPNOTSUPP);
	assert_int_equal(strncmp(problem.text, "this kernel has no bonding driver; ", 35), 0);
}

static void bond_settings_are_checked(void **state)
{
	struct link_bond settings = wanted;
	struct world *world = *state;
	struct problem problem = {};

	settings.peer_notif_delay = 150;
	assert_int_equal(rtnl_bond_set(world->netlink, world->left, &settings, &problem), -EINVAL);
	assert_true(strstr(problem.text, "150 ms") != NULL);
	settings = wanted;
	settings.downdelay = 250;
	assert_int_equal(rtnl_bond_set(world->netlink, world->left, &settings, NULL), -EINVAL);
	settings.miimon = 0;
	assert_int_equal(rtnl_bond_create(world->netlink, "t", &settings, 0, NULL), -EINVAL);
	assert_int_equal(rtnl_bond_create(world->netlink, "", &wanted, 0, NULL), -EINVAL);
	assert_int_equal(rtnl_bond_create(world->netlink, "0123456789abcdef", &wanted, 0, NULL),
			 -EINVAL);
	assert_int_equal(rtnl_bond_enslave(world->netlink, world->left, 0, NULL), -EINVAL);
}

static int bond_create(struct netlink *netlink)
{
	struct problem problem = {};

	if (rtnl_bond_create(netlink, "team0", &wanted, 24, &problem) < 0)
		fail_msg("%s", problem.text);
	return index_of(netlink, "team0");
}

/* Only while there are no members: why a team must be emptied for it. */
static void bond_takes_fail_over_mac_while_empty(void **state)
{
	struct world *world = *state;
	struct link link;
	int bond;

	if (!have_bonding(world->netlink))
		skip();
	bond = bond_create(world->netlink);
	assert_int_equal(rtnl_bond_set_fail_over_mac(world->netlink, bond, 2, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, bond, &link), 0);
	assert_int_equal(link.bond.fail_over_mac, 2);
	assert_int_equal(rtnl_link_set_up(world->netlink, world->left, false, NULL), 0);
	assert_int_equal(rtnl_bond_enslave(world->netlink, world->left, bond, NULL), 0);
	assert_true(rtnl_bond_set_fail_over_mac(world->netlink, bond, 1, NULL) < 0);
	assert_int_equal(rtnl_link_delete(world->netlink, bond, NULL), 0);
}

static void bond_is_as_wanted(void **state)
{
	struct link_bond settings = wanted;
	struct world *world = *state;
	struct link link;
	int bond;

	if (!have_bonding(world->netlink))
		skip();
	bond = bond_create(world->netlink);
	assert_int_equal(rtnl_link_get(world->netlink, bond, &link), 0);
	assert_string_equal(link.kind, "bond");
	assert_int_equal(link.tx_queues, 24);
	assert_memory_equal(&link.bond, &wanted, sizeof(wanted));
	settings.miimon = 50;
	settings.peer_notif_delay = 150;
	settings.all_slaves_active = 0;
	settings.num_peer_notif = 1;
	settings.resend_igmp = 0;
	assert_int_equal(rtnl_bond_set(world->netlink, bond, &settings, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, bond, &link), 0);
	assert_memory_equal(&link.bond, &settings, sizeof(settings));
	settings.miimon = settings.peer_notif_delay = settings.downdelay = 0;
	assert_int_equal(rtnl_bond_set(world->netlink, bond, &settings, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, bond, &link), 0);
	assert_memory_equal(&link.bond, &settings, sizeof(settings));
	assert_int_equal(rtnl_bond_create(world->netlink, "team0", &wanted, 0, NULL), -EEXIST);
}

/* Two veth pairs whose far ends are up, "left" and "second" in the bond; returns "second". */
static int members_add(struct world *world, int bond)
{
	int second;

	veth_create(world->netlink, "second", "far");
	second = index_of(world->netlink, "second");
	for (int i = 0; i < 2; i++) {
		int near = i ? second : world->left;
		int far = i ? index_of(world->netlink, "far") : world->right;

		assert_int_equal(rtnl_link_set_up(world->netlink, far, true, NULL), 0);
		assert_int_equal(rtnl_link_set_up(world->netlink, near, false, NULL), 0);
		assert_int_equal(rtnl_bond_enslave(world->netlink, near, bond, NULL), 0);
	}
	return second;
}

static void bond_has_members(void **state)
{
	struct problem problem = {};
	struct world *world = *state;
	struct link link;
	struct mac mac;
	int bond, second;

	if (!have_bonding(world->netlink))
		skip();
	bond = bond_create(world->netlink);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	mac = link.mac;
	assert_int_equal(rtnl_bond_enslave(world->netlink, world->left, bond, &problem), -EPERM);
	assert_true(problem.text[0] != '\0');
	second = members_add(world, bond);
	problem = (struct problem){};
	assert_int_equal(rtnl_bond_set_queue_id(world->netlink, world->left, 5, NULL), 0);
	assert_int_equal(rtnl_bond_set_queue_id(world->netlink, second, 5, &problem), -EPERM);
	assert_non_null(strstr(problem.text, "queue id 5"));
	assert_int_equal(rtnl_bond_set_queue_id(world->netlink, second, 99, NULL), -EPERM);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	assert_string_equal(link.slave_kind, "bond");
	assert_int_equal(link.master, bond);
	assert_int_equal(link.slave.queue_id, 5);
	assert_true(mac_equal(&link.permanent_mac, &mac));
	assert_int_equal(rtnl_bond_release(world->netlink, second, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, second, &link), 0);
	assert_int_equal(link.master, 0);
	assert_string_equal(link.slave_kind, "");
}

/* The bond's own carrier check finds the members by and by. */
static int set_active_in_time(struct netlink *netlink, int bond, int ifindex)
{
	static const unsigned groups[] = {RTNLGRP_LINK};
	_cleanup_(netlink_closep) struct netlink *events = NULL;
	int err, count = 0;

	assert_int_equal(netlink_open_events(&events, groups, 1), 0);
	do {
		struct pollfd wait = {.fd = netlink_fd(events), .events = POLLIN};

		err = rtnl_bond_set_active(netlink, bond, ifindex, NULL);
		if (!err)
			break;
		if (poll(&wait, 1, 10000) <= 0)
			break;
		(void)netlink_read(events, count_message, &count);
	} while (err);
	return err;
}

static void bond_changes_its_active_member(void **state)
{
	struct world *world = *state;
	struct link link;
	int bond, second;

	if (!have_bonding(world->netlink))
		skip();
	bond = bond_create(world->netlink);
	second = members_add(world, bond);
	assert_int_equal(rtnl_link_set_up(world->netlink, bond, true, NULL), 0);
	for (int i = 0; i < 4; i++) {
		int wish = i % 2 ? world->left : second;

		assert_int_equal(set_active_in_time(world->netlink, bond, wish), 0);
		assert_int_equal(rtnl_link_get(world->netlink, bond, &link), 0);
		assert_int_equal(link.bond.active_ifindex, wish);
	}
	assert_int_equal(rtnl_bond_set_active(world->netlink, bond, world->right, NULL), -EINVAL);
	assert_int_equal(rtnl_bond_set_active(world->netlink, bond, 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(bond_lacks_are_explained),
		LIVE(bond_settings_are_checked),
		LIVE(bond_takes_fail_over_mac_while_empty),
		LIVE(bond_is_as_wanted),
		LIVE(bond_has_members),
		LIVE(bond_changes_its_active_member),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
