// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_host.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/api_error.h"
#include "daemon/api_read.h"
#include "daemon/api_show.h"
#include "daemon/edit_confirm.h"
#include "daemon/host_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- reading --- */

static void reply_array(struct varlink_reply *reply, const char *key, json_t *array,
			const struct problem *problem)
{
	if (!array)
		return api_error(reply, API_FAILED, "%s", problem->text);
	reply->parameters = json_pack("{s:o}", key, array);
}

void call_show_switches(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const struct manager *manager = data;
	const char *name = api_text(parameters, "name");
	struct problem problem = {};
	json_t *array = host_show_switches(manager->host, &manager->store, name, &problem);

	reply_array(reply, "switches", array, &problem);
	if (array && *name && !json_array_size(array))
		api_error(reply, API_NOT_FOUND, "there is no switch \"%s\"", name);
}

void call_show_adapters(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *name = api_text(parameters, "vm"), *adapter = api_text(parameters, "adapter");
	struct vm_config *vm = vm_list_find(&manager->store.vms, name);
	struct problem problem = {};

	if (*name && !vm)
		return api_error(reply, API_NOT_FOUND, "there is no VM \"%s\"", name);
	if (*name && *adapter && !vm_adapter(vm, adapter))
		return api_error(reply, API_NOT_FOUND, "%s has no adapter \"%s\"", name, adapter);
	reply_array(reply, "vms",
		    host_show_vms(manager->host, &manager->store, name, adapter, &problem),
		    &problem);
}

void call_show_vfs(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *name = api_text(parameters, "switch");
	struct problem problem = {};

	if (*name && !switch_list_find(&manager->store.switches, name))
		return api_error(reply, API_NOT_FOUND, "there is no switch \"%s\"", name);
	reply_array(reply, "vfs", host_show_vfs(manager->host, &manager->store, name, &problem),
		    &problem);
}

/* H4. It touches no file: the next start allots as it finds the adapters. */
void call_reallot_vfs(void *data, json_t *parameters, struct varlink_reply *reply)
{
	_cleanup_(action_list_done) struct action_list actions = {};
	struct manager *manager = data;
	const char *name = api_text(parameters, "switch");
	bool dry = json_is_true(json_object_get(parameters, "dry"));
	struct problem problem = {};
	unsigned int seconds;
	int err;

	if (!switch_list_find(&manager->store.switches, name))
		return api_error(reply, API_NOT_FOUND, "there is no switch \"%s\"", name);
	err = dry ? 0 : confirm_admit(manager, parameters, &seconds, &problem);
	if (!err)
		err = host_reallot(manager->host, &manager->store, name, dry, &actions, &problem);
	if (err)
		return api_error(reply, API_REFUSED, "%s", problem.text);
	reply->parameters = json_pack("{s:o}", "actions", show_actions(&actions));
}

/* --- switches --- */

static int set_of_switch(void *sw, const char *key, const char *value, struct problem *problem)
{
	return config_switch_set(sw, key, value, problem);
}

static int set_of_vm(void *vm, const char *key, const char *value, struct problem *problem)
{
	return config_vm_set(vm, key, value, problem);
}

static int set_of_adapter(void *adapter, const char *key, const char *value,
			  struct problem *problem)
{
	return config_adapter_set(adapter, key, value, problem);
}

static struct switch_config *edit_switch(struct edit *edit, const char *name)
{
	struct switch_config *sw = switch_list_find(&edit->store->switches, name);

	if (!sw)
		api_error(edit->reply, API_NOT_FOUND, "there is no switch \"%s\"", name);
	return sw;
}

static int read_switch(struct edit *edit, json_t *json)
{
	struct config_object object = {.kind = CONFIG_SWITCH};
	struct switch_config *sw = &object.sw;
	int err;

	config_switch_defaults(sw);
	err = config_switch_name_set(sw, api_text(json, "name"), &edit->problem);
	if (!err)
		err = config_switch_set(sw, "Nic", api_text(json, "nic"), &edit->problem);
	if (!err)
		err = api_settings(edit, json_object_get(json, "settings"),
				   (struct api_settable){set_of_switch, sw});
	if (!err)
		err = store_add(edit->store, &object, &edit->problem);
	return edit_refuse(edit, err);
}

void call_add_switch(void *data, json_t *parameters, struct varlink_reply *reply)
{
	json_t *json = json_object_get(parameters, "switch");
	struct switch_config *sw;
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) && !read_switch(&edit, json) &&
	    (sw = edit_switch(&edit, api_text(json, "name"))) &&
	    (!json_is_true(json_object_get(parameters, "take_addresses")) ||
	     !edit_take_nic(&edit, sw)))
		edit_commit(&edit, (struct store_object){CONFIG_SWITCH, api_text(json, "name")});
	edit_end(&edit);
}

void call_set_switch(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct switch_config *sw;
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) &&
	    (sw = edit_switch(&edit, api_text(parameters, "name"))) &&
	    !edit_refuse(&edit, api_settings(&edit, json_object_get(parameters, "settings"),
					     (struct api_settable){set_of_switch, sw})))
		edit_commit(&edit, (struct store_object){CONFIG_SWITCH, sw->name});
	edit_end(&edit);
}

static int check_unused(struct edit *edit, const char *sw)
{
	for (uint32_t i = 0; i < edit->store->vms.count; i++) {
		const struct vm_config *vm = &edit->store->vms.vms[i];

		for (uint32_t j = 0; j < vm->adapter_count; j++)
			if (strcmp(vm->adapters[j].switch_name, sw) == 0)
				return problem_set(&edit->problem, -EBUSY,
						   "%s has adapters; remove them first: iovteam "
						   "adapter remove %s %s",
						   sw, vm->name, vm->adapters[j].name);
	}
	return 0;
}

void call_remove_switch(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const char *name = api_text(parameters, "name");
	const struct store_object object = {CONFIG_SWITCH, name};
	const char *device = api_text(parameters, "give_addresses");
	struct switch_config *sw;
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) && (sw = edit_switch(&edit, name)) &&
	    !edit_refuse(&edit, check_unused(&edit, name)) &&
	    (!*device || !edit_give_nic(&edit, sw, device))) {
		store_forget(edit.store, object);
		edit_commit(&edit, object);
	}
	edit_end(&edit);
}

/* --- adapters --- */

static int keep_setting(const char *vm, const char *key, const char *was, const char *is,
			struct problem *problem)
{
	if (!*was || strcmp(was, is) == 0)
		return 0;
	return problem_set(problem, -EBUSY,
			   "%s has %s %s, which is for all its adapters; remove them first to "
			   "change it",
			   vm, key, was);
}

/*
 * A guest that is named once more with an adapter must be the one that the VM has: all that are there
 * would move away from it. How QEMU is told may come later.
 */
static int keep_guest(const struct vm_config *was, const struct vm_config *is,
		      struct problem *problem)
{
	int err = keep_setting(was->name, "Namespace", was->netns, is->netns, problem);

	if (!err)
		err = keep_setting(was->name, "Qmp", was->qmp, is->qmp, problem);
	if (!err)
		err = keep_setting(was->name, "Libvirt", was->libvirt, is->libvirt, problem);
	if (!err && !*was->netns && *is->netns)
		err = problem_set(problem, -EBUSY,
				  "%s is a guest of QEMU, and so are all its adapters; remove them "
				  "first to give it a namespace",
				  was->name);
	return err;
}

/* The VM that the call names, made if there is none. */
static int take_vm(struct edit *edit, json_t *parameters, struct vm_config **ret_vm)
{
	const char *name = api_text(parameters, "vm");
	struct config_object made = {.kind = CONFIG_VM};
	struct vm_config *vm = vm_list_find(&edit->store->vms, name);
	struct vm_config was = vm ? *vm : (struct vm_config){};
	int err = 0;

	if (!vm) {
		config_vm_defaults(&made.vm);
		err = config_vm_name_set(&made.vm, name, &edit->problem);
		if (!err)
			err = store_add(edit->store, &made, &edit->problem);
		vm = vm_list_find(&edit->store->vms, name);
	}
	if (!err)
		err = api_settings(edit, json_object_get(parameters, "vm_settings"),
				   (struct api_settable){set_of_vm, vm});
	if (!err && was.adapter_count)
		err = keep_guest(&was, vm, &edit->problem);
	if (!err)
		*ret_vm = vm;
	return err;
}

static int read_adapter(struct edit *edit, json_t *parameters)
{
	json_t *json = json_object_get(parameters, "adapter");
	uint32_t serial = config_serial_next(&edit->store->vms);
	const char *sw = api_text(json, "switch");
	struct adapter_config *adapter;
	struct vm_config *vm = NULL;
	int err = take_vm(edit, parameters, &vm);

	if (!err && !switch_list_find(&edit->store->switches, sw))
		err = problem_set(&edit->problem, -ENOENT, "there is no switch \"%s\"", sw);
	if (!err)
		err = config_adapter_add(vm, api_text(json, "name"), &edit->problem);
	if (!err) {
		adapter = &vm->adapters[vm->adapter_count - 1];
		adapter->serial = serial;
		err = config_adapter_set(adapter, "Switch", sw, &edit->problem);
		if (!err)
			err = api_settings(edit, json_object_get(json, "settings"),
					   (struct api_settable){set_of_adapter, adapter});
	}
	return edit_refuse(edit, err);
}

void call_add_adapter(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) && !read_adapter(&edit, parameters))
		edit_commit(&edit, (struct store_object){CONFIG_VM, api_text(parameters, "vm")});
	edit_end(&edit);
}

static struct vm_config *edit_vm(struct edit *edit, const char *name)
{
	struct vm_config *vm = vm_list_find(&edit->store->vms, name);

	if (!vm)
		api_error(edit->reply, API_NOT_FOUND, "there is no VM \"%s\"", name);
	return vm;
}

static struct adapter_config *edit_adapter(struct edit *edit, struct vm_config *vm,
					   const char *name)
{
	struct adapter_config *adapter = vm_adapter(vm, name);

	if (!adapter)
		api_error(edit->reply, API_NOT_FOUND, "%s has no adapter \"%s\"", vm->name, name);
	return adapter;
}

/* H5: without an adapter it is for all of the VM. */
static int set_adapters(struct edit *edit, struct vm_config *vm, json_t *parameters)
{
	json_t *settings = json_object_get(parameters, "settings");
	const char *name = api_text(parameters, "adapter");
	int err = 0;

	if (*name && !edit_adapter(edit, vm, name))
		return -ENOENT;
	for (uint32_t i = 0; !err && i < vm->adapter_count; i++)
		if (!*name || strcmp(vm->adapters[i].name, name) == 0)
			err = api_settings(edit, settings,
					   (struct api_settable){set_of_adapter, &vm->adapters[i]});
	return edit_refuse(edit, err);
}

void call_set_adapter(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct vm_config *vm;
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) &&
	    (vm = edit_vm(&edit, api_text(parameters, "vm"))) &&
	    !set_adapters(&edit, vm, parameters))
		edit_commit(&edit, (struct store_object){CONFIG_VM, vm->name});
	edit_end(&edit);
}

void call_remove_adapter(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const char *name = api_text(parameters, "adapter");
	const struct store_object object = {CONFIG_VM, api_text(parameters, "vm")};
	struct vm_config *vm;
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) && (vm = edit_vm(&edit, object.name)) &&
	    edit_adapter(&edit, vm, name) &&
	    !edit_refuse(&edit, config_adapter_remove(vm, name, &edit.problem))) {
		if (!vm->adapter_count)
			store_forget(edit.store, object);
		edit_commit(&edit, object);
	}
	edit_end(&edit);
}
