// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's plan: what is lacking in each situation, and that nothing is when all is as wanted. */
#include "core/host_plan.h"

#include "base/strings.h"
#include "core/permit.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BRIDGE 10
#define NIC 2
#define PORT 20
#define VFS 3
#define MAC(last) ((struct mac){{0x52, 0x54, 0, 0, 0, (last)}})
#define OWN 0xa
#define MATE 0xb
#define OTHER 0xc

/* One switch "sw0" on "nic0", one VM "web1" with "a" on it and "b" on another switch. */
static struct scene {
	struct switch_list switches;
	struct vm_list vms;
	struct link_table links;
	struct bridge_vlan vlans[4];
	struct bridge_fdb fdb[4];
	struct host_nic nics[SWITCHES_MAX];
	struct vf vfs[VFS];
	struct host_port ports[VMS_MAX][VM_ADAPTERS_MAX];
	struct guard_rules rules;
	struct host_view view;
	struct host_steps steps;
} * scene;

static struct vm_config *vm(void)
{
	return &scene->vms.vms[0];
}

static struct adapter_config *adapter(void)
{
	return &vm()->adapters[0];
}

static struct link *link_of(int ifindex)
{
	struct link *link = link_by_index(&scene->links, ifindex);

	assert_non_null(link);
	return link;
}

static void put_link(int ifindex, const char *name, const char *kind, int master, const char *alias)
{
	struct link link = {.ifindex = ifindex,
			    .type = ARPHRD_ETHER,
			    .flags = IFF_UP,
			    .carrier = true,
			    .master = master};

	(void)text_copy(link.name, sizeof(link.name), name);
	(void)text_copy(link.kind, sizeof(link.kind), kind);
	(void)text_copy(link.alias, sizeof(link.alias), alias);
	(void)text_copy(link.slave_kind, sizeof(link.slave_kind), master ? "bridge" : "");
	if (!*kind)
		(void)text_copy(link.bus_id, sizeof(link.bus_id), "0000:01:00.0");
	assert_int_equal(link_table_put(&scene->links, &link), 0);
}

static void put_config(void)
{
	scene->switches.count = 2;
	(void)strcpy(scene->switches.switches[0].name, "sw0");
	(void)strcpy(scene->switches.switches[0].nic, "nic0");
	(void)strcpy(scene->switches.switches[1].name, "sw1");
	(void)strcpy(scene->switches.switches[1].nic, "nic1");
	scene->vms.count = 1;
	(void)strcpy(vm()->name, "web1");
	(void)strcpy(vm()->netns, "guest");
	vm()->adapter_count = 1;
	(void)strcpy(adapter()->name, "a");
	(void)strcpy(adapter()->switch_name, "sw0");
	adapter()->mac = MAC(OWN);
	adapter()->serial = 1;
}

/* All is as wanted; sw1 is left out unless a test asks for it. */
static int scene_make(void **state)
{
	const struct host_mark mark = {.nic_up = true};
	char alias[LINK_ALIAS_SIZE];

	scene = calloc(1, sizeof(*scene));
	assert_non_null(scene);
	put_config();
	scene->switches.count = 1;
	put_link(BRIDGE, "sw0", "bridge", 0, host_mark_switch(&mark, alias));
	link_of(BRIDGE)->bridge.vlan_filtering = 1;
	put_link(NIC, "nic0", "", BRIDGE, "");
	put_link(PORT, "web1.a", "veth", BRIDGE, host_mark_port(vm(), adapter(), alias));
	scene->vlans[0] = (struct bridge_vlan){.port = NIC, .pvid = 1};
	scene->vlans[1] = (struct bridge_vlan){.port = PORT, .pvid = 1};
	vlan_set_add(&scene->vlans[0].vlans, 1);
	vlan_set_add(&scene->vlans[1].vlans, 1);
	permit_macs(vm(), adapter(), &scene->rules);
	scene->ports[0][0] = (struct host_port){.rules = &scene->rules, .vf = -1};
	scene->view = (struct host_view){
		.links = &scene->links,
		.vlans = scene->vlans,
		.vlan_count = 2,
		.fdb = scene->fdb,
		.nics = scene->nics,
		.ports = (const struct host_port(*)[VM_ADAPTERS_MAX])scene->ports,
	};
	return 0;
}

static int scene_free(void **state)
{
	link_table_done(&scene->links);
	host_steps_done(&scene->steps);
	free(scene);
	return 0;
}

static void plan(void)
{
	const struct host_config want = {&scene->switches, &scene->vms};

	host_steps_done(&scene->steps);
	host_plan(&want, &scene->view, &scene->steps);
	assert_false(scene->steps.incomplete);
}

static const struct host_step *find(enum host_step_kind kind)
{
	for (size_t i = 0; i < scene->steps.count; i++)
		if (scene->steps.steps[i].kind == kind)
			return &scene->steps.steps[i];
	return NULL;
}

/* The plan is this one step. */
static const struct host_step *only(enum host_step_kind kind)
{
	plan();
	for (size_t i = 0; i < scene->steps.count; i++)
		if (scene->steps.steps[i].kind != kind)
			print_message("also: %s: %s\n", scene->steps.steps[i].object,
				      scene->steps.steps[i].text);
	assert_int_equal(scene->steps.count, 1);
	assert_int_equal(scene->steps.steps[0].kind, kind);
	return scene->steps.steps;
}

static void refused(const char *part)
{
	const struct host_step *step = only(HOST_REFUSE);

	if (!strstr(step->text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, step->text);
}

static void nothing(void)
{
	plan();
	for (size_t i = 0; i < scene->steps.count; i++)
		print_message("%s: %s\n", scene->steps.steps[i].object, scene->steps.steps[i].text);
	assert_int_equal(scene->steps.count, 0);
}

static void test_as_wanted(void **state)
{
	nothing();
}

/* --- switches --- */

static void test_switch_from_nothing(void **state)
{
	vm()->adapter_count = 0;
	link_table_drop(&scene->links, PORT);
	link_table_drop(&scene->links, BRIDGE);
	link_of(NIC)->master = 0;
	only(HOST_SWITCH_MAKE);
	put_link(BRIDGE, "sw0", "bridge", 0, "iovteam switch nic=2 up=1");
	link_of(BRIDGE)->flags = 0;
	plan();
	assert_int_equal(scene->steps.count, 2);
	assert_int_equal(scene->steps.steps[0].kind, HOST_SWITCH_UP);
	assert_int_equal(scene->steps.steps[1].kind, HOST_NIC_JOIN);
	assert_int_equal(scene->steps.steps[1].master, BRIDGE);
}

static void test_bridge_of_a_stranger(void **state)
{
	*link_of(BRIDGE)->alias = '\0';
	vm()->adapter_count = 0;
	link_table_drop(&scene->links, PORT);
	refused("there is a bridge sw0 already");
	scene->switches.switches[0].adopt = 1;
	nothing();
	(void)strcpy(link_of(BRIDGE)->kind, "dummy");
	refused("it is no bridge");
}

static void test_nic_is_anothers(void **state)
{
	vm()->adapter_count = 0;
	link_table_drop(&scene->links, PORT);
	put_link(30, "sw9", "bridge", 0, "iovteam switch nic=2 up=1");
	link_of(NIC)->master = 30;
	plan();
	assert_non_null(strstr(find(HOST_REFUSE)->text, "the NIC of the switch sw9 already"));
	(void)strcpy(link_of(30)->alias, "iovteam switch nic=77 up=1");
	plan();
	assert_non_null(strstr(find(HOST_REFUSE)->text, "a port of the switch sw9 already"));
	*link_of(30)->alias = '\0';
	refused("ip link set nic0 nomaster");
}

static void test_nic_of_this_machine(void **state)
{
	const struct link_address address = {
		.ifindex = NIC, .family = 2, .prefix = 24, .bytes = {192, 0, 2, 1}};
	const int nic = NIC;

	vm()->adapter_count = 0;
	link_table_drop(&scene->links, PORT);
	link_of(NIC)->master = 0;
	scene->view.default_routes[1] = NIC;
	refused("default route");
	scene->view.default_routes[1] = 0;
	scene->view.addresses = &address;
	scene->view.address_count = 1;
	refused("nic0 has the address 192.0.2.1/24");
	scene->view.taken = &nic;
	scene->view.taken_count = 1;
	only(HOST_NIC_JOIN);
}

/* H1: a bond may be the NIC, but there are no VFs then. */
static void test_nic_is_a_bond(void **state)
{
	(void)strcpy(link_of(NIC)->kind, "bond");
	nothing();
	scene->switches.switches[0].iov = 1;
	refused("hides SR-IOV; make a switch on each of its NICs");
}

/* Changed while the daemon was down: the NIC that the switch had is in the bridge still. */
static void test_nic_has_followed_another(void **state)
{
	put_link(30, "nic9", "", BRIDGE, "");
	nothing(); /* somebody else's port */
	(void)strcpy(link_of(BRIDGE)->alias, "iovteam switch nic=30 up=1 vfs=0");
	assert_int_equal(only(HOST_NIC_JOIN)->ifindex, NIC);
	link_table_drop(&scene->links, 30);
	nothing();
}

static void test_nic_set_down_is_left_so(void **state)
{
	link_of(NIC)->flags = 0;
	nothing();
}

static void test_nic_is_missing(void **state)
{
	link_table_drop(&scene->links, NIC);
	only(HOST_WAIT);
}

/* What adapters use passes, and what somebody else's port is in; and nothing more. */
static void test_uplink_vlans(void **state)
{
	const struct host_step *step;

	scene->vlans[0].mixed = true;
	assert_int_equal(only(HOST_NIC_VLANS)->ifindex, NIC);
	scene->vlans[0].mixed = false;
	adapter()->vlan = 7;
	plan();
	step = find(HOST_NIC_VLANS);
	assert_true(vlan_set_has(step->tagged, 7) && !vlan_set_has(step->tagged, 9));
	assert_non_null(find(HOST_PORT_VLAN));
	scene->vlans[1] = (struct bridge_vlan){.port = PORT, .pvid = 7};
	vlan_set_add(&scene->vlans[1].vlans, 7);
	vlan_set_add(&scene->vlans[0].vlans, 7);
	nothing();
	put_link(30, "tap9", "tun", BRIDGE, "");
	scene->vlans[2] = (struct bridge_vlan){.port = 30, .pvid = 1};
	scene->vlans[3] = (struct bridge_vlan){.port = BRIDGE, .pvid = 1};
	vlan_set_add(&scene->vlans[2].vlans, 9);
	vlan_set_add(&scene->vlans[3].vlans, 30);
	scene->view.vlan_count = 4;
	step = only(HOST_NIC_VLANS);
	assert_true(vlan_set_has(step->tagged, 9) && vlan_set_has(step->tagged, 30));
	scene->switches.switches[0].adopt = 1;
	nothing();
	scene->switches.switches[0].adopt = 0;
	scene->view.vlan_count = 2;
	vlan_set_add(&scene->vlans[0].vlans, 8); /* nobody is in it any more */
	assert_false(vlan_set_has(only(HOST_NIC_VLANS)->tagged, 8));
}

static void test_unwanted(void **state)
{
	scene->switches.count = 0;
	scene->vms.count = 0;
	plan();
	assert_int_equal(scene->steps.count, 2);
	assert_int_equal(scene->steps.steps[0].kind, HOST_PORT_REMOVE);
	assert_int_equal(scene->steps.steps[1].kind, HOST_SWITCH_REMOVE);
}

/* What goes goes last; only what it may be in the way of comes after it. */
static void test_turns(void **state)
{
	struct vm_config *other = &scene->vms.vms[1];

	(void)strcpy(vm()->name, "web9");
	scene->vms.count = 2;
	*other = *vm();
	(void)strcpy(other->name, "web2");
	(void)strcpy(other->netns, "guest2");
	other->adapters[0].mac = MAC(OTHER);
	plan();
	assert_int_equal(scene->steps.count, 3);
	assert_int_equal(scene->steps.steps[0].kind, HOST_PORT_REMOVE);
	assert_int_equal(scene->steps.steps[0].turn, HOST_REMOVING);
	assert_string_equal(scene->steps.steps[1].device, "web9.a");
	assert_int_equal(scene->steps.steps[1].turn, HOST_AFTER_REMOVAL);
	assert_string_equal(scene->steps.steps[2].device, "web2.a");
	assert_int_equal(scene->steps.steps[2].turn, HOST_AT_ONCE);
	/* A port that stays is in nobody's way: another VM's, or the VM's own. */
	(void)strcpy(vm()->name, "web1");
	assert_int_equal(only(HOST_PORT_MAKE)->turn, HOST_AT_ONCE);
	vm()->adapter_count = 2;
	vm()->adapters[1] = vm()->adapters[0];
	(void)strcpy(vm()->adapters[1].name, "b");
	scene->vms.count = 1;
	assert_int_equal(only(HOST_PORT_MAKE)->turn, HOST_AT_ONCE);
	/* Made anew: its other end is there until it is removed. */
	adapter()->mac = MAC(OTHER);
	plan();
	assert_int_equal(scene->steps.count, 2);
	assert_int_equal(find(HOST_PORT_REMOVE)->turn, HOST_REMOVING);
	assert_int_equal(find(HOST_PORT_MAKE)->turn, HOST_AFTER_REMOVAL);
}

static void test_filter_without_adapter(void **state)
{
	static const char guards[][LINK_NAME_SIZE] = {"web1.a", "given0"};

	put_link(40, "given0", "tun", BRIDGE, "");
	scene->view.guards = guards;
	scene->view.guard_count = 2;
	assert_int_equal(only(HOST_PORT_REMOVE)->ifindex, 40);
	assert_int_equal(scene->steps.steps[0].master, BRIDGE);
	put_link(41, "br9", "bridge", 0, "");
	link_of(40)->master = 41; /* somebody else has taken it: it stays there */
	assert_int_equal(only(HOST_PORT_REMOVE)->master, 0);
}

/* --- ports --- */

static void test_port_from_nothing(void **state)
{
	link_table_drop(&scene->links, PORT);
	scene->ports[0][0].rules = NULL;
	scene->ports[0][0].guest_missing = true;
	only(HOST_WAIT);
	scene->ports[0][0].guest_missing = false;
	assert_string_equal(only(HOST_PORT_MAKE)->device, "web1.a");
}

/* The filter comes before the bridge, and both before the port is up. */
static void test_port_order(void **state)
{
	link_of(PORT)->flags = 0;
	link_of(PORT)->master = 0;
	scene->ports[0][0].rules = NULL;
	scene->view.vlan_count = 1;
	plan();
	assert_int_equal(scene->steps.count, 2);
	assert_int_equal(scene->steps.steps[0].kind, HOST_PORT_GUARD);
	assert_int_equal(scene->steps.steps[1].kind, HOST_PORT_JOIN);
	link_of(PORT)->master = BRIDGE;
	scene->view.vlan_count = 2;
	only(HOST_PORT_GUARD);
	scene->ports[0][0].rules = &scene->rules;
	only(HOST_PORT_UP);
}

/* Before the bridge sees it, too; and of a port that somebody else has made it is his. */
static void test_port_follows_the_mtu(void **state)
{
	link_of(NIC)->mtu = 9000;
	assert_int_equal(only(HOST_PORT_MTU)->number, 9000);
	assert_true(only(HOST_PORT_MTU)->upkeep);
	link_of(PORT)->master = 0;
	plan();
	assert_true(find(HOST_PORT_MTU) < find(HOST_PORT_JOIN));
	(void)strcpy(adapter()->port, "given0");
	link_table_drop(&scene->links, PORT);
	put_link(PORT, "given0", "veth", BRIDGE, "");
	nothing();
}

static void test_port_changed(void **state)
{
	adapter()->mac = MAC(OTHER);
	only(HOST_PORT_REMOVE);
	adapter()->mac = MAC(OWN);
	adapter()->vlan = 7;
	plan();
	assert_int_equal(find(HOST_PORT_VLAN)->number, 7);
	adapter()->vlan = 0;
	adapter()->mac_spoofing = 1;
	only(HOST_PORT_GUARD);
}

static void test_bridge_without_vlans(void **state)
{
	link_of(BRIDGE)->bridge.vlan_filtering = 0;
	scene->view.vlan_count = 0;
	nothing();
	adapter()->vlan = 7;
	refused("knows no VLANs");
	adapter()->vlan = 0;
	link_of(PORT)->master = 0;
	assert_int_equal(only(HOST_PORT_JOIN)->number, 0);
}

static void test_port_name_taken(void **state)
{
	*link_of(PORT)->alias = '\0';
	refused("there is an interface web1.a already");
}

static bool ready(const struct guard_rules *rules)
{
	return host_port_is_ready(vm(), adapter(), link_of(PORT), rules, &scene->view);
}

static void test_port_ready(void **state)
{
	assert_true(ready(&scene->rules));
	assert_false(ready(NULL));
	adapter()->vlan = 7;
	assert_false(ready(&scene->rules));
	link_of(BRIDGE)->bridge.vlan_filtering = 0;
	assert_true(ready(&scene->rules));
	adapter()->mac_spoofing = 1;
	assert_false(ready(&scene->rules));
	adapter()->mac_spoofing = 0;
	link_of(PORT)->master = 0;
	assert_false(ready(&scene->rules));
}

/* An adapter's port that somebody else makes; "a" has it, and is given @name. */
static void give_port(const char *name)
{
	link_table_drop(&scene->links, PORT);
	(void)strcpy(adapter()->port, name);
	put_link(40, "given0", "veth", 0, "");
}

static void test_given_port(void **state)
{
	give_port("given0");
	assert_int_equal(only(HOST_PORT_JOIN)->ifindex, 40);
	put_link(41, "sw9", "bridge", 0, "iovteam switch nic=9 up=1");
	link_of(40)->master = 41;
	plan();
	assert_int_equal(find(HOST_PORT_JOIN)->ifindex, 40);
	*link_of(41)->alias = '\0';
	refused("ip link set given0 nomaster");
	link_of(40)->master = 0;
	(void)strcpy(link_of(40)->kind, "bond");
	refused("is itself a bond");
	(void)strcpy(link_of(40)->kind, "bridge");
	refused("no Ethernet device");
}

static void test_given_port_of_others(void **state)
{
	const struct link_address address = {
		.ifindex = 40, .family = 2, .prefix = 24, .bytes = {192, 0, 2, 1}};

	give_port("given0");
	scene->view.default_routes[0] = 40;
	refused("default route");
	scene->view.default_routes[0] = 0;
	scene->view.addresses = &address;
	scene->view.address_count = 1;
	refused("and the port of a switch has none");
	scene->view.address_count = 0;
	(void)strcpy(adapter()->port, "nic0");
	refused("nic0 is the NIC of the switch sw0");
	(void)strcpy(adapter()->port, "web2.a");
	put_link(42, "web2.a", "tun", BRIDGE, "iovteam port tap 52:54:00:00:00:0c web2");
	plan();
	assert_non_null(strstr(find(HOST_REFUSE)->text, "made for an adapter"));
}

static void test_port_name_long(void **state)
{
	char name[LINK_NAME_SIZE], other[LINK_NAME_SIZE];

	(void)strcpy(vm()->name, "a-name-too-long");
	assert_int_equal(strlen(host_port_name(vm(), adapter(), name)), 11);
	(void)strcpy(adapter()->name, "b");
	assert_string_not_equal(host_port_name(vm(), adapter(), other), name);
}

/* --- H5 b --- */

static void test_uplink_lost(void **state)
{
	link_of(NIC)->carrier = false;
	nothing();
	adapter()->allow_teaming = 1;
	assert_int_equal(only(HOST_PORT_DOWN)->ifindex, PORT);
	*vm()->netns = '\0';
	plan();
	assert_null(find(HOST_PORT_DOWN));
	(void)strcpy(vm()->netns, "guest");
	link_of(PORT)->flags = 0;
	nothing();
	link_of(NIC)->carrier = true;
	only(HOST_PORT_UP);
}

/* --- VFs --- */

static void make_vfs(void)
{
	scene->switches.switches[0].iov = 1;
	adapter()->iov_weight = 100;
	for (uint32_t i = 0; i < VFS; i++)
		scene->vfs[i] = (struct vf){
			.index = i, .spoofchk = true, .has_spoofchk = true, .has_trust = true};
	scene->nics[0].vfs = (struct vf_table){.vfs = scene->vfs, .count = VFS, .total = VFS};
	scene->nics[0].total = VFS;
}

static void give_vf(uint32_t index)
{
	struct vf *vf = &scene->vfs[index];

	vf->mac = MAC(OWN);
	vf->link_state = VF_LINK_ENABLE;
	(void)strcpy(vf->driver, "igbvf");
	scene->nics[0].ours[0] |= 1ULL << index;
}

/* An entry of the bridge that keeps @mac at the adapter's port. */
static void put_sticky(struct mac mac)
{
	scene->fdb[scene->view.fdb_count++] = (struct bridge_fdb){
		.ifindex = PORT, .mac = mac, .permanent = true, .sticky = true, .vlan = 1};
}

static void test_vf_count(void **state)
{
	make_vfs();
	adapter()->iov_weight = 0;
	scene->fdb[0] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC(OWN), .self = true};
	scene->view.fdb_count = 1;
	put_sticky(MAC(OWN));
	nothing();
	scene->nics[0].vfs.count = 1;
	assert_int_equal(only(HOST_VFS_MAKE)->number, VFS);
	scene->switches.switches[0].vf_count = 2;
	assert_int_equal(only(HOST_VFS_MAKE)->number, 2);
	scene->vfs[0].mac = MAC(OTHER); /* somebody else's */
	only(HOST_WAIT);
	scene->nics[0].busy = true;
	nothing();
}

static void test_vf_is_given(void **state)
{
	make_vfs();
	plan();
	assert_non_null(find(HOST_VF_LINK));
	assert_true(mac_equal(&find(HOST_VF_MAC)->mac, &adapter()->mac));
	assert_null(find(HOST_VF_BIND));
	assert_null(find(HOST_FDB_ADD));
	give_vf(0);
	*scene->vfs[0].driver = '\0';
	assert_int_equal(only(HOST_VF_BIND)->number, 0);
	(void)strcpy(scene->vfs[0].driver, "igbvf");
	scene->vfs[0].ifindex = 50;
	put_link(50, "eth9", "", 0, "");
	assert_int_equal(only(HOST_VF_MOVE)->ifindex, 50);
	assert_true(scene->steps.steps[0].upkeep);
	scene->vfs[0].ifindex = 0; /* in the guest */
	nothing();
}

static void test_vf_of_qemu(void **state)
{
	*vm()->netns = '\0';
	make_vfs();
	give_vf(1);
	plan();
	assert_int_equal(find(HOST_VF_BIND)->number, 1);
	assert_int_equal(find(HOST_VF_BIND)->vf, 1);
}

static void test_vf_is_taken(void **state)
{
	make_vfs();
	give_vf(1);
	adapter()->iov_weight = 0;
	plan();
	assert_int_equal(find(HOST_VF_UNBIND)->vf, 1);
	*scene->vfs[1].driver = '\0';
	scene->vfs[1].trust = true;
	plan();
	assert_int_equal(find(HOST_VF_TRUST)->number, 0);
	assert_true(mac_is_zero(&find(HOST_VF_MAC)->mac));
	assert_null(find(HOST_FDB_ADD)); /* the MAC is in the VF's filter still */
	assert_null(find(HOST_VF_BIND));
}

static void test_vf_is_a_strangers(void **state)
{
	make_vfs();
	for (uint32_t i = 0; i < VFS; i++)
		scene->vfs[i].mac = MAC((uint8_t)(OTHER + i));
	plan();
	assert_null(find(HOST_VF_MAC));
	scene->nics[0].ours[0] = 1 << 2;
	plan();
	assert_int_equal(find(HOST_VF_MAC)->vf, 2);
}

/* It was there before, with a driver and a MAC: it is taken from that driver, then used. */
static void test_vf_idle_with_a_mac(void **state)
{
	make_vfs();
	put_link(50, "eth9", "", 0, "");
	link_of(50)->flags = 0;
	for (uint32_t i = 0; i < VFS; i++)
		scene->vfs[i].mac = MAC((uint8_t)(OTHER + i));
	scene->vfs[1].ifindex = 50;
	(void)strcpy(scene->vfs[1].driver, "igbvf");
	assert_int_equal(only(HOST_VF_UNBIND)->vf, 1);
	*scene->vfs[1].driver = '\0';
	scene->vfs[1].ifindex = 0;
	scene->nics[0].ours[0] = 1 << 1;
	plan();
	assert_null(find(HOST_VF_UNBIND));
	assert_int_equal(find(HOST_VF_MAC)->vf, 1);
	assert_true(mac_equal(&find(HOST_VF_MAC)->mac, &adapter()->mac));
	adapter()->iov_weight = 0; /* not wanted any more: nobody is to keep it half taken */
	plan();
	assert_true(mac_is_zero(&find(HOST_VF_MAC)->mac));
}

/* It has an adapter's MAC, but nobody here has given it: it is never taken from whoever uses it. */
static void test_vf_of_a_stranger_with_an_own_mac(void **state)
{
	make_vfs();
	give_vf(1);
	scene->nics[0].ours[0] = 0;
	(void)strcpy(scene->vfs[1].driver, "vfio-pci");
	only(HOST_WAIT); /* the namespace wants it with its own driver */
	adapter()->iov_weight = 0;
	only(HOST_WAIT);
	vm()->adapters[1] = *adapter(); /* nor is it another adapter's */
	(void)strcpy(vm()->adapters[1].name, "b");
	vm()->adapters[1].mac = MAC(MATE);
	vm()->adapters[1].iov_weight = 100;
	vm()->adapter_count = 2;
	plan();
	assert_null(find(HOST_VF_UNBIND));
	assert_int_equal(find(HOST_VF_MAC)->vf, 0);
}

static void test_vf_settings(void **state)
{
	make_vfs();
	give_vf(0);
	adapter()->vlan = 5;
	adapter()->allow_teaming = 1;
	plan();
	assert_int_equal(find(HOST_VF_VLAN)->number, 5);
	assert_false(find(HOST_VF_VLAN)->upkeep || find(HOST_VF_TRUST)->upkeep);
	assert_true(find(HOST_VF_LINK)->upkeep);
	assert_int_equal(find(HOST_VF_TRUST)->number, 1);
	assert_int_equal(find(HOST_VF_LINK)->number, VF_LINK_AUTO);
	assert_null(find(HOST_VF_SPOOFCHK)); /* trust is enough */
	scene->nics[0].no_trust = scene->nics[0].no_link = true;
	plan();
	assert_null(find(HOST_VF_TRUST));
	assert_null(find(HOST_VF_LINK));
	assert_int_equal(find(HOST_VF_SPOOFCHK)->number, 0);
}

static void test_vf_has_a_mates_mac(void **state)
{
	make_vfs();
	give_vf(1);
	adapter()->allow_teaming = 1;
	vm()->adapters[1] = *adapter();
	(void)strcpy(vm()->adapters[1].name, "b");
	(void)strcpy(vm()->adapters[1].switch_name, "elsewhere");
	vm()->adapters[1].mac = MAC(MATE);
	vm()->adapter_count = 2;
	scene->vfs[1].mac = MAC(MATE);
	scene->vfs[1].trust = true;
	scene->vfs[1].link_state = VF_LINK_AUTO;
	permit_macs(vm(), adapter(), &scene->rules);
	nothing();
}

/* Who runs on a VF keeps it, whatever it may send from since. */
static void test_vf_has_a_mac_no_longer_permitted(void **state)
{
	make_vfs();
	give_vf(1);
	scene->vfs[1].mac = MAC(MATE); /* of a team that is no more */
	scene->nics[0].known[0] = 1 << 1;
	scene->ports[0][0].vf = 1;
	nothing();
	*scene->vfs[1].driver = '\0'; /* nobody runs on it */
	plan();
	assert_true(mac_is_zero(&find(HOST_VF_MAC)->mac) || find(HOST_VF_MAC)->vf == 0);
}

/* A team mate of the adapter, at another switch; its MAC is permitted at the adapter's port. */
static void add_mate(void)
{
	vm()->adapters[1] = *adapter();
	(void)strcpy(vm()->adapters[1].name, "b");
	(void)strcpy(vm()->adapters[1].switch_name, "elsewhere");
	vm()->adapters[1].mac = MAC(MATE);
	vm()->adapter_count = 2;
	permit_macs(vm(), adapter(), &scene->rules);
}

/* A mate has moved to another switch: its VF here goes back, and not to who stays. */
static void test_vf_of_a_mate_that_has_moved(void **state)
{
	make_vfs();
	give_vf(1);
	scene->vfs[1].mac = MAC(MATE);
	scene->nics[0].known[0] = 1 << 1;
	adapter()->allow_teaming = 1;
	adapter()->iov_weight = 0;
	add_mate();
	plan();
	assert_string_equal(find(HOST_VF_UNBIND)->object, "sw0");
	adapter()->iov_weight = 100;
	plan();
	assert_string_equal(find(HOST_VF_UNBIND)->object, "sw0");
	assert_int_equal(find(HOST_VF_MAC)->vf, 0); /* who stays gets another */
}

/* H4: a heavier newcomer gets none, unless somebody asks; then the lighter one's is freed first. */
static void test_vf_for_a_heavier(void **state)
{
	struct adapter_config *heavy = &vm()->adapters[1];

	make_vfs();
	scene->nics[0].vfs.count = 1;
	scene->switches.switches[0].vf_count = 1;
	give_vf(0);
	adapter()->iov_weight = 10;
	*heavy = *adapter();
	(void)strcpy(heavy->name, "b");
	(void)strcpy(heavy->port, "nothing0");
	heavy->mac = MAC(OTHER);
	heavy->iov_weight = 100;
	heavy->serial = 2;
	vm()->adapter_count = 2;
	only(HOST_WAIT); /* for the port */
	scene->nics[0].again = true;
	plan();
	assert_int_equal(find(HOST_VF_UNBIND)->vf, 0);
	assert_string_equal(find(HOST_VF_UNBIND)->object, "web1/a");
	assert_null(find(HOST_VF_MAC)); /* nobody gets what is not free */
	*scene->vfs[0].driver = '\0';
	plan();
	assert_true(mac_is_zero(&find(HOST_VF_MAC)->mac));
	scene->vfs[0] = (struct vf){.spoofchk = true,
				    .has_spoofchk = true,
				    .has_trust = true,
				    .link_state = VF_LINK_ENABLE};
	plan();
	assert_true(mac_equal(&find(HOST_VF_MAC)->mac, &heavy->mac));
	/* One that is not ours is nobody's to take. */
	give_vf(0);
	scene->nics[0].ours[0] = 0;
	plan();
	assert_null(find(HOST_VF_UNBIND));
	assert_null(find(HOST_VF_MAC));
}

/* H2: without an IOMMU a namespace may have one, and a VM none, but for what works already. */
static void test_vf_without_iommu(void **state)
{
	make_vfs();
	scene->nics[0].bars_vms = true;
	plan();
	assert_non_null(find(HOST_VF_MAC));
	*vm()->netns = '\0';
	(void)host_mark_port(vm(), adapter(), link_of(PORT)->alias);
	put_sticky(MAC(OWN));
	assert_true(mac_equal(&only(HOST_FDB_ADD)->mac, &adapter()->mac));
	give_vf(1);
	(void)strcpy(scene->vfs[1].driver, "vfio-pci");
	scene->view.fdb_count = 0;
	nothing();
}

/* A switch that goes with its adapters: first the VFs that were there before come back. */
static void test_vf_of_a_switch_that_goes(void **state)
{
	struct host_leaving leaving = {.sw = "sw0", .link = link_of(NIC)};

	make_vfs();
	give_vf(1);
	scene->vfs[2].mac = MAC(OTHER); /* somebody else's stays */
	leaving.nic = scene->nics[0];
	scene->switches.count = 0;
	scene->vms.count = 0;
	link_table_drop(&scene->links, PORT);
	leaving.link = link_of(NIC);
	scene->view.leaving = &leaving;
	scene->view.leaving_count = 1;
	assert_int_equal(only(HOST_VF_UNBIND)->vf, 1);
	assert_string_equal(scene->steps.steps[0].object, "sw0");
	leaving.nic.busy = true;
	nothing();
	leaving.nic.busy = false;
	*scene->vfs[1].driver = '\0';
	plan();
	assert_true(mac_is_zero(&find(HOST_VF_MAC)->mac));
	assert_null(find(HOST_SWITCH_REMOVE));
	scene->vfs[1].mac = (struct mac){};
	only(HOST_SWITCH_REMOVE);
}

/* --- H9 --- */

static void test_filter(void **state)
{
	make_vfs();
	adapter()->iov_weight = 0;
	put_sticky(MAC(OWN));
	assert_true(mac_equal(&only(HOST_FDB_ADD)->mac, &adapter()->mac));
	adapter()->iov_weight = 100;
	give_vf(0);
	scene->fdb[0] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC(OWN), .self = true};
	scene->view.fdb_count = 1;
	assert_true(mac_equal(&only(HOST_FDB_DEL)->mac, &adapter()->mac));
}

/* A NIC that reflects must not draw the MAC away; one that may move is left free. */
static void test_entries(void **state)
{
	make_vfs();
	adapter()->iov_weight = 0;
	scene->fdb[0] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC(OWN), .self = true};
	scene->fdb[1] = (struct bridge_fdb){.ifindex = PORT, .mac = MAC(OWN), .vlan = 1};
	scene->view.fdb_count = 2; /* it was learnt */
	assert_int_equal(only(HOST_ENTRY_ADD)->number, 1);
	assert_int_equal(scene->steps.steps[0].ifindex, PORT);
	put_sticky(MAC(OWN));
	nothing();
	scene->fdb[2].vlan = 5; /* the port is not in it, and Linux before 6.13 would refuse */
	assert_int_equal(only(HOST_ENTRY_ADD)->number, 1);
	scene->fdb[2].vlan = 1;
	scene->fdb[2].mac = MAC(OTHER); /* that the adapter had before */
	plan();
	assert_true(mac_equal(&find(HOST_ENTRY_DEL)->mac, &scene->fdb[2].mac));
	assert_true(mac_equal(&find(HOST_ENTRY_ADD)->mac, &adapter()->mac));
	scene->fdb[2].mac = MAC(OWN);
	adapter()->allow_teaming = 1;
	only(HOST_ENTRY_DEL);
	adapter()->allow_teaming = 0;
	adapter()->iov_weight = 100;
	give_vf(0);
	scene->vfs[0].link_state = VF_LINK_ENABLE;
	plan();
	assert_non_null(find(HOST_ENTRY_DEL));
	adapter()->iov_weight = 0;
	scene->nics[0].vfs.count = 0; /* nothing is reflected */
	scene->switches.switches[0].iov = 1;
	scene->nics[0].total = 0;
	only(HOST_ENTRY_DEL);
	link_of(BRIDGE)->bridge.vlan_filtering = 0;
	scene->nics[0].vfs.count = VFS;
	scene->vfs[0] = (struct vf){.spoofchk = true, .has_spoofchk = true, .has_trust = true};
	scene->fdb[2].vlan = 0;
	nothing();
}

/* It goes while the port is in its VLAN still. */
static void test_entry_of_a_vlan_that_changes(void **state)
{
	make_vfs();
	adapter()->iov_weight = 0;
	scene->fdb[0] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC(OWN), .self = true};
	scene->view.fdb_count = 1;
	put_sticky(MAC(OWN));
	adapter()->vlan = 5;
	plan();
	assert_int_equal(find(HOST_ENTRY_DEL)->number, 1);
	assert_true(find(HOST_ENTRY_DEL) < find(HOST_PORT_VLAN));
	assert_null(find(HOST_ENTRY_ADD));
}

/* With iov off and no VFs nothing of what was for them stays. */
static void test_iov_is_off_again(void **state)
{
	static const struct mac put = MAC(OWN);

	scene->fdb[0] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC(OWN), .self = true};
	scene->view.fdb_count = 1;
	nothing(); /* somebody else's */
	scene->nics[0].put = &put;
	scene->nics[0].put_count = 1;
	put_sticky(MAC(OWN));
	plan();
	assert_int_equal(scene->steps.count, 2);
	assert_non_null(find(HOST_FDB_DEL));
	assert_non_null(find(HOST_ENTRY_DEL));
}

/* A team mate's MAC belongs there while the bridge has learnt it at the port. */
static void test_filter_of_a_mate(void **state)
{
	make_vfs();
	adapter()->iov_weight = 0;
	adapter()->allow_teaming = 1;
	add_mate();
	scene->fdb[0] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC(OWN), .self = true};
	scene->fdb[1] = (struct bridge_fdb){.ifindex = PORT, .mac = MAC(MATE)};
	scene->view.fdb_count = 1;
	nothing();
	scene->view.fdb_count = 2;
	assert_true(mac_equal(&only(HOST_FDB_ADD)->mac, &vm()->adapters[1].mac));
	scene->fdb[1] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC(MATE), .self = true};
	only(HOST_FDB_DEL);
}

/* --- marks --- */

static void test_marks(void **state)
{
	const struct host_mark mark = {.nic = 7, .nic_up = true, .made_vfs = true, .vfs_before = 2};
	struct host_mark read;
	struct link link = {};

	(void)host_mark_switch(&mark, link.alias);
	assert_true(host_mark_read(&link, &read));
	assert_true(read.nic == 7 && read.nic_up && read.made_vfs && read.vfs_before == 2);
	assert_false(host_mark_is_port(&link));
	(void)host_mark_port(vm(), adapter(), link.alias);
	assert_true(host_mark_is_port(&link));
	assert_false(host_mark_read(&link, &read));
	(void)strcpy(link.alias, "iovteam");
	assert_false(host_mark_is_port(&link) || host_mark_read(&link, &read));
}

/* Those of earlier versions say nothing of it. */
static void test_marks_of_autoprobe(void **state)
{
	struct link link = {.alias = "iovteam switch nic=7 up=1 vfs=2"};
	struct host_mark mark;

	assert_true(host_mark_read(&link, &mark));
	assert_true(mark.made_vfs && mark.vfs_before == 2 && !mark.has_autoprobe);
	for (unsigned int i = 0; i < 4; i++) {
		const struct host_mark wanted = {
			.nic = 7, .made_vfs = i & 1, .has_autoprobe = true, .autoprobe = i & 2};

		(void)host_mark_switch(&wanted, link.alias);
		assert_true(host_mark_read(&link, &mark));
		assert_true(mark.made_vfs == wanted.made_vfs && mark.has_autoprobe &&
			    mark.autoprobe == wanted.autoprobe);
	}
}

/* What was made in our group, and not marked yet. */
static void test_unfinished_marks(void **state)
{
	struct host_mark read;
	struct link link = {.kind = "bridge", .group = HOST_MARK_GROUP};

	assert_true(host_mark_read(&link, &read));
	assert_true(!read.nic && !read.nic_up && !read.made_vfs);
	assert_false(host_mark_is_port(&link));
	(void)strcpy(link.kind, "veth");
	assert_true(host_mark_is_port(&link));
	assert_false(host_mark_read(&link, &read));
	link.group = 0;
	assert_false(host_mark_is_port(&link) || host_mark_read(&link, &read));
	link.group = HOST_MARK_GROUP;
	(void)strcpy(link.alias, "somebody's");
	assert_false(host_mark_is_port(&link) || host_mark_read(&link, &read));
}

/* VFs in use are neither ours nor nobody's because an attempt to change their number has failed. */
static void test_mark_of_what_was_not_made(void **state)
{
	struct host_mark mark = {.made_vfs = true, .vfs_before = 2};

	assert_false(host_mark_undo_making(&mark, 4, 7)); /* ours, and more of them were wanted */
	assert_true(mark.made_vfs && mark.vfs_before == 2);
	mark.has_autoprobe = mark.autoprobe = true;
	assert_true(host_mark_undo_making(&mark, 2, 7));
	assert_false(mark.made_vfs || mark.has_autoprobe);
	mark = (struct host_mark){.has_autoprobe = true}; /* iov was set off */
	assert_true(host_mark_undo_making(&mark, 7, 2));
	assert_true(mark.made_vfs && mark.vfs_before == 2 && mark.has_autoprobe);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_make, scene_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_as_wanted),
		TEST(test_switch_from_nothing),
		TEST(test_bridge_of_a_stranger),
		TEST(test_nic_is_anothers),
		TEST(test_nic_of_this_machine),
		TEST(test_nic_is_a_bond),
		TEST(test_nic_has_followed_another),
		TEST(test_nic_set_down_is_left_so),
		TEST(test_nic_is_missing),
		TEST(test_uplink_vlans),
		TEST(test_unwanted),
		TEST(test_turns),
		TEST(test_filter_without_adapter),
		TEST(test_port_from_nothing),
		TEST(test_port_order),
		TEST(test_port_follows_the_mtu),
		TEST(test_port_changed),
		TEST(test_bridge_without_vlans),
		TEST(test_port_name_taken),
		TEST(test_port_ready),
		TEST(test_given_port),
		TEST(test_given_port_of_others),
		TEST(test_port_name_long),
		TEST(test_uplink_lost),
		TEST(test_vf_count),
		TEST(test_vf_is_given),
		TEST(test_vf_of_qemu),
		TEST(test_vf_is_taken),
		TEST(test_vf_is_a_strangers),
		TEST(test_vf_idle_with_a_mac),
		TEST(test_vf_of_a_stranger_with_an_own_mac),
		TEST(test_vf_settings),
		TEST(test_vf_has_a_mates_mac),
		TEST(test_vf_has_a_mac_no_longer_permitted),
		TEST(test_vf_of_a_mate_that_has_moved),
		TEST(test_vf_for_a_heavier),
		TEST(test_vf_without_iommu),
		TEST(test_vf_of_a_switch_that_goes),
		TEST(test_filter),
		TEST(test_entries),
		TEST(test_entry_of_a_vlan_that_changes),
		TEST(test_iov_is_off_again),
		TEST(test_filter_of_a_mate),
		TEST(test_marks),
		TEST(test_marks_of_autoprobe),
		TEST(test_unfinished_marks),
		TEST(test_mark_of_what_was_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
