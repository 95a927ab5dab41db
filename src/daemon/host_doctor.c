// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/host_doctor.h"

#include "base/strings.h"
#include "daemon/host_private.h"

#include <stdio.h>
#include <stdlib.h>

/* A VM without a control socket is found by what is configured. */
static void add_guest_trouble(const struct host *host, const struct vm_config *vm,
			      const struct adapter_config *adapter,
			      struct host_diagnosis *diagnosis)
{
	struct doctor_trouble *trouble = &diagnosis->troubles[diagnosis->facts.trouble_count];
	const char *text =
		*vm->qmp && adapter->allow_teaming ? host_guest_trouble(host, vm, adapter) : "";

	if (!*text)
		return;
	(void)snprintf(trouble->object, sizeof(trouble->object), "%s/%s", vm->name, adapter->name);
	(void)text_copy(trouble->text, sizeof(trouble->text), text);
	trouble->guest = true;
	diagnosis->facts.trouble_count++;
}

static bool add_troubles(const struct host *host, const struct store *store,
			 struct host_diagnosis *diagnosis)
{
	size_t room = host->trouble_count + 1;

	for (uint32_t i = 0; i < store->vms.count; i++)
		room += store->vms.vms[i].adapter_count;
	diagnosis->troubles = calloc(room, sizeof(*diagnosis->troubles));
	if (!diagnosis->troubles)
		return false;
	for (size_t i = 0; i < host->trouble_count; i++) {
		struct doctor_trouble *trouble = &diagnosis->troubles[i];

		(void)text_copy(trouble->object, sizeof(trouble->object), host->troubles[i].object);
		(void)text_copy(trouble->text, sizeof(trouble->text), host->troubles[i].text);
	}
	diagnosis->facts.trouble_count = host->trouble_count;
	for (uint32_t i = 0; i < store->vms.count; i++)
		for (uint32_t j = 0; j < store->vms.vms[i].adapter_count; j++)
			add_guest_trouble(host, &store->vms.vms[i], &store->vms.vms[i].adapters[j],
					  diagnosis);
	return true;
}

bool host_diagnose(struct host *host, const struct store *store, struct host_diagnosis *ret)
{
	struct problem problem = {};

	*ret = (struct host_diagnosis){};
	if (!host || !store->switches.count)
		return false;
	ret->of = host_begin_showing(host, store, &problem);
	if (!ret->of)
		return false;
	for (uint32_t i = 0; i < store->switches.count; i++)
		ret->reasons[i] = host_iov_reasons(
			ret->of, i,
			switch_nic(&store->switches.switches[i], ret->of->seen.view.links));
	ret->facts.view = &ret->of->seen.view;
	ret->facts.steps = &ret->of->steps;
	ret->facts.reasons = ret->reasons;
	ret->facts.held = (const int(*)[VM_ADAPTERS_MAX])ret->of->held;
	if (!add_troubles(host, store, ret))
		return false;
	ret->facts.troubles = ret->troubles;
	return true;
}

void host_diagnosis_done(struct host_diagnosis *diagnosis)
{
	if (diagnosis->of)
		host_end_showing(diagnosis->of);
	free(diagnosis->troubles);
	*diagnosis = (struct host_diagnosis){};
}
