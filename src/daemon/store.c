// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/store.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/store_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DIRECTORY_MODE 0755

/* --- whole stores --- */

static struct store *spare[4];

struct store *store_new(void)
{
	struct store *store = NULL;

	for (size_t i = 0; !store && i < ARRAY_SIZE(spare); i++)
		store = steal_ptr(spare[i]);
	if (!store)
		return calloc(1, sizeof(*store));
	store->directory = NULL;
	store->unknown = false;
	store->list.count = store->switches.count = store->vms.count = 0;
	return store;
}

void store_free(struct store *store)
{
	for (size_t i = 0; store && i < ARRAY_SIZE(spare); i++)
		if (!spare[i])
			spare[i] = steal_ptr(store);
	free(store);
}

/* --- the lists --- */

struct view {
	char *items; /* structs that begin with their names */
	size_t size;
	uint32_t *count, max;
	char (*files)[CONFIG_FILE_SIZE];
};

static struct view view_of(const struct store *const_store, enum config_kind kind)
{
	struct store *store = (struct store *)const_store;

	switch (kind) {
	case CONFIG_TEAM:
		return (struct view){(char *)store->list.teams, sizeof(struct team_config),
				     &store->list.count, TEAMS_MAX, store->files};
	case CONFIG_SWITCH:
		return (struct view){(char *)store->switches.switches, sizeof(struct switch_config),
				     &store->switches.count, SWITCHES_MAX, store->switch_files};
	case CONFIG_VM:
	case CONFIG_KIND_COUNT:
		break;
	}
	return (struct view){(char *)store->vms.vms, sizeof(struct vm_config), &store->vms.count,
			     VMS_MAX, store->vm_files};
}

static uint32_t place_of(const struct view *view, const char *name)
{
	uint32_t i = 0;

	while (i < *view->count && strcmp(view->items + i * view->size, name) != 0)
		i++;
	return i;
}

void store_copy(struct store *to, const struct store *from)
{
	to->directory = from->directory;
	to->unknown = from->unknown;
	for (int kind = 0; kind < CONFIG_KIND_COUNT; kind++) {
		struct view into = view_of(to, (enum config_kind)kind);
		struct view view = view_of(from, (enum config_kind)kind);

		*into.count = *view.count;
		memcpy(into.items, view.items, *view.count * view.size);
		memcpy(into.files, view.files, *view.count * sizeof(view.files[0]));
	}
}

uint32_t store_count(const struct store *store, enum config_kind kind)
{
	return *view_of(store, kind).count;
}

void store_at(const struct store *store, enum config_kind kind, uint32_t place,
	      struct config_object *ret_object)
{
	struct view view = view_of(store, kind);

	*ret_object = (struct config_object){.kind = kind};
	memcpy(&ret_object->team, view.items + place * view.size, view.size);
}

void *store_find(struct store *store, struct store_object object)
{
	struct view view = view_of(store, object.kind);
	uint32_t place = place_of(&view, object.name);

	return place < *view.count ? view.items + place * view.size : NULL;
}

bool store_get(const struct store *store, struct store_object object,
	       struct config_object *ret_object)
{
	struct view view = view_of(store, object.kind);
	uint32_t place = place_of(&view, object.name);

	if (place == *view.count)
		return false;
	store_at(store, object.kind, place, ret_object);
	return true;
}

void store_put(struct store *store, const struct config_object *object)
{
	struct view view = view_of(store, object->kind);

	memcpy(view.items + place_of(&view, object->name) * view.size, &object->team, view.size);
}

const char *store_file(const struct store *store, struct store_object object)
{
	struct view view = view_of(store, object.kind);
	uint32_t place = place_of(&view, object.name);

	return place < *view.count ? view.files[place] : NULL;
}

int store_blame(const struct store *before, const struct store *after, struct store_object object,
		const struct store_object *commanded, struct problem *problem)
{
	const char *file = store_file(after, object);

	if (commanded && commanded->kind == object.kind &&
	    strcmp(commanded->name, object.name) == 0)
		return problem->error;
	if (!file)
		file = store_file(before, object);
	return file ? problem_prefix(problem, "%s", file) : problem->error;
}

bool store_has_file(const struct store *store, const char *file, struct config_object *ret_object)
{
	for (int kind = 0; kind < CONFIG_KIND_COUNT; kind++) {
		struct view view = view_of(store, (enum config_kind)kind);

		for (uint32_t i = 0; i < *view.count; i++) {
			if (strcmp(view.files[i], file) != 0)
				continue;
			if (ret_object)
				store_at(store, (enum config_kind)kind, i, ret_object);
			return true;
		}
	}
	return false;
}

/* There is room. */
static void append(const struct view *view, const struct config_object *object, const char *file)
{
	uint32_t place = (*view->count)++;

	memcpy(view->items + place * view->size, &object->team, view->size);
	(void)snprintf(view->files[place], CONFIG_FILE_SIZE, "%s", file);
}

static void usual_file(struct store_object object, char file[static CONFIG_FILE_SIZE])
{
	(void)snprintf(file, CONFIG_FILE_SIZE, "%s%s.conf", object.name,
		       object.kind == CONFIG_VM ? ".vm" : "");
}

int store_add(struct store *store, const struct config_object *object, struct problem *problem)
{
	struct view view = view_of(store, object->kind);
	const char *kind = config_kind_names[object->kind];
	char file[CONFIG_FILE_SIZE];
	struct config_object other;

	usual_file((struct store_object){object->kind, object->name}, file);
	if (place_of(&view, object->name) < *view.count)
		return problem_set(problem, -EEXIST, "there is a %s %s already", kind,
				   object->name);
	if (store_has_file(store, file, &other))
		return problem_set(problem, -EEXIST, "%s is the file of the %s %s already", file,
				   config_kind_names[other.kind], other.name);
	if (*view.count == view.max)
		return problem_set(problem, -E2BIG, "there are %u %s%s already", view.max, kind,
				   object->kind == CONFIG_SWITCH ? "es" : "s");
	append(&view, object, file);
	return 0;
}

void store_forget(struct store *store, struct store_object object)
{
	struct view view = view_of(store, object.kind);
	uint32_t place = place_of(&view, object.name);
	size_t behind;

	if (place == *view.count)
		return;
	behind = --*view.count - place;
	memmove(view.items + place * view.size, view.items + (place + 1) * view.size,
		behind * view.size);
	memmove(view.files[place], view.files[place + 1], behind * sizeof(view.files[0]));
}

int store_check(const struct store *store, struct config_error *ret_error)
{
	const struct config_world world = {
		.teams = &store->list,
		.switches = &store->switches,
		.vms = &store->vms,
		.team_files = store->files,
		.switch_files = store->switch_files,
		.vm_files = store->vm_files,
	};

	return config_world_check(&world, ret_error);
}

/* --- reading --- */

static int read_object(const char *directory, const char *file, struct config_object *ret_object,
		       struct config_error *error)
{
	_cleanup_(drop_ins_done) struct drop_ins drop_ins = {};
	int err = store_read_file(directory, file, ret_object, error);

	if (err)
		return err;
	err = drop_ins_list(directory, file, &drop_ins);
	if (err)
		return store_unread(error, drop_ins.directory, err);
	return store_read_drop_ins(directory, &drop_ins, 0, ret_object, error);
}

static int load_file(struct store *store, const char *file, struct config_error *error)
{
	struct config_object object;
	int err = read_object(store->directory, file, &object, error);
	struct view view;

	if (err)
		return err;
	view = view_of(store, object.kind);
	if (*view.count == view.max) {
		(void)store_unread(error, file, -E2BIG);
		(void)snprintf(error->text, sizeof(error->text), "is one too many: at most %u %s%s",
			       view.max, config_kind_names[object.kind],
			       object.kind == CONFIG_SWITCH ? "es" : "s");
		error->unread = false;
		return -E2BIG;
	}
	append(&view, &object, file);
	return 0;
}

void store_error_text(const struct config_error *error, char text[static STORE_ERROR_SIZE])
{
	if (error->line)
		(void)snprintf(text, STORE_ERROR_SIZE, "%s:%u: %s", error->file, error->line,
			       error->text);
	else
		(void)snprintf(text, STORE_ERROR_SIZE, "%s: %s", error->file, error->text);
}

/* What all files together show may be in a drop-in, and no line tells of it. */
static void mention_drop_ins(const char *directory, struct config_error *error)
{
	_cleanup_(drop_ins_done) struct drop_ins drop_ins = {};
	struct config_error alone = *error;

	if (!error->line && !drop_ins_list(directory, error->file, &drop_ins) &&
	    drop_ins.names.count)
		(void)snprintf(error->text, sizeof(error->text), "with its drop-ins, %.230s",
			       alone.text);
}

int store_load(const char *directory, struct store *ret_store, struct config_error *ret_error)
{
	_cleanup_(store_freep) struct store *store = store_new();
	_cleanup_(file_names_done) struct file_names names = {};
	int err;

	if (!store)
		return store_unread(ret_error, directory, -ENOMEM);
	store->directory = directory;
	err = file_names_list(directory, &names);
	if (err)
		return store_unread(ret_error, directory, err);
	for (int i = 0; !err && i < names.count; i++)
		err = load_file(store, names.entries[i]->d_name, ret_error);
	if (!err) {
		err = store_check(store, ret_error);
		if (err)
			mention_drop_ins(directory, ret_error);
	}
	if (err == -ENOMEM)
		ret_error->unread = true;
	if (!err)
		store_copy(ret_store, store);
	return err;
}

/* --- writing --- */

static void file_path(const struct store *store, struct store_object object, char *path)
{
	const char *known = store_file(store, object);
	char usual[CONFIG_FILE_SIZE];

	usual_file(object, usual);
	(void)snprintf(path, PATH_MAX, "%s/%s", store->directory, known ? known : usual);
}

/* A file's place while it is not in force yet. */
static int draft_path(const char *path, char *draft)
{
	return snprintf(draft, PATH_MAX, "%s.new", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

void store_sync_name(const char *path)
{
	_cleanup_close_ int fd = -1;
	char directory[PATH_MAX];

	(void)snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path + 1),
		       path);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fsync(fd);
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
	errno = ENOSPC; /* of a write that ends early, which sets none */
	return write(fd, text, length) != (ssize_t)length || fsync(fd) ? -errno : 0;
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
	if (!err)
		store_sync_name(path);
	return err;
}

int store_draft(const struct store *store, struct store_object object, const char *text,
		struct problem *problem)
{
	char path[PATH_MAX], draft[PATH_MAX];
	int err;

	file_path(store, object, path);
	err = draft_path(path, draft);
	if (!err)
		err = write_file(store->directory, draft, text);
	if (err) {
		store_discard(store, object);
		return problem_set(problem, err, "cannot write %s: %s", path, strerror(-err));
	}
	return 0;
}

void store_discard(const struct store *store, struct store_object object)
{
	char path[PATH_MAX], draft[PATH_MAX];

	file_path(store, object, path);
	/* Twice: nobody else ever takes it away. */
	if (!draft_path(path, draft) && unlink(draft) && errno != ENOENT)
		(void)unlink(draft);
}

/* Between the draft's place and the file's; @what it is for, as in "cannot write". */
static int move_draft(const struct store *store, struct store_object object, bool into_force,
		      const char *what, struct problem *problem)
{
	char path[PATH_MAX], draft[PATH_MAX];
	int err;

	file_path(store, object, path);
	err = draft_path(path, draft);
	if (!err && (into_force ? rename(draft, path) : rename(path, draft)))
		err = -errno;
	if (!err)
		store_sync_name(path);
	return err ? problem_set(problem, err, "cannot %s %s: %s", what, path, strerror(-err)) : 0;
}

int store_keep(const struct store *store, struct store_object object, struct problem *problem)
{
	return move_draft(store, object, true, "write", problem);
}

int store_withdraw(const struct store *store, struct store_object object, struct problem *problem)
{
	return move_draft(store, object, false, "remove", problem);
}
