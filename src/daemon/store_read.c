// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/store_read.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX (64 * 1024)

int store_unread(struct config_error *error, const char *file, int err)
{
	*error = (struct config_error){.unread = true};
	(void)snprintf(error->file, sizeof(error->file), "%s", file);
	(void)snprintf(error->text, sizeof(error->text), "cannot be read: %s", strerror(-err));
	return err;
}

static int is_configuration(const struct dirent *entry)
{
	return fnmatch("*.conf", entry->d_name, FNM_PERIOD) == 0;
}

int file_names_list(const char *directory, struct file_names *ret_names)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_configuration, alphasort);

	if (count < 0 && errno != ENOENT)
		return -errno;
	*ret_names = (struct file_names){count < 0 ? 0 : count, entries};
	return 0;
}

void file_names_done(struct file_names *names)
{
	for (int i = 0; i < names->count; i++)
		free(names->entries[i]);
	free(names->entries);
	*names = (struct file_names){};
}

int drop_ins_list(const char *directory, const char *file, struct drop_ins *drop_ins)
{
	char path[PATH_MAX];
	int err;

	(void)snprintf(drop_ins->directory, sizeof(drop_ins->directory), "%s.d", file);
	(void)snprintf(path, sizeof(path), "%s/%s", directory, drop_ins->directory);
	err = file_names_list(path, &drop_ins->names);
	return err == -ENOTDIR || err == -ENAMETOOLONG ? 0 : err;
}

void drop_ins_done(struct drop_ins *drop_ins)
{
	file_names_done(&drop_ins->names);
}

void drop_ins_name(const struct drop_ins *drop_ins, int index, char name[static DROP_IN_NAME_SIZE])
{
	(void)snprintf(name, DROP_IN_NAME_SIZE, "%s/%s", drop_ins->directory,
		       drop_ins->names.entries[index]->d_name);
}

/* @name: in @directory, as errors name it. @ret_text is the caller's. */
static int read_text(const char *directory, const char *name, char **ret_text, size_t *ret_length,
		     struct config_error *error)
{
	_cleanup_free_ char *text = malloc(FILE_BYTES_MAX + 1);
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];
	size_t length;

	if (!text)
		return store_unread(error, name, -ENOMEM);
	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = file_open(path);
	if (!file) {
		int err = store_unread(error, name, -errno);

		if (err == -EINVAL)
			(void)snprintf(error->text, sizeof(error->text), "is not a regular file");
		return err;
	}
	length = fread(text, 1, FILE_BYTES_MAX + 1, file);
	if (ferror(file))
		return store_unread(error, name, -EIO);
	if (length > FILE_BYTES_MAX) {
		(void)store_unread(error, name, -EFBIG);
		(void)snprintf(error->text, sizeof(error->text), "is larger than %d bytes",
			       FILE_BYTES_MAX);
		error->unread = false;
		return -EFBIG;
	}
	*ret_text = steal_ptr(text);
	*ret_length = length;
	return 0;
}

int store_read_file(const char *directory, const char *file, struct config_object *ret_object,
		    struct config_error *ret_error)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int err = read_text(directory, file, &text, &length, ret_error);

	return err ? err : config_object_parse(file, text, length, ret_object, ret_error);
}

static int merge_drop_in(const char *directory, const char *name, struct config_object *object,
			 struct config_error *error)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int err = read_text(directory, name, &text, &length, error);

	return err ? err : config_object_merge(name, text, length, object, error);
}

int store_read_drop_ins(const char *directory, const struct drop_ins *drop_ins, int first,
			struct config_object *object, struct config_error *ret_error)
{
	char name[DROP_IN_NAME_SIZE];
	int err = 0;

	for (int i = first; !err && i < drop_ins->names.count; i++) {
		drop_ins_name(drop_ins, i, name);
		err = merge_drop_in(directory, name, object, ret_error);
	}
	return err;
}
