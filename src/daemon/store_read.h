/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of the configuration as they are read: a file, and the drop-ins in FILE.d over it. */
#pragma once

#include "core/config_host.h"

/* Names of *.conf files in a directory, in their order. */
struct file_names {
	int count;
	struct dirent **entries;
};

/* No such directory: none. @ret_names is the caller's, to be given to file_names_done(). */
int file_names_list(const char *directory, struct file_names *ret_names);
void file_names_done(struct file_names *names);

#define DROP_IN_NAME_SIZE (2 * CONFIG_FILE_SIZE + 4)

/* The drop-ins of @file: its directory's name, as errors name it, and theirs. */
struct drop_ins {
	char directory[CONFIG_FILE_SIZE + 2]; /* "team0.conf.d" */
	struct file_names names;
};

/*
 * Into @drop_ins, all zero before; on failure it has the directory's name alone. A FILE.d that is
 * no directory, or whose name would be too long for one, holds no drop-ins.
 */
int drop_ins_list(const char *directory, const char *file, struct drop_ins *drop_ins);
void drop_ins_done(struct drop_ins *drop_ins);

/* "team0.conf.d/10-weights.conf". */
void drop_ins_name(const struct drop_ins *drop_ins, int index, char name[static DROP_IN_NAME_SIZE]);

/* Read what @file alone says. */
int store_read_file(const char *directory, const char *file, struct config_object *ret_object,
		    struct config_error *ret_error);

/* Read the drop-ins from number @first on over @object. */
int store_read_drop_ins(const char *directory, const struct drop_ins *drop_ins, int first,
			struct config_object *object, struct config_error *ret_error);

/* The error of a file that could not be read: it may pass. Returns @err. */
int store_unread(struct config_error *error, const char *file, int err);
