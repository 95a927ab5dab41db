// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/store.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (64 * 1024)
#define DIRECTORY_MODE 0755

__attribute__((format(printf, 4, 5))) static int
store_error(struct config_error *error, const char *file, int err, const char *format, ...)
{
	va_list args;

	*error = (struct config_error){};
	(void)snprintf(error->file, sizeof(error->file), "%s", file);
	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

static int read_error(struct config_error *error, const char *file, int err)
{
	(void)store_error(error, file, err, "cannot be read: %s", strerror(-err));
	error->unread = true;
	return err;
}

static int is_configuration(const struct dirent *entry)
{
	return fnmatch("*.conf", entry->d_name, FNM_PERIOD) == 0;
}

static int read_file(const char *directory, const char *name, char *buffer, size_t *ret_length,
		     struct config_error *error)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return read_error(error, name, -errno);
	*ret_length = fread(buffer, 1, FILE_BYTES_MAX + 1, file);
	if (ferror(file))
		return read_error(error, name, -EIO);
	if (*ret_length > FILE_BYTES_MAX)
		return store_error(error, name, -EFBIG, "is larger than %d bytes", FILE_BYTES_MAX);
	return 0;
}

static int load_file(struct store *store, const char *name, char *buffer,
		     struct config_error *error)
{
	struct team_list *list = &store->list;
	size_t length;
	int err;

	if (list->count == TEAMS_MAX)
		return store_error(error, name, -E2BIG, "is one too many: at most %d teams",
				   TEAMS_MAX);
	err = read_file(store->directory, name, buffer, &length, error);
	if (!err)
		err = config_parse(name, buffer, length, &list->teams[list->count], error);
	if (!err)
		err = text_copy(store->files[list->count], CONFIG_FILE_SIZE, name);
	if (!err)
		list->count++;
	return err;
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

static int check_teams(const struct store *store, struct config_error *error)
{
	const char *names[TEAMS_MAX];

	for (uint32_t i = 0; i < store->list.count; i++)
		names[i] = store->files[i];
	return config_check(&store->list, names, error);
}

int store_load(const char *directory, struct store *ret_store, struct config_error *ret_error)
{
	_cleanup_free_ struct store *store = calloc(1, sizeof(*store));
	_cleanup_free_ char *buffer = malloc(FILE_BYTES_MAX + 1);
	struct dirent **entries = NULL;
	int count, err = 0;

	if (!store || !buffer)
		return read_error(ret_error, directory, -ENOMEM);
	store->directory = directory;
	count = scandir(directory, &entries, is_configuration, alphasort);
	if (count < 0 && errno != ENOENT)
		return read_error(ret_error, directory, -errno);
	for (int i = 0; !err && i < count; i++)
		err = load_file(store, entries[i]->d_name, buffer, ret_error);
	if (count >= 0)
		free_entries(entries, count);
	if (!err)
		err = check_teams(store, ret_error);
	if (err == -ENOMEM)
		ret_error->unread = true;
	if (!err)
		*ret_store = *store;
	return err;
}

static void file_path(const struct store *store, const char *team, char *path)
{
	for (uint32_t i = 0; i < store->list.count; i++)
		if (strcmp(store->list.teams[i].name, team) == 0) {
			(void)snprintf(path, PATH_MAX, "%s/%s", store->directory, store->files[i]);
			return;
		}
	(void)snprintf(path, PATH_MAX, "%s/%s.conf", store->directory, team);
}

/* A file's place while it is not in force yet. */
static int draft_path(const char *path, char *draft)
{
	return snprintf(draft, PATH_MAX, "%s.new", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int write_file(const char *directory, const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	size_t length = strlen(text);

	if (mkdir(directory, DIRECTORY_MODE) && errno != EEXIST)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, length) != (ssize_t)length || fsync(fd))
		return errno ? -errno : -EIO;
	return 0;
}

int store_write_text(const char *directory, const char *path, const char *text)
{
	char draft[PATH_MAX];
	int err = draft_path(path, draft);

	if (!err)
		err = write_file(directory, draft, text);
	if (!err && rename(draft, path))
		err = -errno;
	if (err && err != -ENAMETOOLONG)
		(void)unlink(draft);
	return err;
}

int store_draft(const struct store *store, const struct team_config *team, struct problem *problem)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX], draft[PATH_MAX];
	int err = config_format(team, &text);

	if (err)
		return problem_set(problem, err, "cannot write the configuration: %s",
				   strerror(-err));
	file_path(store, team->name, path);
	err = draft_path(path, draft);
	if (!err)
		err = write_file(store->directory, draft, text);
	if (err) {
		store_discard(store, team->name);
		return problem_set(problem, err, "cannot write %s: %s", path, strerror(-err));
	}
	return 0;
}

void store_discard(const struct store *store, const char *team)
{
	char path[PATH_MAX], draft[PATH_MAX];

	file_path(store, team, path);
	/* Twice: nobody else ever takes it away. */
	if (!draft_path(path, draft) && unlink(draft) && errno != ENOENT)
		(void)unlink(draft);
}

/* Between the draft's place and the file's; @what it is for, as in "cannot write". */
static int move_draft(const struct store *store, const char *team, bool into_force,
		      const char *what, struct problem *problem)
{
	char path[PATH_MAX], draft[PATH_MAX];
	int err;

	file_path(store, team, path);
	err = draft_path(path, draft);
	if (!err && (into_force ? rename(draft, path) : rename(path, draft)))
		err = -errno;
	return err ? problem_set(problem, err, "cannot %s %s: %s", what, path, strerror(-err)) : 0;
}

int store_keep(const struct store *store, const char *team, struct problem *problem)
{
	return move_draft(store, team, true, "write", problem);
}

int store_withdraw(const struct store *store, const char *team, struct problem *problem)
{
	return move_draft(store, team, false, "remove", problem);
}

void store_forget(struct store *store, const char *team)
{
	struct team_config *found = team_list_find(&store->list, team);
	size_t place, behind;

	if (!found)
		return;
	place = (size_t)(found - store->list.teams);
	behind = --store->list.count - place;
	memmove(found, found + 1, behind * sizeof(*found));
	memmove(store->files[place], store->files[place + 1], behind * sizeof(store->files[0]));
}
