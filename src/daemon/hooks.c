// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/hooks.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/hook_process.h"
#include "daemon/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define HOOKS_DIRECTORY "hooks.d"
#define QUEUE_MAX 1024 /* events that wait */

struct hooks {
	sd_event *loop;
	sd_event_source *next; /* something is to be begun */
	char directory[PATH_MAX];
	const char *socket;
	json_t *queue[QUEUE_MAX]; /* a ring */
	unsigned int queue_first, queue_count;
	unsigned int dropped; /* events, since a script was run last */
	/* What is in work: */
	json_t *event;
	struct dirent **files;
	int file_count, file_next;
	struct hook_process *process;
};

/* --- which files --- */

/* What editors and package managers leave beside a file. */
static int is_script_name(const struct dirent *entry)
{
	static const char *const ignored[] = {".*", "*~", "*.dpkg-*", "*.rpm*", "*.swp"};

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		if (fnmatch(ignored[i], entry->d_name, 0) == 0)
			return 0;
	return 1;
}

/* Only root may say what the daemon runs. */
static bool is_roots(const struct stat *status)
{
	return status->st_uid == 0 && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

static bool may_run(const struct hooks *hooks, const char *name)
{
	char path[PATH_MAX];
	struct stat status;

	if (snprintf(path, sizeof(path), "%s/%s", hooks->directory, name) >= PATH_MAX ||
	    lstat(path, &status))
		return false;
	if (!S_ISREG(status.st_mode)) {
		log_warning("%s is not run: it is not a regular file", path);
		return false;
	}
	if (!(status.st_mode & S_IXUSR))
		return false;
	if (!is_roots(&status))
		log_warning("%s is not run: others than root can change it", path);
	return is_roots(&status);
}

static void list_files(struct hooks *hooks)
{
	struct stat status;

	hooks->file_next = hooks->file_count = 0;
	if (stat(hooks->directory, &status))
		return;
	if (!is_roots(&status)) {
		log_warning("%s: nothing of it is run: others than root can change it",
			    hooks->directory);
		return;
	}
	hooks->file_count = scandir(hooks->directory, &hooks->files, is_script_name, alphasort);
	if (hooks->file_count < 0) {
		log_warning("%s: %m", hooks->directory);
		hooks->file_count = 0;
	}
}

/* --- the queue --- */

static json_t *take_event(struct hooks *hooks)
{
	json_t *event = hooks->queue[hooks->queue_first];

	hooks->queue_first = (hooks->queue_first + 1) % QUEUE_MAX;
	hooks->queue_count--;
	return event;
}

static void drop_oldest(struct hooks *hooks)
{
	json_decref(take_event(hooks));
	if (!hooks->dropped++)
		log_warning("hooks are too slow: more than %d events wait, the oldest are dropped",
			    QUEUE_MAX);
}

void hooks_add(struct hooks *hooks, json_t *event)
{
	if (hooks->queue_count == QUEUE_MAX)
		drop_oldest(hooks);
	hooks->queue[(hooks->queue_first + hooks->queue_count++) % QUEUE_MAX] = json_incref(event);
	if (!hooks->event)
		(void)sd_event_source_set_enabled(hooks->next, SD_EVENT_ONESHOT);
}

/* --- running --- */

static void finish_event(struct hooks *hooks)
{
	for (int i = 0; i < hooks->file_count; i++)
		free(hooks->files[i]);
	free(hooks->files);
	hooks->files = NULL;
	hooks->file_count = hooks->file_next = 0;
	json_decref(hooks->event);
	hooks->event = NULL;
}

static void on_ended(void *data)
{
	struct hooks *hooks = data;

	(void)sd_event_source_set_enabled(hooks->next, SD_EVENT_ONESHOT);
}

static void start_file(struct hooks *hooks, const char *name)
{
	int err;

	if (!may_run(hooks, name))
		return;
	if (hooks->dropped)
		log_warning("hooks: %u events were dropped", hooks->dropped);
	err = hook_process_start(hooks->loop, hooks->directory, name, hooks->event, hooks->socket,
				 hooks->dropped, on_ended, hooks, &hooks->process);
	if (err)
		log_warning("hook %s: cannot be started: %s", name, strerror(-err));
	else
		hooks->dropped = 0;
}

/* The next file, or the first of the next event; until one runs or nothing waits. */
static int on_next(sd_event_source *source, void *data)
{
	struct hooks *hooks = data;

	hook_process_free(hooks->process);
	hooks->process = NULL;
	while (!hooks->process && (hooks->event || hooks->queue_count)) {
		if (!hooks->event) {
			hooks->event = take_event(hooks);
			list_files(hooks);
		}
		if (hooks->file_next < hooks->file_count)
			start_file(hooks, hooks->files[hooks->file_next++]->d_name);
		else
			finish_event(hooks);
	}
	return 0;
}

/* --- life --- */

int hooks_open(sd_event *loop, const char *config, const char *socket, struct hooks **ret_hooks)
{
	struct hooks *hooks = calloc(1, sizeof(*hooks));
	int err;

	if (!hooks)
		return -ENOMEM;
	hooks->loop = loop;
	hooks->socket = socket;
	if (snprintf(hooks->directory, PATH_MAX, "%s/" HOOKS_DIRECTORY, config) >= PATH_MAX) {
		free(hooks);
		return -ENAMETOOLONG;
	}
	err = sd_event_add_defer(loop, &hooks->next, on_next, hooks);
	if (err >= 0)
		err = sd_event_source_set_enabled(hooks->next, SD_EVENT_OFF);
	if (err < 0) {
		hooks_close(hooks);
		return err;
	}
	*ret_hooks = hooks;
	return 0;
}

void hooks_close(struct hooks *hooks)
{
	if (!hooks)
		return;
	hook_process_free(hooks->process);
	while (hooks->queue_count)
		json_decref(take_event(hooks));
	finish_event(hooks);
	sd_event_source_unref(hooks->next);
	free(hooks);
}
