// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/doctor (H11): each check finds what it is for, and nothing where all is well. A case
 * says how a healthy machine is changed, and which findings that makes, worst first.
 */
#include "base/strings.h"
#include "core/doctor.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define BOND 10
#define ETHER 1

/* A guest with a team of two, and a host with two switches and a VM on both. */
enum {
	ENS4,
	ENS5,
	BR,
	TEAM,
	NIC_A,
	NIC_B,
	LINK_COUNT
};

struct machine {
	struct link links[LINK_COUNT + 1];
	struct link_table table;
	struct link_address addresses[2];
	struct team_config config;
	struct doctor_team team;
	struct switch_list switches;
	struct vm_list vms;
	struct doctor_facts facts;
};

static void make_links(struct machine *m)
{
	static const struct link links[] = {
		[ENS4] = {.ifindex = 2, .name = "ens4", .bus = "pci", .bus_id = "0000:00:04.0"},
		[ENS5] = {.ifindex = 3, .name = "ens5", .bus = "pci", .bus_id = "0000:00:05.0"},
		[BR] = {.ifindex = 4, .name = "br0", .kind = "bridge"},
		[TEAM] = {.ifindex = BOND, .name = "team0", .kind = "bond"},
		[NIC_A] = {.ifindex = 11, .name = "ens1f0", .bus = "pci", .bus_id = "0000:01:00.0"},
		[NIC_B] = {.ifindex = 12, .name = "ens2f0", .bus = "pci", .bus_id = "0000:02:00.0"},
	};

	memcpy(m->links, links, sizeof(links));
	for (int i = 0; i < LINK_COUNT; i++) {
		m->links[i].type = ETHER;
		m->links[i].flags = IFF_UP;
		m->links[i].carrier = true;
		m->links[i].mtu = 1500;
	}
	for (int i = ENS4; i <= ENS5; i++) {
		m->links[i].master = BOND;
		strcpy(m->links[i].slave_kind, "bond");
	}
	m->links[TEAM].bond.miimon = 100;
	m->links[TEAM].bond.mode = 1;
	m->links[TEAM].bond.fail_over_mac = LINK_FAIL_OVER_MAC_ACTIVE;
	m->links[TEAM].tx_queues = 33;
	m->table = (struct link_table){.links = m->links, .count = LINK_COUNT};
}

static void make_team(struct machine *m)
{
	strcpy(m->config.name, "team0");
	m->config.member_count = 2;
	m->addresses[0] = (struct link_address){
		.ifindex = BOND, .family = AF_INET, .prefix = 24, .flags = IFA_F_PERMANENT};
	m->team =
		(struct doctor_team){.config = &m->config, .bond = &m->links[TEAM], .trouble = ""};
	for (int i = ENS4; i <= ENS5; i++) {
		strcpy(m->config.members[i].device, m->links[i].name);
		m->team.members[i] = (struct doctor_member){
			.config = &m->config.members[i],
			.name = m->links[i].name,
			.link = &m->links[i],
		};
	}
}

static void make_host(struct machine *m)
{
	static const struct switch_config switches[] = {
		{.name = "A", .nic = "ens1f0", .iov = 1},
		{.name = "B", .nic = "ens2f0", .iov = 1},
	};
	static const struct vm_config vm = {
		.name = "web1",
		.qmp = "/run/web1.qmp",
		.adapter_count = 2,
		.adapters = {{.name = "nicA",
			      .switch_name = "A",
			      .iov_weight = 100,
			      .allow_teaming = 1},
			     {.name = "nicB",
			      .switch_name = "B",
			      .iov_weight = 100,
			      .allow_teaming = 1}},
	};

	m->switches.count = 2;
	memcpy(m->switches.switches, switches, sizeof(switches));
	m->vms.count = 1;
	m->vms.vms[0] = vm;
}

static struct machine *machine_new(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	make_links(m);
	make_team(m);
	make_host(m);
	m->facts = (struct doctor_facts){
		.links = &m->table,
		.addresses = m->addresses,
		.address_count = 1,
		.teams = &m->team,
		.team_count = 1,
		.switches = &m->switches,
		.vms = &m->vms,
		.files_trouble = "",
	};
	return m;
}

/* --- how it is changed --- */

static void lose(struct machine *m, int member, enum member_reason reason)
{
	m->team.members[member].state = MEMBER_FAILED;
	m->team.members[member].reason = reason;
	m->team.state = TEAM_DEGRADED;
}

static void nothing(struct machine *m)
{
	(void)m;
}

static void no_bond(struct machine *m)
{
	lose(m, ENS4, REASON_UNKNOWN);
	lose(m, ENS5, REASON_UNKNOWN);
	m->links[ENS4].master = m->links[ENS5].master = 0;
	m->team.state = TEAM_DOWN;
	m->team.bond = NULL;
	m->team.trouble = "the kernel has no bonding";
}

static void all_lost(struct machine *m)
{
	lose(m, ENS4, REASON_MEDIA_DISCONNECTED);
	lose(m, ENS5, REASON_ADMINISTRATIVE_DECISION);
	m->team.state = TEAM_DOWN;
}

static void one_member(struct machine *m)
{
	m->config.member_count = 1;
}

static void one_slave(struct machine *m)
{
	m->config.member_count = 1;
	m->config.adopt = 1;
}

static void one_lost(struct machine *m)
{
	lose(m, ENS4, REASON_MEDIA_DISCONNECTED);
}

static void one_silent(struct machine *m)
{
	lose(m, ENS4, REASON_PATH_UNRESPONSIVE);
}

static void one_gone(struct machine *m)
{
	lose(m, ENS5, REASON_NOT_PRESENT);
	m->team.members[ENS5].link = NULL;
}

static void one_held(struct machine *m)
{
	lose(m, ENS5, REASON_WAITING_FOR_STABLE);
}

static void one_refused(struct machine *m)
{
	lose(m, ENS5, REASON_UNKNOWN);
	m->links[ENS5].master = 4;
	strcpy(m->links[ENS5].slave_kind, "bridge");
}

static void one_standby(struct machine *m)
{
	m->team.members[ENS5].state = MEMBER_STANDBY;
	m->team.members[ENS5].reason = REASON_ADMINISTRATIVE_DECISION;
}

static void one_drained(struct machine *m)
{
	one_standby(m);
	m->team.members[ENS5].drained = true;
}

static void mac_refused(struct machine *m)
{
	m->config.mac_policy = MAC_POLICY_TEAM;
	m->team.members[ENS5].reason = REASON_MAC_NOT_PERMITTED;
}

static void macs_refused(struct machine *m)
{
	mac_refused(m);
	m->team.members[ENS4].reason = REASON_MAC_NOT_PERMITTED;
}

static void two_vlans(struct machine *m)
{
	for (int i = ENS4; i <= ENS5; i++) {
		strcpy(m->links[i].kind, "macvlan");
		m->links[i].lower = 11;
		*m->links[i].bus = '\0';
	}
}

static void two_veths(struct machine *m)
{
	two_vlans(m);
	strcpy(m->links[ENS4].kind, "veth");
	strcpy(m->links[ENS5].kind, "veth");
}

static void vfs_of_one_card(struct machine *m)
{
	strcpy(m->links[ENS4].bus_id, "0000:01:10.0");
	strcpy(m->links[ENS5].bus_id, "0000:01:10.4");
}

static void igbvf(struct machine *m)
{
	strcpy(m->links[ENS4].driver, "igbvf");
}

static void net_failover(struct machine *m)
{
	strcpy(m->links[BR].driver, "virtio_net");
	m->links[BR].master = m->links[ENS4].ifindex;
}

static void virtio(struct machine *m)
{
	strcpy(m->links[ENS4].driver, "virtio_net");
}

static void member_mtu(struct machine *m)
{
	m->links[TEAM].mtu = 9000;
	m->links[ENS4].mtu = 9000;
}

static void member_address(struct machine *m)
{
	m->facts.address_count = 2;
	m->addresses[1] = (struct link_address){
		.ifindex = 2, .family = AF_INET, .prefix = 24, .bytes = {192, 0, 2, 7}};
}

static void link_local(struct machine *m)
{
	member_address(m);
	m->addresses[1].scope = 253;
}

static void networkd(struct machine *m)
{
	m->team.members[ENS4].manager = DEVICE_MANAGER_NETWORKD;
}

static void network_manager(struct machine *m)
{
	m->team.members[ENS5].manager = DEVICE_MANAGER_NETWORKMANAGER;
}

static void managed_slave(struct machine *m)
{
	network_manager(m);
	m->config.adopt = 1;
}

static void leased(struct machine *m)
{
	m->addresses[0].flags = 0;
}

static void leased_one_mac(struct machine *m)
{
	leased(m);
	m->config.mac_policy = MAC_POLICY_TEAM;
}

static void leased_alone(struct machine *m)
{
	leased(m);
	m->config.member_count = 1;
}

static void no_address(struct machine *m)
{
	m->addresses[0].scope = 253;
}

static void address_on_vlan(struct machine *m)
{
	no_address(m);
	m->links[LINK_COUNT] =
		(struct link){.ifindex = 20, .name = "v", .kind = "vlan", .lower = BOND};
	m->table.count++;
}

static void under_bridge(struct machine *m)
{
	no_address(m);
	m->links[TEAM].master = 4;
	strcpy(m->links[TEAM].slave_kind, "bridge");
}

static void bridge_with_a_mac(struct machine *m)
{
	m->links[TEAM].master = 4;
	strcpy(m->links[TEAM].slave_kind, "bridge");
	m->links[ENS4].mac.bytes[5] = m->links[TEAM].mac.bytes[5] = 4;
	m->links[ENS5].mac.bytes[5] = m->links[BR].mac.bytes[5] = 5;
}

/* What it is while ens5 is the primary, and on its way there. */
static void bridge_that_follows(struct machine *m)
{
	bridge_with_a_mac(m);
	m->links[TEAM].mac = m->links[ENS5].mac;
}

static void no_miimon(struct machine *m)
{
	m->links[TEAM].bond.miimon = 0;
}

static void bad_bond(struct machine *m)
{
	m->config.adopt = 1;
	m->links[TEAM].bond.mode = 0;
}

static void trouble(struct machine *m)
{
	m->team.trouble = "the driver of ens4 refuses its MTU";
}

static void files(struct machine *m)
{
	m->facts.files_trouble = "team0.conf:3: there is no setting Colour";
}

static void no_team(struct machine *m)
{
	m->facts.team_count = 0;
}

static void one_switch(struct machine *m)
{
	strcpy(m->vms.vms[0].adapters[1].switch_name, "A");
}

static void only_switch(struct machine *m)
{
	one_switch(m);
	m->switches.count = 1;
}

static void one_switch_no_teaming(struct machine *m)
{
	one_switch(m);
	m->vms.vms[0].adapters[0].allow_teaming = m->vms.vms[0].adapters[1].allow_teaming = 0;
}

static void one_nic(struct machine *m)
{
	strcpy(m->switches.switches[1].nic, "pci-0000:01:00.0");
}

static void one_nic_by_vlan(struct machine *m)
{
	strcpy(m->links[NIC_B].kind, "vlan");
	m->links[NIC_B].lower = 11;
}

static void two_ports(struct machine *m)
{
	strcpy(m->links[NIC_B].bus_id, "0000:01:00.1");
}

static void uplink_down(struct machine *m)
{
	m->links[NIC_A].carrier = false;
}

static void uplink_set_down(struct machine *m)
{
	m->links[NIC_A].flags = 0;
}

static void uplinks_gone(struct machine *m)
{
	strcpy(m->switches.switches[0].nic, "eth7");
	strcpy(m->switches.switches[1].nic, "eth8");
}

static void uplink_of_nobody(struct machine *m)
{
	uplink_down(m);
	m->vms.count = 0;
}

static void vlans(struct machine *m)
{
	m->vms.vms[0].adapters[1].vlan = 7;
}

static void vlans_no_teaming(struct machine *m)
{
	vlans(m);
	m->vms.vms[0].adapters[1].allow_teaming = 0;
}

static void nic_mtus(struct machine *m)
{
	m->links[NIC_A].mtu = 9000;
}

static void one_adapter(struct machine *m)
{
	m->vms.vms[0].adapter_count = 1;
}

static void no_qmp(struct machine *m)
{
	*m->vms.vms[0].qmp = '\0';
}

static void namespace(struct machine *m)
{
	no_qmp(m);
	strcpy(m->vms.vms[0].netns, "web1");
}

static void weight_zero(struct machine *m)
{
	m->vms.vms[0].adapters[1].iov_weight = 0;
}

static void iov_off(struct machine *m)
{
	m->switches.switches[0].iov = 0;
}

static void teamed(struct machine *m)
{
	strcpy(m->links[NIC_A].kind, "bond");
}

static void filter(struct machine *m)
{
	m->facts.bridge_filter = true;
}

static void filter_under_bridge(struct machine *m)
{
	under_bridge(m);
	filter(m);
	m->switches.count = m->vms.count = 0;
}

static void filter_of_others(struct machine *m)
{
	filter(m);
	m->switches.count = m->vms.count = 0;
}

/* @text stands somewhere in what the first finding says. */
static const struct doctor_case {
	const char *text;
	void (*change)(struct machine *m);
	const char *checks;
	const char *says;
} cases[] = {
	{"all well", nothing, "switch-guards", "bind the addresses to both"},
	{"no interface", no_bond, "team-down step-failed member-out member-out switch-guards",
	 "there is no interface team0: the kernel has no bonding"},
	{"no member well", all_lost, "team-down member-out member-out switch-guards",
	 "ens4 (media-disconnected), ens5 (administrative-decision)"},
	{"one member", one_member, "single-member switch-guards", "iovteam member add team0 DEV"},
	{"one slave", one_slave, "single-member switch-guards", "add a slave to team0"},
	{"a link lost", one_lost, "single-usable member-out switch-guards",
	 "nothing takes over when ens5 is lost; cannot take over: ens4 (media-disconnected)"},
	{"a member not there", one_gone, "single-usable member-out switch-guards",
	 "cannot take over: ens5 (not-present)"},
	{"a member held is used if the other is lost", one_held, "member-held switch-guards",
	 "ens5 is back"},
	{"a member refused", one_refused, "single-usable member-out switch-guards", "ens4"},
	{"a standby takes over", one_standby, "switch-guards", ""},
	{"so does a drained one", one_drained, "member-drained switch-guards",
	 "iovteam member restore team0 ens5"},
	{"the team's MAC refused", mac_refused, "single-usable mac-refused switch-guards",
	 "cannot take over: ens5 (mac-not-permitted)"},
	{"... to both", macs_refused, "single-usable mac-refused mac-refused switch-guards",
	 "peers do not reach the primary of team0"},
	{"macvlans of one", two_vlans, "one-device switch-guards", "the loss of ens1f0"},
	{"what a veth is on is elsewhere", two_veths, "switch-guards", ""},
	{"VFs of one card", vfs_of_one_card, "one-card switch-guards", "it looks as if"},
	{"igbvf", igbvf, "blind-driver switch-guards", "its driver is igbvf"},
	{"virtio", virtio, "host-tells switch-guards", "allow-teaming=on"},
	{"net_failover", net_failover, "kernel-paths switch-guards", "without failover=on"},
	{"another MTU", member_mtu, "member-mtu switch-guards", "ip link set team0 mtu 1500"},
	{"a member's address", member_address, "member-address switch-guards",
	 "ip address del 192.0.2.7/24 dev ens4"},
	{"a link-local address", link_local, "switch-guards", ""},
	{"networkd", networkd, "managed switch-guards", "networkctl reconfigure ens4"},
	{"NetworkManager", network_manager, "managed switch-guards",
	 "NetworkManager manages it: nmcli device show ens5; nmcli device set ens5 managed no"},
	{"the slave of a manager's bond", managed_slave, "switch-guards", ""},
	{"a lease", leased, "leased switch-guards", "takes it to another MAC and port"},
	{"a lease, one MAC", leased_one_mac, "leased switch-guards", "takes it to another port"},
	{"a lease, one member", leased_alone, "single-member switch-guards", ""},
	{"no address", no_address, "no-address switch-guards", "dev team0"},
	{"a VLAN on the team", address_on_vlan, "switch-guards", ""},
	{"a bridge above it", under_bridge, "switch-guards", ""},
	{"a bridge with a member's MAC", bridge_with_a_mac, "upper-mac switch-guards",
	 "br0 has the MAC of ens5, 00:00:00:00:00:05, and team0 has another one"},
	{"... that is the primary", bridge_that_follows, "switch-guards", ""},
	{"no miimon", no_miimon, "no-miimon switch-guards", "miimon of the bond team0 is 0"},
	{"an adopted bond changed", bad_bond, "adopted-bond switch-guards",
	 "not in mode active-backup"},
	{"a step failed", trouble, "step-failed switch-guards", "refuses its MTU"},
	{"wrong files", files, "files switch-guards", "team0.conf:3"},
	{"no team", no_team, "switch-guards", ""},
	{"one switch", one_switch, "one-switch switch-guards",
	 "on the switch A; iovteam adapter set web1 nicB switch=B"},
	{"one switch, and no other", only_switch, "one-switch switch-guards",
	 "iovteam switch add SWITCH --nic NIC --iov on; then: iovteam adapter set web1 nicB"},
	{"one switch, no teaming", one_switch_no_teaming, "maybe-one-switch", "on the switch A"},
	{"one NIC by two names", one_nic, "one-nic switch-guards", "on the NIC ens1f0"},
	{"a VLAN of that NIC", one_nic_by_vlan, "one-nic switch-guards", "on the NIC ens1f0"},
	{"two ports of a card", two_ports, "switch-guards nics-of-one-card", ""},
	{"an uplink lost", uplink_down, "last-uplink uplink-lost switch-guards",
	 "web1 reaches the network over B alone"},
	{"an uplink set down", uplink_set_down, "last-uplink uplink-lost switch-guards",
	 "the uplink of A is down"},
	{"NICs gone", uplinks_gone, "last-uplink uplink-lost uplink-lost switch-guards",
	 "the uplink of A is not-present, the uplink of B is not-present"},
	{"an uplink of nobody", uplink_of_nobody, "", ""},
	{"VLANs differ", vlans, "vlan-differs switch-guards", "nicB vlan=0"},
	{"VLANs differ, no team", vlans_no_teaming, "teaming-off",
	 "off for nicB; a team with mac-policy=team"},
	{"MTUs of NICs differ", nic_mtus, "mtu-differs switch-guards",
	 "that of ens2f0 is 1500; ip link set ens1f0 mtu 1500"},
	{"one adapter", one_adapter, "teaming-alone", "adapter add web1 NAME --switch B"},
	{"no QMP", no_qmp, "cannot-be-told switch-guards", "Qmp=PATH"},
	{"a namespace needs none", namespace, "switch-guards", ""},
	{"weight 0", weight_zero, "weight-zero switch-guards",
	 "iovteam adapter set web1 nicB iov-weight=100"},
	{"weight without iov", iov_off, "weight-without-iov switch-guards",
	 "web1 nicA iov-weight=0; or, while no adapter"},
	{"a bond under a switch", teamed, "nic-teamed switch-guards", "a bond hides SR-IOV"},
	{"a packet filter", filter, "bridge-filter switch-guards", "sysctl"},
	{"a packet filter, and a team's bridge", filter_under_bridge, "bridge-filter", "br0"},
	{"others' bridges", filter_of_others, "", ""},
};

static void check_sentence(const char *text)
{
	assert_true(*text != '\0');
	assert_true(strlen(text) < FINDING_TEXT_SIZE - 1);
	assert_true(text[strlen(text) - 1] != '.' && text[strlen(text) - 1] != ' ');
	assert_null(strstr(text, "  "));
}

/* The names of the checks in @names; all that the first finding says in @said. */
static void examine(const struct machine *m, char *names, size_t size, char *said, size_t said_size)
{
	struct finding_list list = {};
	size_t used = 0;

	*names = *said = '\0';
	assert_int_equal(doctor_examine(&m->facts, &list), 0);
	for (size_t i = 0; i < list.count; i++) {
		const struct finding *found = &list.findings[i];

		check_sentence(found->what);
		check_sentence(found->evidence);
		check_sentence(found->mend);
		assert_true(*found->subject != '\0');
		assert_true(!i || found[-1].severity <= found->severity);
		used += (size_t)snprintf(names + used, size - used, "%s%s", i ? " " : "",
					 found->check);
	}
	if (list.count)
		(void)snprintf(said, said_size, "%s: %s; %s; %s", list.findings[0].subject,
			       list.findings[0].what, list.findings[0].evidence,
			       list.findings[0].mend);
	finding_list_done(&list);
}

static void test_checks(void **state)
{
	char names[1024], said[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine *m = machine_new();

		cases[i].change(m);
		examine(m, names, sizeof(names), said, sizeof(said));
		if (strcmp(names, cases[i].checks) != 0 || !strstr(said, cases[i].says))
			fail_msg("%s: %s: %s", cases[i].text, names, said);
		free(m);
	}
}

/* One row for each finding's evidence that depends on why. */
static void test_why_a_member_is_out(void **state)
{
	static const struct {
		void (*change)(struct machine *m);
		const char *evidence, *mend;
	} whys[] = {
		{one_gone, "not-present: there is no device ens5", "give the machine"},
		{one_lost, "media-disconnected: its driver reports no carrier", "cable"},
		{one_refused, "ens5 is a port of the bridge br0", "iovteam plan"},
		{all_lost, "media-disconnected", "cable"},
		{one_silent, "path-unresponsive: it has a carrier, but nothing comes", "cable"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(whys); i++) {
		struct machine *m = machine_new();
		struct finding_list list = {};
		size_t n = 0;

		whys[i].change(m);
		assert_int_equal(doctor_examine(&m->facts, &list), 0);
		while (strcmp(list.findings[n].check, "member-out") != 0)
			assert_true(++n < list.count);
		assert_non_null(strstr(list.findings[n].evidence, whys[i].evidence));
		assert_non_null(strstr(list.findings[n].mend, whys[i].mend));
		finding_list_done(&list);
		free(m);
	}
}

/* Names as long as may be, in a team as large as may be: texts are cut, not overrun. */
static void test_long(void **state)
{
	struct machine *m = machine_new();
	struct finding_list list = {};

	(void)state;
	m->config.member_count = TEAM_MEMBERS_MAX;
	for (uint32_t i = 0; i < TEAM_MEMBERS_MAX; i++) {
		m->team.members[i] = (struct doctor_member){
			.config = &m->config.members[i],
			.name = "pci-0000:00:04.0-and-as-long-as-it-can-be",
			.state = i ? MEMBER_FAILED : MEMBER_ACTIVE,
			.reason = i ? REASON_MEDIA_DISCONNECTED : REASON_NONE,
		};
	}
	memset(m->vms.vms[0].name, 'v', VM_NAME_SIZE - 1);
	m->vms.vms[0].adapters[0].iov_weight = 0;
	assert_int_equal(doctor_examine(&m->facts, &list), 0);
	assert_int_equal(strlen(list.findings[0].evidence), FINDING_TEXT_SIZE - 1);
	assert_int_equal(list.count, TEAM_MEMBERS_MAX + 2);
	finding_list_done(&list);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_why_a_member_is_out),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
