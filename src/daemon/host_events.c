// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * T20, of the host: uplinks, adapters' paths and VFs are compared with what was told of them last. Only
 * after something may have changed: there can be thousands of adapters.
 */
#include "base/strings.h"
#include "daemon/host_private.h"
#include "daemon/json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Notes that are made anew, beside what is asked of the plan for each switch. */
struct noting {
	struct host_vf_note *notes;
	size_t count;
	int (*got)[VM_ADAPTERS_MAX], (*held)[VM_ADAPTERS_MAX];
};

static bool has_vfs(const struct host_seen *seen)
{
	for (size_t i = 0; i < SWITCHES_MAX; i++)
		if (seen->nics[i].vfs.count)
			return true;
	return false;
}

/* Before its guest gives it another MAC. A daemon that has just been started has given none itself. */
static void note_holding(struct host *host, const struct store *store, uint32_t vm, uint32_t place,
			 const struct link_table *links, int vf)
{
	const struct adapter_config *adapter = &store->vms.vms[vm].adapters[place];
	const struct switch_config *sw =
		switch_list_find((struct switch_list *)&store->switches, adapter->switch_name);
	const struct link *nic = host_nic(sw, links);
	char object[HOST_OBJECT_SIZE];

	if (vf < 0 || !nic)
		return;
	(void)snprintf(object, sizeof(object), "%s/%s", store->vms.vms[vm].name, adapter->name);
	host_hold(host, object, nic->ifindex, vf, &adapter->mac);
}

static int order_notes(const void *a, const void *b)
{
	const struct host_vf_note *one = a, *other = b;
	int order = memcmp(&one->mac, &other->mac, sizeof(one->mac));

	return order ? order : strcmp(one->sw, other->sw);
}

static void note_vf(struct noting *noting, const struct adapter_config *adapter,
		    const struct vf *vf)
{
	struct host_vf_note *note = &noting->notes[noting->count++];

	*note = (struct host_vf_note){.mac = adapter->mac, .vf = (int)vf->index};
	(void)text_copy(note->sw, sizeof(note->sw), adapter->switch_name);
	(void)text_copy(note->pci, sizeof(note->pci), vf->pci);
}

/* What is done there now is told when that is done. */
static void keep_notes(struct noting *noting, const struct host *host, const char *sw)
{
	for (size_t i = 0; i < host->vf_count; i++)
		if (strcmp(host->vfs[i].sw, sw) == 0)
			noting->notes[noting->count++] = host->vfs[i];
}

static void note_switch(struct noting *noting, struct host *host, const struct store *store,
			const struct host_seen *seen, uint32_t sw)
{
	const struct host_config want = host_want(store);

	host_allot(&want, &seen->view, sw, noting->got, noting->held);
	for (uint32_t i = 0; i < store->vms.count; i++)
		for (uint32_t j = 0; j < store->vms.vms[i].adapter_count; j++) {
			const struct adapter_config *adapter = &store->vms.vms[i].adapters[j];
			int vf = noting->held[i][j];

			if (vf < 0 ||
			    strcmp(adapter->switch_name, store->switches.switches[sw].name) != 0)
				continue;
			note_holding(host, store, i, j, seen->view.links, vf);
			if (*seen->nics[sw].vfs.vfs[vf].pci)
				note_vf(noting, adapter, &seen->nics[sw].vfs.vfs[vf]);
		}
}

/* An adapter has one VF at most, of its switch. */
static bool noting_begin(struct noting *noting, const struct host *host, const struct store *store)
{
	size_t room = host->vf_count + 1;

	for (uint32_t i = 0; i < store->vms.count; i++)
		room += store->vms.vms[i].adapter_count;
	noting->notes = calloc(room, sizeof(*noting->notes));
	noting->got = calloc(2 * (size_t)VMS_MAX, sizeof(*noting->got));
	if (noting->notes && noting->got) {
		noting->held = noting->got + VMS_MAX;
		return true;
	}
	free(noting->notes);
	free(noting->got);
	return false;
}

static void note_unread(struct host *host, const struct store *store, const struct host_seen *seen)
{
	for (uint32_t sw = 0; sw < store->switches.count; sw++) {
		const struct switch_config *config = &store->switches.switches[sw];
		const struct link *nic = host_nic(config, seen->view.links);
		struct host_nic_memory *memory =
			nic && seen->unread[sw]
				? host_remember_nic(host, config->name, nic->ifindex)
				: host_nic_memory(host, config->name);

		if (nic && memory)
			host_note_unread(memory, nic->name, seen->unread[sw]);
	}
}

void host_note_vfs(struct host *host, const struct store *store, const struct host_seen *seen)
{
	struct noting noting = {};

	note_unread(host, store, seen);
	if ((!host->vf_count && !has_vfs(seen)) || !noting_begin(&noting, host, store))
		return;
	for (uint32_t sw = 0; sw < store->switches.count; sw++)
		if (seen->nics[sw].busy)
			keep_notes(&noting, host, store->switches.switches[sw].name);
		else
			note_switch(&noting, host, store, seen, sw);
	qsort(noting.notes, noting.count, sizeof(*noting.notes), order_notes);
	free(noting.got);
	free(host->vfs);
	host->vfs = noting.notes;
	host->vf_count = noting.count;
}

/* NULL: none is known. */
static const struct host_vf_note *vf_of(const struct host *host,
					const struct adapter_config *adapter)
{
	struct host_vf_note wanted = {.mac = adapter->mac};

	(void)text_copy(wanted.sw, sizeof(wanted.sw), adapter->switch_name);
	return host->vf_count
		       ? bsearch(&wanted, host->vfs, host->vf_count, sizeof(wanted), order_notes)
		       : NULL;
}

/* --- what there is --- */

struct look {
	const struct host *host;
	struct host_told *told;
	size_t count;
};

static struct host_told *next(struct look *look, const char *object, const char *sw)
{
	struct host_told *told = &look->told[look->count++];

	*told = (struct host_told){.vf = -1};
	(void)text_copy(told->object, sizeof(told->object), object);
	(void)text_copy(told->sw, sizeof(told->sw), sw);
	return told;
}

static void look_at_adapter(struct look *look, const struct store *store, uint32_t vm,
			    uint32_t place)
{
	const struct vm_config *config = &store->vms.vms[vm];
	const struct adapter_config *adapter = &config->adapters[place];
	const struct host_vf_note *vf = vf_of(look->host, adapter);
	const struct switch_config *sw =
		switch_list_find((struct switch_list *)&store->switches, adapter->switch_name);
	char object[HOST_OBJECT_SIZE];
	struct host_told *told;

	(void)snprintf(object, sizeof(object), "%s/%s", config->name, adapter->name);
	told = next(look, object, adapter->switch_name);
	told->is_adapter = true;
	if (sw)
		told->state = host_path(look->host, sw, config, adapter);
	if (vf) {
		told->vf = vf->vf;
		(void)text_copy(told->device, sizeof(told->device), vf->pci);
	}
}

static int look_at_all(const struct host *host, const struct store *store, struct look *ret_look)
{
	const struct link_table *links = &host->context->observed->links;
	size_t room = store->switches.count + 1;

	for (uint32_t i = 0; i < store->vms.count; i++)
		room += store->vms.vms[i].adapter_count;
	*ret_look = (struct look){.host = host, .told = calloc(room, sizeof(struct host_told))};
	if (!ret_look->told)
		return -ENOMEM;
	for (uint32_t i = 0; i < store->switches.count; i++) {
		const struct switch_config *sw = &store->switches.switches[i];
		struct host_told *told = next(ret_look, sw->name, sw->name);

		told->state = host_uplink(sw, links);
		(void)text_copy(told->device, sizeof(told->device), sw->nic);
	}
	for (uint32_t i = 0; i < store->vms.count; i++)
		for (uint32_t j = 0; j < store->vms.vms[i].adapter_count; j++)
			look_at_adapter(ret_look, store, i, j);
	return 0;
}

/* --- what is told --- */

struct telling {
	host_event_found found;
	void *data;
};

static void tell(const struct telling *telling, const char *event, const struct host_told *of,
		 json_t *more)
{
	json_t *json = json_pack("{s:s, s:s, s:s}", "event", event, "team", "", "switch", of->sw);
	const char *slash = of->is_adapter ? strchr(of->object, '/') : NULL;

	if (slash) {
		(void)json_object_set_new(json, "vm",
					  json_stringn(of->object, (size_t)(slash - of->object)));
		(void)json_object_set_new(json, "adapter", json_text(slash + 1));
	}
	(void)json_object_update_missing(json, more);
	json_decref(more);
	telling->found(telling->data, json);
}

static const char *state_name(const struct host_told *told)
{
	if (!told)
		return "";
	return told->is_adapter ? adapter_path_names[told->state] : uplink_state_names[told->state];
}

/* Of an adapter that is new only what is not as it should be: its making is no news. */
static void tell_state(const struct telling *telling, const struct host_told *was,
		       const struct host_told *is)
{
	if (was ? was->state == is->state : is->is_adapter && is->state == ADAPTER_PATH_OK)
		return;
	tell(telling, is->is_adapter ? "adapter-path" : "switch-uplink", is,
	     json_pack("{s:s, s:s, s:o*}", "state", state_name(is), "state_before", state_name(was),
		       "device", is->is_adapter ? NULL : json_text(is->device)));
}

static void tell_vf(const struct telling *telling, const char *event, const struct host_told *of)
{
	tell(telling, event, of,
	     json_pack("{s:i, s:o}", "vf", of->vf, "device", json_text(of->device)));
}

static void compare(const struct telling *telling, const struct host_told *was,
		    const struct host_told *is)
{
	int had = was ? was->vf : -1;

	tell_state(telling, was, is);
	if (had >= 0 && had != is->vf)
		tell_vf(telling, "vf-taken", was);
	if (is->vf >= 0 && had != is->vf)
		tell_vf(telling, "vf-assigned", is);
}

/* Mostly at the same place as before. */
static const struct host_told *find(const struct host_told *told, size_t count, size_t hint,
				    const struct host_told *wanted)
{
	if (hint < count && strcmp(told[hint].object, wanted->object) == 0)
		return &told[hint];
	for (size_t i = 0; i < count; i++)
		if (strcmp(told[i].object, wanted->object) == 0)
			return &told[i];
	return NULL;
}

static void tell_gone(const struct telling *telling, const struct host *host,
		      const struct look *look)
{
	for (size_t i = 0; i < host->told_count; i++) {
		const struct host_told *was = &host->told[i];

		if (find(look->told, look->count, i, was))
			continue;
		if (was->vf >= 0)
			tell_vf(telling, "vf-taken", was);
		tell(telling, was->is_adapter ? "adapter-removed" : "switch-removed", was,
		     json_object());
	}
}

void host_tell_changes(struct host *host, const struct store *store, host_event_found found,
		       void *data)
{
	const struct telling telling = {found, data};
	struct look look;

	if (host->told_changes == host->changes || look_at_all(host, store, &look))
		return;
	host->told_changes = host->changes;
	tell_gone(&telling, host, &look);
	for (size_t i = 0; i < look.count; i++)
		compare(&telling, find(host->told, host->told_count, i, &look.told[i]),
			&look.told[i]);
	free(host->told);
	host->told = look.told;
	host->told_count = look.count;
}
