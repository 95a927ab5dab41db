// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The virtual functions of a switch's NIC: how many, who has which (H4), and how each is set (H6).
 */
#include "base/strings.h"
#include "core/allot.h"
#include "core/config_host.h"
#include "core/host_private.h"
#include "core/permit.h"

#include <linux/if.h>
#include <stdlib.h>

#define VFIO_DRIVER "vfio-pci"
#define WEIGHT_OF_KEPT (ADAPTER_WEIGHT_MAX + 1) /* of a VF that nobody may take: before all */

bool host_may_send(const struct vm_config *vm, const struct adapter_config *adapter,
		   const struct mac *mac)
{
	struct guard_rules rules;

	permit_macs(vm, adapter, &rules);
	for (uint32_t i = 0; i < rules.count; i++)
		if (memcmp(rules.macs[i], mac->bytes, sizeof(mac->bytes)) == 0)
			return true;
	return false;
}

static bool has_bit(const uint64_t *bits, uint32_t index)
{
	return bits[index / 64] >> (index % 64) & 1;
}

static void set_bit(uint64_t *bits, uint32_t index)
{
	bits[index / 64] |= 1ULL << (index % 64);
}

/*
 * Nobody uses it: bare, or a netdev here that is down and in nothing. One that we have taken from
 * its driver bears the MAC still that it had there.
 */
static bool is_idle(const struct host_nic *nic, const struct vf *vf, const struct link_table *links)
{
	const struct link *link = vf->ifindex ? link_by_index(links, vf->ifindex) : NULL;

	if (!*vf->driver)
		return mac_is_zero(&vf->mac) ||
		       (vf->index < HOST_VFS_MAX && has_bit(nic->ours, vf->index));
	return link && !(link->flags & IFF_UP) && !link->master;
}

/* Who has set it, or made it, may take it: that it has an adapter's MAC says nothing of that. */
static bool is_ours(const struct link *bridge, const struct host_nic *nic, uint32_t index)
{
	struct host_mark mark;

	return (index < HOST_VFS_MAX && has_bit(nic->ours, index)) ||
	       (bridge && host_mark_read(bridge, &mark) && mark.made_vfs);
}

/* --- who has which, and who gets which --- */

int host_find_vf(const struct vf_table *vfs, const struct mac *mac)
{
	for (size_t i = 0; i < vfs->count && i < HOST_VFS_MAX; i++)
		if (mac_equal(&vfs->vfs[i].mac, mac))
			return (int)i;
	return -1;
}

/*
 * A guest that may has given its VF another MAC (T8 `team`): the VF is its own still, even when it may
 * use that MAC no longer. Where it is not known who had a VF, one with a team mate's MAC is taken for
 * the adapter's.
 */
static int find_lent(const struct host_nic *nic, const struct vm_config *vm,
		     const struct adapter_config *adapter, int before, const uint64_t *taken)
{
	const struct vf_table *vfs = &nic->vfs;

	if (before >= 0 && (size_t)before < vfs->count && !has_bit(taken, (uint32_t)before) &&
	    *vfs->vfs[before].driver && !mac_is_zero(&vfs->vfs[before].mac))
		return before;
	for (size_t i = 0; i < vfs->count && i < HOST_VFS_MAX; i++)
		if (!has_bit(taken, (uint32_t)i) && !has_bit(nic->known, (uint32_t)i) &&
		    host_may_send(vm, adapter, &vfs->vfs[i].mac))
			return (int)i;
	return -1;
}

/* Those whose VF has the right MAC come first, so that nobody takes one for his that is not. */
static void find_held(const struct host_config *want, const struct host_view *view, uint32_t sw,
		      int (*held)[VM_ADAPTERS_MAX], uint64_t *taken)
{
	const struct switch_config *config = &want->switches->switches[sw];
	const struct vf_table *vfs = &view->nics[sw].vfs;

	for (int lent = 0; lent < 2; lent++)
		for (uint32_t i = 0; i < want->vms->count; i++)
			for (uint32_t j = 0; j < want->vms->vms[i].adapter_count; j++) {
				const struct vm_config *vm = &want->vms->vms[i];
				const struct adapter_config *adapter = &vm->adapters[j];

				if (!host_is_on(adapter, config) || held[i][j] >= 0)
					continue;
				held[i][j] = !lent ? host_find_vf(vfs, &adapter->mac)
						   : find_lent(&view->nics[sw], vm, adapter,
							       view->ports[i][j].vf, taken);
				if (held[i][j] >= 0)
					set_bit(taken, (uint32_t)held[i][j]);
			}
}

static void forget_all(int (*of)[VM_ADAPTERS_MAX])
{
	for (uint32_t i = 0; i < VMS_MAX; i++)
		for (uint32_t j = 0; j < VM_ADAPTERS_MAX; j++)
			of[i][j] = -1;
}

/*
 * H2: can the guest be given a VF at all? One that QEMU has already proves that it can. @has: the VF
 * that the adapter has, -1 = none.
 */
static bool may_have_vf(const struct host_nic *nic, const struct vm_config *vm, int has)
{
	return *vm->netns || !nic->bars_vms ||
	       (has >= 0 && strcmp(nic->vfs.vfs[has].driver, VFIO_DRIVER) == 0);
}

/* What one has may be given to another only if it is ours; else who has it keeps it at most. */
static size_t make_claims(const struct host_config *want, const struct host_view *view, uint32_t sw,
			  int (*held)[VM_ADAPTERS_MAX], struct allot_claim *claims,
			  uint64_t *usable)
{
	const struct switch_config *config = &want->switches->switches[sw];
	const struct link *bridge = link_by_name(view->links, config->name);
	const struct host_nic *nic = &view->nics[sw];
	size_t count = 0;

	for (uint32_t i = 0; i < want->vms->count; i++)
		for (uint32_t j = 0; j < want->vms->vms[i].adapter_count; j++) {
			const struct vm_config *vm = &want->vms->vms[i];
			const struct adapter_config *adapter = &vm->adapters[j];
			int has = held[i][j];
			bool ours = has >= 0 && is_ours(bridge, nic, (uint32_t)has);
			uint32_t weight =
				config->iov && may_have_vf(nic, vm, has) ? adapter->iov_weight : 0;

			if (!host_is_on(adapter, config))
				continue;
			if (has >= 0 && (weight || ours))
				set_bit(usable, (uint32_t)has);
			if (weight && has >= 0 && !ours)
				weight = WEIGHT_OF_KEPT;
			claims[count++] = (struct allot_claim){
				.weight = weight,
				.serial = config_adapter_order(want->vms, i, j),
				.held = has,
				.got = -1,
			};
		}
	return count;
}

void host_allot(const struct host_config *want, const struct host_view *view, uint32_t sw,
		int (*ret_got)[VM_ADAPTERS_MAX], int (*ret_held)[VM_ADAPTERS_MAX])
{
	const struct vf_table *vfs = &view->nics[sw].vfs;
	struct allot_claim *claims = NULL, *claim;
	uint64_t taken[4] = {}, usable[4] = {};
	size_t count;

	forget_all(ret_got);
	forget_all(ret_held);
	if (!vfs->count)
		return;
	find_held(want, view, sw, ret_held, taken);
	for (size_t i = 0; i < vfs->count && i < HOST_VFS_MAX; i++)
		if (is_idle(&view->nics[sw], &vfs->vfs[i], view->links) &&
		    !has_bit(taken, (uint32_t)i))
			set_bit(usable, (uint32_t)i);
	claims = calloc((size_t)VMS_MAX * VM_ADAPTERS_MAX, sizeof(*claims));
	if (!claims) { /* all stays as it is */
		memcpy(ret_got, ret_held, sizeof(*ret_got) * VMS_MAX);
		return;
	}
	count = make_claims(want, view, sw, ret_held, claims, usable);
	allot_vfs(claims, count, usable, view->nics[sw].again);
	claim = claims;
	for (uint32_t i = 0; i < want->vms->count; i++)
		for (uint32_t j = 0; j < want->vms->vms[i].adapter_count; j++)
			if (host_is_on(&want->vms->vms[i].adapters[j],
				       &want->switches->switches[sw]))
				ret_got[i][j] = claim++->got;
	free(claims);
}

/* --- how many --- */

static void plan_count(const struct host_vf_planning *of, const struct host_mark *mark)
{
	struct host_step step = host_switch_step(HOST_VFS_MAKE, of->sw);
	uint32_t made = (uint32_t)of->nic->vfs.count, total = of->nic->total, used = 0;
	uint32_t wanted = of->sw->vf_count && of->sw->vf_count < total ? of->sw->vf_count : total;

	if (!of->sw->iov)
		wanted = mark->made_vfs ? mark->vfs_before : made;
	if (!total || wanted == made || of->nic->refused)
		return;
	for (uint32_t i = 0; i < made; i++)
		used += !is_idle(of->nic, &of->nic->vfs.vfs[i], of->plan->view->links);
	step.ifindex = of->link->ifindex;
	step.number = wanted;
	step.vf = made;
	(void)strncpy(step.device, of->link->bus_id, sizeof(step.device) - 1);
	if (used) {
		step.kind = HOST_WAIT;
		host_say(of->plan, step,
			 "%s has %u VFs; to make it %u none may be in use, and %u are",
			 of->link->name, made, wanted, used);
		return;
	}
	host_say(of->plan, step, "%s shall have %u VFs (it has %u)", of->link->name, wanted, made);
}

/* --- how each is set --- */

static struct host_step vf_step(const struct host_vf_planning *of, struct host_step step,
				const struct vf *vf, enum host_step_kind kind, uint32_t number)
{
	step.kind = kind;
	step.sw = of->sw;
	step.ifindex = of->link->ifindex;
	step.vf = vf->index;
	step.number = number;
	(void)strncpy(step.device, vf->pci, sizeof(step.device) - 1);
	return step;
}

struct vf_wish {
	struct mac mac;
	uint32_t vlan;
	bool spoofchk, trust;
	enum vf_link_state link;
};

/*
 * As narrow as NICs permit: with trust a guest may give its VF a team mate's MAC, and the NIC goes
 * on to check what it sends against that. Only where the driver knows no trust, the check is off.
 */
static struct vf_wish wish_of(const struct host_vf_planning *of,
			      const struct adapter_config *adapter, const struct vf *vf)
{
	bool no_trust = !vf->has_trust || of->nic->no_trust;

	return (struct vf_wish){
		.mac = adapter->mac,
		.vlan = adapter->vlan,
		.spoofchk = !adapter->mac_spoofing && !(adapter->allow_teaming && no_trust),
		.trust = adapter->mac_spoofing || adapter->allow_teaming,
		.link = adapter->allow_teaming ? VF_LINK_AUTO : VF_LINK_ENABLE,
	};
}

/*
 * With @upkeep a setting that the driver refuses is a trouble that is noted. Without, a command
 * fails for it: what a guest is held to must not be claimed (H6). The link's state is none of that.
 */
static void plan_settings(const struct host_vf_planning *of, struct host_step base,
			  const struct vf *vf, const struct vf_wish *wish, bool upkeep)
{
	const char *nic = of->link->name;

	base.upkeep = upkeep;
	if (vf->vlan != wish->vlan)
		host_say(of->plan, vf_step(of, base, vf, HOST_VF_VLAN, wish->vlan),
			 "VF %u of %s is in VLAN %u", vf->index, nic, wish->vlan);
	if (vf->has_spoofchk && !of->nic->no_spoofchk && vf->spoofchk != wish->spoofchk)
		host_say(of->plan, vf_step(of, base, vf, HOST_VF_SPOOFCHK, wish->spoofchk),
			 "%s checks what VF %u sends: %s", nic, vf->index,
			 on_off_names[wish->spoofchk]);
	if (vf->has_trust && !of->nic->no_trust && vf->trust != wish->trust)
		host_say(of->plan, vf_step(of, base, vf, HOST_VF_TRUST, wish->trust),
			 "%s trusts VF %u: %s", nic, vf->index, on_off_names[wish->trust]);
	base.upkeep = true;
	if (!of->nic->no_link && vf->link_state != wish->link)
		host_say(of->plan, vf_step(of, base, vf, HOST_VF_LINK, wish->link),
			 "the link of VF %u of %s is \"%s\"", vf->index, nic,
			 vf_link_state_names[wish->link]);
}

static void plan_unbind(const struct host_vf_planning *of, struct host_step base,
			const struct vf *vf)
{
	base = vf_step(of, base, vf, HOST_VF_UNBIND, 0);
	base.mac = vf->mac;
	host_say(of->plan, base, "take VF %u of %s from its driver %s", vf->index, of->link->name,
		 vf->driver);
}

/* A VF that bears the adapter's MAC, and that somebody else uses. */
static bool is_anothers(const struct host_vf_planning *of, const struct vf *vf)
{
	return !is_ours(of->bridge, of->nic, vf->index) && *vf->driver &&
	       !is_idle(of->nic, vf, of->plan->view->links);
}

static void plan_left_alone(const struct host_vf_planning *of, struct host_step base,
			    const struct vf *vf)
{
	host_say(of->plan, vf_step(of, base, vf, HOST_WAIT, 0),
		 "VF %u of %s has the MAC of %s, but iovteam has not set it: it is left alone",
		 vf->index, of->link->name, base.object);
}

const struct vf *host_vf_for_qemu(const struct host_nic *nic, int got, int held)
{
	if (held < 0 || held != got || strcmp(nic->vfs.vfs[held].driver, VFIO_DRIVER) != 0)
		return NULL;
	return &nic->vfs.vfs[held];
}

/* H10. A driver reads the MAC when it is bound, so the settings come first. */
static void plan_hand_over(const struct host_vf_planning *of, struct host_step base,
			   const struct vf *vf)
{
	bool is_vfio = strcmp(vf->driver, VFIO_DRIVER) == 0, wants_vfio = !*base.vm->netns;
	struct host_step step;

	if (is_anothers(of, vf) && (is_vfio != wants_vfio || vf->ifindex)) {
		plan_left_alone(of, base, vf);
	} else if (!*vf->driver || is_vfio != wants_vfio) {
		host_say(of->plan, vf_step(of, base, vf, HOST_VF_BIND, wants_vfio),
			 "give VF %u of %s to %s for %s", vf->index, of->link->name,
			 wants_vfio ? VFIO_DRIVER : "its own driver", base.object);
	} else if (!wants_vfio && vf->ifindex) {
		step = vf_step(of, base, vf, HOST_VF_MOVE, 0);
		step.ifindex = vf->ifindex;
		step.upkeep = true; /* udev may not be done with it yet */
		host_say(of->plan, step, "hand VF %u of %s over to %s", vf->index, of->link->name,
			 base.object);
	}
}

static void plan_given(const struct host_vf_planning *of, const struct vm_config *vm,
		       const struct adapter_config *adapter, bool held, bool guest_missing,
		       const struct vf *vf)
{
	struct host_step base = host_adapter_step(HOST_VF_MAC, vm, adapter);
	struct vf_wish wish = wish_of(of, adapter, vf);

	if (!held && *vf->driver) {
		plan_unbind(of, base, vf);
		return;
	}
	plan_settings(of, base, vf, &wish, false);
	if (!held) {
		base = vf_step(of, base, vf, HOST_VF_MAC, 0);
		base.mac = wish.mac;
		host_say(of->plan, base, "VF %u of %s is for %s", vf->index, of->link->name,
			 base.object);
	} else if (!guest_missing) {
		plan_hand_over(of, base, vf);
	}
}

/* Back to the pool. Its MAC goes last: by that it is known. */
static void plan_taken(const struct host_vf_planning *of, struct host_step base,
		       const struct vf *vf)
{
	static const struct vf_wish bare = {.spoofchk = true, .link = VF_LINK_AUTO};

	if (!is_ours(of->bridge, of->nic, vf->index)) {
		plan_left_alone(of, base, vf);
		return;
	}
	if (*vf->driver) {
		plan_unbind(of, base, vf);
		return;
	}
	plan_settings(of, base, vf, &bare, true);
	host_say(of->plan, vf_step(of, base, vf, HOST_VF_MAC, 0), "VF %u of %s is free again",
		 vf->index, of->link->name);
}

/* --- all --- */

/* VFs that some adapter has and shall have no longer: nobody gets them before they are free. */
static void find_leaving(const struct host_vf_planning *of, uint64_t *ret_leaving)
{
	const struct host_config *want = of->plan->want;

	for (uint32_t i = 0; i < want->vms->count; i++)
		for (uint32_t j = 0; j < want->vms->vms[i].adapter_count; j++)
			if (of->held[i][j] >= 0 && of->held[i][j] != of->got[i][j])
				set_bit(ret_leaving, (uint32_t)of->held[i][j]);
}

static void plan_adapters(const struct host_vf_planning *of, uint64_t *held)
{
	const struct host_config *want = of->plan->want;
	uint64_t leaving[4] = {};

	find_leaving(of, leaving);
	for (uint32_t i = 0; i < want->vms->count; i++)
		for (uint32_t j = 0; j < want->vms->vms[i].adapter_count; j++) {
			const struct vm_config *vm = &want->vms->vms[i];
			const struct adapter_config *adapter = &vm->adapters[j];
			int got = of->got[i][j], has = of->held[i][j];

			if (has >= 0)
				set_bit(held, (uint32_t)has);
			if (got >= 0)
				set_bit(held, (uint32_t)got);
			if (has >= 0 && has != got)
				plan_taken(of, host_adapter_step(HOST_VF_MAC, vm, adapter),
					   &of->nic->vfs.vfs[has]);
			if (got >= 0 && !has_bit(leaving, (uint32_t)got))
				plan_given(of, vm, adapter, has == got,
					   of->plan->view->ports[i][j].guest_missing,
					   &of->nic->vfs.vfs[got]);
		}
}

/* VFs of adapters that are not wanted any more. */
static void plan_left(const struct host_vf_planning *of, const uint64_t *held)
{
	for (size_t i = 0; i < of->nic->vfs.count && i < HOST_VFS_MAX; i++) {
		const struct vf *vf = &of->nic->vfs.vfs[i];

		if (has_bit(held, (uint32_t)i) || mac_is_zero(&vf->mac))
			continue;
		if (is_ours(of->bridge, of->nic, (uint32_t)i))
			plan_taken(of, host_switch_step(HOST_VF_MAC, of->sw), vf);
	}
}

/* Those that were there before: with the VFs that we have made goes whoever has one. */
bool host_plan_leaving(const struct host_planning *plan, const struct link *bridge)
{
	const struct host_leaving *leaving = NULL;
	struct host_step base = {.kind = HOST_VF_MAC};
	bool out = false;

	for (size_t i = 0; i < plan->view->leaving_count; i++)
		if (strcmp(plan->view->leaving[i].sw, bridge->name) == 0)
			leaving = &plan->view->leaving[i];
	if (!leaving || leaving->nic.busy)
		return leaving != NULL;
	(void)text_copy(base.object, sizeof(base.object), bridge->name);
	for (size_t i = 0; i < leaving->nic.vfs.count && i < HOST_VFS_MAX; i++) {
		const struct vf *vf = &leaving->nic.vfs.vfs[i];
		const struct host_vf_planning of = {.plan = plan,
						    .bridge = bridge,
						    .link = leaving->link,
						    .nic = &leaving->nic};

		if (!has_bit(leaving->nic.ours, (uint32_t)i) || mac_is_zero(&vf->mac))
			continue;
		plan_taken(&of, base, vf);
		out = true;
	}
	return out;
}

void host_plan_vfs(const struct host_planning *plan, uint32_t sw)
{
	const struct switch_config *config = &plan->want->switches->switches[sw];
	const struct link *bridge = link_by_name(plan->view->links, config->name);
	int got[VMS_MAX][VM_ADAPTERS_MAX], held[VMS_MAX][VM_ADAPTERS_MAX];
	struct host_mark mark = {};
	uint64_t seen[4] = {};
	struct host_vf_planning of = {
		.plan = plan,
		.sw = config,
		.bridge = bridge,
		.link = host_nic(config, plan->view->links),
		.nic = &plan->view->nics[sw],
		.got = got,
		.held = held,
	};

	if (!of.link || !bridge || of.link->master != bridge->ifindex || of.nic->busy)
		return;
	(void)host_mark_read(bridge, &mark);
	plan_count(&of, &mark);
	if (!config->iov && !of.nic->vfs.count && !plan->view->fdb_count)
		return;
	host_allot(plan->want, plan->view, sw, got, held);
	host_plan_entries(&of);
	host_plan_filters(&of, false);
	if (!of.nic->vfs.count)
		return;
	plan_adapters(&of, seen);
	plan_left(&of, seen);
	host_plan_filters(&of, true);
}
