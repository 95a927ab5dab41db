// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/adapter.h"

#include "base/strings.h"

#include <stdlib.h>

const char *const adapter_status_names[] = {
	[ADAPTER_OK] = "ok",
	[ADAPTER_DEGRADED] = "degraded",
};
NAME_TABLE_COMPLETE(adapter_status_names, ADAPTER_STATUS_COUNT);

const char *const adapter_path_names[] = {
	[ADAPTER_PATH_OK] = "ok",
	[ADAPTER_PATH_UPLINK_LOST] = "uplink-lost",
	[ADAPTER_PATH_DISCONNECTED] = "disconnected",
	[ADAPTER_PATH_NO_PORT] = "no-port",
};
NAME_TABLE_COMPLETE(adapter_path_names, ADAPTER_PATH_COUNT);

const char *const vf_link_state_names[] = {
	[VF_LINK_AUTO] = "auto",
	[VF_LINK_ENABLE] = "enable",
	[VF_LINK_DISABLE] = "disable",
};
NAME_TABLE_COMPLETE(vf_link_state_names, VF_LINK_STATE_COUNT);

void vf_table_done(struct vf_table *table)
{
	free(table->vfs);
	*table = (struct vf_table){};
}

struct vm_config *vm_list_find(struct vm_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (strcmp(list->vms[i].name, name) == 0)
			return &list->vms[i];
	return NULL;
}

struct adapter_config *vm_adapter(struct vm_config *vm, const char *name)
{
	for (uint32_t i = 0; i < vm->adapter_count; i++)
		if (strcmp(vm->adapters[i].name, name) == 0)
			return &vm->adapters[i];
	return NULL;
}
