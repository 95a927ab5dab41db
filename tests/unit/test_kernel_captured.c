// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What kernels sent: a bond over two VFs (igbvf), recorded from Linux 6.1 and 6.12. The records
 * are the fuzzer's corpus; its folder is the first argument. And a host: its NIC (igb) with two VFs, a
 * trunk of a bridge.
 */
#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_bridge.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"
#include "kernel/rtnl_vf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

static const char *folder = "tests/fuzz/corpus/netlink";

struct record {
	_Alignas(struct nlmsghdr) uint8_t bytes[4096];
};

static const struct nlmsghdr *record_read(struct record *record, const char *name)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[512];
	size_t size;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	assert_non_null(file);
	size = fread(record->bytes, 1, sizeof(record->bytes), file);
	assert_int_equal(size, ((const struct nlmsghdr *)record->bytes)->nlmsg_len);
	return (const void *)record->bytes;
}

static struct link link_read(const char *name)
{
	struct record record;
	struct link link;

	assert_int_equal(rtnl_link_decode(record_read(&record, name), &link), 0);
	return link;
}

static void bonds_are_read(void **state)
{
	static const struct link_bond wanted = {
		.mode = 1,
		.fail_over_mac = 1,
		.num_peer_notif = 3,
		.peer_notif_delay = 200,
		.resend_igmp = 1,
		.miimon = 100,
		.use_carrier = 1,
	};
	static const struct {
		const char *name;
		int active;
	} bonds[] = {{"bond-6.1", 4}, {"bond-6.12", 5}};

	for (size_t i = 0; i < ARRAY_SIZE(bonds); i++) {
		struct link link = link_read(bonds[i].name);

		assert_string_equal(link.name, "team0");
		assert_string_equal(link.kind, "bond");
		assert_int_equal(link.tx_queues, 24);
		assert_true(link.carrier);
		assert_int_equal(link.bond.active_ifindex, bonds[i].active);
		link.bond.active_ifindex = 0;
		assert_memory_equal(&link.bond, &wanted, sizeof(wanted));
	}
}

static void vfs_are_read(void **state)
{
	static const struct {
		const char *name, *device, *bus_id;
		struct mac mac;
		uint16_t queue_id;
	} vfs[] = {
		{"vf-first-6.1", "ens4", "0000:01:10.0", {{0x52, 0x54, 0, 0x11, 0, 0}}, 0},
		{"vf-first-6.12", "ens4", "0000:01:10.0", {{0x52, 0x54, 0, 0x11, 0, 0}}, 0},
		{"vf-second-6.1", "ens5", "0000:02:10.0", {{0x52, 0x54, 0, 0x12, 0, 0}}, 2},
		{"vf-second-6.12", "ens5", "0000:02:10.0", {{0x52, 0x54, 0, 0x12, 0, 0}}, 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(vfs); i++) {
		struct link link = link_read(vfs[i].name);

		assert_string_equal(link.name, vfs[i].device);
		assert_string_equal(link.kind, "");
		assert_string_equal(link.slave_kind, "bond");
		assert_string_equal(link.bus, "pci");
		assert_string_equal(link.bus_id, vfs[i].bus_id);
		assert_int_equal(link.master, 2);
		assert_int_equal(link.slave.queue_id, vfs[i].queue_id);
		assert_int_equal(link.slave.mii_status, 0);
		assert_true(mac_equal(&link.mac, &vfs[i].mac));
		assert_true(mac_equal(&link.permanent_mac, &vfs[i].mac));
		assert_true(mac_equal(&link.slave.mac, &vfs[i].mac));
	}
}

static void bridges_are_read(void **state)
{
	struct link port = link_read("bridge-port"), bridge = link_read("bridge");

	assert_string_equal(port.kind, "veth");
	assert_string_equal(port.slave_kind, "bridge");
	assert_int_equal(port.master, bridge.ifindex);
	assert_string_equal(bridge.kind, "bridge");
}

static void addresses_and_neighbours_are_read(void **state)
{
	static const uint8_t four[4] = {192, 0, 2}, six[16] = {0x20, 0x01, 0x0d, 0xb8};
	static const struct mac mac = {{2, 0, 0, 0, 0, 7}};
	struct link_neighbour neighbour;
	struct link_address address;
	struct record record;

	assert_int_equal(rtnl_address_decode(record_read(&record, "address-ipv4"), &address), 0);
	assert_int_equal(address.prefix, 24);
	assert_memory_equal(address.bytes, four, 3);
	assert_int_equal(rtnl_address_decode(record_read(&record, "address-ipv6"), &address), 0);
	assert_int_equal(address.prefix, 64);
	assert_memory_equal(address.bytes, six, 15);
	assert_int_equal(rtnl_neighbour_decode(record_read(&record, "neighbour-ipv4"), &neighbour),
			 0);
	assert_int_equal(neighbour.family, AF_INET);
	assert_true(mac_equal(&neighbour.mac, &mac));
	assert_int_equal(rtnl_neighbour_decode(record_read(&record, "neighbour-ipv6"), &neighbour),
			 0);
	assert_int_equal(neighbour.family, AF_INET6);
}

/* The second was set so; igb reports no link state but "auto", and sets none. */
static void vfs_of_a_nic_are_read(void **state)
{
	static const struct vf wanted[] = {
		{
			.index = 0,
			.mac = {{0x52, 0x54, 0, 0x11, 0, 0}},
			.spoofchk = true,
			.has_spoofchk = true,
			.has_trust = true,
		},
		{
			.index = 1,
			.mac = {{0x02, 0, 0, 0, 0xaa, 0x01}},
			.vlan = 42,
			.trust = true,
			.has_spoofchk = true,
			.has_trust = true,
		},
	};
	struct vf_table table = {};
	struct record record;

	assert_int_equal(rtnl_vf_decode(record_read(&record, "nic-vfs-6.12"), &table), 0);
	assert_int_equal(table.count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		const struct vf *vf = &table.vfs[i];

		assert_int_equal(vf->index, wanted[i].index);
		assert_true(mac_equal(&vf->mac, &wanted[i].mac));
		assert_int_equal(vf->vlan, wanted[i].vlan);
		assert_int_equal(vf->spoofchk, wanted[i].spoofchk);
		assert_int_equal(vf->trust, wanted[i].trust);
		assert_int_equal(vf->has_spoofchk, wanted[i].has_spoofchk);
		assert_int_equal(vf->has_trust, wanted[i].has_trust);
		assert_int_equal(vf->link_state, VF_LINK_AUTO);
	}
	vf_table_done(&table);
}

static void ports_of_a_host_are_read(void **state)
{
	struct bridge_fdb own, ours;
	struct bridge_vlan vlan;
	struct record record;

	assert_int_equal(rtnl_bridge_decode_vlan(record_read(&record, "port-trunk"), &vlan), 0);
	assert_int_equal(vlan.pvid, 1);
	assert_true(vlan_set_has(&vlan.vlans, 2) && vlan_set_has(&vlan.vlans, VLAN_MAX));
	assert_false(vlan.mixed);
	assert_int_equal(rtnl_bridge_decode_vlan(record_read(&record, "port-of-bridge"), &vlan), 0);
	assert_int_equal(vlan.pvid, 1);
	assert_false(vlan_set_has(&vlan.vlans, 2) || vlan.mixed);
	assert_int_equal(rtnl_fdb_decode(record_read(&record, "fdb-bridge"), &own), 0);
	assert_true(!own.self && own.permanent);
	assert_int_equal(rtnl_fdb_decode(record_read(&record, "fdb-self"), &ours), 0);
	assert_true(ours.self && ours.permanent);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bonds_are_read),
		cmocka_unit_test(vfs_are_read),
		cmocka_unit_test(bridges_are_read),
		cmocka_unit_test(addresses_and_neighbours_are_read),
		cmocka_unit_test(vfs_of_a_nic_are_read),
		cmocka_unit_test(ports_of_a_host_are_read),
	};

	if (argc > 1)
		folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
