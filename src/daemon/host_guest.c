// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * H7. QEMU's guests are told of a lost uplink by QEMU itself: the carrier of a tap does not reach
 * them. An adapter that never has allowed teaming is left alone: somebody else may have set its
 * link.
 */
#include "daemon/host_private.h"

#include "base/strings.h"
#include "daemon/qmp.h"

#include <stdlib.h>
#include <string.h>

/* A QEMU that has a control socket, known by it: its VM may get another name. */
struct host_guest {
	char path[VM_PATH_SIZE];
	struct qmp *qmp;
	struct mac macs[VM_ADAPTERS_MAX]; /* that it has been told of */
	size_t mac_count;
};

static bool is_tellable(const struct vm_config *vm)
{
	return !*vm->netns && *vm->qmp;
}

static struct host_guest *find_guest(const struct host *host, const struct vm_config *vm)
{
	for (size_t i = 0; is_tellable(vm) && i < host->guest_count; i++)
		if (strcmp(host->guests[i].path, vm->qmp) == 0)
			return &host->guests[i];
	return NULL;
}

static bool has_mac(const struct host_guest *guest, const struct mac *mac)
{
	for (size_t i = 0; i < guest->mac_count; i++)
		if (mac_equal(&guest->macs[i], mac))
			return true;
	return false;
}

static void drop_guest(struct host *host, struct host_guest *guest)
{
	qmp_close(guest->qmp);
	*guest = host->guests[--host->guest_count];
}

/* NULL: no memory; it is tried at the next look. */
static struct host_guest *take_guest(struct host *host, const struct vm_config *vm)
{
	struct host_guest *guests = find_guest(host, vm);

	if (guests)
		return guests;
	guests = reallocarray(host->guests, host->guest_count + 1, sizeof(*guests));
	if (!guests)
		return NULL;
	host->guests = guests;
	guests += host->guest_count;
	*guests = (struct host_guest){};
	(void)text_copy(guests->path, sizeof(guests->path), vm->qmp);
	if (qmp_open(host->context->loop, vm->qmp, host->changed, host->data, &guests->qmp))
		return NULL;
	host->guest_count++;
	return guests;
}

static bool is_adapter_of(const struct vm_config *vm, const struct mac *mac)
{
	for (uint32_t i = 0; vm && i < vm->adapter_count; i++)
		if (mac_equal(&vm->adapters[i].mac, mac))
			return true;
	return false;
}

/* The VM that is told by the socket at @path, NULL: none any more. */
static const struct vm_config *vm_at(const struct store *store, const char *path)
{
	for (uint32_t i = 0; i < store->vms.count; i++)
		if (is_tellable(&store->vms.vms[i]) && strcmp(store->vms.vms[i].qmp, path) == 0)
			return &store->vms.vms[i];
	return NULL;
}

/* One QEMU may have two sockets: who is told by another one now is told there alone. */
static bool is_told_elsewhere(const struct store *store, const struct mac *mac)
{
	for (uint32_t i = 0; i < store->vms.count; i++)
		if (is_tellable(&store->vms.vms[i]) && is_adapter_of(&store->vms.vms[i], mac))
			return true;
	return false;
}

/*
 * Nobody else would ever connect a card again that is no adapter of ours any more. One that cannot be
 * told is not held for ever: it is left to its owner.
 */
static bool has_left(const struct host_guest *guest, const struct store *store,
		     const struct mac *mac)
{
	if (is_told_elsewhere(store, mac))
		return true;
	(void)qmp_set_link(guest->qmp, mac, true);
	return qmp_told(guest->qmp, mac) || *qmp_trouble(guest->qmp, mac);
}

static void leave_others(struct host_guest *guest, const struct store *store,
			 const struct vm_config *vm)
{
	for (size_t i = guest->mac_count; i-- > 0;) {
		const struct mac mac = guest->macs[i];

		if (is_adapter_of(vm, &mac) || !has_left(guest, store, &mac))
			continue;
		qmp_forget(guest->qmp, &mac);
		guest->macs[i] = guest->macs[--guest->mac_count];
	}
}

static void leave_gone(struct host *host, const struct store *store)
{
	for (size_t i = host->guest_count; i-- > 0;) {
		struct host_guest *guest = &host->guests[i];

		if (vm_at(store, guest->path))
			continue;
		leave_others(guest, store, NULL);
		if (!guest->mac_count)
			drop_guest(host, guest);
	}
}

/* Where there is no room beside those that leave, their end is waited for. */
static bool take_mac(struct host_guest *guest, const struct mac *mac)
{
	if (has_mac(guest, mac))
		return true;
	if (guest->mac_count == ARRAY_SIZE(guest->macs))
		return false;
	guest->macs[guest->mac_count++] = *mac;
	return true;
}

static void tell(struct host_guest *guest, const struct vm_config *vm, const struct store *store,
		 const struct link_table *links)
{
	leave_others(guest, store, vm);
	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct adapter_config *adapter = &vm->adapters[i];
		const struct switch_config *sw = switch_list_find(
			(struct switch_list *)&store->switches, adapter->switch_name);

		if (!sw || (!adapter->allow_teaming && !has_mac(guest, &adapter->mac)))
			continue;
		if (take_mac(guest, &adapter->mac))
			(void)qmp_set_link(guest->qmp, &adapter->mac,
					   !host_is_cut_off(adapter, sw, links));
	}
}

void host_tell_guests(struct host *host, const struct store *store)
{
	leave_gone(host, store);
	for (uint32_t i = 0; i < store->vms.count; i++) {
		const struct vm_config *vm = &store->vms.vms[i];
		struct host_guest *guest = is_tellable(vm) ? take_guest(host, vm) : NULL;

		if (guest)
			tell(guest, vm, store, &host->context->observed->links);
	}
	host_tell_domains(host, store);
}

void host_guests_done(struct host *host)
{
	while (host->guest_count)
		drop_guest(host, &host->guests[host->guest_count - 1]);
	free(host->guests);
}

bool host_guest_told(const struct host *host, const struct vm_config *vm,
		     const struct adapter_config *adapter)
{
	const struct host_guest *guest = find_guest(host, vm);

	if (*vm->libvirt)
		return host_domain_told(host, vm, adapter);
	return guest && qmp_told(guest->qmp, &adapter->mac);
}

const char *host_guest_trouble(const struct host *host, const struct vm_config *vm,
			       const struct adapter_config *adapter)
{
	const struct host_guest *guest = find_guest(host, vm);

	if (*vm->netns || *vm->libvirt || (guest && !has_mac(guest, &adapter->mac)))
		return "";
	if (!*vm->qmp)
		return "its guest cannot be told of a lost uplink: the VM has no Qmp";
	return guest ? qmp_trouble(guest->qmp, &adapter->mac) : "";
}
