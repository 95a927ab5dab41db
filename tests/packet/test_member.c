// SPDX-License-Identifier: GPL-2.0-or-later
/* What a member takes in for the team (T9), and the source that it sends with (T7): exact bytes. */
#include "run.h"
#include "world.h"

#include "base/strings.h"
#include "model/drop.h"
#include "model/probe.h"
#include "model/station.h"

#include "datapath/member.skel.h" /* uses the types of model/ */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#define COUNTED_NOTHING DROP_CAUSE_COUNT

struct member {
	unsigned slot;
	const char *name, *mac;
	struct member_bpf *programs;
	int ifindex;
};

/* A is the primary; their devices are real, since the MAC decides what is "for this host". */
static struct member members[] = {
	{.slot = SLOT_A, .name = "a", .mac = "52:54:00:00:00:0a"},
	{.slot = SLOT_B, .name = "b", .mac = "52:54:00:00:00:0b"},
	{.slot = SLOT_Z, .name = "z", .mac = "52:54:00:00:00:1f"},
};

struct member_case {
	const char *what, *in, *out; /* out NULL: unchanged */
	unsigned slot;
	enum drop_cause cause; /* COUNTED_NOTHING: it passes */
};

#define PASS(what, slot, in)                                                                       \
	{                                                                                          \
		what, in, NULL, slot, COUNTED_NOTHING                                              \
	}
#define BECOME(what, slot, in, out)                                                                \
	{                                                                                          \
		what, in, out, slot, COUNTED_NOTHING                                               \
	}
#define DROP(what, slot, in, cause)                                                                \
	{                                                                                          \
		what, in, NULL, slot, cause                                                        \
	}

#define LLDP " 88cc 0207 04 000000000000 0000"
#define BRIDGED " 525400 0000f1 " /* a neighbour of FOREIGN, on the other side */

static const struct member_case ingress[] = {
	PASS("own unicast on the primary", SLOT_A, MAC_A MAC_PEER TCP4),
	PASS("own unicast in a VLAN on the primary", SLOT_A, MAC_A MAC_PEER VLAN TCP4),
	PASS("own ARP reply on the primary", SLOT_A, MAC_A MAC_PEER ARP("02")),
	BECOME("own unicast beside the primary", SLOT_B, MAC_B MAC_PEER TCP4, MAC_A MAC_PEER TCP4),
	BECOME("own unicast on the last slot", SLOT_Z, MAC_Z MAC_PEER TCP6, MAC_A MAC_PEER TCP6),
	BECOME("own unicast in a VLAN beside the primary", SLOT_B, MAC_B MAC_PEER VLAN TCP4,
	       MAC_A MAC_PEER VLAN TCP4),
	BECOME("own unicast in QinQ beside the primary", SLOT_B, MAC_B MAC_PEER QINQ UDP4,
	       MAC_A MAC_PEER QINQ UDP4),
	BECOME("ARP for the member itself", SLOT_B, MAC_B MAC_PEER ARP("01"),
	       MAC_A MAC_PEER ARP("01")),
	BECOME("one byte", SLOT_B, MAC_B MAC_PEER "8847 00", MAC_A MAC_PEER "8847 00"),

	PASS("broadcast on the primary", SLOT_A, MAC_BROADCAST MAC_PEER ARP("01")),
	PASS("multicast on the primary", SLOT_A, MAC_MULTICAST4 MAC_PEER UDP4),
	DROP("broadcast beside the primary", SLOT_B, MAC_BROADCAST MAC_PEER ARP("01"),
	     DROP_NOT_PRIMARY),
	DROP("broadcast on the last slot", SLOT_Z, MAC_BROADCAST MAC_PEER ARP("01"),
	     DROP_NOT_PRIMARY),
	DROP("IPv4 multicast beside the primary", SLOT_B, MAC_MULTICAST4 MAC_PEER UDP4,
	     DROP_NOT_PRIMARY),
	DROP("IPv6 multicast beside the primary", SLOT_B,
	     MAC_MULTICAST6 MAC_PEER IP6_TO("11", GROUP6) UDP("14e9"), DROP_NOT_PRIMARY),
	DROP("multicast in a VLAN beside the primary", SLOT_B, MAC_MULTICAST4 MAC_PEER VLAN UDP4,
	     DROP_NOT_PRIMARY),

	PASS("LLDP on the primary", SLOT_A, "0180c2 00000e " MAC_PEER LLDP),
	PASS("a tree's hello", SLOT_B, "0180c2 000000 " MAC_PEER "0026 424203 0000"),
	DROP("our own LLDP, reflected", SLOT_B, "0180c2 00000e " MAC_A LLDP, DROP_REFLECTED),
	DROP("a group behind link-local ones", SLOT_B, "0180c2 000010 " MAC_PEER LLDP,
	     DROP_NOT_PRIMARY),
	DROP("a group far behind link-local ones", SLOT_B, "0180c2 00010e " MAC_PEER LLDP,
	     DROP_NOT_PRIMARY),
	DROP("a group that only ends so", SLOT_B, "0180c3 00000e " MAC_PEER LLDP, DROP_NOT_PRIMARY),

	DROP("our own broadcast on the primary", SLOT_A, MAC_BROADCAST MAC_A ARP("01"),
	     DROP_REFLECTED),
	DROP("our own broadcast, sent by a mate", SLOT_A, MAC_BROADCAST MAC_B ARP("01"),
	     DROP_REFLECTED),
	DROP("our own broadcast beside the primary", SLOT_B, MAC_BROADCAST MAC_A ARP("01"),
	     DROP_REFLECTED),
	DROP("our own multicast, sent by the last slot", SLOT_B, MAC_MULTICAST4 MAC_Z UDP4,
	     DROP_REFLECTED),
	DROP("our own unicast, flooded", SLOT_A, MAC_PEER MAC_B TCP4, DROP_REFLECTED),
	DROP("our own unicast, flooded, beside the primary", SLOT_B, MAC_PEER MAC_A TCP4,
	     DROP_REFLECTED),
	DROP("our own unicast to a mate, flooded", SLOT_A, MAC_B MAC_C TCP4, DROP_REFLECTED),

	DROP("a mate's unicast, flooded to the primary", SLOT_A, MAC_B MAC_PEER TCP4,
	     DROP_OTHER_MEMBER),
	DROP("the last slot's unicast, flooded to the primary", SLOT_A, MAC_Z MAC_PEER TCP4,
	     DROP_OTHER_MEMBER),
	DROP("the primary's unicast, flooded", SLOT_B, MAC_A MAC_PEER TCP4, DROP_NOT_PRIMARY),
	DROP("a mate's unicast, flooded beside the primary", SLOT_B, MAC_C MAC_PEER TCP4,
	     DROP_NOT_PRIMARY),

	PASS("unicast for a bridge on the primary", SLOT_A, MAC_FOREIGN MAC_PEER TCP4),
	PASS("unicast between others on the primary", SLOT_A, MAC_FOREIGN BRIDGED TCP4),
	DROP("unicast for a bridge beside the primary", SLOT_B, MAC_FOREIGN MAC_PEER TCP4,
	     DROP_NOT_PRIMARY),
};

static const struct member_case egress[] = {
	PASS("own source on the primary", SLOT_A, MAC_PEER MAC_A TCP4),
	PASS("own source beside the primary", SLOT_B, MAC_PEER MAC_B TCP4),
	BECOME("the team's source", SLOT_B, MAC_PEER MAC_A TCP4, MAC_PEER MAC_B TCP4),
	BECOME("the team's source, last slot", SLOT_Z, MAC_PEER MAC_A TCP6, MAC_PEER MAC_Z TCP6),
	BECOME("a mate's source", SLOT_B, MAC_PEER MAC_C TCP4, MAC_PEER MAC_B TCP4),
	BECOME("a mate's source on the primary", SLOT_A, MAC_PEER MAC_B TCP4, MAC_PEER MAC_A TCP4),
	BECOME("the last slot's source", SLOT_B, MAC_PEER MAC_Z TCP4, MAC_PEER MAC_B TCP4),
	BECOME("the team's source in a VLAN", SLOT_B, MAC_PEER MAC_A VLAN TCP4,
	       MAC_PEER MAC_B VLAN TCP4),
	BECOME("the team's broadcast", SLOT_B, MAC_BROADCAST MAC_A ARP("01"),
	       MAC_BROADCAST MAC_B ARP("01")),
	BECOME("one byte", SLOT_B, MAC_PEER MAC_A "8847 00", MAC_PEER MAC_B "8847 00"),
	PASS("a foreign source on the primary", SLOT_A, MAC_PEER MAC_FOREIGN TCP4),
	PASS("a foreign source beside the primary", SLOT_B, MAC_PEER MAC_FOREIGN TCP4),
	PASS("a foreign broadcast", SLOT_B, MAC_BROADCAST MAC_FOREIGN ARP("01")),
};

static struct member *member_of(unsigned slot)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (members[i].slot == slot)
			return &members[i];
	fail_msg("no member in slot %u", slot);
	return NULL;
}

static void assert_case(const struct member_case *test, const struct member *member, int fd)
{
	struct pick_state *state = &member->programs->data_state->state, before = *state;
	struct drop_counts *drops = &member->programs->data_drops->drops, expected = *drops;
	uint8_t out[FRAME_MAX];
	size_t length = frame_parse(test->out ? test->out : test->in, 0, out);
	bool passes = test->cause == COUNTED_NOTHING;
	struct run run;

	if (!passes)
		expected.frames[test->slot][test->cause]++;
	run_text(fd, test->in, 0, member->ifindex, 0, &run);
	if (run.verdict != (passes ? RUN_NEXT : RUN_DROP))
		fail_msg("%s: verdict %d", test->what, run.verdict);
	if (run.out_length != length || memcmp(run.out, out, length) != 0)
		fail_msg("%s: not the bytes that were expected", test->what);
	if (memcmp(drops, &expected, sizeof(expected)) != 0)
		fail_msg("%s: not what should be counted", test->what);
	assert_memory_equal(state, &before, sizeof(before));
}

static void test_ingress(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(ingress); i++) {
		const struct member *member = member_of(ingress[i].slot);

		assert_case(&ingress[i], member,
			    bpf_program__fd(member->programs->progs.member_ingress));
	}
}

/* T17: until the daemon has chosen, the heir of a lost primary receives what is the primary's. */
static void test_heir(void **unused)
{
	static const struct member_case lost[] = {
		PASS("broadcast on the heir", SLOT_B, MAC_BROADCAST MAC_PEER ARP("01")),
		PASS("unicast for a bridge on the heir", SLOT_B, MAC_FOREIGN MAC_PEER TCP4),
		BECOME("own unicast on the heir: the team's MAC is still the old one", SLOT_B,
		       MAC_B MAC_PEER TCP4, MAC_A MAC_PEER TCP4),
		DROP("broadcast on the lost primary", SLOT_A, MAC_BROADCAST MAC_PEER ARP("01"),
		     DROP_NOT_PRIMARY),
		DROP("broadcast beside the heir", SLOT_Z, MAC_BROADCAST MAC_PEER ARP("01"),
		     DROP_NOT_PRIMARY),
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(lost); i++) {
		const struct member *member = member_of(lost[i].slot);
		struct pick_state *state = &member->programs->data_state->state;

		state->lost = 1U << SLOT_A;
		state->heir = SLOT_B + 1;
		assert_case(&lost[i], member,
			    bpf_program__fd(member->programs->progs.member_ingress));
		state->lost = 0;
		state->heir = 0;
	}
}

/* T9: what a bridge on the team has just broadcast comes back from the NIC; its unicast may. */
static void test_foreign_reflection(void **unused)
{
	static const struct member_case fresh[] = {
		DROP("a foreign broadcast, just sent", SLOT_A, MAC_BROADCAST MAC_FOREIGN ARP("01"),
		     DROP_REFLECTED),
		DROP("a foreign multicast, just sent", SLOT_A, MAC_MULTICAST4 MAC_FOREIGN TCP4,
		     DROP_REFLECTED),
		PASS("a broadcast of somebody else", SLOT_A, MAC_BROADCAST MAC_PEER ARP("01")),
		PASS("its unicast, after it has moved", SLOT_A, MAC_PEER MAC_FOREIGN TCP4),
	};
	static const struct member_case stale[] = {
		PASS("a foreign broadcast, long ago", SLOT_A, MAC_BROADCAST MAC_FOREIGN ARP("01")),
	};
	const struct member *member = member_of(SLOT_A);
	int stations = bpf_map__fd(member->programs->maps.stations);
	struct station now = {monotonic(), monotonic()};
	struct station then = {now.seen_ns, now.flooded_ns - 1000 * 1000 * 1000ULL};
	struct station_key key = {}, in_vlan = {.vlan = 100};
	uint8_t foreign[8];

	(void)unused;
	(void)frame_parse(MAC_FOREIGN, 0, foreign);
	memcpy(key.mac, foreign, sizeof(key.mac));
	memcpy(in_vlan.mac, foreign, sizeof(in_vlan.mac));
	/* The same MAC in a VLAN is another station. */
	assert_int_equal(bpf_map_update_elem(stations, &in_vlan, &now, BPF_ANY), 0);
	assert_case(&stale[0], member, bpf_program__fd(member->programs->progs.member_ingress));
	assert_int_equal(bpf_map_update_elem(stations, &key, &now, BPF_ANY), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fresh); i++)
		assert_case(&fresh[i], member,
			    bpf_program__fd(member->programs->progs.member_ingress));
	assert_int_equal(bpf_map_update_elem(stations, &key, &then, BPF_ANY), 0);
	assert_case(&stale[0], member, bpf_program__fd(member->programs->progs.member_ingress));
	/* It is heard from outside, so it has moved there: it is not the team's to announce. */
	assert_int_equal(bpf_map_lookup_elem(stations, &key, &then), -ENOENT);
	assert_int_equal(bpf_map_lookup_elem(stations, &in_vlan, &then), 0);
}

static void test_egress(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(egress); i++) {
		const struct member *member = member_of(egress[i].slot);

		assert_case(&egress[i], member,
			    bpf_program__fd(member->programs->progs.member_egress));
	}
}

/* 01:80:c2:00:00:00 to 0f never leave their cable (802.1Q, 8.6.3): each is the member's own. */
static void test_link_local(void **unused)
{
	const struct member *member = member_of(SLOT_B);

	(void)unused;
	for (unsigned last = 0; last < 0x20; last++) {
		struct run run;

		run_text(bpf_program__fd(member->programs->progs.member_ingress),
			 "0180c2 0000xx " MAC_PEER LLDP, (uint8_t)last, member->ifindex, 0, &run);
		assert_int_equal(run.verdict, last < 0x10 ? RUN_NEXT : RUN_DROP);
		assert_memory_equal(run.out, run.in, run.in_length);
	}
}

/* After a planned switchover: who still sends to the old primary is heard (T9), broadcast moves. */
static void test_switchover(void **unused)
{
	static const struct member_case after[] = {
		BECOME("the old primary's unicast", SLOT_A, MAC_A MAC_PEER TCP4,
		       MAC_B MAC_PEER TCP4),
		PASS("the new primary's unicast", SLOT_B, MAC_B MAC_PEER TCP4),
		DROP("broadcast on the old", SLOT_A, MAC_BROADCAST MAC_PEER UDP4, DROP_NOT_PRIMARY),
		PASS("broadcast on the new", SLOT_B, MAC_BROADCAST MAC_PEER UDP4),
		DROP("the old one's unicast, flooded", SLOT_B, MAC_A MAC_PEER TCP4,
		     DROP_OTHER_MEMBER),
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct pick_state *state = &members[i].programs->data_state->state;

		state->primary = SLOT_B;
		memcpy(state->team_mac, state->member_macs[SLOT_B], sizeof(state->team_mac));
	}
	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		const struct member *member = member_of(after[i].slot);

		assert_case(&after[i], member,
			    bpf_program__fd(member->programs->progs.member_ingress));
	}
}

static void make_member(struct member *member)
{
	char peer[16];

	(void)snprintf(peer, sizeof(peer), "%s-peer", member->name);
	member->ifindex = world_veth(member->name, member->mac, peer, 1);
	member->programs = member_bpf__open();
	assert_non_null(member->programs);
	member->programs->rodata->slot = member->slot;
	assert_int_equal(member_bpf__load(member->programs), 0);
	frame_members(&member->programs->data_state->state);
}

static int make_members(void **state)
{
	if (world_make(state))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		make_member(&members[i]);
	return 0;
}

static int end_members(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		member_bpf__destroy(members[i].programs);
	return world_end(state);
}

#define MEMBERS(test) cmocka_unit_test_setup_teardown(test, make_members, end_members)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MEMBERS(test_heir),   MEMBERS(test_ingress),	MEMBERS(test_foreign_reflection),
		MEMBERS(test_egress), MEMBERS(test_link_local), MEMBERS(test_switchover),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
