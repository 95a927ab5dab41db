// SPDX-License-Identifier: GPL-2.0-or-later
/* The settings of switches, VMs and adapters (SPEC H1, H3); core/config_table.h has the theory. */
#include "core/config_host.h"

#include "base/strings.h"
#include "core/config_private.h"

#include <errno.h>

#define FNV_PRIME 0x100000001b3ULL

/* As many as a PF may have: TotalVFs is 16 bits wide. */
#define VF_COUNT_MAX 65535

static const struct setting switch_rows[] = {
	{.key = "Nic",
	 TEXT(switch_config, nic),
	 .fault = config_device_fault,
	 .spell = config_device_lower,
	 .needed = true},
	{.key = "Iov", SETTING(switch_config, iov), WORDS(on_off_names, YES_NO_COUNT), .usual = 0},
	{.key = "VfCount",
	 SETTING(switch_config, vf_count),
	 NUMBER(0, VF_COUNT_MAX, 1, "VFs"),
	 .usual = 0},
	{.key = "Adopt",
	 SETTING(switch_config, adopt),
	 WORDS(yes_no_names, YES_NO_COUNT),
	 .usual = 0},
};

static const struct setting vm_rows[] = {
	{.key = "Namespace", TEXT(vm_config, netns), .fault = config_vm_name_fault},
	{.key = "Qmp", TEXT(vm_config, qmp), .fault = config_path_fault},
	{.key = "Libvirt", TEXT(vm_config, libvirt), .fault = config_domain_fault},
};

static const struct setting adapter_rows[] = {
	{.key = "Switch",
	 TEXT(adapter_config, switch_name),
	 .fault = config_name_fault,
	 .needed = true},
	{.key = "Mac",
	 SETTING(adapter_config, mac),
	 .type = SETTING_MAC,
	 .fault = config_mac_fault},
	{.key = "Vlan", SETTING(adapter_config, vlan), NUMBER(0, ADAPTER_VLAN_MAX, 1, "")},
	{.key = "IovWeight",
	 SETTING(adapter_config, iov_weight),
	 NUMBER(0, ADAPTER_WEIGHT_MAX, 1, "")},
	{.key = "AllowTeaming",
	 SETTING(adapter_config, allow_teaming),
	 WORDS(on_off_names, YES_NO_COUNT)},
	{.key = "MacSpoofing",
	 SETTING(adapter_config, mac_spoofing),
	 WORDS(on_off_names, YES_NO_COUNT)},
	{.key = "Serial", SETTING(adapter_config, serial), NUMBER(0, ADAPTER_SERIAL_MAX, 1, "")},
	{.key = "Port", TEXT(adapter_config, port), .fault = config_interface_fault},
};

static const struct table switch_settings = {switch_rows, ARRAY_SIZE(switch_rows), "a switch has"};
static const struct table vm_settings = {vm_rows, ARRAY_SIZE(vm_rows), "a VM has"};
static const struct table adapter_settings = {adapter_rows, ARRAY_SIZE(adapter_rows),
					      "besides its name an adapter has"};

static int adapter_spell(const char *name, char *ret_spelled, struct problem *problem)
{
	int err = config_name_refuse("an adapter", name, config_adapter_name_fault(name), problem);

	return err ? err : text_copy(ret_spelled, ADAPTER_NAME_SIZE, name);
}

static const struct parts adapters = {
	.section = "Adapter",
	.key = "Name",
	.noun = "an adapter",
	.owner = "a VM",
	.settings = &adapter_settings,
	.count_offset = offsetof(struct vm_config, adapter_count),
	.offset = offsetof(struct vm_config, adapters),
	.size = sizeof(struct adapter_config),
	.name_size = ADAPTER_NAME_SIZE,
	.max = VM_ADAPTERS_MAX,
	.spell = adapter_spell,
};

/* --- a switch --- */

void config_switch_defaults(struct switch_config *sw)
{
	*sw = (struct switch_config){};
	table_defaults(&switch_settings, sw);
}

int config_switch_name_set(struct switch_config *sw, const char *name, struct problem *problem)
{
	int err = config_name_refuse("a switch", name, config_name_fault(name), problem);

	return err ? err : text_copy(sw->name, sizeof(sw->name), name);
}

int config_switch_set(struct switch_config *sw, const char *key, const char *value,
		      struct problem *problem)
{
	return table_set(&switch_settings, sw, key, value, problem);
}

int config_switch_get(const struct switch_config *sw, size_t index, const char **ret_key,
		      char *buffer, size_t size)
{
	return table_get(&switch_settings, sw, index, ret_key, buffer, size);
}

/* --- a VM --- */

void config_vm_defaults(struct vm_config *vm)
{
	*vm = (struct vm_config){};
	table_defaults(&vm_settings, vm);
}

int config_vm_name_set(struct vm_config *vm, const char *name, struct problem *problem)
{
	int err = config_name_refuse("a VM", name, config_vm_name_fault(name), problem);

	return err ? err : text_copy(vm->name, sizeof(vm->name), name);
}

int config_vm_set(struct vm_config *vm, const char *key, const char *value, struct problem *problem)
{
	return table_set(&vm_settings, vm, key, value, problem);
}

/* --- its adapters --- */

uint64_t config_hash(uint64_t hash, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)bytes[i]) * FNV_PRIME;
	return hash;
}

struct mac config_adapter_mac(const char *vm, const char *adapter)
{
	uint64_t hash = config_hash(config_hash(CONFIG_HASH_BEGIN, vm, strlen(vm) + 1), adapter,
				    strlen(adapter));
	struct mac mac;

	for (size_t i = 0; i < sizeof(mac.bytes); i++)
		mac.bytes[i] = (uint8_t)(hash >> (40 - 8 * i));
	mac.bytes[0] = (uint8_t)((mac.bytes[0] & ~1U) | 2);
	return mac;
}

static void make_macs(struct vm_config *vm)
{
	for (uint32_t i = 0; i < vm->adapter_count; i++)
		if (mac_is_zero(&vm->adapters[i].mac))
			vm->adapters[i].mac = config_adapter_mac(vm->name, vm->adapters[i].name);
}

int config_adapter_add(struct vm_config *vm, const char *name, struct problem *problem)
{
	int err = parts_add(&adapters, vm, name, problem);

	if (!err)
		make_macs(vm);
	return err;
}

int config_adapter_remove(struct vm_config *vm, const char *name, struct problem *problem)
{
	return parts_remove(&adapters, vm, name, problem);
}

int config_adapter_set(struct adapter_config *adapter, const char *key, const char *value,
		       struct problem *problem)
{
	return table_set(&adapter_settings, adapter, key, value, problem);
}

int config_adapter_get(const struct adapter_config *adapter, size_t index, const char **ret_key,
		       char *buffer, size_t size)
{
	return table_get(&adapter_settings, adapter, index, ret_key, buffer, size);
}

uint32_t config_serial_next(const struct vm_list *list)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < list->count; i++)
		for (uint32_t k = 0; k < list->vms[i].adapter_count; k++)
			if (list->vms[i].adapters[k].serial > last)
				last = list->vms[i].adapters[k].serial;
	return last < ADAPTER_SERIAL_MAX ? last + 1 : last;
}

uint32_t config_adapter_order(const struct vm_list *list, uint32_t vm, uint32_t adapter)
{
	uint32_t serial = list->vms[vm].adapters[adapter].serial;

	return serial ? serial : ADAPTER_SERIAL_MAX + 1 + vm * VM_ADAPTERS_MAX + adapter;
}

/* --- their files --- */

static int switch_named(void *sw, const char *name, struct problem *problem)
{
	return config_switch_name_set(sw, name, problem);
}

static int vm_named(void *vm, const char *name, struct problem *problem)
{
	return config_vm_name_set(vm, name, problem);
}

/* A guest that is a namespace has no QEMU to tell, and libvirt's QEMU is told by libvirt. */
static int vm_finish(void *object, struct problem *problem)
{
	struct vm_config *vm = object;

	if (*vm->netns && *vm->qmp)
		return problem_set(problem, -EINVAL,
				   "%s has Namespace and Qmp; a guest is one or the other",
				   vm->name);
	if (*vm->libvirt && (*vm->netns || *vm->qmp))
		return problem_set(problem, -EINVAL,
				   "%s has Libvirt and %s; a domain of libvirt has neither "
				   "Namespace nor Qmp",
				   vm->name, *vm->netns ? "Namespace" : "Qmp");
	make_macs(vm);
	return 0;
}

const struct kind switch_kind = {
	.section = "Switch",
	.size = sizeof(struct switch_config),
	.settings = &switch_settings,
	.comment = "# A switch of iovteam, see iovteam.conf(5). \"iovteam switch set\" writes this "
		   "file anew;\n# comments of yours are lost then.\n",
	.name_set = switch_named,
};

const struct kind vm_kind = {
	.section = "VM",
	.size = sizeof(struct vm_config),
	.settings = &vm_settings,
	.parts = &adapters,
	.comment = "# A VM of iovteam's host, see iovteam.conf(5). \"iovteam adapter\" writes this "
		   "file anew;\n# comments of yours are lost then.\n",
	.name_set = vm_named,
	.finish = vm_finish,
};
