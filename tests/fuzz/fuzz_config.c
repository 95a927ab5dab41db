// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a configuration file, and what follows a line "#+" as a drop-in over it: read or
 * refused with a sentence, never worse. What is read has a canonical text, which reads back to the
 * same and is its own canonical text. What a drop-in changes can be carried over to the file.
 */
#include "base/cleanup.h"
#include "core/config_host.h"

#define MARK "#+\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool truth)
{
	if (!truth)
		abort();
}

static void error_check(const struct config_error *error, const char *file)
{
	insist(*error->text);
	insist(strcmp(error->file, file) == 0);
	for (const char *c = error->text; *c; c++)
		insist(*c >= ' ' && *c <= '~');
}

static void team_check(const struct team_config *team)
{
	insist(config_name_check(team->name, NULL) == 0);
	insist(team->member_count >= 1 || team->adopt);
	insist(team->member_count <= TEAM_MEMBERS_MAX);
	for (uint32_t i = 0; i < team->member_count; i++)
		insist(config_device_check(team->members[i].device, NULL) == 0);
}

static void switch_check(const struct switch_config *sw)
{
	struct switch_config again;

	insist(config_switch_name_set(&again, sw->name, NULL) == 0);
	insist(config_device_check(sw->nic, NULL) == 0);
	insist(sw->iov <= 1 && sw->adopt <= 1);
}

static void vm_check(const struct vm_config *vm)
{
	struct vm_config again;

	insist(config_vm_name_set(&again, vm->name, NULL) == 0);
	insist(!*vm->netns + !*vm->qmp + !*vm->libvirt >= 2);
	insist(vm->adapter_count <= VM_ADAPTERS_MAX);
	for (uint32_t i = 0; i < vm->adapter_count; i++) {
		const struct adapter_config *adapter = &vm->adapters[i];

		insist(*adapter->switch_name && !mac_is_zero(&adapter->mac));
		insist(!(adapter->mac.bytes[0] & 1));
		insist(adapter->vlan <= ADAPTER_VLAN_MAX);
		insist(adapter->iov_weight <= ADAPTER_WEIGHT_MAX);
	}
}

static void object_check(const struct config_object *object)
{
	_cleanup_free_ char *text = NULL, *again_text = NULL;
	struct config_object again;

	switch (object->kind) {
	case CONFIG_TEAM:
		team_check(&object->team);
		break;
	case CONFIG_SWITCH:
		switch_check(&object->sw);
		break;
	case CONFIG_VM:
		vm_check(&object->vm);
		break;
	case CONFIG_KIND_COUNT:
		abort();
	}
	insist(config_object_format(object, &text, NULL) == 0);
	insist(config_object_parse("again.conf", text, strlen(text), &again, NULL) == 0);
	insist(config_object_equal(object, &again));
	insist(config_object_format(&again, &again_text, NULL) == 0);
	insist(strcmp(text, again_text) == 0);
}

/* As a command would have made the drop-in's change, on the file itself. */
static void carry_check(const struct config_object *file, const struct config_object *merged)
{
	struct config_object carried = *file;
	char text[128];

	insist(config_object_carry(file, merged, &carried, NULL) == 0);
	insist(!config_object_dispute(merged, &carried, text, sizeof(text)));
	insist(config_object_carry(merged, file, &carried, NULL) == 0);
	insist(config_object_equal(file, &carried));
}

static void merge_check(const struct config_object *file, const char *text, size_t size)
{
	struct config_object merged = *file;
	struct config_error error = {};

	if (config_object_merge("drop.conf", text, size, &merged, &error) < 0) {
		error_check(&error, "drop.conf");
		insist(config_object_equal(file, &merged));
		return;
	}
	insist(strcmp(file->name, merged.name) == 0);
	object_check(&merged);
	carry_check(file, &merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *mark = memmem(data, size, MARK, strlen(MARK));
	size_t length = mark ? (size_t)(mark - text) : size;
	struct config_error error = {};
	struct config_object object;

	if (config_object_parse("fuzz.conf", text, length, &object, &error) < 0) {
		error_check(&error, "fuzz.conf");
		return 0;
	}
	object_check(&object);
	if (mark)
		merge_check(&object, mark + strlen(MARK), size - length - strlen(MARK));
	return 0;
}
