// SPDX-License-Identifier: GPL-2.0-or-later
/* Bridges that know VLANs, of the kernel itself; where it has none, that this is explained. */
#include "test_kernel_world.h"

#include "kernel/rtnl_bridge.h"

#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>

#define GROUP 77

static bool have_bridges(struct netlink *netlink)
{
	if (rtnl_bridge_create(netlink, "probe", true, 0, NULL) < 0)
		return false;
	assert_int_equal(rtnl_link_delete(netlink, index_of(netlink, "probe"), NULL), 0);
	return true;
}

#define NEEDS_BRIDGES(world)                                                                       \
	do {                                                                                       \
		if (!have_bridges((world)->netlink))                                               \
			skip();                                                                    \
	} while (0)

static void bridge_lacks_are_explained(void **state)
{
	struct problem problem = {};
	struct world *world = *state;

	if (have_bridges(world->netlink))
		skip();
	assert_int_equal(rtnl_bridge_create(world->netlink, "switch0", true, 0, &problem),
			 -EOPNOTSUPP);
	assert_int_equal(strncmp(problem.text, "this kernel has no bridges that ", 32), 0);
}

static int bridge_make(struct netlink *netlink)
{
	struct problem problem = {};

	if (rtnl_bridge_create(netlink, "switch0", true, GROUP, &problem) < 0)
		fail_msg("switch0: %s", problem.text);
	return index_of(netlink, "switch0");
}

/* A bridge with the port "left". */
static int bridge_with_port(struct world *world)
{
	int bridge = bridge_make(world->netlink);

	assert_int_equal(rtnl_link_set_master(world->netlink, world->left, bridge, NULL), 0);
	return bridge;
}

/* --- bridges and their ports --- */

static void bridge_is_made(void **state)
{
	struct problem problem = {};
	struct world *world = *state;
	struct link link;

	NEEDS_BRIDGES(world);
	assert_int_equal(rtnl_link_get(world->netlink, bridge_make(world->netlink), &link), 0);
	assert_string_equal(link.kind, "bridge");
	assert_int_equal(link.bridge.vlan_filtering, 1);
	assert_int_equal(link.bridge.stp, 0);
	assert_false(link.flags & IFF_UP);
	assert_int_equal(link.group, GROUP);
	assert_int_equal(rtnl_link_name_made(world->netlink, link.ifindex, "ours", NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, link.ifindex, &link), 0);
	assert_int_equal(link.group, 0);
	assert_string_equal(link.alias, "ours");
	assert_int_equal(rtnl_bridge_create(world->netlink, "switch0", true, 0, &problem), -EEXIST);
	assert_true(problem.text[0]);
	assert_int_equal(rtnl_bridge_create(world->netlink, "no/name", true, 0, NULL), -EINVAL);
}

static void port_comes_and_goes(void **state)
{
	struct world *world = *state;
	struct link link;
	int bridge;

	NEEDS_BRIDGES(world);
	bridge = bridge_with_port(world);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	assert_int_equal(link.master, bridge);
	assert_string_equal(link.slave_kind, "bridge");
	assert_int_equal(rtnl_link_set_master(world->netlink, world->left, 0, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	assert_int_equal(link.master, 0);
}

/* --- VLANs --- */

static struct bridge_vlan vlan_of(struct netlink *netlink, int port)
{
	_cleanup_free_ struct bridge_vlan *vlans = NULL;
	size_t count = 0;

	assert_int_equal(rtnl_bridge_dump_vlans(netlink, &vlans, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (vlans[i].port == port)
			return vlans[i];
	fail_msg("no port %d", port);
	return (struct bridge_vlan){};
}

/* @low to @high, 0 = none. */
static struct vlan_set range_of(unsigned low, unsigned high)
{
	struct vlan_set set = {};

	for (unsigned vlan = low; low && vlan <= high; vlan++)
		vlan_set_add(&set, vlan);
	return set;
}

/* Besides @pvid the port has those of @tagged. */
static void assert_vlan(struct netlink *netlink, int port, uint16_t pvid, struct vlan_set tagged,
			bool mixed)
{
	struct bridge_vlan vlan = vlan_of(netlink, port);

	assert_int_equal(vlan.pvid, pvid);
	if (pvid)
		vlan_set_add(&tagged, pvid);
	assert_memory_equal(&vlan.vlans, &tagged, sizeof(tagged));
	assert_int_equal(vlan.mixed, mixed);
}

static void port_gets_a_vlan(void **state)
{
	static const struct {
		uint16_t vlan, low, high; /* those with a tag */
	} steps[] = {{1, 0, 0},	      {42, 0, 0},   {2, 0, 0},	  {4094, 0, 0}, {4093, 1, 4094},
		     {1, 1, 4094},    {1, 1, 4094}, {7, 1, 4094}, {7, 9, 9},	{9, 7, 7},
		     {1, 1000, 2000}, {4094, 0, 0}, {2, 1, 4094}, {1, 0, 0}};
	struct world *world = *state;
	struct vlan_set odd = {};
	int bridge;

	NEEDS_BRIDGES(world);
	bridge = bridge_with_port(world);
	assert_vlan(world->netlink, world->left, 1, range_of(0, 0), false);
	assert_vlan(world->netlink, bridge, 1, range_of(0, 0), false);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct vlan_set tagged = range_of(steps[i].low, steps[i].high);
		struct problem problem = {};

		if (rtnl_bridge_set_vlans(world->netlink, world->left, steps[i].vlan, &tagged,
					  &problem) < 0)
			fail_msg("step %zu: %s", i, problem.text);
		assert_vlan(world->netlink, world->left, steps[i].vlan, tagged, false);
	}
	assert_vlan(world->netlink, bridge, 1, range_of(0, 0), false);
	/* Every other one: more ranges than a message has room for. */
	for (unsigned vlan = 3; vlan < VLAN_MAX; vlan += 2)
		vlan_set_add(&odd, vlan);
	assert_int_equal(rtnl_bridge_set_vlans(world->netlink, world->left, 1, &odd, NULL), 0);
	assert_vlan(world->netlink, world->left, 1, odd, false);
}

static void vlan_is_refused(void **state)
{
	struct problem problem = {};
	struct world *world = *state;

	NEEDS_BRIDGES(world);
	(void)bridge_with_port(world);
	assert_int_equal(rtnl_bridge_set_vlans(world->netlink, world->left, 4095, NULL, &problem),
			 -EINVAL);
	assert_string_equal(problem.text, "4095 is no VLAN: there are 1 to 4094");
	assert_int_equal(rtnl_bridge_set_vlans(world->netlink, world->left, 0, NULL, NULL),
			 -EINVAL);
	assert_int_equal(rtnl_bridge_set_vlans(world->netlink, world->right, 5, NULL, NULL),
			 -EOPNOTSUPP);
	assert_int_equal(rtnl_bridge_set_vlans(world->netlink, 9999, 5, NULL, NULL), -ENODEV);
	assert_vlan(world->netlink, world->left, 1, range_of(0, 0), false);
}

static void vlans_change(struct netlink *netlink, int port, uint16_t type, uint16_t vlan,
			 uint16_t flags)
{
	const struct bridge_vlan_info info = {.vid = vlan, .flags = flags};
	struct message request;
	struct ifinfomsg *header = message_start(&request, type, 0, sizeof(*header));
	struct nlattr *nest;

	header->ifi_family = AF_BRIDGE;
	header->ifi_index = port;
	nest = mnl_attr_nest_start(&request.header, IFLA_AF_SPEC);
	mnl_attr_put(&request.header, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
	mnl_attr_nest_end(&request.header, nest);
	assert_int_equal(netlink_request(netlink, &request.header, NULL), 0);
}

static void vlans_of_others_are_seen(void **state)
{
	const struct vlan_set all = range_of(1, VLAN_MAX);
	struct world *world = *state;

	NEEDS_BRIDGES(world);
	(void)bridge_with_port(world);
	vlans_change(world->netlink, world->left, RTM_SETLINK, 9, 0);
	assert_vlan(world->netlink, world->left, 1, range_of(9, 9), false);
	vlans_change(world->netlink, world->left, RTM_DELLINK, 1, 0);
	assert_vlan(world->netlink, world->left, 0, range_of(9, 9), true); /* with a tag */
	vlans_change(world->netlink, world->left, RTM_DELLINK, 9, 0);
	assert_vlan(world->netlink, world->left, 0, range_of(0, 0), false); /* none */
	vlans_change(world->netlink, world->left, RTM_SETLINK, 9, BRIDGE_VLAN_INFO_PVID);
	assert_vlan(world->netlink, world->left, 9, range_of(0, 0),
		    true); /* in without, out with a tag */
	assert_int_equal(rtnl_bridge_set_vlans(world->netlink, world->left, 1, &all, NULL), 0);
	vlans_change(world->netlink, world->left, RTM_SETLINK, 9, BRIDGE_VLAN_INFO_UNTAGGED);
	assert_vlan(world->netlink, world->left, 1, all, true);
}

/* Each of the reports while a port changes its VLAN has one for frames without a tag. */
struct moments {
	int port, reports, without;
};

static int moment(const struct nlmsghdr *message, void *data)
{
	struct moments *moments = data;
	struct bridge_vlan vlan;

	if (rtnl_bridge_decode_vlan(message, &vlan) || vlan.port != moments->port)
		return 0;
	moments->reports++;
	if (!vlan.pvid)
		moments->without++;
	return 0;
}

static void port_is_never_without_a_vlan(void **state)
{
	const struct vlan_set all = range_of(1, VLAN_MAX);
	static const unsigned groups[] = {RTNLGRP_LINK};
	_cleanup_(netlink_closep) struct netlink *events = NULL;
	struct world *world = *state;
	struct moments moments = {.port = world->left};

	NEEDS_BRIDGES(world);
	(void)bridge_with_port(world);
	assert_int_equal(netlink_open_events(&events, groups, ARRAY_SIZE(groups)), 0);
	for (uint16_t vlan = 1; vlan < 20; vlan++) {
		assert_int_equal(rtnl_bridge_set_vlans(world->netlink, world->left,
						       1 + vlan * 7 % 20, vlan % 3 ? NULL : &all,
						       NULL),
				 0);
		assert_int_equal(netlink_read(events, moment, &moments), 0);
	}
	assert_true(moments.reports >= 19);
	assert_int_equal(moments.without, 0);
}

/* --- forwarding entries --- */

/* As "bridge fdb add MAC dev left master static". */
static void entry_add(struct netlink *netlink, int port, const struct mac *mac)
{
	struct message request;
	struct ndmsg *header = message_start(&request, RTM_NEWNEIGH, NLM_F_CREATE, sizeof(*header));

	header->ndm_family = AF_BRIDGE;
	header->ndm_ifindex = port;
	header->ndm_state = NUD_NOARP;
	header->ndm_flags = NTF_MASTER;
	mnl_attr_put(&request.header, NDA_LLADDR, sizeof(*mac), mac);
	assert_int_equal(netlink_request(netlink, &request.header, NULL), 0);
}

/* Of others, that is; a trunk has its own address 4094 times. */
static void bridge_has_addresses_at_its_ports(void **state)
{
	const struct vlan_set all = range_of(1, VLAN_MAX);
	static const struct mac mac = {{0x52, 0x54, 0, 0, 0, 0x01}};
	_cleanup_free_ struct bridge_fdb *entries = NULL;
	struct world *world = *state;
	size_t count = 0, seen = 0;
	struct link link;

	NEEDS_BRIDGES(world);
	(void)bridge_with_port(world);
	assert_int_equal(rtnl_bridge_set_vlans(world->netlink, world->left, 1, &all, NULL), 0);
	assert_int_equal(rtnl_link_get(world->netlink, world->left, &link), 0);
	entry_add(world->netlink, world->left, &mac);
	assert_int_equal(rtnl_fdb_dump(world->netlink, world->left, &entries, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(entries[i].ifindex, world->left);
		assert_false(mac_equal(&entries[i].mac, &link.mac));
		if (entries[i].self || !mac_equal(&entries[i].mac, &mac))
			continue;
		assert_true(entries[i].permanent);
		seen++;
	}
	assert_true(seen > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(bridge_lacks_are_explained),
		LIVE(bridge_is_made),
		LIVE(port_comes_and_goes),
		LIVE(port_gets_a_vlan),
		LIVE(vlan_is_refused),
		LIVE(vlans_of_others_are_seen),
		LIVE(port_is_never_without_a_vlan),
		LIVE(bridge_has_addresses_at_its_ports),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
