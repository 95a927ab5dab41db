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

/* A VM whose QEMU has a control socket. */
struct host_guest {
	char vm[VM_NAME_SIZE];
	char path[VM_PATH_SIZE];
	struct qmp *qmp;
	struct mac macs[VM_ADAPTERS_MAX]; /* that it has been told of */
	size_t mac_count;
};

static struct host_guest *find_guest(const struct host *host, const char *vm)
{
	for (size_t i = 0; i < host->guest_count; i++)
		if (strcmp(host->guests[i].vm, vm) == 0)
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

static bool is_tellable(const struct vm_config *vm)
{
	return !*vm->netns && *vm->qmp;
}

static void drop_gone(struct host *host, const struct store *store)
{
	for (size_t i = host->guest_count; i-- > 0;) {
		struct host_guest *guest = &host->guests[i];
		const struct vm_config *vm = vm_list_find((struct vm_list *)&store->vms, guest->vm);

		if (!vm || !is_tellable(vm) || strcmp(vm->qmp, guest->path) != 0)
			drop_guest(host, guest);
	}
}

/* NULL: no memory; it is tried at the next look. */
static struct host_guest *take_guest(struct host *host, const struct vm_config *vm)
{
	struct host_guest *guests = find_guest(host, vm->name);

	if (guests)
		return guests;
	guests = reallocarray(host->guests, host->guest_count + 1, sizeof(*guests));
	if (!guests)
		return NULL;
	host->guests = guests;
	guests += host->guest_count;
	*guests = (struct host_guest){};
	(void)text_copy(guests->vm, sizeof(guests->vm), vm->name);
	(void)text_copy(guests->path, sizeof(guests->path), vm->qmp);
	if (qmp_open(host->context->loop, vm->qmp, host->changed, host->data, &guests->qmp))
		return NULL;
	host->guest_count++;
	return guests;
}

static void forget_others(struct host_guest *guest, const struct vm_config *vm)
{
	for (size_t i = guest->mac_count; i-- > 0;) {
		bool wanted = false;

		for (uint32_t j = 0; j < vm->adapter_count; j++)
			wanted |= mac_equal(&vm->adapters[j].mac, &guest->macs[i]);
		if (wanted)
			continue;
		qmp_forget(guest->qmp, &guest->macs[i]);
		guest->macs[i] = guest->macs[--guest->mac_count];
	}
}

static void tell(struct host_guest *guest, const struct vm_config *vm, const struct store *store,
		 const struct link_table *links)
{
	forget_others(guest, vm);
	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct adapter_config *adapter = &vm->adapters[i];
		const struct switch_config *sw = switch_list_find(
			(struct switch_list *)&store->switches, adapter->switch_name);
		bool known = has_mac(guest, &adapter->mac);

		if (!sw || (!adapter->allow_teaming && !known))
			continue;
		if (!known)
			guest->macs[guest->mac_count++] = adapter->mac;
		(void)qmp_set_link(guest->qmp, &adapter->mac, !host_is_cut_off(adapter, sw, links));
	}
}

void host_tell_guests(struct host *host, const struct store *store)
{
	drop_gone(host, store);
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
	const struct host_guest *guest = find_guest(host, vm->name);

	if (*vm->libvirt)
		return host_domain_told(host, vm, adapter);
	return guest && qmp_told(guest->qmp, &adapter->mac);
}

const char *host_guest_trouble(const struct host *host, const struct vm_config *vm,
			       const struct adapter_config *adapter)
{
	const struct host_guest *guest = find_guest(host, vm->name);

	if (*vm->netns || *vm->libvirt || (guest && !has_mac(guest, &adapter->mac)))
		return "";
	if (!*vm->qmp)
		return "its guest cannot be told of a lost uplink: the VM has no Qmp";
	return guest ? qmp_trouble(guest->qmp, &adapter->mac) : "";
}
