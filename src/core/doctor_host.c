// SPDX-License-Identifier: GPL-2.0-or-later
/* What of a host would make the failover of its VMs' teams fail: switches, NICs, adapters. */
#include "core/doctor_private.h"

#include "base/strings.h"
#include "core/host_plan.h"
#include "core/iov.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

const struct switch_config *doctor_switch(const struct doctor *doctor,
					  const struct adapter_config *adapter)
{
	const struct switch_list *list = doctor->facts->switches;

	for (uint32_t i = 0; i < list->count; i++)
		if (strcmp(list->switches[i].name, adapter->switch_name) == 0)
			return &list->switches[i];
	return NULL;
}

const struct link *doctor_nic(const struct doctor *doctor, const struct switch_config *sw)
{
	return sw ? host_nic(sw, doctor->facts->links) : NULL;
}

static enum uplink_state uplink_of(const struct doctor *doctor, const struct switch_config *sw)
{
	return sw ? host_uplink(sw, doctor->facts->links) : UPLINK_MISSING;
}

static bool is_used(const struct doctor *doctor, const struct switch_config *sw)
{
	const struct vm_list *vms = doctor->facts->vms;

	for (uint32_t v = 0; v < vms->count; v++)
		for (uint32_t a = 0; a < vms->vms[v].adapter_count; a++)
			if (strcmp(vms->vms[v].adapters[a].switch_name, sw->name) == 0)
				return true;
	return false;
}

uint32_t doctor_count_teaming(const struct vm_config *vm)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < vm->adapter_count; i++)
		count += vm->adapters[i].allow_teaming;
	return count;
}

/* Switches that the VM's adapters are on, those that allow teaming alone if @teaming. */
static uint32_t count_switches(const struct vm_config *vm, bool teaming)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct adapter_config *adapter = &vm->adapters[i];
		bool counts = !teaming || adapter->allow_teaming;

		for (uint32_t j = 0; counts && j < i; j++)
			counts = strcmp(vm->adapters[j].switch_name, adapter->switch_name) != 0 ||
				 (teaming && !vm->adapters[j].allow_teaming);
		count += counts;
	}
	return count;
}

/* "nicA, nicB": the VM's adapters that allow teaming, or those that do not. */
static void say_adapters(const struct vm_config *vm, bool teaming, char *text)
{
	const char *comma = "";

	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		if ((bool)vm->adapters[i].allow_teaming != teaming)
			continue;
		finding_say(text, "%s%s", comma, vm->adapters[i].name);
		comma = ", ";
	}
}

bool doctor_can_have_vf(const struct doctor *doctor, const struct vm_config *vm,
			const struct switch_config *sw)
{
	const struct doctor_facts *facts = doctor->facts;
	uint32_t reasons = facts->host ? facts->host->reasons[sw - facts->switches->switches] : 0;

	return iov_possible(reasons) && (*vm->netns || iov_possible_for_vms(reasons));
}

struct finding *doctor_find_adapter(struct doctor *doctor, const struct vm_config *vm,
				    const struct adapter_config *adapter)
{
	char subject[FINDING_SUBJECT_SIZE];

	(void)snprintf(subject, sizeof(subject), "%s/%s", vm->name, adapter->name);
	return doctor_find(doctor, subject);
}

/* --- a VM: would the loss of one link cut it off? --- */

/* A switch on another NIC, NULL if there is none. */
static const struct switch_config *another_switch(const struct doctor *doctor, const char *name)
{
	const struct switch_list *list = doctor->facts->switches;
	const struct switch_config *this = switch_list_find((struct switch_list *)list, name);
	const struct link *nic = doctor_nic(doctor, this);

	for (uint32_t i = 0; i < list->count; i++) {
		const struct link *other = doctor_nic(doctor, &list->switches[i]);

		if (&list->switches[i] != this && other && other != nic)
			return &list->switches[i];
	}
	return NULL;
}

/* @adapter is the last of those that could be teamed: it is the one to move. */
static void find_one_switch(struct doctor *doctor, const struct vm_config *vm,
			    const struct adapter_config *adapter)
{
	const struct switch_config *other = another_switch(doctor, adapter->switch_name);
	struct finding *found = doctor_find(doctor, vm->name);

	finding_say(found->what, "the loss of one link takes all of a team in %s", vm->name);
	finding_say(found->evidence, "all that it could team are on the switch %s",
		    adapter->switch_name);
	if (!other)
		finding_say(found->mend, "iovteam switch add SWITCH --nic NIC --iov on; then: ");
	finding_say(found->mend, "iovteam adapter set %s %s switch=%s", vm->name, adapter->name,
		    other ? other->name : "SWITCH");
}

static void teamed_on_one_switch(struct doctor *doctor, const struct vm_config *vm)
{
	uint32_t last = vm->adapter_count;

	if (doctor_count_teaming(vm) < 2 || count_switches(vm, true) != 1)
		return;
	while (!vm->adapters[--last].allow_teaming)
		;
	find_one_switch(doctor, vm, &vm->adapters[last]);
}

/* A team with mac-policy=member needs no allow-teaming; whether there is one only the guest knows. */
static void maybe_on_one_switch(struct doctor *doctor, const struct vm_config *vm)
{
	if (vm->adapter_count < 2 || doctor_count_teaming(vm) || count_switches(vm, false) != 1)
		return;
	find_one_switch(doctor, vm, &vm->adapters[vm->adapter_count - 1]);
}

static void one_nic(struct doctor *doctor, const struct vm_config *vm)
{
	const struct link *first = NULL;
	struct finding *found;

	if (count_switches(vm, true) < 2)
		return;
	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct link *nic =
			doctor_nic(doctor, doctor_switch(doctor, &vm->adapters[i]));

		if (!vm->adapters[i].allow_teaming)
			continue;
		if (!nic || (first && doctor_below(doctor, nic) != first))
			return;
		first = doctor_below(doctor, nic);
	}
	found = doctor_find(doctor, vm->name);
	finding_say(found->what, "the loss of %s takes all of a team in %s", first->name, vm->name);
	finding_say(found->evidence, "the switches of its adapters are all on the NIC %s",
		    first->name);
	finding_say(found->mend, "make a switch on another NIC, and put an adapter on it");
}

/* Who has taken the NIC; NULL: nobody. */
static const struct link *master_of(const struct doctor *doctor, const struct switch_config *sw,
				    const struct link *nic)
{
	return uplink_of(doctor, sw) == UPLINK_TAKEN
		       ? link_by_index(doctor->facts->links, nic->master)
		       : NULL;
}

static void say_uplink_mend(const struct doctor *doctor, const struct switch_config *sw,
			    const struct link *nic, char *text)
{
	if (nic && master_of(doctor, sw, nic))
		finding_say(text, "ip link set %s nomaster", nic->name);
	else if (!nic)
		finding_say(text, "look for %s: ip link; iovteam switch show %s", sw->nic,
			    sw->name);
	else if (!(nic->flags & IFF_UP))
		finding_say(text, "ip link set %s up", nic->name);
	else if (nic->carrier)
		finding_say(text, "iovteam switch show %s", sw->name);
	else
		finding_say(text, "look at the cable of %s, and at the port behind it", nic->name);
}

/* One uplink of several is left, or none. */
static void last_uplink(struct doctor *doctor, const struct vm_config *vm)
{
	const struct adapter_config *left = NULL;
	struct finding *found;
	const char *comma = "";

	if (count_switches(vm, false) < 2)
		return;
	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct adapter_config *adapter = &vm->adapters[i];

		if (uplink_of(doctor, doctor_switch(doctor, adapter)) != UPLINK_UP)
			continue;
		if (left && strcmp(left->switch_name, adapter->switch_name) != 0)
			return;
		left = adapter;
	}
	found = doctor_find(doctor, vm->name);
	if (left)
		finding_say(found->what, "%s reaches the network over %s alone", vm->name,
			    left->switch_name);
	else
		finding_say(found->what, "%s is cut off from the network", vm->name);
	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct switch_config *sw = doctor_switch(doctor, &vm->adapters[i]);
		enum uplink_state state = uplink_of(doctor, sw);

		if (!sw || state == UPLINK_UP)
			continue;
		finding_say(found->evidence, "%sthe uplink of %s is %s", comma, sw->name,
			    uplink_state_names[state]);
		if (!*comma) /* uplink-lost has each */
			say_uplink_mend(doctor, sw, doctor_nic(doctor, sw), found->mend);
		comma = ", ";
	}
}

static void vlan_differs(struct doctor *doctor, const struct vm_config *vm)
{
	const struct adapter_config *first = NULL;
	struct finding *found;

	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct adapter_config *adapter = &vm->adapters[i];

		if (!adapter->allow_teaming)
			continue;
		first = first ? first : adapter;
		if (adapter->vlan == first->vlan)
			continue;
		found = doctor_find(doctor, vm->name);
		finding_say(found->what, "a team of %s and %s would fail over into another network",
			    first->name, adapter->name);
		finding_say(found->evidence, "%s has VLAN %u, %s has VLAN %u (0 = untagged)",
			    first->name, first->vlan, adapter->name, adapter->vlan);
		finding_say(found->mend, "iovteam adapter set %s %s vlan=%u", vm->name,
			    adapter->name, first->vlan);
		return;
	}
}

/* Which lets the smaller frames pass: the switch's NIC or the adapter's port. NULL: neither is there. */
static const struct link *narrower(const struct doctor *doctor, const struct vm_config *vm,
				   const struct adapter_config *adapter)
{
	const struct link *nic = doctor_nic(doctor, doctor_switch(doctor, adapter));
	const struct link *port = host_port_link(vm, adapter, doctor->facts->links);

	return nic && port && port->mtu < nic->mtu ? port : nic;
}

static void mtu_differs(struct doctor *doctor, const struct vm_config *vm)
{
	const struct link *first = NULL;
	struct finding *found;

	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct link *nic = narrower(doctor, vm, &vm->adapters[i]);

		if (!nic || !vm->adapters[i].allow_teaming)
			continue;
		first = first ? first : nic;
		if (nic->mtu == first->mtu)
			continue;
		found = doctor_find(doctor, vm->name);
		finding_say(found->what,
			    "large frames of a team in %s may be lost after a failover", vm->name);
		finding_say(found->evidence, "the MTU of %s is %u, that of %s is %u", first->name,
			    first->mtu, nic->name, nic->mtu);
		finding_say(found->mend, "ip link set %s mtu %u",
			    nic->mtu > first->mtu ? nic->name : first->name,
			    nic->mtu > first->mtu ? first->mtu : nic->mtu);
		return;
	}
}

/* --- allow-teaming (H5, H7) --- */

static void teaming_off(struct doctor *doctor, const struct vm_config *vm)
{
	struct finding *found;

	if (count_switches(vm, false) < 2 || doctor_count_teaming(vm) == vm->adapter_count)
		return;
	found = doctor_find(doctor, vm->name);
	finding_say(found->what, "the guest of %s is not told when a switch loses its uplink",
		    vm->name);
	finding_say(found->evidence, "allow-teaming is off for ");
	say_adapters(vm, false, found->evidence);
	finding_say(found->evidence, "; a team with mac-policy=team is refused its MAC there, too");
	finding_say(found->mend, "iovteam adapter set %s allow-teaming=on", vm->name);
}

static void teaming_alone(struct doctor *doctor, const struct vm_config *vm)
{
	const struct switch_config *other;
	struct finding *found;

	if (vm->adapter_count != 1 || !doctor_count_teaming(vm))
		return;
	other = another_switch(doctor, vm->adapters[0].switch_name);
	found = doctor_find(doctor, vm->name);
	finding_say(found->what, "%s has nothing to team with", vm->adapters[0].name);
	finding_say(found->evidence, "it allows teaming, and is the only adapter of %s", vm->name);
	finding_say(found->mend, "iovteam adapter add %s NAME --switch %s", vm->name,
		    other ? other->name : "SWITCH");
}

static void cannot_be_told(struct doctor *doctor, const struct vm_config *vm)
{
	struct finding *found;

	if (*vm->netns || *vm->qmp || *vm->libvirt || !doctor_count_teaming(vm))
		return;
	found = doctor_find(doctor, vm->name);
	finding_say(found->what, "the guest of %s cannot be told that an uplink is lost", vm->name);
	finding_say(found->evidence,
		    "a tap's carrier does not reach a guest of QEMU, and no QMP "
		    "socket of %s is known",
		    vm->name);
	finding_say(found->mend, "set Qmp=PATH in [VM] of its file, and: iovteam reload");
}

/* What no machine can see: the physical switches. */
static void switch_guards(struct doctor *doctor)
{
	const struct vm_list *vms = doctor->facts->vms;
	struct finding *found;
	uint32_t v = 0;

	while (v < vms->count && doctor_count_teaming(&vms->vms[v]) < 2)
		v++;
	if (v == vms->count)
		return;
	found = doctor_find(doctor, "physical switches");
	finding_say(found->what, "DHCP snooping, ARP inspection and port security may refuse a "
				 "team's address at the other port");
	finding_say(found->evidence,
		    "%s may team its adapters; what its physical switches check "
		    "cannot be seen from here",
		    vms->vms[v].name);
	finding_say(found->mend, "have both ports trusted, or bind the addresses to both");
}

/* --- VFs (H1 to H4) --- */

static void weight_without_iov(struct doctor *doctor, const struct vm_config *vm,
			       const struct adapter_config *adapter)
{
	const struct switch_config *sw = doctor_switch(doctor, adapter);
	struct finding *found;

	if (!sw || sw->iov || !adapter->iov_weight)
		return;
	found = doctor_find_adapter(doctor, vm, adapter);
	finding_say(found->what, "it wants a VF, and gets none");
	finding_say(found->evidence, "its iov-weight is %u, and iov of the switch %s is off",
		    adapter->iov_weight, sw->name);
	finding_say(found->mend,
		    "iovteam adapter set %s %s iov-weight=0; or, while no adapter uses the switch, "
		    "iovteam switch set %s iov=on",
		    vm->name, adapter->name, sw->name);
}

static void weight_zero(struct doctor *doctor, const struct vm_config *vm,
			const struct adapter_config *adapter)
{
	const struct switch_config *sw = doctor_switch(doctor, adapter);
	struct finding *found;

	if (!sw || !sw->iov || adapter->iov_weight || !doctor_can_have_vf(doctor, vm, sw))
		return;
	found = doctor_find_adapter(doctor, vm, adapter);
	finding_say(found->what, "its frames take the synthetic path, which is slower");
	finding_say(found->evidence, "iov of the switch %s is on, and its iov-weight is 0",
		    sw->name);
	finding_say(found->mend, "iovteam adapter set %s %s iov-weight=100", vm->name,
		    adapter->name);
}

static void nic_teamed(struct doctor *doctor, const struct switch_config *sw)
{
	const struct link *nic = doctor_nic(doctor, sw);
	struct finding *found;

	if (!iov_look(nic).teamed)
		return;
	found = doctor_find(doctor, sw->name);
	finding_say(found->what, "no VM on %s can have a VF: a %s hides SR-IOV", sw->name,
		    nic->kind);
	finding_say(found->evidence, "its NIC %s is a %s", nic->name, nic->kind);
	finding_say(found->mend, "make a switch of each NIC, and team in the guest");
}

/* --- the uplink, and what is in the way --- */

static void uplink_lost(struct doctor *doctor, const struct switch_config *sw)
{
	const struct link *nic = doctor_nic(doctor, sw), *master;
	struct finding *found;

	if (uplink_of(doctor, sw) == UPLINK_UP || !is_used(doctor, sw))
		return;
	found = doctor_find(doctor, sw->name);
	finding_say(found->what, "the adapters on %s reach nothing beyond it", sw->name);
	master = nic ? master_of(doctor, sw, nic) : NULL;
	if (!nic)
		finding_say(found->evidence, "there is no NIC %s", sw->nic);
	else if (master)
		finding_say(found->evidence, "its NIC %s is in %s", nic->name, master->name);
	else
		finding_say(found->evidence, "its NIC %s %s", nic->name,
			    !(nic->flags & IFF_UP) ? "is set down"
			    : nic->carrier	   ? "is not in its bridge"
						   : "has no carrier");
	say_uplink_mend(doctor, sw, nic, found->mend);
}

static void nics_of_one_card(struct doctor *doctor, const struct switch_config *sw)
{
	const struct switch_list *list = doctor->facts->switches;
	const struct link *nic = doctor_nic(doctor, sw), *other;
	struct finding *found;

	/* Each pair once: with the switches before it. */
	for (const struct switch_config *mate = list->switches; nic && mate < sw; mate++) {
		other = doctor_nic(doctor, mate);
		if (!other || other == nic || !doctor_one_card(other, nic))
			continue;
		found = doctor_find(doctor, sw->name);
		finding_say(found->what, "it looks as if one card bears %s and %s", mate->name,
			    sw->name);
		finding_say(found->evidence, "%s is %s, %s is %s", other->name, other->bus_id,
			    nic->name, nic->bus_id);
		finding_say(found->mend, "switches on two cards survive the loss of a card, too");
		return;
	}
}

/* A bridge that has to do with us: of a switch, or above a team. NULL: there is none. */
static const char *bridge_of_ours(const struct doctor_facts *facts)
{
	if (facts->switches->count)
		return facts->switches->switches[0].name;
	for (size_t i = 0; i < facts->team_count; i++) {
		const struct link *bond = facts->teams[i].bond;
		const struct link *bridge = bond && strcmp(bond->slave_kind, "bridge") == 0
						    ? link_by_index(facts->links, bond->master)
						    : NULL;

		if (bridge)
			return bridge->name;
	}
	return NULL;
}

static void bridge_filter(struct doctor *doctor)
{
	const char *bridge = bridge_of_ours(doctor->facts);
	struct finding *found;

	if (!doctor->facts->bridge_filter || !bridge)
		return;
	found = doctor_find(doctor, bridge);
	finding_say(found->what, "the machine's packet filter may drop what bridges forward");
	finding_say(found->evidence, "net.bridge.bridge-nf-call-iptables, or that of ip6tables or "
				     "arptables, is 1");
	finding_say(found->mend, "sysctl net.bridge.bridge-nf-call-iptables=0 "
				 "net.bridge.bridge-nf-call-ip6tables=0 "
				 "net.bridge.bridge-nf-call-arptables=0");
}

const struct doctor_check doctor_host_checks[] = {
	{"one-switch", FINDING_FATAL, .vm = teamed_on_one_switch},
	{"one-nic", FINDING_FATAL, .vm = one_nic},
	{"last-uplink", FINDING_FATAL, .vm = last_uplink},
	{"vlan-differs", FINDING_FATAL, .vm = vlan_differs},
	{"uplink-lost", FINDING_WARNING, .sw = uplink_lost},
	{"maybe-one-switch", FINDING_WARNING, .vm = maybe_on_one_switch},
	{"teaming-off", FINDING_WARNING, .vm = teaming_off},
	{"cannot-be-told", FINDING_WARNING, .vm = cannot_be_told},
	{"mtu-differs", FINDING_WARNING, .vm = mtu_differs},
	{"bridge-filter", FINDING_WARNING, .machine = bridge_filter},
	{"nic-teamed", FINDING_WARNING, .sw = nic_teamed},
	{"weight-without-iov", FINDING_WARNING, .adapter = weight_without_iov},
	{"weight-zero", FINDING_NOTE, .adapter = weight_zero},
	{"teaming-alone", FINDING_NOTE, .vm = teaming_alone},
	{"switch-guards", FINDING_NOTE, .machine = switch_guards},
	{"nics-of-one-card", FINDING_NOTE, .sw = nics_of_one_card},
};
const size_t doctor_host_check_count = ARRAY_SIZE(doctor_host_checks);
