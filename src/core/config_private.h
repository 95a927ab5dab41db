/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the configuration share among themselves. */
#pragma once

#include "core/config_host.h"
#include "core/config_table.h"

#define CONFIG_SHOWN_SIZE 52

/*
 * @text as it may stand in a sentence: printable ASCII, '?' for each other byte, cut with "..."
 * where it is long, "(empty)" if it is. It may come from anybody and end in JSON or a terminal.
 */
const char *config_shown(const char *text, char buffer[static CONFIG_SHOWN_SIZE]);

/* Why a text is no device, MAC, interface, or name for an interface of ours; NULL if it is. */
const char *config_device_fault(const char *device);
const char *config_mac_fault(const char *mac);
const char *config_interface_fault(const char *name);
const char *config_name_fault(const char *name);
const char *config_adapter_name_fault(const char *name);
const char *config_vm_name_fault(const char *name);
const char *config_path_fault(const char *path);
const char *config_domain_fault(const char *name);
const char *config_addresses_fault(const char *text);

/* "none" is stored as "". */
void config_addresses_spell(char *text);

/* The fault as a problem: "a team cannot be named x: …". 0 if there is none. */
int config_name_refuse(const char *what, const char *name, const char *fault,
		       struct problem *problem);

/* MACs and paths are stored in lower case. */
void config_device_lower(char *device);

/* config_device_check(), and the spelling that is stored and compared. */
int config_device_spell(const char *device, char *ret_spelled, struct problem *problem);

/* FNV-1a of 64 bits, begun with CONFIG_HASH_BEGIN. */
#define CONFIG_HASH_BEGIN 0xcbf29ce484222325ULL
uint64_t config_hash(uint64_t hash, const char *bytes, size_t length);

/* What a file of one kind holds: a section of its own, and one for each of its parts. */
struct kind {
	const char *section; /* "Team" */
	size_t size;	     /* of the struct, which begins with the name */
	const struct table *settings;
	const struct parts *parts; /* NULL = it has none */
	const char *comment;	   /* at the head of the file */
	int (*name_set)(void *object, const char *name, struct problem *problem);
	/* All has been read: refuse what one section does not show. NULL = nothing to do. */
	int (*finish)(void *object, struct problem *problem);
};

extern const struct kind team_kind, switch_kind, vm_kind;
extern const struct kind *const config_kinds[CONFIG_KIND_COUNT];
