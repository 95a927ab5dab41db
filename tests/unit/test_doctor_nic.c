// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/doctor (H11), what it finds of a host's NICs: a switch with two VFs, each of which an
 * adapter has. A case says how that is changed, and which findings it makes, worst first.
 */
#include "base/strings.h"
#include "core/doctor.h"

#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NIC 11
#define MAC_OF(last)                                                                               \
	{                                                                                          \
		{                                                                                  \
			0x52, 0x54, 0, 0, 0, last                                                  \
		}                                                                                  \
	}

struct machine {
	struct link links[2];
	struct link_table table;
	struct switch_list switches;
	struct vm_list vms;
	struct vf vfs[2];
	struct bridge_fdb fdb[1];
	struct host_nic nics[SWITCHES_MAX];
	struct host_view view;
	struct host_step step;
	struct host_steps steps;
	uint32_t reasons[SWITCHES_MAX];
	int held[VMS_MAX][VM_ADAPTERS_MAX];
	struct doctor_trouble trouble;
	const char *guest_troubles[3];
	struct doctor_host host;
	struct doctor_facts facts;
};

static void make_nic(struct machine *m)
{
	m->links[0] = (struct link){
		.ifindex = 4, .name = "A", .kind = "bridge", .flags = IFF_UP, .carrier = true};
	m->links[1] = (struct link){.ifindex = NIC,
				    .name = "ens1f0",
				    .driver = "ice",
				    .bus = "pci",
				    .bus_id = "0000:01:00.0",
				    .master = 4,
				    .slave_kind = "bridge",
				    .type = 1,
				    .mtu = 1500,
				    .flags = IFF_UP,
				    .carrier = true};
	m->table = (struct link_table){.links = m->links, .count = 2};
	for (uint32_t i = 0; i < ARRAY_SIZE(m->vfs); i++)
		m->vfs[i] = (struct vf){.index = i,
					.mac = MAC_OF((uint8_t)i),
					.has_spoofchk = true,
					.spoofchk = true,
					.has_trust = true,
					.driver = "vfio-pci"};
	m->vfs[0].trust = true;
	m->vfs[1].link_state = VF_LINK_ENABLE;
	m->nics[0] = (struct host_nic){.vfs = {.vfs = m->vfs, .count = 2}, .total = 8};
}

static void make_vms(struct machine *m)
{
	static const struct vm_config vms[] = {
		{.name = "web1",
		 .qmp = "/run/web1.qmp",
		 .adapter_count = 1,
		 .adapters = {{.name = "nicA",
			       .switch_name = "A",
			       .mac = MAC_OF(0),
			       .iov_weight = 100,
			       .allow_teaming = 1}}},
		{.name = "web2",
		 .adapter_count = 1,
		 .adapters = {{.name = "nicA",
			       .switch_name = "A",
			       .mac = MAC_OF(1),
			       .iov_weight = 10}}},
	};

	m->switches.count = 1;
	m->switches.switches[0] = (struct switch_config){.name = "A", .nic = "ens1f0", .iov = 1};
	m->vms.count = ARRAY_SIZE(vms);
	memcpy(m->vms.vms, vms, sizeof(vms));
	memset(m->held, -1, sizeof(m->held));
	m->held[0][0] = 0;
	m->held[1][0] = 1;
}

static struct machine *machine_new(void)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	for (size_t i = 0; i < ARRAY_SIZE(m->guest_troubles); i++)
		m->guest_troubles[i] = "";
	make_nic(m);
	make_vms(m);
	m->view = (struct host_view){.links = &m->table, .nics = m->nics, .fdb = m->fdb};
	m->steps.steps = &m->step;
	m->host = (struct doctor_host){
		.view = &m->view,
		.steps = &m->steps,
		.reasons = m->reasons,
		.held = (const int(*)[VM_ADAPTERS_MAX])m->held,
		.troubles = &m->trouble,
		.guest_troubles = m->guest_troubles,
	};
	m->facts = (struct doctor_facts){
		.links = &m->table,
		.switches = &m->switches,
		.vms = &m->vms,
		.host = &m->host,
		.files_trouble = "",
	};
	return m;
}

static void nothing(struct machine *m)
{
	(void)m;
}

static void unseen(struct machine *m)
{
	m->vfs[0].trust = false;
	m->facts.host = NULL;
}

static void untrusted(struct machine *m)
{
	m->vfs[0].trust = false;
}

static void no_trust(struct machine *m)
{
	m->vfs[0].trust = false;
	m->nics[0].no_trust = true;
}

static void no_trust_no_check(struct machine *m)
{
	no_trust(m);
	m->vfs[0].spoofchk = false;
}

static void untrusted_alone(struct machine *m)
{
	m->vfs[0].trust = false;
	m->vms.vms[0].adapters[0].allow_teaming = 0;
}

static void forced_up(struct machine *m)
{
	m->vfs[0].link_state = VF_LINK_ENABLE;
}

static void forced_down(struct machine *m)
{
	m->vfs[1].link_state = VF_LINK_DISABLE;
}

static void no_link(struct machine *m)
{
	forced_up(m);
	m->nics[0].no_link = true;
}

static void igb(struct machine *m)
{
	strcpy(m->links[1].driver, "igb");
}

static void third(struct machine *m)
{
	m->vms.vms[2] = m->vms.vms[1];
	strcpy(m->vms.vms[2].name, "web3");
	m->vms.vms[2].adapters[0].mac.bytes[5] = 2;
	m->vms.count = 3;
}

static void third_of_few(struct machine *m)
{
	third(m);
	m->switches.switches[0].vf_count = 2;
}

static void third_on_its_way(struct machine *m)
{
	third(m);
	m->steps.count = 1;
	m->step = (struct host_step){.kind = HOST_VF_MAC, .adapter = &m->vms.vms[2].adapters[0]};
}

static void third_while_busy(struct machine *m)
{
	third(m);
	m->nics[0].busy = true;
}

static void all_with_others(struct machine *m)
{
	memset(m->held, -1, sizeof(m->held));
	m->vms.count = 1;
}

static void no_iommu(struct machine *m)
{
	m->reasons[0] = 1U << IOV_REASON_NO_IOMMU | 1U << IOV_REASON_NO_ACS;
}

static void no_iommu_namespaces(struct machine *m)
{
	no_iommu(m);
	*m->vms.vms[0].qmp = '\0';
	strcpy(m->vms.vms[0].netns, "web1");
	strcpy(m->vms.vms[1].netns, "web2");
}

static void no_iommu_nobody(struct machine *m)
{
	no_iommu(m);
	m->vms.count = 0;
}

static void third_barred(struct machine *m)
{
	third(m);
	no_iommu(m);
}

static void no_vfs(struct machine *m)
{
	m->reasons[0] = 1U << IOV_REASON_NO_BAR_SPACE | 1U << IOV_REASON_REFUSED;
	m->nics[0].vfs.count = 0;
	memset(m->held, -1, sizeof(m->held));
}

static void no_vfs_wanted(struct machine *m)
{
	no_vfs(m);
	m->switches.switches[0].iov = 0;
	m->vms.count = 0;
}

static void filter_lacks(struct machine *m)
{
	m->steps.count = 1;
	m->step = (struct host_step){.kind = HOST_FDB_ADD, .object = "A", .device = "ens1f0"};
	m->step.sw = &m->switches.switches[0];
	m->step.mac = (struct mac)MAC_OF(9);
}

static void filter_has(struct machine *m)
{
	filter_lacks(m);
	m->step.kind = HOST_FDB_DEL;
}

static void learnt(struct machine *m)
{
	m->held[1][0] = -1;
	m->vms.vms[1].adapters[0].iov_weight = 0;
	m->fdb[0] = (struct bridge_fdb){.ifindex = NIC, .mac = MAC_OF(1)};
	m->view.fdb_count = 1;
}

static void weight_zero_no_vfs(struct machine *m)
{
	no_vfs(m);
	m->vms.vms[0].adapters[0].iov_weight = 0;
}

static void learnt_of_a_mate(struct machine *m)
{
	learnt(m);
	m->vms.vms[1].adapters[0].allow_teaming = 1;
	strcpy(m->vms.vms[1].qmp, "/run/web2.qmp");
}

static void in_the_filter(struct machine *m)
{
	learnt(m);
	m->fdb[0].self = true;
}

static void waits(struct machine *m)
{
	m->steps.count = 1;
	m->step = (struct host_step){.kind = HOST_WAIT, .object = "web2/nicA"};
	m->step.adapter = &m->vms.vms[1].adapters[0];
	strcpy(m->step.text, "wait for the namespace web2, which is not there");
}

static void waits_for_nic(struct machine *m)
{
	strcpy(m->switches.switches[0].nic, "eth7");
	m->nics[0].vfs.count = 0;
	m->steps.count = 1;
	m->step = (struct host_step){.kind = HOST_WAIT, .object = "A"};
	m->step.sw = &m->switches.switches[0];
}

static void acts(struct machine *m)
{
	waits(m);
	m->step.kind = HOST_PORT_UP;
}

static void failed(struct machine *m)
{
	m->host.trouble_count = 1;
	strcpy(m->trouble.object, "web1/nicA");
	strcpy(m->trouble.text, "ens1f0 refuses the MAC");
}

static void untold(struct machine *m)
{
	m->guest_troubles[0] = "cannot reach QEMU at /run/web1.qmp: No such file or directory";
}

/* @text stands somewhere in what the first finding of these says. */
static const struct doctor_case {
	const char *text;
	void (*change)(struct machine *m);
	const char *checks;
	const char *says;
} cases[] = {
	{"all well", nothing, "", ""},
	{"nothing can be seen", unseen, "", ""},
	{"trust off", untrusted, "vf-untrusted",
	 "VF 0 of ens1f0 has trust off; ip link set ens1f0 vf 0 trust on"},
	{"a driver without trust", no_trust, "vf-untrusted",
	 "spoofchk on, and its driver knows no trust; ip link set ens1f0 vf 0 spoofchk off"},
	{"... and without the check", no_trust_no_check, "", ""},
	{"trust off, no teaming", untrusted_alone, "", ""},
	{"link forced up", forced_up, "vf-link-forced",
	 "is enable; ip link set ens1f0 vf 0 state auto"},
	{"link forced down", forced_down, "vf-link-forced",
	 "is disable; ip link set ens1f0 vf 1 state enable"},
	{"a driver without link state", no_link, "vf-untold", "web1/nicA: the guest may not see"},
	{"a driver known to have none", igb, "vf-untold",
	 "whose driver igb cannot set the link state of VFs; ip link set ens1f0 down"},
	{"a third adapter", third, "vfs-exhausted",
	 "web3/nicA: it wants a VF, and none is free; ens1f0 has 2 VFs (it can have 8); 2 are "
	 "with adapters, nobody else's is free; take one from who needs it less: iovteam adapter "
	 "set web2 nicA iov-weight=0"},
	{"a third, VFs limited", third_of_few, "vfs-exhausted",
	 "iovteam switch set A vf-count=8; or take one"},
	{"a third gets one", third_on_its_way, "", ""},
	{"while VFs are made", third_while_busy, "", ""},
	{"somebody else has all", all_with_others, "vfs-exhausted", "iovteam vf show A"},
	{"no IOMMU", no_iommu, "no-iommu no-iommu",
	 "NIC ens1f0, no-iommu: there is no IOMMU, so that virtual functions can be given to "
	 "namespaces but to no VM; turn on VT-d"},
	{"no IOMMU, no VM", no_iommu_namespaces, "", ""},
	{"no IOMMU, nobody yet", no_iommu_nobody, "no-iommu no-iommu", "no-iommu"},
	{"no IOMMU is why it has none", third_barred, "no-iommu no-iommu", "no-iommu"},
	{"no VFs", no_vfs, "no-vfs no-vfs", "A: iov is on, and its NIC gives no VFs; NIC ens1f0"},
	{"no VFs, and none is wanted", weight_zero_no_vfs, "no-vfs no-vfs", ""},
	{"no VFs wanted", no_vfs_wanted, "", ""},
	{"the filter lacks one", filter_lacks, "fdb",
	 "not in the filter of ens1f0; bridge fdb add 52:54:00:00:00:09 dev ens1f0 self permanent"},
	{"the filter has one too many", filter_has, "fdb",
	 "and is in the filter of ens1f0; bridge fdb del 52:54:00:00:00:09 dev ens1f0 self"},
	{"learnt outside", learnt, "learnt-outside weight-zero",
	 "A has learnt its MAC 52:54:00:00:00:01 at the uplink ens1f0"},
	{"a mate's is learnt there", learnt_of_a_mate, "weight-zero", ""},
	{"the NIC's filter is no bridge", in_the_filter, "weight-zero", ""},
	{"something is awaited", waits, "host-step",
	 "web2/nicA: it is not as it is configured; wait for the namespace web2"},
	{"a NIC is awaited", waits_for_nic, "uplink-lost", "there is no NIC eth7"},
	{"something is to be done", acts, "", ""},
	{"something failed", failed, "host-step", "web1/nicA: it is not as it is configured; ens1"},
	{"a guest is not told", untold, "guest-untold",
	 "web1: its guest is not told of a lost uplink; cannot reach QEMU at /run/web1.qmp: No "
	 "such "
	 "file or directory; start the VM with -qmp unix:/run/web1.qmp,server=on"},
};

static bool is_of_others(const struct finding *found)
{
	/* Of one teaming adapter alone; tests/unit/test_doctor.c has them. */
	return strcmp(found->check, "teaming-alone") == 0;
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

		assert_true(*found->what && *found->evidence && *found->mend && *found->subject);
		assert_true(!i || found[-1].severity <= found->severity);
		if (is_of_others(found))
			continue;
		if (!used)
			(void)snprintf(said, said_size, "%s: %s; %s; %s", found->subject,
				       found->what, found->evidence, found->mend);
		used += (size_t)snprintf(names + used, size - used, "%s%s", used ? " " : "",
					 found->check);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
