// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/host_show.h"

#include "base/strings.h"
#include "core/domain_plan.h"
#include "core/iov.h"
#include "core/permit.h"
#include "daemon/host_private.h"
#include "daemon/json_text.h"
#include "daemon/qemu_words.h"

#include <errno.h>
#include <linux/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void put(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

__attribute__((format(printf, 2, 3))) static void note(json_t *notes, const char *format, ...)
{
	char text[HOST_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)json_array_append_new(notes, json_text(text));
}

static bool is_on(const struct showing *of, uint32_t vm, uint32_t place, uint32_t sw)
{
	return strcmp(of->store->vms.vms[vm].adapters[place].switch_name,
		      of->store->switches.switches[sw].name) == 0;
}

/* Once for each switch: it takes its time with many adapters. */
static void allot_all(struct showing *of)
{
	const struct host_config want = host_want(of->store);

	memset(of->held, -1, sizeof(of->held));
	for (uint32_t sw = 0; sw < of->store->switches.count; sw++) {
		if (!of->seen.nics[sw].vfs.count)
			continue;
		host_allot(&want, &of->seen.view, sw, of->got, of->of_switch);
		for (uint32_t i = 0; i < of->store->vms.count; i++)
			for (uint32_t j = 0; j < of->store->vms.vms[i].adapter_count; j++)
				if (is_on(of, i, j, sw))
					of->held[i][j] = of->of_switch[i][j];
	}
}

void host_end_showing(struct showing *of)
{
	host_seen_done(&of->seen);
	host_steps_done(&of->steps);
	free(of);
}

struct showing *host_begin_showing(struct host *host, const struct store *store,
				   struct problem *problem)
{
	const struct host_config want = host_want(store);
	struct showing *of = calloc(1, sizeof(*of));

	if (!of) {
		(void)problem_set(problem, -ENOMEM, "out of memory");
		return NULL;
	}
	of->host = host;
	of->store = store;
	if (host_observe(host, store, &of->seen, problem)) {
		host_end_showing(of);
		return NULL;
	}
	host_plan(&want, &of->seen.view, &of->steps);
	allot_all(of);
	return of;
}

bool host_unread_text(const struct showing *of, uint32_t place, char text[static HOST_TEXT_SIZE])
{
	const struct switch_config *sw = &of->store->switches.switches[place];

	if (!of->seen.unread[place])
		return false;
	(void)snprintf(text, HOST_TEXT_SIZE, "the VFs of %s cannot be read: %s", sw->nic,
		       strerror(-of->seen.unread[place]));
	return true;
}

/* What is missing, what is refused, and what failed. */
static void note_steps(const struct showing *of, json_t *notes, const char *object)
{
	const struct host_trouble *trouble = host_trouble_of(of->host, object);

	if (trouble)
		note(notes, "%s", trouble->text);
	for (size_t i = 0; i < of->steps.count; i++)
		if (!host_step_acts(&of->steps.steps[i]) &&
		    strcmp(of->steps.steps[i].object, object) == 0)
			note(notes, "%s", of->steps.steps[i].text);
}

/* --- switches --- */

static json_t *show_nic(const struct switch_config *sw, const struct link *nic)
{
	char mac[MAC_TEXT_SIZE] = "";

	if (nic)
		(void)mac_format(&nic->mac, mac);
	return json_pack("{s:s, s:o, s:s, s:s, s:s}", "device", sw->nic, "name",
			 json_text(nic ? nic->name : ""), "mac", mac, "driver",
			 nic ? nic->driver : "", "pci",
			 nic && strcmp(nic->bus, "pci") == 0 ? nic->bus_id : "");
}

static json_t *show_reasons(const struct host_nic_memory *memory, uint32_t reasons)
{
	json_t *array = json_array();

	for (int i = 0; i < IOV_REASON_COUNT; i++) {
		const char *text = iov_reason_sentences[i];

		if (!(reasons & 1U << i))
			continue;
		if (i == IOV_REASON_REFUSED && memory && *memory->refused_text)
			text = memory->refused_text;
		(void)json_array_append_new(array,
					    json_pack("{s:s, s:o}", "name", iov_reason_names[i],
						      "text", json_text(text)));
	}
	return array;
}

static unsigned int count_adapters(const struct store *store, const char *sw)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < store->vms.count; i++)
		for (uint32_t j = 0; j < store->vms.vms[i].adapter_count; j++)
			count += strcmp(store->vms.vms[i].adapters[j].switch_name, sw) == 0;
	return count;
}

static unsigned int count_held(const struct showing *of, uint32_t sw)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < of->store->vms.count; i++)
		for (uint32_t j = 0; j < of->store->vms.vms[i].adapter_count; j++)
			count += of->held[i][j] >= 0 && is_on(of, i, j, sw);
	return count;
}

static json_t *show_settings(const struct switch_config *sw)
{
	json_t *object = json_object();
	char value[CONFIG_SETTING_SIZE];
	const char *key;

	for (size_t i = 0; !config_switch_get(sw, i, &key, value, sizeof(value)); i++)
		put(object, key, json_text(value));
	return object;
}

static json_t *show_switch(struct showing *of, uint32_t place)
{
	const struct switch_config *sw = &of->store->switches.switches[place];
	const struct link *nic = host_nic(sw, of->seen.view.links);
	const struct host_nic_memory *memory = host_nic_memory(of->host, sw->name);
	uint32_t reasons = host_iov_reasons(of->host, of->store, &of->seen, place);
	json_t *object, *notes = json_array();
	char unread[HOST_TEXT_SIZE];

	note_steps(of, notes, sw->name);
	if (host_unread_text(of, place, unread))
		note(notes, "%s", unread);
	if (iov_look(nic).teamed)
		note(notes,
		     "%s is a %s, which hides SR-IOV from the VMs; to have VFs, make a switch "
		     "on each of its NICs and team in the guest",
		     nic->name, nic->kind);
	if (memory && memory->busy)
		note(notes, "VFs of %s are being made, given or taken", sw->nic);
	object = json_pack(
		"{s:s, s:o, s:s, s:b, s:b, s:b, s:o, s:i, s:i, s:i, s:i, s:o, s:o}", "name",
		sw->name, "nic", show_nic(sw, nic), "uplink",
		uplink_state_names[host_uplink(sw, of->seen.view.links)], "adopted", sw->adopt,
		"iov", sw->iov, "iov_supported", iov_possible(reasons), "iov_reasons",
		show_reasons(memory, reasons), "vfs_total", (int)of->seen.sriovs[place].total,
		"vfs_made", (int)of->seen.nics[place].vfs.count, "vfs_used",
		(int)count_held(of, place), "adapters", (int)count_adapters(of->store, sw->name),
		"settings", show_settings(sw), "notes", notes);
	return object;
}

json_t *host_show_switches(struct host *host, const struct store *store, const char *name,
			   struct problem *problem)
{
	struct showing *of = host_begin_showing(host, store, problem);
	json_t *array = of ? json_array() : NULL;

	for (uint32_t i = 0; of && i < store->switches.count; i++)
		if (!*name || strcmp(store->switches.switches[i].name, name) == 0)
			(void)json_array_append_new(array, show_switch(of, i));
	if (of)
		host_end_showing(of);
	return array;
}

/* --- adapters --- */

static json_t *show_wanted(const struct adapter_config *adapter)
{
	return json_pack("{s:i, s:b, s:b}", "iov_weight", (int)adapter->iov_weight, "allow_teaming",
			 adapter->allow_teaming, "mac_spoofing", adapter->mac_spoofing);
}

static json_t *known(bool is_known, bool value)
{
	return is_known ? json_boolean(value) : json_null();
}

static json_t *show_actual(const struct showing *of, const struct host_nic *nic,
			   const struct vf *vf)
{
	const struct link *link =
		vf && vf->ifindex ? link_by_index(of->seen.view.links, vf->ifindex) : NULL;

	if (!vf)
		return json_pack("{s:s, s:n, s:n, s:n, s:n, s:n, s:n, s:n}", "data_path",
				 "synthetic", "vf", "vf_pci", "vf_driver", "vf_netdev", "spoofchk",
				 "trust", "link_state");
	return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o}", "data_path", "vf", "vf",
			 (int)vf->index, "vf_pci", vf->pci, "vf_driver", vf->driver, "vf_netdev",
			 json_text(link ? link->name : ""), "spoofchk",
			 known(vf->has_spoofchk, vf->spoofchk), "trust",
			 known(vf->has_trust, vf->trust), "link_state",
			 nic->no_link ? json_null()
				      : json_string(vf_link_state_names[vf->link_state]));
}

static json_t *show_frames(const struct host_guard *guard)
{
	struct guard_counts counts = {};

	if (guard)
		(void)guard_read_counts(guard->guard, &counts);
	return json_pack("{s:I, s:I, s:I, s:I}", "passed", (json_int_t)counts.passed, "passed_mate",
			 (json_int_t)counts.passed_mate, "refused", (json_int_t)counts.refused,
			 "refused_group", (json_int_t)counts.refused_group);
}

static json_t *show_permitted(const struct vm_config *vm, const struct adapter_config *adapter)
{
	json_t *array = json_array();
	struct guard_rules rules;
	char text[MAC_TEXT_SIZE];

	permit_macs(vm, adapter, &rules);
	for (uint32_t i = 0; i < rules.count; i++)
		(void)json_array_append_new(
			array, json_string(mac_format((const struct mac *)rules.macs[i], text)));
	return array;
}

/* H6, H7: what the NIC cannot is said, not hidden. */
static void note_limits(const struct showing *of, json_t *notes, const struct host_nic *nic,
			const struct vf *vf, const struct vm_config *vm,
			const struct adapter_config *adapter)
{
	const char *guest = host_guest_trouble(of->host, vm, adapter);

	if (vf && adapter->allow_teaming && vf->has_trust && !nic->no_trust)
		note(notes, "its VF is trusted: the NIC lets the guest give it any MAC, not only "
			    "those of its team mates");
	else if (vf && adapter->allow_teaming)
		note(notes, "the NIC cannot permit team mates' MACs alone: its VF may send from "
			    "any MAC");
	if (vf && adapter->allow_teaming && nic->no_link)
		note(notes, "the NIC cannot tell the guest's VF of a lost uplink; the guest's "
			    "probing finds it");
	if (adapter->allow_teaming && *guest)
		note(notes, "%s", guest);
}

/* Of those that have a VF, the lightest; NULL: none has one. */
static const struct adapter_config *lightest_holder(const struct showing *of, uint32_t sw)
{
	const struct vm_list *vms = &of->store->vms;
	const struct adapter_config *lightest = NULL;

	for (uint32_t i = 0; i < vms->count; i++)
		for (uint32_t j = 0; j < vms->vms[i].adapter_count; j++) {
			const struct adapter_config *adapter = &vms->vms[i].adapters[j];

			if (of->held[i][j] >= 0 && is_on(of, i, j, sw) &&
			    (!lightest || adapter->iov_weight < lightest->iov_weight))
				lightest = adapter;
		}
	return lightest;
}

/* H4. */
static void note_no_vf(const struct showing *of, json_t *notes, uint32_t sw,
		       const struct vm_config *vm, const struct adapter_config *adapter)
{
	const struct host_nic *nic = &of->seen.nics[sw];
	const struct adapter_config *lightest = lightest_holder(of, sw);
	const char *name = adapter->switch_name;
	bool full = nic->vfs.count && count_held(of, sw) == nic->vfs.count;

	if (nic->bars_vms && !*vm->netns)
		note(notes,
		     "it has no VF: those of this NIC can be given to namespaces but to no VM; "
		     "iovteam switch show %s says why",
		     name);
	else if (full && lightest && lightest->iov_weight < adapter->iov_weight)
		note(notes,
		     "it has no VF: all %zu are in use, and not taken from a running VM unasked; "
		     "iovteam vf reallot %s takes one from an adapter that has less weight",
		     nic->vfs.count, name);
	else if (full)
		note(notes,
		     "it has no VF: all %zu are in use by adapters that come first, and it goes on "
		     "over its synthetic path",
		     nic->vfs.count);
	else
		note(notes, "it has no VF: iovteam switch show %s says why", name);
}

enum adapter_path host_path(const struct host *host, const struct switch_config *sw,
			    const struct vm_config *vm, const struct adapter_config *adapter)
{
	const struct link_table *links = &host->context->observed->links;
	const struct link *port = host_port_link(vm, adapter, links);
	bool told =
		*vm->netns ? port && !(port->flags & IFF_UP) : host_guest_told(host, vm, adapter);

	if (host_uplink(sw, links) == UPLINK_UP)
		return ADAPTER_PATH_OK;
	return adapter->allow_teaming && told ? ADAPTER_PATH_DISCONNECTED
					      : ADAPTER_PATH_UPLINK_LOST;
}

/* H8, of who may have no port yet: what a guest with a VF sends does not need it. */
static enum adapter_path path_of(const struct showing *of, const struct switch_config *sw,
				 const struct vm_config *vm, const struct adapter_config *adapter,
				 bool has_vf)
{
	const struct link_table *links = of->seen.view.links;
	const struct link *port = host_port_link(vm, adapter, links);
	const struct link *bridge = link_by_name(links, sw->name);

	if (!has_vf && (!port || !bridge || port->master != bridge->ifindex))
		return ADAPTER_PATH_NO_PORT;
	return host_path(of->host, sw, vm, adapter);
}

static bool is_in_order(const struct showing *of, const char *object)
{
	for (size_t i = 0; i < of->steps.count; i++)
		if (strcmp(of->steps.steps[i].object, object) == 0)
			return false;
	return !host_trouble_of(of->host, object);
}

/* How QEMU and libvirt are given the adapter: its tap, and its VF beside it (H10). */
static json_t *show_attach(const struct adapter_config *adapter, const char *port,
			   const struct vf *vf)
{
	char xml[DOMAIN_XML_SIZE], vf_xml[DOMAIN_XML_SIZE] = "";
	const char *pci = NULL;

	if (vf && !domain_hostdev_xml(&adapter->mac, vf->pci, vf_xml))
		pci = vf->pci;
	domain_interface_xml(&adapter->mac, port, adapter->iov_weight > 0, xml);
	return json_pack("{s:o, s:s+}", "qemu", qemu_words(adapter, port, pci), "libvirt_xml", xml,
			 vf_xml);
}

/* Of a VM that is a domain of libvirt: how far the adapter is in it. */
static json_t *show_domain(const struct showing *of, const struct vm_config *vm,
			   const struct adapter_config *adapter)
{
	const struct domain_view *view = host_domain_seen(of->host, vm);
	const struct domain_part *part = !view		      ? NULL
					 : view->live.present ? &view->live
							      : &view->config;
	const struct domain_card *card = part ? domain_card_of(part, &adapter->mac) : NULL;

	if (!*vm->libvirt)
		return json_null();
	return json_pack(
		"{s:o, s:s, s:b, s:o}", "name", json_text(vm->libvirt), "state",
		domain_state_names[domain_state_of(view)], "attached", card != NULL, "link",
		card && view->live.present ? json_string(card->up ? "up" : "down") : json_null());
}

static json_t *show_adapter(struct showing *of, uint32_t vm, uint32_t place)
{
	const struct vm_config *config = &of->store->vms.vms[vm];
	const struct adapter_config *adapter = &config->adapters[place];
	const struct switch_config *sw =
		switch_list_find((struct switch_list *)&of->store->switches, adapter->switch_name);
	uint32_t at = (uint32_t)(sw - of->store->switches.switches);
	const struct host_nic *nic = &of->seen.nics[at];
	char object[HOST_OBJECT_SIZE], port[LINK_NAME_SIZE], mac[MAC_TEXT_SIZE];
	struct problem domain = {};
	const struct vf *vf;
	bool ok;
	json_t *notes = json_array();

	vf = of->held[vm][place] < 0 ? NULL : &nic->vfs.vfs[of->held[vm][place]];
	(void)snprintf(object, sizeof(object), "%s/%s", config->name, adapter->name);
	(void)host_port_name(config, adapter, port);
	note_steps(of, notes, object);
	host_domain_explain(of->host, config, adapter, &domain);
	if (domain.error)
		note(notes, "%s", domain.text);
	ok = is_in_order(of, object) && !domain.error;
	note_limits(of, notes, nic, vf, config, adapter);
	if (adapter->iov_weight && !vf)
		note_no_vf(of, notes, at, config, adapter);
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o}",
			 "vm", config->name, "name", adapter->name, "switch", sw->name, "mac",
			 mac_format(&adapter->mac, mac), "vlan", (int)adapter->vlan, "port",
			 json_text(port), "status",
			 adapter_status_names[ok ? ADAPTER_OK : ADAPTER_DEGRADED], "path",
			 adapter_path_names[path_of(of, sw, config, adapter, vf)], "wanted",
			 show_wanted(adapter), "actual", show_actual(of, nic, vf), "permitted_macs",
			 show_permitted(config, adapter), "frames",
			 show_frames(host_guard_of(of->host, port)), "notes", notes, "domain",
			 show_domain(of, config, adapter), "attach",
			 *config->netns ? json_null() : show_attach(adapter, port, vf));
}

static json_t *show_vm(struct showing *of, uint32_t vm, const char *adapter)
{
	const struct vm_config *config = &of->store->vms.vms[vm];
	json_t *adapters = json_array();

	for (uint32_t i = 0; i < config->adapter_count; i++)
		if (!*adapter || strcmp(config->adapters[i].name, adapter) == 0)
			(void)json_array_append_new(adapters, show_adapter(of, vm, i));
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", config->name, "namespace",
			 config->netns, "qmp", config->qmp, "libvirt", json_text(config->libvirt),
			 "adapters", adapters);
}

json_t *host_show_vms(struct host *host, const struct store *store, const char *name,
		      const char *adapter, struct problem *problem)
{
	struct showing *of = host_begin_showing(host, store, problem);
	json_t *array = of ? json_array() : NULL;

	for (uint32_t i = 0; of && i < store->vms.count; i++)
		if (!*name || strcmp(store->vms.vms[i].name, name) == 0)
			(void)json_array_append_new(array, show_vm(of, i, adapter));
	if (of)
		host_end_showing(of);
	return array;
}

/* --- VFs --- */

static void holder(const struct showing *of, uint32_t sw, int vf, char *text, size_t size)
{
	*text = '\0';
	for (uint32_t i = 0; i < of->store->vms.count; i++)
		for (uint32_t j = 0; j < of->store->vms.vms[i].adapter_count; j++)
			if (of->held[i][j] == vf && is_on(of, i, j, sw))
				(void)snprintf(text, size, "%s/%s", of->store->vms.vms[i].name,
					       of->store->vms.vms[i].adapters[j].name);
}

static json_t *show_vf(const struct showing *of, uint32_t place, const struct vf *vf)
{
	const struct switch_config *sw = &of->store->switches.switches[place];
	char mac[MAC_TEXT_SIZE], adapter[HOST_OBJECT_SIZE];

	holder(of, place, (int)vf->index, adapter, sizeof(adapter));
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:i, s:o, s:o, s:s, s:s}", "nic", sw->nic,
			 "switch", sw->name, "index", (int)vf->index, "pci", vf->pci, "driver",
			 vf->driver, "mac", mac_format(&vf->mac, mac), "vlan", (int)vf->vlan,
			 "spoofchk", known(vf->has_spoofchk, vf->spoofchk), "trust",
			 known(vf->has_trust, vf->trust), "link_state",
			 vf_link_state_names[vf->link_state], "adapter", adapter);
}

json_t *host_show_vfs(struct host *host, const struct store *store, const char *sw,
		      struct problem *problem)
{
	struct showing *of = host_begin_showing(host, store, problem);
	json_t *array = of ? json_array() : NULL;

	for (uint32_t i = 0; of && i < store->switches.count; i++) {
		const struct vf_table *vfs = &of->seen.nics[i].vfs;

		if (*sw && strcmp(store->switches.switches[i].name, sw) != 0)
			continue;
		for (size_t j = 0; j < vfs->count; j++)
			(void)json_array_append_new(array, show_vf(of, i, &vfs->vfs[j]));
	}
	if (of)
		host_end_showing(of);
	return array;
}
