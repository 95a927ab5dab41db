/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration text <-> struct team_config, switch_config and vm_config (SPEC C1), and what a file
 * says of a switch and a VM (H1, H3).
 *
 * One file describes one team, one switch or one VM with its adapters; its first section decides.
 *
 *	[Switch]			[VM]
 *	Name=TeamDemoA			Name=web1
 *	Nic=ens1f0			Namespace=web1
 *	Iov=on				[Adapter]
 *	VfCount=4			Name=nicA
 *					Switch=TeamDemoA
 *					IovWeight=100
 *
 * Nothing here opens a file: text comes in as a buffer and goes out as a string. Reading is
 * strict. What is not understood is refused with a file, a line and one sentence, so that a
 * typing error never becomes a default.
 */
#pragma once

#include "core/config.h"
#include "model/adapter.h"

#define ADAPTER_SERIAL_MAX 1000000000U

/* --- what any file may describe --- */

enum config_kind {
	CONFIG_TEAM,
	CONFIG_SWITCH,
	CONFIG_VM,
	CONFIG_KIND_COUNT,
};
extern const char *const config_kind_names[CONFIG_KIND_COUNT]; /* "team" "switch" "VM" */

struct config_object {
	enum config_kind kind;
	union {
		char name[VM_NAME_SIZE]; /* each of the three begins with its name */
		struct team_config team;
		struct switch_config sw;
		struct vm_config vm;
	};
};

/*
 * Read one file's text; @file is only for the error. @ret_error is written on failure only, and
 * may be NULL. -EINVAL, -ENOMEM.
 */
int config_object_parse(const char *file, const char *text, size_t length,
			struct config_object *ret_object, struct config_error *ret_error);

/*
 * Read a drop-in over @object, which is whole: its settings override, a [Member] or [Adapter] that
 * is there is changed, a new one is added. Each drop-in must leave something that is right. On
 * failure @object is untouched.
 */
int config_object_merge(const char *file, const char *text, size_t length,
			struct config_object *object, struct config_error *ret_error);

/*
 * Canonical text: name, settings that differ from their defaults, parts. config_object_parse()
 * reads it back to an equal object. The caller frees it. -EINVAL if @object could not have come
 * from there, -ENOMEM.
 */
int config_object_format(const struct config_object *object, char **ret_text,
			 struct problem *problem);

/* The same kind, name and settings, and parts with theirs in the same order. */
bool config_object_equal(const struct config_object *a, const struct config_object *b);

/* As config_difference(); the kinds are the same. */
bool config_object_difference(const struct config_object *from, const struct config_object *to,
			      char *text, size_t size);

/*
 * What @got has otherwise than @wanted, as config_difference() or "[Member] ens4" into @text; the
 * order of parts is none of it. Returns whether there is anything.
 */
bool config_object_dispute(const struct config_object *wanted, const struct config_object *got,
			   char *text, size_t size);

/*
 * The first part of @after that @before has with other settings, and @object has not, as "[Member]
 * ens4" into @text. Returns whether there is one.
 */
bool config_object_lacks(const struct config_object *before, const struct config_object *after,
			 const struct config_object *object, char *text, size_t size);

/*
 * Change @object, which is of the same kind, as @before was changed to @after: the settings that
 * differ, what is new and what is gone. What it has otherwise than @before it keeps.
 */
int config_object_carry(const struct config_object *before, const struct config_object *after,
			struct config_object *object, struct problem *problem);

/* --- a switch; keys are those of [Switch] but Name --- */

void config_switch_defaults(struct switch_config *sw);
int config_switch_name_set(struct switch_config *sw, const char *name, struct problem *problem);
int config_switch_set(struct switch_config *sw, const char *key, const char *value,
		      struct problem *problem);
int config_switch_get(const struct switch_config *sw, size_t index, const char **ret_key,
		      char *buffer, size_t size);

/* --- a VM; keys are those of [VM] but Name --- */

void config_vm_defaults(struct vm_config *vm);

/* 1 to 63 letters, digits, '.', '_' and '-', and neither '.' nor '-' first. -EINVAL. */
int config_vm_name_set(struct vm_config *vm, const char *name, struct problem *problem);
int config_vm_set(struct vm_config *vm, const char *key, const char *value,
		  struct problem *problem);

/* --- its adapters; keys are those of [Adapter] but Name --- */

/*
 * Add an adapter at the end: settings at their defaults, its MAC made. It needs a Switch, too,
 * before it is whole. -EINVAL: no name for one; -EEXIST; -E2BIG: the VM is full.
 */
int config_adapter_add(struct vm_config *vm, const char *name, struct problem *problem);
int config_adapter_remove(struct vm_config *vm, const char *name, struct problem *problem);
int config_adapter_set(struct adapter_config *adapter, const char *key, const char *value,
		       struct problem *problem);
int config_adapter_get(const struct adapter_config *adapter, size_t index, const char **ret_key,
		       char *buffer, size_t size);

/*
 * The MAC of an adapter that is given none: the lower 48 bits of FNV-1a (64 bits) over the VM's
 * name, a NUL and the adapter's name, made unicast and locally administered.
 */
struct mac config_adapter_mac(const char *vm, const char *adapter);

/* H4. The serial for an adapter that is created now: one above all others. */
uint32_t config_serial_next(const struct vm_list *list);

/*
 * H4. Order of creation as one number, the earlier the smaller: the serial, and behind all that
 * have one those without, by file and position. @vm: its place in the list; @adapter: in the VM.
 */
uint32_t config_adapter_order(const struct vm_list *list, uint32_t vm, uint32_t adapter);

/* --- all files together --- */

/* What is wanted of a machine; each with the names of its files by position. */
struct config_world {
	const struct team_list *teams;
	const struct switch_list *switches;
	const struct vm_list *vms;
	const char (*team_files)[CONFIG_FILE_SIZE];
	const char (*switch_files)[CONFIG_FILE_SIZE];
	const char (*vm_files)[CONFIG_FILE_SIZE];
};

/*
 * config_check() of the teams, and what switches and VMs contradict: names that are taken, a NIC
 * of two switches or of a team, an adapter on a switch that is not there, one MAC twice, one
 * namespace, port, QMP socket or domain for two. The error names the file in which it is wrong.
 */
int config_world_check(const struct config_world *world, struct config_error *ret_error);
