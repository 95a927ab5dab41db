// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/permit.h"

#include <string.h>

_Static_assert(GUARD_MACS >= VM_ADAPTERS_MAX, "an adapter and all that can be its mates");

static void permit(struct guard_rules *rules, const struct mac *mac)
{
	memcpy(rules->macs[rules->count++], mac->bytes, sizeof(mac->bytes));
}

void permit_macs(const struct vm_config *vm, const struct adapter_config *adapter,
		 struct guard_rules *ret_rules)
{
	struct guard_rules rules = {.any = adapter->mac_spoofing};

	permit(&rules, &adapter->mac);
	for (uint32_t i = 0; adapter->allow_teaming && i < vm->adapter_count; i++) {
		const struct adapter_config *mate = &vm->adapters[i];

		if (mate->allow_teaming && strcmp(mate->name, adapter->name) != 0)
			permit(&rules, &mate->mac);
	}
	*ret_rules = rules;
}
