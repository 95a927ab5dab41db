// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel tells of a host's bridges, filters and VFs: every field, and every way to lie. */
#include "base/strings.h"
#include "kernel/message.h"
#include "kernel/rtnl_bridge.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_vf.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static const struct mac mac_one = {{0x02, 0, 0, 0, 0, 0x01}};

static struct ifinfomsg *link_begin(struct message *message, uint8_t family)
{
	struct ifinfomsg *header = message_start(message, RTM_NEWLINK, 0, sizeof(*header));

	header->ifi_family = family;
	header->ifi_index = 7;
	return header;
}

/* Cut anywhere, a message is refused or has whole attributes; never is more read than it has. */
static void assert_cut_anywhere_is_safe(const struct nlmsghdr *whole,
					int (*decode)(const struct nlmsghdr *message))
{
	for (uint32_t length = sizeof(*whole); length < whole->nlmsg_len; length++) {
		struct nlmsghdr *cut = malloc(length);
		int err;

		assert_non_null(cut);
		memcpy(cut, whole, length);
		cut->nlmsg_len = length;
		err = decode(cut);
		assert_true(err == 0 || err == -EBADMSG || err == -EAFNOSUPPORT);
		free(cut);
	}
}

/* --- bridges --- */

static void bridge_is_read(void **state)
{
	struct message_kind kind;
	struct message message;
	struct link link;

	(void)link_begin(&message, AF_UNSPEC);
	mnl_attr_put_strz(&message.header, IFLA_IFNAME, "switch0");
	kind = message_kind_start(&message, IFLA_INFO_KIND, "bridge", IFLA_INFO_DATA);
	mnl_attr_put_u8(&message.header, IFLA_BR_VLAN_FILTERING, 1);
	mnl_attr_put_u32(&message.header, IFLA_BR_STP_STATE, 2);
	message_kind_end(&message, &kind);
	assert_int_equal(rtnl_link_decode(&message.header, &link), 0);
	assert_int_equal(link.bridge.vlan_filtering, 1);
	assert_int_equal(link.bridge.stp, 2);
}

/* --- VLANs --- */

#define PVID BRIDGE_VLAN_INFO_PVID
#define BARE BRIDGE_VLAN_INFO_UNTAGGED
#define FROM BRIDGE_VLAN_INFO_RANGE_BEGIN
#define TO BRIDGE_VLAN_INFO_RANGE_END

/* Up to the first of no VLAN and no flags. */
struct vlan_case {
	const char *name;
	struct bridge_vlan_info infos[6];
	int err;
	uint16_t pvid;
	bool trunk, mixed;
};

static const struct vlan_case vlan_cases[] = {
	{"none", {{}}, 0, 0, false, false},
	{"one", {{PVID | BARE, 42}}, 0, 42, false, false},
	{"trunk", {{PVID | BARE, 1}, {FROM, 2}, {TO, 4094}}, 0, 1, true, false},
	{"trunk around its own",
	 {{FROM, 1}, {TO, 6}, {PVID | BARE, 7}, {FROM, 8}, {TO, 4094}},
	 0,
	 7,
	 true,
	 false},
	{"trunk with its own last",
	 {{FROM, 1}, {TO, 4093}, {PVID | BARE, 4094}},
	 0,
	 4094,
	 true,
	 false},
	{"trunk without its own", {{FROM, 1}, {TO, 4094}}, 0, 0, true, true},
	{"trunk without tags",
	 {{PVID | BARE, 1}, {FROM | BARE, 2}, {TO | BARE, 4094}},
	 0,
	 1,
	 true,
	 true},
	{"two", {{PVID | BARE, 1}, {0, 9}}, 0, 1, false, false},
	{"one with a tag", {{0, 9}}, 0, 0, false, true},
	{"in without, out with a tag", {{PVID, 9}}, 0, 9, false, true},
	{"out without, in with a tag", {{BARE, 9}}, 0, 0, false, true},
	{"no end", {{FROM, 2}}, -EBADMSG, 0, false, false},
	{"no begin", {{TO, 2}}, -EBADMSG, 0, false, false},
	{"two begins", {{FROM, 2}, {FROM, 3}, {TO, 4}}, -EBADMSG, 0, false, false},
	{"one amid a range", {{FROM, 2}, {0, 3}, {TO, 4}}, -EBADMSG, 0, false, false},
	{"backwards", {{FROM, 4}, {TO, 2}}, -EBADMSG, 0, false, false},
	{"not in order", {{0, 4}, {0, 2}}, -EBADMSG, 0, false, false},
	{"twice", {{0, 4}, {0, 4}}, -EBADMSG, 0, false, false},
	{"beyond the last", {{0, 4095}}, -EBADMSG, 0, false, false},
	{"zero", {{PVID, 0}}, -EBADMSG, 0, false, false},
};

static void vlan_message(struct message *message, const struct bridge_vlan_info *infos)
{
	struct nlattr *nest;

	(void)link_begin(message, AF_BRIDGE);
	nest = mnl_attr_nest_start(&message->header, IFLA_AF_SPEC);
	for (; infos->vid || infos->flags; infos++)
		mnl_attr_put(&message->header, IFLA_BRIDGE_VLAN_INFO, sizeof(*infos), infos);
	mnl_attr_nest_end(&message->header, nest);
}

static bool has_all(const struct vlan_set *set)
{
	unsigned count = 0;

	for (unsigned vlan = 1; vlan <= VLAN_MAX; vlan++)
		count += vlan_set_has(set, vlan);
	return count == VLAN_MAX;
}

static void vlans_are_read(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vlan_cases); i++) {
		const struct vlan_case *want = &vlan_cases[i];
		struct bridge_vlan vlan = {.port = 99};
		struct message message;
		int err;

		vlan_message(&message, want->infos);
		err = rtnl_bridge_decode_vlan(&message.header, &vlan);
		if (err != want->err || vlan.port != (err ? 99 : 7) || vlan.pvid != want->pvid ||
		    has_all(&vlan.vlans) != want->trunk || vlan.mixed != want->mixed)
			fail_msg("%s: %d, pvid %d, trunk %d, mixed %d", want->name, err, vlan.pvid,
				 has_all(&vlan.vlans), vlan.mixed);
	}
}

static void vlan_lies_are_refused(void **state)
{
	static const struct bridge_vlan_info one[2] = {{PVID | BARE, 42}};
	struct bridge_vlan vlan = {.port = 99};
	struct message message;
	struct nlattr *nest;

	vlan_message(&message, one);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(&message.header))->ifi_index = 0;
	assert_int_equal(rtnl_bridge_decode_vlan(&message.header, &vlan), -EBADMSG);
	(void)link_begin(&message, AF_BRIDGE);
	nest = mnl_attr_nest_start(&message.header, IFLA_AF_SPEC);
	mnl_attr_put_u16(&message.header, IFLA_BRIDGE_VLAN_INFO, 42);
	mnl_attr_nest_end(&message.header, nest);
	assert_int_equal(rtnl_bridge_decode_vlan(&message.header, &vlan), -EBADMSG);
	(void)link_begin(&message, AF_BRIDGE);
	mnl_attr_put_u16(&message.header, IFLA_AF_SPEC, 42);
	assert_int_equal(rtnl_bridge_decode_vlan(&message.header, &vlan), -EBADMSG);
	assert_int_equal(vlan.port, 99);
}

/* A NIC with a switch of its own reports that in the same words. */
static void vlans_of_others_are_told_apart(void **state)
{
	struct bridge_vlan vlan = {.port = 99};
	struct message message;
	struct nlattr *nest;

	(void)link_begin(&message, AF_BRIDGE);
	nest = mnl_attr_nest_start(&message.header, IFLA_AF_SPEC);
	mnl_attr_put_u16(&message.header, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
	mnl_attr_put_u16(&message.header, IFLA_BRIDGE_MODE, BRIDGE_MODE_VEB);
	mnl_attr_nest_end(&message.header, nest);
	assert_int_equal(rtnl_bridge_decode_vlan(&message.header, &vlan), -EAFNOSUPPORT);
	(void)link_begin(&message, AF_UNSPEC);
	assert_int_equal(rtnl_bridge_decode_vlan(&message.header, &vlan), -EAFNOSUPPORT);
	message.header.nlmsg_type = RTM_DELLINK;
	assert_int_equal(rtnl_bridge_decode_vlan(&message.header, &vlan), -ENOMSG);
	assert_int_equal(vlan.port, 99);
}

static int decode_vlan(const struct nlmsghdr *message)
{
	struct bridge_vlan vlan;

	return rtnl_bridge_decode_vlan(message, &vlan);
}

/* --- forwarding entries --- */

static struct ndmsg *fdb_begin(struct message *message, uint16_t state, uint8_t flags)
{
	struct ndmsg *header = message_start(message, RTM_NEWNEIGH, 0, sizeof(*header));

	header->ndm_family = AF_BRIDGE;
	header->ndm_ifindex = 7;
	header->ndm_state = state;
	header->ndm_flags = flags;
	return header;
}

static void fdb_is_read(void **state)
{
	static const struct {
		uint16_t state;
		uint8_t flags;
		bool self, permanent;
	} cases[] = {
		{NUD_PERMANENT, NTF_SELF, true, true},
		{NUD_PERMANENT, NTF_MASTER, false, true},
		{NUD_NOARP, NTF_MASTER, false, true},
		{NUD_REACHABLE, 0, false, false},
		{NUD_STALE, NTF_EXT_LEARNED, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bridge_fdb entry;
		struct message message;

		(void)fdb_begin(&message, cases[i].state, cases[i].flags);
		mnl_attr_put(&message.header, NDA_LLADDR, sizeof(mac_one), &mac_one);
		assert_int_equal(rtnl_fdb_decode(&message.header, &entry), 0);
		assert_int_equal(entry.ifindex, 7);
		assert_true(mac_equal(&entry.mac, &mac_one));
		assert_int_equal(entry.self, cases[i].self);
		assert_int_equal(entry.permanent, cases[i].permanent);
	}
}

static void fdb_of_others_is_told_apart(void **state)
{
	static const uint8_t long_address[20];
	struct bridge_fdb entry = {.ifindex = 99};
	struct message message;

	(void)fdb_begin(&message, NUD_PERMANENT, NTF_SELF); /* no MAC: a tunnel's */
	assert_int_equal(rtnl_fdb_decode(&message.header, &entry), -EAFNOSUPPORT);
	mnl_attr_put(&message.header, NDA_LLADDR, sizeof(long_address), long_address);
	assert_int_equal(rtnl_fdb_decode(&message.header, &entry), -EAFNOSUPPORT);
	fdb_begin(&message, NUD_STALE, 0)->ndm_family = AF_INET;
	assert_int_equal(rtnl_fdb_decode(&message.header, &entry), -EAFNOSUPPORT);
	fdb_begin(&message, NUD_STALE, 0)->ndm_ifindex = 0;
	assert_int_equal(rtnl_fdb_decode(&message.header, &entry), -EBADMSG);
	message.header.nlmsg_type = RTM_DELNEIGH;
	assert_int_equal(rtnl_fdb_decode(&message.header, &entry), -ENOMSG);
	assert_int_equal(entry.ifindex, 99);
}

static int decode_fdb(const struct nlmsghdr *message)
{
	struct bridge_fdb entry;

	return rtnl_fdb_decode(message, &entry);
}

/* --- VFs --- */

/* Room for the longest list there can be, and more. */
struct large {
	_Alignas(8) union {
		struct nlmsghdr header;
		uint8_t bytes[160 << 10];
	};
};

static void vfs_begin(struct nlmsghdr *header, uint32_t count)
{
	struct ifinfomsg *link;

	(void)mnl_nlmsg_put_header(header);
	header->nlmsg_type = RTM_NEWLINK;
	link = mnl_nlmsg_put_extra_header(header, sizeof(*link));
	link->ifi_index = 7;
	mnl_attr_put_strz(header, IFLA_IFNAME, "ens1f0");
	mnl_attr_put_u32(header, IFLA_NUM_VF, count);
}

static void mac_put(struct nlmsghdr *header, uint32_t vf)
{
	struct ifla_vf_mac mac = {.vf = vf, .mac = {2, 0, 0, 0, (uint8_t)(vf >> 8), (uint8_t)vf}};

	mnl_attr_put(header, IFLA_VF_MAC, sizeof(mac), &mac);
}

/* A number of a VF: all of these have the same shape. */
static void setting_put(struct nlmsghdr *header, uint16_t type, uint32_t vf, uint32_t value)
{
	const struct ifla_vf_spoofchk setting = {.vf = vf, .setting = value};

	mnl_attr_put(header, type, sizeof(setting), &setting);
}

/* As rtnl_fill_vfinfo() of the kernel, all that it can have but counters. */
static void vf_put(struct nlmsghdr *header, uint32_t vf, uint32_t vlan, uint32_t setting,
		   uint32_t link_state)
{
	const struct ifla_vf_vlan_info listed = {.vf = vf, .vlan = vlan};
	const struct ifla_vf_broadcast broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	const struct ifla_vf_vlan plain = {.vf = vf, .vlan = vlan};
	const struct ifla_vf_rate rate = {.vf = vf};
	const struct ifla_vf_guid guid = {.vf = vf};
	struct nlattr *info = mnl_attr_nest_start(header, IFLA_VF_INFO), *list;

	mac_put(header, vf);
	mnl_attr_put(header, IFLA_VF_BROADCAST, sizeof(broadcast), &broadcast);
	mnl_attr_put(header, IFLA_VF_VLAN, sizeof(plain), &plain);
	mnl_attr_put(header, IFLA_VF_RATE, sizeof(rate), &rate);
	setting_put(header, IFLA_VF_TX_RATE, vf, 0);
	setting_put(header, IFLA_VF_SPOOFCHK, vf, setting);
	setting_put(header, IFLA_VF_LINK_STATE, vf, link_state);
	setting_put(header, IFLA_VF_RSS_QUERY_EN, vf, 0);
	setting_put(header, IFLA_VF_TRUST, vf, setting);
	mnl_attr_put(header, IFLA_VF_IB_NODE_GUID, sizeof(guid), &guid);
	mnl_attr_put(header, IFLA_VF_IB_PORT_GUID, sizeof(guid), &guid);
	list = mnl_attr_nest_start(header, IFLA_VF_VLAN_LIST);
	mnl_attr_put(header, IFLA_VF_VLAN_INFO, sizeof(listed), &listed);
	mnl_attr_nest_end(header, list);
	mnl_attr_nest_end(header, info);
}

static void vfs_are_read(void **state)
{
	struct vf_table table = {};
	struct message message;
	struct nlattr *list;

	vfs_begin(&message.header, 3);
	list = mnl_attr_nest_start(&message.header, IFLA_VFINFO_LIST);
	vf_put(&message.header, 2, 42, 1, IFLA_VF_LINK_STATE_DISABLE);
	vf_put(&message.header, 0, 0, 0, IFLA_VF_LINK_STATE_ENABLE);
	mnl_attr_nest_end(&message.header, list);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), 0);
	assert_int_equal(table.count, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(table.vfs[i].index, i);
	assert_int_equal(table.vfs[0].vlan, 0);
	assert_true(table.vfs[0].has_spoofchk && table.vfs[0].has_trust);
	assert_false(table.vfs[0].spoofchk || table.vfs[0].trust);
	assert_int_equal(table.vfs[0].link_state, VF_LINK_ENABLE);
	/* The driver told nothing of the second. */
	assert_true(mac_is_zero(&table.vfs[1].mac));
	assert_false(table.vfs[1].has_spoofchk || table.vfs[1].has_trust);
	assert_int_equal(table.vfs[2].mac.bytes[5], 2);
	assert_int_equal(table.vfs[2].vlan, 42);
	assert_true(table.vfs[2].spoofchk && table.vfs[2].trust);
	assert_int_equal(table.vfs[2].link_state, VF_LINK_DISABLE);
	vf_table_done(&table);
}

/* Old kernels, and drivers that know only a part. */
static void vf_with_little_is_read(void **state)
{
	struct nlattr *list, *info;
	struct vf_table table = {};
	struct message message;

	vfs_begin(&message.header, 1);
	list = mnl_attr_nest_start(&message.header, IFLA_VFINFO_LIST);
	info = mnl_attr_nest_start(&message.header, IFLA_VF_INFO);
	mac_put(&message.header, 0);
	setting_put(&message.header, IFLA_VF_SPOOFCHK, 0, UINT32_MAX);
	setting_put(&message.header, IFLA_VF_LINK_STATE, 0, 77);
	mnl_attr_nest_end(&message.header, info);
	mnl_attr_nest_end(&message.header, list);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), 0);
	assert_false(table.vfs[0].has_spoofchk || table.vfs[0].has_trust);
	assert_false(table.vfs[0].spoofchk || table.vfs[0].trust);
	assert_int_equal(table.vfs[0].link_state, VF_LINK_AUTO);
	vf_table_done(&table);
}

static void pf_without_vfs_has_none(void **state)
{
	struct vf_table table = {.total = 99};
	struct message message;

	vfs_begin(&message.header, 0);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), 0);
	assert_null(table.vfs);
	assert_int_equal(table.count, 0);
	/* VFs that the driver tells nothing of are VFs. */
	vfs_begin(&message.header, 4);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), 0);
	assert_int_equal(table.count, 4);
	vf_table_done(&table);
}

static void list_put(struct large *large, uint32_t count)
{
	struct nlattr *list;

	vfs_begin(&large->header, count);
	list = mnl_attr_nest_start(&large->header, IFLA_VFINFO_LIST);
	for (uint32_t i = 0; i < count; i++)
		vf_put(&large->header, i, i, i % 2, i % 3);
	mnl_attr_nest_end(&large->header, list);
}

/* The list's length has 16 bits, and the kernel lets it run over. */
static void many_vfs_are_read(void **state)
{
	static struct large large;
	struct vf_table table = {};

	list_put(&large, 256);
	assert_true(large.header.nlmsg_len < 0xffff);
	assert_int_equal(rtnl_vf_decode(&large.header, &table), 0);
	assert_int_equal(table.count, 256);
	for (uint32_t i = 0; i < 256; i++) {
		assert_int_equal(table.vfs[i].mac.bytes[5], i);
		assert_int_equal(table.vfs[i].vlan, i);
		assert_int_equal(table.vfs[i].spoofchk, i % 2);
		assert_int_equal(table.vfs[i].link_state, i % 3);
	}
	vf_table_done(&table);
	list_put(&large, 400);
	assert_int_equal(rtnl_vf_decode(&large.header, &table), -EBADMSG);
	assert_null(table.vfs);
}

static void vf_made_meanwhile_is_left_out(void **state)
{
	struct vf_table table = {};
	struct message message;
	struct nlattr *list;

	vfs_begin(&message.header, 1);
	list = mnl_attr_nest_start(&message.header, IFLA_VFINFO_LIST);
	vf_put(&message.header, 1, 0, 0, 0);
	vf_put(&message.header, UINT32_MAX, 0, 0, 0);
	mnl_attr_nest_end(&message.header, list);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), 0);
	assert_int_equal(table.count, 1);
	assert_true(mac_is_zero(&table.vfs[0].mac));
	vf_table_done(&table);
}

static void vf_lies_are_refused(void **state)
{
	static const struct {
		uint16_t type;
		size_t size;
	} lies[] = {
		{IFLA_VF_MAC, 6},      {IFLA_VF_MAC, 40},   {IFLA_VF_VLAN, 8},
		{IFLA_VF_SPOOFCHK, 4}, {IFLA_VF_TRUST, 12}, {IFLA_VF_LINK_STATE, 0},
	};
	static const uint8_t zeros[64];
	struct vf_table table = {.total = 99};
	struct nlattr *list, *info;
	struct message message;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		vfs_begin(&message.header, 1);
		list = mnl_attr_nest_start(&message.header, IFLA_VFINFO_LIST);
		info = mnl_attr_nest_start(&message.header, IFLA_VF_INFO);
		mac_put(&message.header, 0);
		mnl_attr_put(&message.header, lies[i].type, lies[i].size, zeros);
		mnl_attr_nest_end(&message.header, info);
		mnl_attr_nest_end(&message.header, list);
		assert_int_equal(rtnl_vf_decode(&message.header, &table), -EBADMSG);
	}
	vfs_begin(&message.header, 1); /* of which VF? */
	list = mnl_attr_nest_start(&message.header, IFLA_VFINFO_LIST);
	info = mnl_attr_nest_start(&message.header, IFLA_VF_INFO);
	mnl_attr_nest_end(&message.header, info);
	mnl_attr_nest_end(&message.header, list);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), -EBADMSG);
	vfs_begin(&message.header, 4097);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), -EBADMSG);
	vfs_begin(&message.header, 1);
	mnl_attr_put_u8(&message.header, IFLA_NUM_VF, 1);
	assert_int_equal(rtnl_vf_decode(&message.header, &table), -EBADMSG);
	assert_int_equal(table.total, 99);
}

static void vfs_of_others_are_told_apart(void **state)
{
	struct vf_table table = {.total = 99};
	struct message message;

	vfs_begin(&message.header, 1);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(&message.header))->ifi_family = AF_BRIDGE;
	assert_int_equal(rtnl_vf_decode(&message.header, &table), -EAFNOSUPPORT);
	message.header.nlmsg_type = RTM_DELLINK;
	assert_int_equal(rtnl_vf_decode(&message.header, &table), -ENOMSG);
	assert_int_equal(table.total, 99);
}

static int decode_vfs(const struct nlmsghdr *message)
{
	struct vf_table table = {};
	int err = rtnl_vf_decode(message, &table);

	vf_table_done(&table);
	return err;
}

static void messages_cut_anywhere_are_safe(void **state)
{
	struct message message;
	struct nlattr *list;

	vlan_message(&message, vlan_cases[3].infos);
	assert_cut_anywhere_is_safe(&message.header, decode_vlan);
	(void)fdb_begin(&message, NUD_STALE, 0);
	mnl_attr_put(&message.header, NDA_LLADDR, sizeof(mac_one), &mac_one);
	assert_cut_anywhere_is_safe(&message.header, decode_fdb);
	vfs_begin(&message.header, 2);
	list = mnl_attr_nest_start(&message.header, IFLA_VFINFO_LIST);
	vf_put(&message.header, 0, 0, 1, 0);
	vf_put(&message.header, 1, 0, 1, 0);
	mnl_attr_nest_end(&message.header, list);
	assert_cut_anywhere_is_safe(&message.header, decode_vfs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_is_read),
		cmocka_unit_test(vlans_are_read),
		cmocka_unit_test(vlan_lies_are_refused),
		cmocka_unit_test(vlans_of_others_are_told_apart),
		cmocka_unit_test(fdb_is_read),
		cmocka_unit_test(fdb_of_others_is_told_apart),
		cmocka_unit_test(vfs_are_read),
		cmocka_unit_test(vf_with_little_is_read),
		cmocka_unit_test(pf_without_vfs_has_none),
		cmocka_unit_test(many_vfs_are_read),
		cmocka_unit_test(vf_made_meanwhile_is_left_out),
		cmocka_unit_test(vf_lies_are_refused),
		cmocka_unit_test(vfs_of_others_are_told_apart),
		cmocka_unit_test(messages_cut_anywhere_are_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
