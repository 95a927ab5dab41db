// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/host_doctor.h"

#include "base/strings.h"
#include "daemon/host_private.h"

#include <stdlib.h>

/* Of the first adapter that has one. A VM without a control socket is found by its configuration. */
static const char *guest_trouble_of(const struct host *host, const struct vm_config *vm)
{
	const char *text = "";

	for (uint32_t i = 0; *vm->qmp && !*text && i < vm->adapter_count; i++)
		if (vm->adapters[i].allow_teaming)
			text = host_guest_trouble(host, vm, &vm->adapters[i]);
	return text;
}

static void add_trouble(struct host_diagnosis *diagnosis, const char *object, const char *text)
{
	struct doctor_trouble *trouble = &diagnosis->troubles[diagnosis->facts.trouble_count++];

	(void)text_copy(trouble->object, sizeof(trouble->object), object);
	(void)text_copy(trouble->text, sizeof(trouble->text), text);
}

static bool copy_troubles(const struct host *host, struct host_diagnosis *diagnosis)
{
	const struct switch_list *switches = &diagnosis->of->store->switches;
	char text[HOST_TEXT_SIZE];

	diagnosis->troubles =
		calloc(host->trouble_count + switches->count + 1, sizeof(*diagnosis->troubles));
	if (!diagnosis->troubles)
		return false;
	for (size_t i = 0; i < host->trouble_count; i++)
		add_trouble(diagnosis, host->troubles[i].object, host->troubles[i].text);
	for (uint32_t i = 0; i < switches->count; i++)
		if (host_unread_text(diagnosis->of, i, text))
			add_trouble(diagnosis, switches->switches[i].name, text);
	diagnosis->facts.troubles = diagnosis->troubles;
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
		ret->reasons[i] = host_iov_reasons(host, store, &ret->of->seen, i);
	ret->facts.view = &ret->of->seen.view;
	ret->facts.steps = &ret->of->steps;
	ret->facts.reasons = ret->reasons;
	ret->facts.held = (const int(*)[VM_ADAPTERS_MAX])ret->of->held;
	for (uint32_t i = 0; i < store->vms.count; i++)
		ret->guest_troubles[i] = guest_trouble_of(host, &store->vms.vms[i]);
	ret->facts.guest_troubles = ret->guest_troubles;
	return copy_troubles(host, ret);
}

void host_diagnosis_done(struct host_diagnosis *diagnosis)
{
	if (diagnosis->of)
		host_end_showing(diagnosis->of);
	free(diagnosis->troubles);
	*diagnosis = (struct host_diagnosis){};
}
