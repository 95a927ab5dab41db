// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/host_private.h"

#include "base/strings.h"
#include "core/iov.h"
#include "daemon/clock.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "kernel/rtnl_bridge.h"
#include "kernel/rtnl_route.h"
#include "kernel/rtnl_vf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct host_config host_want(const struct store *store)
{
	return (struct host_config){&store->switches, &store->vms};
}

bool host_has_work(const struct host *host, const struct store *store)
{
	const struct link_table *links = &host->context->observed->links;
	struct host_mark mark;

	if (store->switches.count || store->vms.count || host->guard_count)
		return true;
	for (size_t i = 0; i < links->count; i++)
		if (host_mark_is_port(&links->links[i]) || host_mark_read(&links->links[i], &mark))
			return true;
	return false;
}

struct host_nic_memory *host_nic_memory(struct host *host, const char *sw)
{
	for (size_t i = 0; i < host->nic_count; i++)
		if (strcmp(host->nics[i].sw, sw) == 0)
			return &host->nics[i];
	return NULL;
}

struct host_guard *host_guard_of(const struct host *host, const char *port)
{
	for (size_t i = 0; i < host->guard_count; i++)
		if (strcmp(host->guards[i].port, port) == 0)
			return &host->guards[i];
	return NULL;
}

/* --- NICs --- */

static void forget_nic(struct host_nic_memory *memory)
{
	free(memory->put);
	*memory = (struct host_nic_memory){.busy = memory->busy, .making = memory->making};
}

static void remember_put(struct host_nic_memory *nic, const struct mac *mac)
{
	struct mac *put;

	for (size_t i = 0; i < nic->put_count; i++)
		if (mac_equal(&nic->put[i], mac))
			return;
	put = reallocarray(nic->put, nic->put_count + 1, sizeof(*put));
	if (!put)
		return;
	nic->put = put;
	put[nic->put_count++] = *mac;
}

void host_note_put(struct host *host, const char *sw, int nic, const struct mac *mac)
{
	struct host_nic_memory *memory = host_remember_nic(host, sw, nic);

	if (memory)
		remember_put(memory, mac);
}

static bool has_adapter(const struct vm_list *vms, const struct mac *mac)
{
	for (uint32_t i = 0; i < vms->count; i++)
		for (uint32_t j = 0; j < vms->vms[i].adapter_count; j++)
			if (mac_equal(&vms->vms[i].adapters[j].mac, mac))
				return true;
	return false;
}

void host_note_filters(struct host *host, const struct store *store, const struct host_seen *seen)
{
	for (uint32_t sw = 0; sw < store->switches.count; sw++) {
		const struct switch_config *config = &store->switches.switches[sw];
		const struct link *nic = host_nic(config, seen->view.links);

		for (size_t i = 0; nic && i < seen->view.fdb_count; i++)
			if (seen->fdb[i].self && seen->fdb[i].ifindex == nic->ifindex &&
			    has_adapter(&store->vms, &seen->fdb[i].mac))
				host_note_put(host, config->name, nic->ifindex, &seen->fdb[i].mac);
	}
}

struct host_nic_memory *host_remember_nic(struct host *host, const char *sw, int ifindex)
{
	struct host_nic_memory *memory = host_nic_memory(host, sw);

	if (!memory && host->nic_count == sizeof(host->nics) / sizeof(host->nics[0]))
		return NULL;
	if (!memory) {
		memory = &host->nics[host->nic_count++];
		*memory = (struct host_nic_memory){};
	}
	if (memory->ifindex != ifindex)
		forget_nic(memory);
	memory->ifindex = ifindex;
	(void)text_copy(memory->sw, sizeof(memory->sw), sw);
	return memory;
}

/* A bridge that is ours still. */
static bool is_there(const struct host *host, const char *sw)
{
	const struct link *bridge = link_by_name(&host->context->observed->links, sw);
	struct host_mark mark;

	return bridge && host_mark_read(bridge, &mark);
}

void host_forget_nics(struct host *host, const struct store *store)
{
	for (size_t i = host->nic_count; i-- > 0;)
		if (!host->nics[i].busy && !is_there(host, host->nics[i].sw) &&
		    !switch_list_find((struct switch_list *)&store->switches, host->nics[i].sw)) {
			forget_nic(&host->nics[i]);
			host->nics[i] = host->nics[--host->nic_count];
		}
}

static bool wants_vm_vf(const struct store *store, const struct switch_config *sw)
{
	for (uint32_t i = 0; i < store->vms.count; i++)
		for (uint32_t j = 0; j < store->vms.vms[i].adapter_count; j++) {
			const struct vm_config *vm = &store->vms.vms[i];

			if (!*vm->netns && vm->adapters[j].iov_weight &&
			    strcmp(vm->adapters[j].switch_name, sw->name) == 0)
				return true;
		}
	return false;
}

uint32_t host_iov_reasons(struct host *host, const struct store *store,
			  const struct host_seen *seen, uint32_t place)
{
	const struct switch_config *sw = &store->switches.switches[place];
	const struct host_nic_memory *memory = host_nic_memory(host, sw->name);
	const struct sriov *sriov = &seen->sriovs[place];
	const struct vf_table *vfs = &seen->nics[place].vfs;
	struct iov_facts facts = iov_look(host_nic(sw, &host->context->observed->links));

	facts.total = sriov->total;
	facts.has_driver = sriov->has_driver;
	facts.iommu = sriov->iommu;
	facts.memory = sriov->memory;
	facts.error = memory ? memory->refused_errno : 0;
	for (size_t i = 0; i < vfs->count && !facts.shares_group; i++)
		facts.shares_group =
			*vfs->vfs[i].pci && sriov_shares_group(HOST_SYSFS, vfs->vfs[i].pci);
	return iov_reasons(&facts);
}

void host_hold(struct host *host, const char *object, int nic, int vf, const struct mac *mac)
{
	struct host_holding *holdings;

	for (size_t i = host->holding_count; i-- > 0;)
		if (strcmp(host->holdings[i].object, object) == 0 ||
		    (host->holdings[i].nic == nic && host->holdings[i].vf == vf))
			host->holdings[i] = host->holdings[--host->holding_count];
	holdings = mac_is_zero(mac) ? NULL
				    : reallocarray(host->holdings, host->holding_count + 1,
						   sizeof(*holdings));
	if (!holdings)
		return;
	host->holdings = holdings;
	holdings += host->holding_count++;
	*holdings = (struct host_holding){.nic = nic, .vf = vf, .mac = *mac};
	(void)text_copy(holdings->object, sizeof(holdings->object), object);
}

static void find_known(const struct host *host, int nic, uint64_t *ret_known)
{
	for (size_t i = 0; i < host->holding_count; i++)
		if (host->holdings[i].nic == nic && host->holdings[i].vf < HOST_VFS_MAX)
			ret_known[host->holdings[i].vf / 64] |= 1ULL << (host->holdings[i].vf % 64);
}

void host_note_unread(struct host_nic_memory *memory, const char *nic, int err)
{
	if (err && err != memory->unread)
		log_warning("%s: the VFs of %s cannot be read: %s", memory->sw, nic,
			    strerror(-err));
	memory->unread = err;
}

/*
 * A NIC whose VFs cannot be read keeps nobody waiting: they are left alone, and all else of its switch
 * is done. Not a trouble of the switch, whose steps would wait for its next try.
 */
static int observe_vfs(const struct host *host, const struct link *nic, struct host_nic *seen,
		       struct sriov *sriov)
{
	int err;

	if (strcmp(nic->bus, "pci") != 0 || sriov_read(HOST_SYSFS, nic->bus_id, sriov))
		return 0;
	seen->total = sriov->has_driver ? sriov->total : 0;
	if (!sriov->has_vfs)
		return 0;
	err = rtnl_vf_dump(host->context->observed->requests, nic->ifindex, &seen->vfs);
	if (!err)
		err = sriov_functions(HOST_SYSFS, nic->bus_id, &seen->vfs);
	seen->busy |= err != 0;
	return err;
}

static void observe_nic(struct host *host, const struct store *store, uint32_t place,
			struct host_seen *seen)
{
	static const struct host_nic_memory none = {};
	const struct switch_config *sw = &store->switches.switches[place];
	const struct link *nic = host_nic(sw, &host->context->observed->links);
	const struct host_nic_memory *memory = host_nic_memory(host, sw->name);
	struct host_nic *of = &seen->nics[place];
	uint32_t wanted;

	of->busy = memory && memory->busy;
	if (!nic || (memory && memory->making)) /* a table that changes meanwhile says nothing */
		return;
	if (!memory || memory->ifindex != nic->ifindex)
		memory = &none;
	of->no_trust = memory->no_trust;
	of->no_spoofchk = memory->no_spoofchk;
	of->no_link = memory->no_link;
	of->again = memory->again;
	of->put = memory->put;
	of->put_count = memory->put_count;
	memcpy(of->ours, memory->ours, sizeof(of->ours));
	find_known(host, nic->ifindex, of->known);
	seen->unread[place] = observe_vfs(host, nic, of, &seen->sriovs[place]);
	wanted = sw->vf_count && sw->vf_count < of->total ? sw->vf_count : of->total;
	of->refused = memory->refused_count && memory->refused_count == wanted;
	of->bars_vms = of->vfs.count && wants_vm_vf(store, sw) &&
		       !iov_possible_for_vms(host_iov_reasons(host, store, seen, place));
}

/* VFs that were there before, and that this daemon has set: they go back before the switch does. */
static int observe_leaving(struct host *host, const struct store *store, struct host_seen *seen)
{
	const struct link_table *links = &host->context->observed->links;
	struct sriov sriov;

	seen->leaving = calloc(host->nic_count ? host->nic_count : 1, sizeof(*seen->leaving));
	if (!seen->leaving)
		return -ENOMEM;
	for (size_t i = 0; i < host->nic_count; i++) {
		struct host_nic_memory *memory = &host->nics[i];
		const struct link *bridge = link_by_name(links, memory->sw);
		const struct link *nic = link_by_index(links, memory->ifindex);
		struct host_leaving *leaving = &seen->leaving[seen->view.leaving_count];
		struct host_mark mark;

		if (switch_list_find((struct switch_list *)&store->switches, memory->sw) ||
		    !bridge || !host_mark_read(bridge, &mark) || mark.made_vfs || !nic ||
		    nic->master != bridge->ifindex)
			continue;
		*leaving = (struct host_leaving){.sw = memory->sw, .link = nic};
		leaving->nic.busy = memory->busy;
		memcpy(leaving->nic.ours, memory->ours, sizeof(memory->ours));
		host_note_unread(memory, nic->name, observe_vfs(host, nic, &leaving->nic, &sriov));
		seen->view.leaving_count++;
	}
	return 0;
}

/* --- ports --- */

static bool namespace_is_there(const char *name)
{
	char path[sizeof(HOST_NETNS_DIRECTORY) + VM_NAME_SIZE + 1];

	(void)snprintf(path, sizeof(path), HOST_NETNS_DIRECTORY "/%s", name);
	return access(path, F_OK) == 0;
}

/* One that was moved to another switch, or was given another MAC, has none that it should keep. */
static int held_before(const struct host *host, const char *object, const struct link *nic,
		       const struct mac *mac)
{
	for (size_t i = 0; nic && i < host->holding_count; i++)
		if (strcmp(host->holdings[i].object, object) == 0 &&
		    host->holdings[i].nic == nic->ifindex && mac_equal(&host->holdings[i].mac, mac))
			return host->holdings[i].vf;
	return -1;
}

static const struct link *nic_of(const struct host *host, const struct store *store,
				 const struct adapter_config *adapter)
{
	const struct switch_config *sw =
		switch_list_find((struct switch_list *)&store->switches, adapter->switch_name);

	return sw ? host_nic(sw, &host->context->observed->links) : NULL;
}

static void observe_port(const struct host *host, const struct store *store,
			 const struct vm_config *vm, const struct adapter_config *adapter,
			 struct host_port *ret_port)
{
	const struct link *link = host_port_link(vm, adapter, &host->context->observed->links);
	char name[LINK_NAME_SIZE], object[HOST_OBJECT_SIZE];
	const struct host_guard *guard = host_guard_of(host, host_port_name(vm, adapter, name));

	(void)snprintf(object, sizeof(object), "%s/%s", vm->name, adapter->name);
	*ret_port = (struct host_port){
		.vf = held_before(host, object, nic_of(host, store, adapter), &adapter->mac)};
	if (guard && link && guard->ifindex == link->ifindex && guard_attached(guard->guard))
		ret_port->rules = &guard->rules;
}

static int observe_ports(const struct host *host, const struct store *store, struct host_seen *seen)
{
	seen->ports = calloc(VMS_MAX, sizeof(*seen->ports));
	if (!seen->ports)
		return -ENOMEM;
	for (uint32_t i = 0; i < store->vms.count; i++) {
		const struct vm_config *vm = &store->vms.vms[i];
		bool missing = *vm->netns && !namespace_is_there(vm->netns);

		for (uint32_t j = 0; j < vm->adapter_count; j++) {
			observe_port(host, store, vm, &vm->adapters[j], &seen->ports[i][j]);
			seen->ports[i][j].guest_missing = missing;
		}
	}
	return 0;
}

static int observe_guards(const struct host *host, struct host_seen *seen)
{
	seen->guards = calloc(host->guard_count ? host->guard_count : 1, sizeof(*seen->guards));
	if (!seen->guards)
		return -ENOMEM;
	for (size_t i = 0; i < host->guard_count; i++)
		(void)text_copy(seen->guards[i], LINK_NAME_SIZE, host->guards[i].port);
	return 0;
}

/* Who has the default route is who leads to addresses that are in nobody's network: of IPv4's
 * reserved ones (RFC 1112, 4) and of global unicast that has not been handed out. */
static void find_default_routes(struct netlink *netlink, int *ret_ifindexes)
{
	static const uint8_t ipv4[] = {240, 0, 0, 1};
	static const uint8_t ipv6[16] = {0x3f, 0xff, 0xff, 0xff, [15] = 1};

	(void)rtnl_route_device(netlink, AF_INET, ipv4, &ret_ifindexes[0]);
	(void)rtnl_route_device(netlink, AF_INET6, ipv6, &ret_ifindexes[1]);
}

/* --- all --- */

/* Only where there are VFs, or may have been, are filters of interest. */
static bool may_have_vfs(const struct store *store, const struct host_seen *seen)
{
	for (uint32_t i = 0; i < store->switches.count; i++)
		if (store->switches.switches[i].iov || seen->sriovs[i].total)
			return true;
	return false;
}

void host_seen_done(struct host_seen *seen)
{
	for (size_t i = 0; i < SWITCHES_MAX; i++)
		vf_table_done(&seen->nics[i].vfs);
	for (size_t i = 0; i < seen->view.leaving_count; i++)
		vf_table_done(&seen->leaving[i].nic.vfs);
	free(seen->leaving);
	free(seen->vlans);
	free(seen->fdb);
	free(seen->ports);
	free(seen->guards);
	*seen = (struct host_seen){};
}

static void point_view(const struct host *host, struct host_seen *seen)
{
	const struct observed *observed = host->context->observed;

	seen->view.links = &observed->links;
	seen->view.addresses = observed->addresses;
	seen->view.address_count = observed->address_count;
	seen->view.taken = handover_taken(host->context->handover, &seen->view.taken_count);
	seen->view.vlans = seen->vlans;
	seen->view.fdb = seen->fdb;
	seen->view.nics = seen->nics;
	seen->view.ports = (const struct host_port(*)[VM_ADAPTERS_MAX])seen->ports;
	seen->view.leaving = seen->leaving;
	seen->view.guards = (const char(*)[LINK_NAME_SIZE])seen->guards;
	seen->view.guard_count = host->guard_count;
}

int host_observe(struct host *host, const struct store *store, struct host_seen *ret_seen,
		 struct problem *problem)
{
	struct netlink *netlink = host->context->observed->requests;
	struct host_seen seen = {};
	int err = rtnl_bridge_dump_vlans(netlink, &seen.vlans, &seen.view.vlan_count);

	if (!err)
		err = observe_ports(host, store, &seen);
	if (!err)
		err = observe_guards(host, &seen);
	find_default_routes(netlink, seen.view.default_routes);
	for (uint32_t i = 0; !err && i < store->switches.count; i++)
		observe_nic(host, store, i, &seen);
	if (!err)
		err = observe_leaving(host, store, &seen);
	if (!err && may_have_vfs(store, &seen))
		err = rtnl_fdb_dump(netlink, 0, &seen.fdb, &seen.view.fdb_count);
	if (err) {
		host_seen_done(&seen);
		return problem_set(problem, err, "cannot read the bridges: %s", strerror(-err));
	}
	*ret_seen = seen;
	point_view(host, ret_seen);
	return 0;
}
