// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VMs that are domains of libvirt (H3, H7, H10). A domain is seen to for as long as it has something
 * of ours: after its VM was removed here that is taken out of it first.
 */
#include "daemon/domain.h"
#include "daemon/host_private.h"

#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

static struct domain *find(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->domain_count; i++)
		if (strcmp(domain_name(host->domains[i]), name) == 0)
			return host->domains[i];
	return NULL;
}

static bool is_wanted(const struct store *store, const char *name)
{
	for (uint32_t i = 0; i < store->vms.count; i++)
		if (strcmp(store->vms.vms[i].libvirt, name) == 0)
			return true;
	return false;
}

/* NULL: no memory; it is tried at the next look. */
static struct domain *take(struct host *host, const char *name)
{
	struct domain **domains, *domain = find(host, name);

	if (domain)
		return domain;
	domains = reallocarray(host->domains, host->domain_count + 1, sizeof(*domains));
	if (!domains)
		return NULL;
	host->domains = domains;
	if (domain_open(host->context->loop, host->libvirt, name, host->changed, host->data,
			&domain))
		return NULL;
	domains[host->domain_count++] = domain;
	return domain;
}

/* --- VFs that QEMU may be given --- */

static const char *vf_of(const struct host *host, const struct mac *mac)
{
	for (size_t i = 0; i < host->given_count; i++)
		if (mac_equal(&host->given[i].mac, mac))
			return host->given[i].vf;
	return "";
}

static size_t count_adapters(const struct store *store)
{
	size_t count = 0;

	for (uint32_t i = 0; i < store->vms.count; i++)
		if (*store->vms.vms[i].libvirt)
			count += store->vms.vms[i].adapter_count;
	return count;
}

/* A NIC that is away, at work or unreadable says nothing of who has its VFs. */
static bool is_known(const struct host *host, const struct switch_config *sw,
		     const struct host_nic *nic)
{
	return !nic->busy && host_nic(sw, &host->context->observed->links);
}

static void note_vfs_of(const struct host *host, const struct store *store,
			const struct host_seen *seen, uint32_t sw, int (*got)[VM_ADAPTERS_MAX],
			int (*held)[VM_ADAPTERS_MAX], struct host_given *given, size_t *count)
{
	const struct switch_config *config = &store->switches.switches[sw];
	const struct host_config want = host_want(store);
	bool known = is_known(host, config, &seen->nics[sw]);

	host_allot(&want, &seen->view, sw, got, held);
	for (uint32_t i = 0; i < store->vms.count; i++)
		for (uint32_t j = 0; j < store->vms.vms[i].adapter_count; j++) {
			const struct adapter_config *adapter = &store->vms.vms[i].adapters[j];
			const char *pci = known ? "" : vf_of(host, &adapter->mac);
			const struct vf *vf = NULL;

			if (!*store->vms.vms[i].libvirt ||
			    strcmp(adapter->switch_name, config->name) != 0)
				continue;
			if (known && seen->nics[sw].vfs.count)
				vf = host_vf_for_qemu(&seen->nics[sw], got[i][j], held[i][j]);
			given[*count].mac = adapter->mac;
			(void)text_copy(given[*count].vf, sizeof(given->vf), vf ? vf->pci : pci);
			++*count;
		}
}

/* A look that lacks memory leaves what was known before. */
void host_note_given(struct host *host, const struct store *store, const struct host_seen *seen)
{
	size_t room = count_adapters(store), count = 0;
	struct host_given *given = room ? calloc(room, sizeof(*given)) : NULL;
	int(*held)[VM_ADAPTERS_MAX] = calloc(2 * (size_t)VMS_MAX, sizeof(*held));

	if (!given || !held) {
		free(given);
		free(held);
		return;
	}
	for (uint32_t sw = 0; sw < store->switches.count; sw++)
		note_vfs_of(host, store, seen, sw, held + VMS_MAX, held, given, &count);
	free(held);
	free(host->given);
	host->given = given;
	host->given_count = count;
}

/* --- wishes --- */

/* An adapter that never has allowed teaming is left alone: somebody else may have set its link. */
static void make_wish(const struct host *host, const struct vm_config *vm,
		      const struct adapter_config *adapter, const struct switch_config *sw,
		      const struct domain_wish *before, struct domain_wish *ret_wish)
{
	const struct link_table *links = &host->context->observed->links;
	struct domain_wish wish = {
		.mac = adapter->mac,
		.port_there = host_port_link(vm, adapter, links) != NULL,
		.paired = adapter->iov_weight > 0,
		.sets_link = adapter->allow_teaming || (before && before->sets_link),
		.up = !host_is_cut_off(adapter, sw, links),
	};

	(void)text_copy(wish.name, sizeof(wish.name), adapter->name);
	(void)text_copy(wish.vf, sizeof(wish.vf), vf_of(host, &adapter->mac));
	(void)host_port_name(vm, adapter, wish.port);
	*ret_wish = wish;
}

static bool is_among(const struct domain_wishes *wishes, const struct mac *mac)
{
	for (uint32_t i = 0; i < wishes->count; i++)
		if (mac_equal(&wishes->wishes[i].mac, mac))
			return true;
	return false;
}

/* Shall it be seen to any longer? A domain that cannot be told is not held for ever. */
static bool is_leaving(const struct domain *domain, const struct domain_wish *wish)
{
	const struct domain_view *view = domain_seen(domain);
	struct problem problem = {};

	domain_explain(domain, &wish->mac, &problem);
	return wish->sets_link && !problem.error && (!view || domain_is_cut_off(view, wish));
}

/* Nobody else would ever connect a user's own interface again that is no adapter's any more. */
static void add_leaving(const struct domain *domain, struct domain_wishes *wishes)
{
	const struct domain_wishes *before = domain_wishes(domain);

	for (uint32_t i = 0; i < before->count; i++) {
		struct domain_wish wish = before->wishes[i];

		if (is_among(wishes, &wish.mac) || !is_leaving(domain, &wish) ||
		    wishes->count == ARRAY_SIZE(wishes->wishes))
			continue;
		wish.leaving = wish.up = true;
		wishes->wishes[wishes->count++] = wish;
	}
}

static void want(const struct host *host, struct domain *domain, const struct vm_config *vm,
		 const struct store *store)
{
	struct domain_wishes wishes = {};

	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct adapter_config *adapter = &vm->adapters[i];
		const struct switch_config *sw = switch_list_find(
			(struct switch_list *)&store->switches, adapter->switch_name);

		if (sw)
			make_wish(host, vm, adapter, sw, domain_wish_of(domain, &adapter->mac),
				  &wishes.wishes[wishes.count++]);
	}
	add_leaving(domain, &wishes);
	domain_want(domain, &wishes);
}

/* One that cannot be asked is not held for ever: what is in it is left to its owner. */
static bool may_go(const struct domain *domain)
{
	const struct domain_view *view = domain_seen(domain);
	struct problem problem = {};

	if (view)
		return domain_is_clear(view);
	domain_explain(domain, &(struct mac){}, &problem);
	return problem.error != 0;
}

static void leave(struct host *host, size_t place)
{
	struct domain *domain = host->domains[place];
	struct domain_wishes left = {};

	add_leaving(domain, &left);
	domain_want(domain, &left);
	if (left.count || !may_go(domain))
		return;
	domain_close(domain);
	host->domains[place] = host->domains[--host->domain_count];
}

void host_tell_domains(struct host *host, const struct store *store)
{
	for (size_t i = host->domain_count; i-- > 0;)
		if (!is_wanted(store, domain_name(host->domains[i])))
			leave(host, i);
	/* Before the first look nobody knows who has which VF. */
	for (uint32_t i = 0; host->given && i < store->vms.count; i++) {
		const struct vm_config *vm = &store->vms.vms[i];
		struct domain *domain = *vm->libvirt ? take(host, vm->libvirt) : NULL;

		if (domain)
			want(host, domain, vm, store);
	}
}

void host_domains_done(struct host *host)
{
	for (size_t i = 0; i < host->domain_count; i++)
		domain_close(host->domains[i]);
	free(host->domains);
	free(host->given);
}

/* --- for show --- */

bool host_domain_told(const struct host *host, const struct vm_config *vm,
		      const struct adapter_config *adapter)
{
	const struct domain *domain = *vm->libvirt ? find(host, vm->libvirt) : NULL;

	return domain && domain_told(domain, &adapter->mac);
}

void host_domain_explain(const struct host *host, const struct vm_config *vm,
			 const struct adapter_config *adapter, struct problem *problem)
{
	const struct domain *domain = *vm->libvirt ? find(host, vm->libvirt) : NULL;

	if (domain)
		domain_explain(domain, &adapter->mac, problem);
}

const struct domain_view *host_domain_seen(const struct host *host, const struct vm_config *vm)
{
	const struct domain *domain = *vm->libvirt ? find(host, vm->libvirt) : NULL;

	return domain ? domain_seen(domain) : NULL;
}
