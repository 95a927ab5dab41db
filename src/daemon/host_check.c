// SPDX-License-Identifier: GPL-2.0-or-later
/* What of a change a command refuses: before anything is done, and in one sentence. */
#include "core/config_host.h"
#include "core/handover.h"
#include "daemon/handover.h"
#include "daemon/host_private.h"
#include "kernel/rtnl_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>

static const struct switch_config *find(const struct store *store, const char *name)
{
	return switch_list_find((struct switch_list *)&store->switches, name);
}

static bool is_used(const struct store *store, const char *sw)
{
	for (uint32_t i = 0; i < store->vms.count; i++)
		for (uint32_t j = 0; j < store->vms.vms[i].adapter_count; j++)
			if (strcmp(store->vms.vms[i].adapters[j].switch_name, sw) == 0)
				return true;
	return false;
}

/* H1. */
static int check_change(const struct switch_config *was, const struct switch_config *is, bool used,
			struct problem *problem)
{
	if (strcmp(was->nic, is->nic) != 0 || was->adopt != is->adopt)
		return problem_set(problem, -EBUSY,
				   "%s cannot change while the switch %s is there; remove it first",
				   was->adopt != is->adopt ? "Adopt" : "Nic", is->name);
	if (was->iov != is->iov && used)
		return problem_set(problem, -EBUSY,
				   "Iov of %s changes only while no adapter uses it; remove its "
				   "adapters first",
				   is->name);
	return 0;
}

/*
 * Whoever is reached by the host's addresses on a switch would be cut off with it. One that the
 * kernel has made of what a router says was never put there.
 */
static int check_addresses(struct host *host, const struct switch_config *sw,
			   struct problem *problem)
{
	const struct observed *observed = host->context->observed;
	const struct link *bridge = link_by_name(&observed->links, sw->name);
	char text[INET6_ADDRSTRLEN];

	if (!bridge || sw->adopt || handover_moves(host->context->handover, bridge->ifindex))
		return 0;
	for (size_t i = 0; i < observed->address_count; i++) {
		const struct link_address *address = &observed->addresses[i];

		if (address->ifindex != bridge->ifindex || !handover_moves_address(address) ||
		    address->protocol == IFAPROT_KERNEL_RA)
			continue;
		(void)inet_ntop(address->family, address->bytes, text, sizeof(text));
		return problem_set(problem, -EBUSY,
				   "%s has the address %s/%u; move it to the NIC: iovteam switch "
				   "remove %s --give-addresses %s",
				   sw->name, text, address->prefix, sw->name, sw->nic);
	}
	return 0;
}

/* What is given back must not be lost sight of. */
static int check_removal(struct host *host, const struct store *after, const char *sw,
			 struct problem *problem)
{
	const struct host_nic_memory *nic = host_nic_memory(host, sw);

	if (find(after, sw) || !nic || !nic->busy)
		return 0;
	return problem_set(problem, -EBUSY,
			   "VFs of %s are being made, given or taken; remove it when that is done",
			   sw);
}

/* What is to be checked: the files before and after, and what a command names (NULL: nothing). */
struct change {
	const struct store *before, *after;
	const struct store_object *commanded;
};

static int check_changes(struct host *host, const struct change *change, struct problem *problem)
{
	const struct store *before = change->before, *after = change->after;
	struct store_object object = {.kind = CONFIG_SWITCH};
	int err = 0;

	for (uint32_t i = 0; !err && i < before->switches.count; i++) {
		const struct switch_config *was = &before->switches.switches[i];

		object.name = was->name;
		err = check_removal(host, after, was->name, problem);
		if (!err && !find(after, was->name))
			err = check_addresses(host, was, problem);
	}

	for (uint32_t i = 0; !err && i < after->switches.count; i++) {
		const struct switch_config *is = &after->switches.switches[i];
		const struct switch_config *was = find(before, is->name);

		object.name = is->name;
		if (was)
			err = check_change(was, is, is_used(before, is->name), problem);
	}
	return err ? store_blame(before, after, object, change->commanded, problem) : 0;
}

/* The command's switch wants a NIC that is there, with as many VFs. */
static int check_commanded(const struct host *host, const struct store *after,
			   const struct host_seen *seen, const char *commanded,
			   struct problem *problem)
{
	const struct switch_config *sw = find(after, commanded);
	uint32_t total;

	if (!sw)
		return 0;
	if (!host_nic(sw, &host->context->observed->links))
		return problem_set(problem, -ENODEV, "there is no NIC %s", sw->nic);
	total = seen->sriovs[sw - after->switches.switches].total;
	if (total && sw->vf_count > total)
		return problem_set(problem, -ERANGE, "%s can have %u VFs at most", sw->nic, total);
	return 0;
}

/* Of "VM/ADAPTER". */
static struct vm_config *vm_of(const struct store *store, const char *object)
{
	const char *slash = strchr(object, '/');

	for (uint32_t i = 0; slash && i < store->vms.count; i++) {
		const struct vm_config *vm = &store->vms.vms[i];

		if (strlen(vm->name) == (size_t)(slash - object) &&
		    strncmp(vm->name, object, (size_t)(slash - object)) == 0)
			return (struct vm_config *)vm;
	}
	return NULL;
}

const struct adapter_config *host_adapter_of(const struct store *store, const char *object)
{
	struct vm_config *vm = vm_of(store, object);

	return vm ? vm_adapter(vm, strchr(object, '/') + 1) : NULL;
}

/* The switch, or the VM with that adapter alone. False: there is none. */
static bool take_object(const struct store *store, const char *object,
			struct config_object *ret_object)
{
	const struct switch_config *sw = find(store, object);
	const struct adapter_config *adapter = host_adapter_of(store, object);

	*ret_object = (struct config_object){.kind = sw ? CONFIG_SWITCH : CONFIG_VM};
	if (sw)
		ret_object->sw = *sw;
	if (adapter) {
		ret_object->vm = *vm_of(store, object);
		ret_object->vm.adapters[0] = *adapter;
		ret_object->vm.adapter_count = 1;
	}
	return sw || adapter;
}

bool host_is_changed(const struct store *before, const struct store *after, const char *object)
{
	struct config_object was, is;
	bool had = take_object(before, object, &was), has = take_object(after, object, &is);

	return had != has || (has && !config_object_equal(&was, &is));
}

/* Does the change take the port of an adapter away? One whose mark is another is made anew. */
static bool loses_port(const struct store *after, const struct vm_config *vm,
		       const struct adapter_config *adapter)
{
	struct vm_config *vm_after = vm_list_find((struct vm_list *)&after->vms, vm->name);
	const struct adapter_config *is = vm_after ? vm_adapter(vm_after, adapter->name) : NULL;
	char was_mark[LINK_ALIAS_SIZE], is_mark[LINK_ALIAS_SIZE];

	return !is || *is->port ||
	       strcmp(host_mark_port(vm, adapter, was_mark),
		      host_mark_port(vm_after, is, is_mark)) != 0;
}

/*
 * A tap has a carrier while QEMU has it open. Taken away from under it, the guest's card is dead for
 * good, and a VF is not given back before QEMU lets go. libvirt takes it out of its guest. The kernel
 * is asked, and events are left where they are: a command that is refused would act on none.
 */
static int check_guest(struct host *host, const struct vm_config *vm,
		       const struct adapter_config *adapter, struct problem *problem)
{
	const struct observed *observed = host->context->observed;
	char name[LINK_NAME_SIZE];
	const struct link *port = link_by_name(&observed->links, host_port_name(vm, adapter, name));
	struct link now;

	if (!port || !host_mark_is_port(port) ||
	    rtnl_link_get(observed->requests, port->ifindex, &now) || !now.carrier)
		return 0;
	return problem_set(problem, -EBUSY,
			   "%s/%s is in use: its VM runs; shut the VM down, or unplug the adapter "
			   "from "
			   "it with QEMU's device_del and netdev_del",
			   vm->name, adapter->name);
}

static int check_guests(struct host *host, const struct change *change, struct problem *problem)
{
	const struct store *before = change->before, *after = change->after;
	struct store_object object = {.kind = CONFIG_VM};
	int err = 0;

	for (uint32_t i = 0; !err && i < before->vms.count; i++) {
		const struct vm_config *vm = &before->vms.vms[i];

		object.name = vm->name;
		for (uint32_t j = 0; !err && j < vm->adapter_count; j++) {
			const struct adapter_config *adapter = &vm->adapters[j];

			if (!*vm->netns && !*vm->libvirt && !*adapter->port &&
			    loses_port(after, vm, adapter))
				err = check_guest(host, vm, adapter, problem);
		}
	}
	return err ? store_blame(before, after, object, change->commanded, problem) : 0;
}

/*
 * Does the change ask for another place than before: another port, switch, VLAN or guest? Of a switch,
 * for VFs?
 */
static bool is_placed_anew(const struct store *before, const struct store *after,
			   const char *object)
{
	const struct adapter_config *was = host_adapter_of(before, object);
	const struct adapter_config *is = host_adapter_of(after, object);

	if (!is)
		return !find(before, object) ||
		       (find(after, object) &&
			find(before, object)->iov != find(after, object)->iov);
	return !was || strcmp(was->port, is->port) != 0 || was->vlan != is->vlan ||
	       strcmp(was->switch_name, is->switch_name) != 0 ||
	       strcmp(vm_of(before, object)->netns, vm_of(after, object)->netns) != 0;
}

/* What was configured before may wait; what is new must be possible. */
static int check_steps(const struct change *change, const struct host_steps *steps,
		       struct problem *problem)
{
	for (size_t i = 0; i < steps->count; i++) {
		const char *object = steps->steps[i].object;
		const struct vm_config *vm = vm_of(change->after, object);
		const struct store_object whose = {vm ? CONFIG_VM : CONFIG_SWITCH,
						   vm ? vm->name : object};

		if (steps->steps[i].kind != HOST_REFUSE ||
		    !is_placed_anew(change->before, change->after, object))
			continue;
		(void)problem_set(problem, -EBUSY, "%s", steps->steps[i].text);
		return store_blame(change->before, change->after, whose, change->commanded,
				   problem);
	}
	return steps->incomplete ? problem_set(problem, -ENOMEM, "out of memory") : 0;
}

/* The bridge would take the guest's frames for the NIC's own: they would go to the host. */
static int check_mac(const struct host *host, const struct change *change,
		     const struct vm_config *vm, const struct adapter_config *adapter,
		     struct problem *problem)
{
	const struct vm_config *vm_before =
		vm_list_find((struct vm_list *)&change->before->vms, vm->name);
	const struct adapter_config *was =
		vm_before ? vm_adapter((struct vm_config *)vm_before, adapter->name) : NULL;
	const struct switch_config *sw = find(change->after, adapter->switch_name);
	const struct link *nic = sw ? host_nic(sw, &host->context->observed->links) : NULL;
	const struct store_object whose = {CONFIG_VM, vm->name};

	if (!nic || !mac_equal(&nic->mac, &adapter->mac) ||
	    (was && mac_equal(&was->mac, &adapter->mac) &&
	     strcmp(was->switch_name, adapter->switch_name) == 0))
		return 0;
	(void)problem_set(problem, -EBUSY,
			  "%s/%s cannot have the MAC of %s, the NIC of the switch %s; choose "
			  "another one",
			  vm->name, adapter->name, nic->name, sw->name);
	return store_blame(change->before, change->after, whose, change->commanded, problem);
}

static int check_macs(const struct host *host, const struct change *change, struct problem *problem)
{
	const struct vm_list *vms = &change->after->vms;
	int err = 0;

	for (uint32_t i = 0; !err && i < vms->count; i++)
		for (uint32_t j = 0; !err && j < vms->vms[i].adapter_count; j++)
			err = check_mac(host, change, &vms->vms[i], &vms->vms[i].adapters[j],
					problem);
	return err;
}

int host_check(struct host *host, const struct store *before, const struct store *after,
	       const struct store_object *commanded, struct problem *problem)
{
	const char *sw = commanded && commanded->kind == CONFIG_SWITCH ? commanded->name : "";
	const struct change change = {before, after, commanded};
	const struct host_config want = host_want(after);
	struct host_seen *seen;
	struct host_steps steps = {};
	int err;

	if (!before->switches.count && !after->switches.count)
		return 0;
	seen = calloc(1, sizeof(*seen));
	err = seen ? check_changes(host, &change, problem)
		   : problem_set(problem, -ENOMEM, "out of memory");
	if (!err)
		err = check_guests(host, &change, problem);
	if (!err)
		err = check_macs(host, &change, problem);
	if (!err)
		err = host_observe(host, after, seen, problem);
	if (!err) {
		host_plan(&want, &seen->view, &steps);
		err = check_commanded(host, after, seen, sw, problem);
		if (!err)
			err = check_steps(&change, &steps, problem);
		host_steps_done(&steps);
		host_seen_done(seen);
	}
	free(seen);
	return err;
}
