/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of configuration files: read whole, changed one file at a time and atomically.
 *
 * A team's file is NAME.conf, a switch's too (the two have no name in common), a VM's NAME.vm.conf,
 * unless it was read from another. Beside FILE.conf a directory FILE.conf.d may hold drop-ins, which
 * change what the file says. What is here is the sum of both; a command writes the file alone.
 */
#pragma once

#include "core/config_host.h"

/* Some 700 kB, of which mostly little is used: never on the stack, and copied by store_copy(). */
struct store {
	const char *directory;
	bool unknown; /* the files could not be read: it is empty, and no state to go back to */
	struct team_list list;
	struct switch_list switches;
	struct vm_list vms;
	/* By position in the lists; names, not paths. */
	char files[TEAMS_MAX][CONFIG_FILE_SIZE];
	char switch_files[SWITCHES_MAX][CONFIG_FILE_SIZE];
	char vm_files[VMS_MAX][CONFIG_FILE_SIZE];
};

/*
 * An empty one, NULL without memory. A store has room for all that may be configured, 677 kB, and a
 * command takes several: those that are given back are kept for the next.
 */
struct store *store_new(void);
void store_free(struct store *store);

static inline void store_freep(struct store **store)
{
	store_free(*store);
}

/* What there is; nothing behind it is touched. */
void store_copy(struct store *to, const struct store *from);

/* What one file describes. */
struct store_object {
	enum config_kind kind;
	const char *name;
};

/*
 * Read all *.conf files of the directory, in the order of their names, each with its drop-ins. All
 * or nothing: @ret_store is written on success only. No such directory: nothing is wanted.
 */
int store_load(const char *directory, struct store *ret_store, struct config_error *ret_error);

/* "team0.conf:3: there is no …"; without the line where the file as a whole is wrong. */
#define STORE_ERROR_SIZE (sizeof(struct config_error) + 16)
void store_error_text(const struct config_error *error, char text[static STORE_ERROR_SIZE]);

/* What all files together must keep to; after a change in memory. */
int store_check(const struct store *store, struct config_error *ret_error);

/* How many there are of a kind, and the one at @place of its list. */
uint32_t store_count(const struct store *store, enum config_kind kind);
void store_at(const struct store *store, enum config_kind kind, uint32_t place,
	      struct config_object *ret_object);

/* The team_config, switch_config or vm_config in the list of its kind, NULL if there is none. */
void *store_find(struct store *store, struct store_object object);

/* A copy of it; @ret_object is written if there is one. */
bool store_get(const struct store *store, struct store_object object,
	       struct config_object *ret_object);

/* Put @object in the place of that of its kind and name, which is there. */
void store_put(struct store *store, const struct config_object *object);

/* The name of its file, NULL if the store has no such object. */
const char *store_file(const struct store *store, struct store_object object);

/*
 * Put the name of @object's file, @after or @before a change, before the @problem that it makes: that
 * is where to mend it, unless a command names the object itself. Returns the stored code.
 */
int store_blame(const struct store *before, const struct store *after, struct store_object object,
		const struct store_object *commanded, struct problem *problem);

/* Whether something of the store has a file of this name; @ret_object, if not NULL, is it. */
bool store_has_file(const struct store *store, const char *file, struct config_object *ret_object);

/* Append an object, with the name that its file will have. -EEXIST: it or that file is there; -E2BIG. */
int store_add(struct store *store, const struct config_object *object, struct problem *problem);

/*
 * C1: a part that a drop-in adds is the drop-in's: what @after changes of it since @before cannot be
 * written into @file without all of the part. -EBUSY: it does, and the sentence names the drop-in.
 */
int store_admit_parts(const char *directory, const char *file, const struct config_object *before,
		      const struct config_object *after, struct problem *problem);

/*
 * C1: which text of @file, under its drop-ins, gives @after, if @before (NULL: the file is new) is
 * what the files give now. @after becomes what a reload would make of that text: parts may be in
 * another order. -EBUSY: a drop-in would win, and the sentence names it. @ret_text is the caller's.
 */
int store_settle(const char *directory, const char *file, const struct config_object *before,
		 struct config_object *after, char **ret_text, struct problem *problem);

/*
 * Write what the object's file will be beside it, whole and on the disk: there is never half a
 * file. Nothing is left of it on failure.
 */
int store_draft(const struct store *store, struct store_object object, const char *text,
		struct problem *problem);

/* Write any file there, whole and on the disk before it takes the old one's place. */
int store_write_text(const char *directory, const char *path, const char *text);

/*
 * Get onto the disk that @path was renamed or removed. Nothing comes of a failure: it is done, and
 * whoever asks sees it; a disk that fails here does so at the next write.
 */
void store_sync_name(const char *path);

/* Put the draft in the place of the file, or take it away. */
int store_keep(const struct store *store, struct store_object object, struct problem *problem);
void store_discard(const struct store *store, struct store_object object);

/* Make the object's file a draft: it is not read any more, and can be put back as it was. */
int store_withdraw(const struct store *store, struct store_object object, struct problem *problem);

/* Take an object out of its list, with the name of its file. */
void store_forget(struct store *store, struct store_object object);
