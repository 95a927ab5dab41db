// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of a host's NICs would make the failover of its VMs' teams fail: their VFs and filters, and
 * what could not be made as it is wanted.
 */
#include "core/doctor_private.h"

#include "base/strings.h"

#include <string.h>

#define REASON(name) (1U << IOV_REASON_##name)

static uint32_t place_of(const struct doctor *doctor, const struct switch_config *sw)
{
	return (uint32_t)(sw - doctor->facts->switches->switches);
}

static const struct host_nic *nic_seen(const struct doctor *doctor, const struct switch_config *sw)
{
	return &doctor->facts->host->view->nics[place_of(doctor, sw)];
}

/* The VF that the adapter has, NULL if it has none, or nobody knows now. */
static const struct vf *vf_of(const struct doctor *doctor, const struct vm_config *vm,
			      const struct adapter_config *adapter)
{
	const struct switch_config *sw = doctor_switch(doctor, adapter);
	const struct doctor_host *host = doctor->facts->host;
	const struct host_nic *nic = host && sw ? nic_seen(doctor, sw) : NULL;
	int held = -1;

	if (nic)
		held = host->held[vm - doctor->facts->vms->vms][adapter - vm->adapters];
	return held >= 0 && !nic->busy && (size_t)held < nic->vfs.count ? &nic->vfs.vfs[held]
									: NULL;
}

/* --- why there are no VFs (H2) --- */

/* One finding for each reason of @mask; its sentence says what it is, and what to do. */
static void say_reasons(struct doctor *doctor, const struct switch_config *sw, uint32_t mask,
			const char *what)
{
	uint32_t reasons = doctor->facts->host->reasons[place_of(doctor, sw)] & mask;

	for (int i = 0; i < IOV_REASON_COUNT; i++) {
		const char *sentence = iov_reason_sentences[i], *mend = strstr(sentence, "; ");
		struct finding *found;

		if (!(reasons & 1U << i) || !mend)
			continue;
		found = doctor_find(doctor, sw->name);
		finding_say(found->what, "%s", what);
		finding_say(found->evidence, "NIC %s, %s: %.*s", sw->nic, iov_reason_names[i],
			    (int)(mend - sentence), sentence);
		finding_say(found->mend, "%s", mend + 2);
	}
}

/* That the NIC is not there, or is a bond, is said by other checks. */
static void no_vfs(struct doctor *doctor, const struct switch_config *sw)
{
	if (doctor->facts->host && sw->iov)
		say_reasons(doctor, sw,
			    REASON(NOT_PCI) | REASON(NO_CAPABILITY) | REASON(NO_DRIVER) |
				    REASON(NO_BUS) | REASON(NO_BAR_SPACE) | REASON(REFUSED),
			    "iov is on, and its NIC gives no VFs");
}

/* Guests that are namespaces need neither an IOMMU nor ACS; without any guest one may be planned. */
static bool is_for_vms(const struct doctor *doctor, const struct switch_config *sw)
{
	const struct vm_list *vms = doctor->facts->vms;
	bool used = false;

	for (uint32_t v = 0; v < vms->count; v++)
		for (uint32_t a = 0; a < vms->vms[v].adapter_count; a++) {
			const struct adapter_config *adapter = &vms->vms[v].adapters[a];

			if (!adapter->iov_weight || strcmp(adapter->switch_name, sw->name) != 0)
				continue;
			if (!*vms->vms[v].netns)
				return true;
			used = true;
		}
	return !used;
}

static void no_iommu(struct doctor *doctor, const struct switch_config *sw)
{
	if (doctor->facts->host && sw->iov && is_for_vms(doctor, sw))
		say_reasons(doctor, sw, REASON(NO_IOMMU) | REASON(NO_ACS),
			    "its VFs cannot be given to VMs");
}

/* --- who has none (H4) --- */

static bool is_on_its_way(const struct doctor *doctor, const struct adapter_config *adapter)
{
	const struct host_steps *steps = doctor->facts->host->steps;

	for (size_t i = 0; i < steps->count; i++)
		if (steps->steps[i].adapter == adapter && steps->steps[i].kind >= HOST_VF_MAC &&
		    steps->steps[i].kind <= HOST_VF_MOVE)
			return true;
	return false;
}

/* Of the adapters that have a VF of the switch the one that weighs least; counts them all. */
static const struct adapter_config *lightest(const struct doctor *doctor,
					     const struct switch_config *sw,
					     const struct vm_config **ret_vm, uint32_t *ret_count)
{
	const struct vm_list *vms = doctor->facts->vms;
	const struct adapter_config *found = NULL;

	*ret_count = 0;
	for (uint32_t v = 0; v < vms->count; v++)
		for (uint32_t a = 0; a < vms->vms[v].adapter_count; a++) {
			const struct adapter_config *adapter = &vms->vms[v].adapters[a];

			if (strcmp(adapter->switch_name, sw->name) != 0 ||
			    !vf_of(doctor, &vms->vms[v], adapter))
				continue;
			(*ret_count)++;
			if (found && found->iov_weight <= adapter->iov_weight)
				continue;
			found = adapter;
			*ret_vm = &vms->vms[v];
		}
	return found;
}

static void vfs_exhausted(struct doctor *doctor, const struct vm_config *vm,
			  const struct adapter_config *adapter)
{
	const struct switch_config *sw = doctor_switch(doctor, adapter);
	const struct adapter_config *holder;
	const struct vm_config *of = NULL;
	const struct host_nic *nic;
	struct finding *found;
	uint32_t used;

	if (!doctor->facts->host || !sw || !sw->iov || !adapter->iov_weight ||
	    !doctor_can_have_vf(doctor, vm, sw))
		return;
	nic = nic_seen(doctor, sw);
	if (!nic->vfs.count || nic->busy || vf_of(doctor, vm, adapter) ||
	    is_on_its_way(doctor, adapter))
		return;
	holder = lightest(doctor, sw, &of, &used);
	found = doctor_find_adapter(doctor, vm, adapter);
	finding_say(found->what, "it wants a VF, and none is free");
	finding_say(found->evidence,
		    "%s has %zu VFs (it can have %u); %u are with adapters, nobody else's is free",
		    sw->nic, nic->vfs.count, nic->total, used);
	if (sw->vf_count && nic->vfs.count < nic->total)
		finding_say(found->mend,
			    "while no VF is in use: iovteam switch set %s vf-count=%u; or ",
			    sw->name, nic->total);
	if (holder)
		finding_say(found->mend,
			    "take one from who needs it less: iovteam adapter set "
			    "%s %s iov-weight=0",
			    of->name, holder->name);
	else
		finding_say(found->mend, "iovteam vf show %s tells which are used, and by what",
			    sw->name);
}

/* --- how VFs are set (H6, H7) --- */

/* What T8 `team` needs of a VF. Where the driver knows no trust, the spoof check must be off. */
static void vf_untrusted(struct doctor *doctor, const struct vm_config *vm,
			 const struct adapter_config *adapter)
{
	const struct vf *vf = adapter->allow_teaming ? vf_of(doctor, vm, adapter) : NULL;
	const struct switch_config *sw = doctor_switch(doctor, adapter);
	const struct link *nic = doctor_nic(doctor, sw);
	struct finding *found;
	bool knows_trust;

	if (!vf || !nic)
		return;
	knows_trust = vf->has_trust && !nic_seen(doctor, sw)->no_trust;
	if (knows_trust ? vf->trust : !(vf->has_spoofchk && vf->spoofchk))
		return;
	found = doctor_find_adapter(doctor, vm, adapter);
	finding_say(found->what, "a team with mac-policy=team cannot take its MAC to it");
	finding_say(found->evidence, "VF %u of %s has %s", vf->index, nic->name,
		    knows_trust ? "trust off" : "spoofchk on, and its driver knows no trust");
	finding_say(found->mend, "ip link set %s vf %u %s", nic->name, vf->index,
		    knows_trust ? "trust on" : "spoofchk off");
}

/* PF drivers without ndo_set_vf_link_state; they report "auto", and do not tell of a cable. */
static const char *const untelling_drivers[] = {"igb"};

static bool tells_link(const struct doctor *doctor, const struct switch_config *sw,
		       const struct link *nic)
{
	return !nic_seen(doctor, sw)->no_link &&
	       name_lookup(untelling_drivers, ARRAY_SIZE(untelling_drivers), nic->driver) < 0;
}

static void vf_link_forced(struct doctor *doctor, const struct vm_config *vm,
			   const struct adapter_config *adapter)
{
	const struct switch_config *sw = doctor_switch(doctor, adapter);
	const struct vf *vf = vf_of(doctor, vm, adapter);
	const struct link *nic = doctor_nic(doctor, sw);
	struct finding *found;

	if (!vf || !nic || !tells_link(doctor, sw, nic) || vf->link_state == VF_LINK_AUTO ||
	    (vf->link_state == VF_LINK_ENABLE && !adapter->allow_teaming))
		return;
	found = doctor_find_adapter(doctor, vm, adapter);
	finding_say(found->what, "%s",
		    vf->link_state == VF_LINK_ENABLE ? "its VF has a carrier even when the cable "
						       "is pulled"
						     : "its VF has no carrier, whatever the cable "
						       "has");
	finding_say(found->evidence, "the link state of VF %u of %s is %s", vf->index, nic->name,
		    vf_link_state_names[vf->link_state]);
	finding_say(found->mend, "ip link set %s vf %u state %s", nic->name, vf->index,
		    vf_link_state_names[adapter->allow_teaming ? VF_LINK_AUTO : VF_LINK_ENABLE]);
}

static void vf_untold(struct doctor *doctor, const struct vm_config *vm,
		      const struct adapter_config *adapter)
{
	const struct vf *vf = adapter->allow_teaming ? vf_of(doctor, vm, adapter) : NULL;
	const struct switch_config *sw = doctor_switch(doctor, adapter);
	const struct link *nic = doctor_nic(doctor, sw);
	struct finding *found;

	if (!vf || !nic || tells_link(doctor, sw, nic))
		return;
	found = doctor_find_adapter(doctor, vm, adapter);
	finding_say(found->what, "the guest may not see that the cable of %s is pulled", nic->name);
	finding_say(found->evidence,
		    "it is on VF %u of %s, whose driver %s cannot set the link state of VFs",
		    vf->index, nic->name, nic->driver);
	finding_say(found->mend,
		    "ip link set %s down, when its cable is lost; or, slower and told: iovteam "
		    "adapter set %s %s iov-weight=0",
		    nic->name, vm->name, adapter->name);
}

/* --- filters (H9) --- */

static void filter_behind(struct doctor *doctor)
{
	const struct doctor_host *host = doctor->facts->host;
	char mac[MAC_TEXT_SIZE];

	for (size_t i = 0; host && i < host->steps->count; i++) {
		const struct host_step *step = &host->steps->steps[i];
		bool lacks = step->kind == HOST_FDB_ADD;
		struct finding *found;

		if (!lacks && step->kind != HOST_FDB_DEL)
			continue;
		(void)mac_format(&step->mac, mac);
		found = doctor_find(doctor, step->object);
		finding_say(found->what, "VFs of %s do not reach %s", step->device, mac);
		finding_say(found->evidence, "%s, and is%s in the filter of %s",
			    lacks ? "it lives behind the switch"
				  : "it does not live behind the switch",
			    lacks ? " not" : "", step->device);
		finding_say(found->mend, "bridge fdb %s %s dev %s self%s", lacks ? "add" : "del",
			    mac, step->device, lacks ? " permanent" : "");
	}
}

/*
 * With VFs some NICs hand a broadcast of the PF back to it (docs/host.md). A team mate's frames do
 * come in there, so what allows teaming is no fault.
 */
static void learnt_outside(struct doctor *doctor, const struct vm_config *vm,
			   const struct adapter_config *adapter)
{
	const struct doctor_host *host = doctor->facts->host;
	const struct link *nic = doctor_nic(doctor, doctor_switch(doctor, adapter));
	char mac[MAC_TEXT_SIZE], port[LINK_NAME_SIZE];
	struct finding *found;

	if (!host || !nic || adapter->allow_teaming || vf_of(doctor, vm, adapter))
		return;
	for (size_t i = 0; i < host->view->fdb_count; i++) {
		const struct bridge_fdb *entry = &host->view->fdb[i];

		if (entry->self || entry->ifindex != nic->ifindex ||
		    !mac_equal(&entry->mac, &adapter->mac))
			continue;
		(void)mac_format(&adapter->mac, mac);
		found = doctor_find_adapter(doctor, vm, adapter);
		finding_say(found->what, "frames from outside do not reach it");
		finding_say(found->evidence,
			    "%s has learnt its MAC %s at the uplink %s: the NIC reflects, or "
			    "another machine has this MAC",
			    adapter->switch_name, mac, nic->name);
		finding_say(found->mend, "bridge fdb replace %s dev %s master static sticky", mac,
			    host_port_name(vm, adapter, port));
		return;
	}
}

/* --- what is not as it is wanted --- */

/* Of a NIC that is not there uplink-lost tells. */
static bool says_more(const struct doctor *doctor, const struct host_step *step)
{
	return !host_step_acts(step) &&
	       (step->adapter || !step->sw || doctor_nic(doctor, step->sw));
}

static void say_unwanted(struct doctor *doctor, const char *object, const char *text)
{
	struct finding *found = doctor_find(doctor, object);

	finding_say(found->what, "it is not as it is configured");
	finding_say(found->evidence, "%s", text);
	finding_say(found->mend, "iovteam plan tells what is still to be done; it is tried again "
				 "by itself");
}

static void not_as_wanted(struct doctor *doctor)
{
	const struct doctor_host *host = doctor->facts->host;

	for (size_t i = 0; host && i < host->steps->count; i++)
		if (says_more(doctor, &host->steps->steps[i]))
			say_unwanted(doctor, host->steps->steps[i].object,
				     host->steps->steps[i].text);
	for (size_t i = 0; host && i < host->trouble_count; i++)
		say_unwanted(doctor, host->troubles[i].object, host->troubles[i].text);
}

/* H7: QEMU does not answer, or has no such card. */
static void guest_untold(struct doctor *doctor, const struct vm_config *vm)
{
	const struct doctor_host *host = doctor->facts->host;
	const char *text = host ? host->guest_troubles[vm - doctor->facts->vms->vms] : "";
	struct finding *found;

	if (!*text)
		return;
	found = doctor_find(doctor, vm->name);
	finding_say(found->what, "its guest is not told of a lost uplink");
	finding_say(found->evidence, "%s", text);
	finding_say(found->mend,
		    "start the VM with -qmp unix:%s,server=on,wait=off and the arguments that "
		    "iovteam adapter show %s has",
		    vm->qmp, vm->name);
}

const struct doctor_check doctor_nic_checks[] = {
	{"host-step", FINDING_WARNING, .machine = not_as_wanted},
	{"guest-untold", FINDING_WARNING, .vm = guest_untold},
	{"vf-untrusted", FINDING_WARNING, .adapter = vf_untrusted},
	{"vf-link-forced", FINDING_WARNING, .adapter = vf_link_forced},
	{"vf-untold", FINDING_WARNING, .adapter = vf_untold},
	{"fdb", FINDING_WARNING, .machine = filter_behind},
	{"learnt-outside", FINDING_WARNING, .adapter = learnt_outside},
	{"no-vfs", FINDING_WARNING, .sw = no_vfs},
	{"no-iommu", FINDING_WARNING, .sw = no_iommu},
	{"vfs-exhausted", FINDING_WARNING, .adapter = vfs_exhausted},
};
const size_t doctor_nic_check_count = ARRAY_SIZE(doctor_nic_checks);
