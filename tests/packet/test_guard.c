// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose frames enter the host at a guest's port (H5, H6): rules, frame -> verdict and count. */
#include "run.h"
#include "world.h"

#include "base/strings.h"
#include "model/guard.h"

#include "datapath/guard.skel.h" /* uses the types of model/ */

#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>

/* Who may send, by the table's columns. */
enum rules {
	OWN,
	TEAMED,
	EIGHT,
	ANY,
	ANY_TEAMED,
	NOBODY,
	RULES_COUNT
};
#define ALL ((1U << RULES_COUNT) - 1)
#define TEAMS (1U << TEAMED | 1U << EIGHT | 1U << ANY_TEAMED)
#define ANYS (1U << ANY | 1U << ANY_TEAMED)
#define KNOWN (ALL & ~(1U << NOBODY))

static const struct {
	uint32_t any;
	const char *macs[GUARD_MACS];
} rules[RULES_COUNT] = {
	[OWN] = {0, {MAC_A}},
	[TEAMED] = {0, {MAC_A, MAC_B}},
	[EIGHT] = {0,
		   {MAC_A, "525400 000001", "525400 000002", "525400 000003", "525400 000004",
		    "525400 000005", MAC_C, MAC_B}},
	[ANY] = {1, {MAC_A}},
	[ANY_TEAMED] = {1, {MAC_A, MAC_B}},
	[NOBODY] = {0, {}},
};

static struct guard_bpf *programs[RULES_COUNT];

struct guard_case {
	const char *what, *frame;
	unsigned passes; /* a bit for each of the rules */
	unsigned mate;	 /* of them: counted as a team mate's */
	bool group;	 /* what does not pass is counted so, if the source is permitted */
};

static const struct guard_case cases[] = {
	{"its own", MAC_PEER MAC_A TCP4, KNOWN, 0, false},
	{"its own, broadcast", MAC_BROADCAST MAC_A ARP("01"), KNOWN, 0, false},
	{"its own, multicast", MAC_MULTICAST6 MAC_A IP6_TO("11", GROUP6) UDP("14e9"), KNOWN, 0,
	 false},
	{"its own, in a VLAN", MAC_PEER MAC_A VLAN TCP4, KNOWN, 0, false},
	{"its own, in QinQ", MAC_PEER MAC_A QINQ TCP4, KNOWN, 0, false},
	{"its own, one byte", MAC_PEER MAC_A "8847 00", KNOWN, 0, false},
	{"its own, a length for a type", MAC_PEER MAC_A "0004 aaaa0300", KNOWN, 0, false},
	{"its own, to itself", MAC_A MAC_A TCP4, KNOWN, 0, false},
	{"a mate's", MAC_PEER MAC_B TCP4, TEAMS | ANYS, TEAMS, false},
	{"a mate's, broadcast", MAC_BROADCAST MAC_B ARP("01"), TEAMS | ANYS, TEAMS, false},
	{"the mate's before the last", MAC_PEER MAC_C TCP4, 1U << EIGHT | ANYS, 1U << EIGHT, false},
	{"a foreigner's", MAC_PEER MAC_FOREIGN TCP4, ANYS, 0, false},
	{"a foreigner's, broadcast", MAC_BROADCAST MAC_FOREIGN ARP("01"), ANYS, 0, false},
	{"its own but for the first bit", MAC_PEER "d25400 00000a " TCP4, ANYS, 0, false},
	{"its own but for the second word", MAC_PEER "525401 00000a " TCP4, ANYS, 0, false},
	{"its own but for the last bit", MAC_PEER "525400 00008a " TCP4, ANYS, 0, false},
	{"its own, as a group", MAC_PEER "535400 00000a " TCP4, 0, 0, false},
	{"a group's", MAC_PEER MAC_MULTICAST4 UDP4, 0, 0, false},
	{"broadcast's", MAC_PEER MAC_BROADCAST UDP4, 0, 0, false},
	{"zero's", MAC_PEER MAC_ZERO TCP4, 0, 0, false},
	{"zero's but for the last byte", MAC_PEER "000000 000001 " TCP4, ANYS, 0, false},
	{"all zero", MAC_ZERO MAC_ZERO "0000 00", 0, 0, false},

	{"a tree's hello", "0180c2 000000 " MAC_A "0026 424203 0000", 0, 0, true},
	{"a tree's hello in a VLAN", "0180c2 000000 " MAC_A VLAN "0026 424203 0000", 0, 0, true},
	{"a pause", "0180c2 000001 " MAC_A "8808 0001 ffff", 0, 0, true},
	{"LLDP", "0180c2 00000e " MAC_A "88cc 0207 04", 0, 0, true},
	{"the last of the link-local ones", "0180c2 00000f " MAC_A "88cc 00", 0, 0, true},
	{"a group behind them", "0180c2 000010 " MAC_A "88cc 00", KNOWN, 0, false},
	{"the last before MVRP's", "0180c2 00001f " MAC_A "88cc 00", KNOWN, 0, false},
	{"MMRP", "0180c2 000020 " MAC_A "88f6 00", 0, 0, true},
	{"MVRP", "0180c2 000021 " MAC_A "88f5 00", 0, 0, true},
	{"the last of these", "0180c2 00002f " MAC_A "88f5 00", 0, 0, true},
	{"a group behind these", "0180c2 000030 " MAC_A "8902 00", KNOWN, 0, false},
	{"a group far behind", "0180c2 000100 " MAC_A "8902 00", KNOWN, 0, false},
	{"a group that only ends so", "0180c3 000000 " MAC_A "8902 00", KNOWN, 0, false},
	{"unicast that looks so", "0080c2 000000 " MAC_A "8902 00", KNOWN, 0, false},
	{"CDP", "01000c cccccc " MAC_A "0022 aaaa03", 0, 0, true},
	{"a tree's hello for each VLAN", "01000c cccccd " MAC_A "0032 aaaa03", 0, 0, true},
	{"a group behind it", "01000c ccccce " MAC_A "0032 aaaa03", KNOWN, 0, false},
	{"Cisco's, another", "01000c cdcdcd " MAC_A "0032 aaaa03", KNOWN, 0, false},
};

static struct guard_counts read_counts(const struct guard_bpf *of)
{
	struct guard_counts each[256] = {}, sum = {};
	int cpus = libbpf_num_possible_cpus();
	uint32_t only = 0;

	assert_in_range(cpus, 1, ARRAY_SIZE(each));
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(of->maps.counts), &only, each), 0);
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.passed += each[cpu].passed;
		sum.refused += each[cpu].refused;
		sum.passed_mate += each[cpu].passed_mate;
		sum.refused_group += each[cpu].refused_group;
	}
	return sum;
}

static void clear_counts(const struct guard_bpf *of)
{
	static const struct guard_counts zero[256];
	uint32_t only = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(of->maps.counts), &only, zero, BPF_ANY),
			 0);
}

static void assert_case(const struct guard_case *expected, enum rules who)
{
	const struct guard_bpf *of = programs[who];
	bool passes = expected->passes & 1U << who, group = expected->group && who != NOBODY;
	struct guard_counts counts, right = {
					    .passed = passes,
					    .passed_mate = (expected->mate >> who) & 1,
					    .refused = !passes && !group,
					    .refused_group = group,
				    };
	struct run run;

	clear_counts(of);
	run_text(bpf_program__fd(of->progs.guard_ingress), expected->frame, 0, RUN_LO, 0, &run);
	counts = read_counts(of);
	if (run.verdict != (passes ? RUN_NEXT : RUN_DROP))
		fail_msg("%s, rules %d: verdict %d", expected->what, who, run.verdict);
	if (memcmp(&counts, &right, sizeof(counts)) != 0)
		fail_msg("%s, rules %d: counted elsewhere", expected->what, who);
	assert_int_equal(run.out_length, run.in_length);
	assert_memory_equal(run.out, run.in, run.in_length);
}

static void test_table(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (enum rules who = 0; who < RULES_COUNT; who++)
			assert_case(&cases[i], who);
}

/* Each of the 48 bits of a source counts, and so does each place of the rules. */
static void test_each_bit(void **unused)
{
	int fd = bpf_program__fd(programs[EIGHT]->progs.guard_ingress);
	int fd_own = bpf_program__fd(programs[OWN]->progs.guard_ingress);
	struct run run;

	(void)unused;
	for (unsigned place = 0; place < GUARD_MACS; place++) {
		const struct mac mac = frame_mac(rules[EIGHT].macs[place]);

		run_text(fd, MAC_PEER MAC_A TCP4, 0, RUN_LO, 0, &run);
		memcpy(run.in + 6, mac.bytes, sizeof(mac.bytes));
		run_again(fd, &run);
		assert_int_equal(run.verdict, RUN_NEXT);
	}
	for (unsigned bit = 0; bit < 48; bit++) {
		run_text(fd_own, MAC_PEER MAC_A TCP4, 0, RUN_LO, 0, &run);
		run.in[6 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		run_again(fd_own, &run);
		assert_int_equal(run.verdict, RUN_DROP);
	}
}

static void load_rules(enum rules who)
{
	struct guard_bpf *of = guard_bpf__open();
	struct guard_rules *to;

	assert_non_null(of);
	to = &of->rodata->rules;
	to->any = rules[who].any;
	for (; to->count < GUARD_MACS && rules[who].macs[to->count]; to->count++) {
		const struct mac mac = frame_mac(rules[who].macs[to->count]);

		memcpy(to->macs[to->count], mac.bytes, sizeof(mac.bytes));
	}
	assert_int_equal(guard_bpf__load(of), 0);
	programs[who] = of;
}

static int make_programs(void **state)
{
	if (world_make(state))
		return -1;
	for (enum rules who = 0; who < RULES_COUNT; who++)
		load_rules(who);
	return 0;
}

static int end_programs(void **state)
{
	for (enum rules who = 0; who < RULES_COUNT; who++)
		guard_bpf__destroy(programs[who]);
	return world_end(state);
}

#define PROGRAMS(test) cmocka_unit_test_setup_teardown(test, make_programs, end_programs)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROGRAMS(test_table),
		PROGRAMS(test_each_bit),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
