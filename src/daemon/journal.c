// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/journal.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strings.h"
#include "daemon/json_text.h"
#include "daemon/json_watch.h"
#include "daemon/log.h"
#include "daemon/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define JOURNAL_NAME ".pending"
#define JOURNAL_VERSION 1
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static void path_of(const char *directory, const char *name, const char *suffix, char *path)
{
	(void)snprintf(path, PATH_MAX, "%s/%s%s", directory, name, suffix);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The whole of a file, malloc'd; NULL with errno. */
static char *read_text(const char *path)
{
	_cleanup_fclose_ FILE *file = file_open(path);
	char *text = NULL;
	size_t room = 0;

	if (!file)
		return NULL;
	errno = 0;
	if (getdelim(&text, &room, '\0', file) < 0) {
		free(text);
		return errno ? NULL : strdup("");
	}
	return text;
}

json_t *journal_file(const char *directory, const char *name, const char *text)
{
	_cleanup_free_ char *read = NULL;
	char path[PATH_MAX];

	path_of(directory, name, "", path);
	if (!text) {
		text = read = read_text(path);
		if (!text && errno != ENOENT)
			return NULL;
	}
	return json_pack("{s:s, s:s?}", "name", name, "text", text);
}

/* --- records as text --- */

static json_t *hex_of(const struct nlmsghdr *record)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = (const void *)record;
	_cleanup_free_ char *text = malloc(2 * (size_t)record->nlmsg_len);

	if (!text)
		return NULL;
	for (size_t i = 0; i < record->nlmsg_len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return json_stringn(text, 2 * (size_t)record->nlmsg_len);
}

static int digit_of(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int add_record(struct record_list *list, const json_t *text)
{
	const char *hex = json_string_value(text);
	size_t length = json_string_length(text) / 2;
	_cleanup_free_ struct nlmsghdr *record = malloc(length + sizeof(*record));

	if (!record)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++) {
		int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		((uint8_t *)record)[i] = (uint8_t)(high << 4 | low);
	}
	if (length < sizeof(*record) || record->nlmsg_len != length)
		return -EBADMSG;
	return record_list_add(list, record);
}

static json_t *show_devices(const struct handover *handover)
{
	json_t *devices = json_array();

	for (unsigned int i = 0; i < handover->device_count; i++) {
		const struct handover_device *device = &handover->devices[i];
		json_t *records = json_array();

		for (size_t r = 0; r < device->records.count; r++)
			(void)json_array_append_new(records, hex_of(device->records.records[r]));
		(void)json_array_append_new(
			devices, json_pack("{s:o, s:i, s:o}", "name", json_text(device->name),
					   "ifindex", device->ifindex, "records", records));
	}
	return devices;
}

static json_t *show_moves(const struct handover *handover)
{
	json_t *moves = json_array();

	for (unsigned int i = 0; i < handover->move_count; i++)
		(void)json_array_append_new(moves, json_pack("{s:i, s:s}", "device",
							     (int)handover->moves[i].device, "to",
							     handover->moves[i].to));
	return moves;
}

static int add_device(struct handover *handover, const json_t *device)
{
	_cleanup_(record_list_done) struct record_list records = {};
	const json_t *record;
	size_t i;
	int err = 0;

	json_array_foreach(json_object_get(device, "records"), i, record)
	{
		if (!err)
			err = add_record(&records, record);
	}
	if (err)
		return err;
	return handover_add_device(handover, text_of(device, "name"),
				   (int)json_integer_value(json_object_get(device, "ifindex")),
				   &records);
}

static int add_move(struct handover *handover, const json_t *move)
{
	json_int_t device = json_integer_value(json_object_get(move, "device"));

	if (device < 0 || device >= handover->device_count)
		return -EBADMSG;
	return handover_add_move(handover, (unsigned int)device, text_of(move, "to"));
}

static bool same_boot(const json_t *journal)
{
	_cleanup_free_ char *boot = read_text(BOOT_ID);

	return boot && strcmp(boot, text_of(journal, "boot")) == 0;
}

struct handover *journal_handover(const json_t *journal)
{
	_cleanup_(handover_freep) struct handover *handover = handover_new();
	const json_t *item;
	size_t i;
	int err = 0;

	if (!handover || !same_boot(journal))
		return NULL;
	handover->noted_ns = (uint64_t)json_integer_value(json_object_get(journal, "noted_ns"));
	json_array_foreach(json_object_get(journal, "devices"), i, item)
	{
		if (!err)
			err = add_device(handover, item);
	}
	json_array_foreach(json_object_get(journal, "moves"), i, item)
	{
		if (!err)
			err = add_move(handover, item);
	}
	if (err)
		log_warning("what the devices had cannot be read: %s", strerror(-err));
	return err ? NULL : steal_ptr(handover);
}

/* --- the file --- */

json_t *journal_make(const char *what, json_t *files, const struct handover *handover)
{
	_cleanup_free_ char *boot = read_text(BOOT_ID);

	return json_pack("{s:i, s:s, s:s, s:o, s:I, s:o, s:o}", "version", JOURNAL_VERSION, "boot",
			 boot ? boot : "", "what", what, "files", files, "noted_ns",
			 (json_int_t)handover->noted_ns, "devices", show_devices(handover), "moves",
			 show_moves(handover));
}

int journal_write(const char *directory, const json_t *journal, struct problem *problem)
{
	_cleanup_free_ char *text = json_dumps(journal, JSON_COMPACT);
	char path[PATH_MAX];
	int err;

	path_of(directory, JOURNAL_NAME, "", path);
	err = text ? store_write_text(directory, path, text) : -ENOMEM;
	if (err)
		return problem_set(problem, err, "cannot write %s: %s", path, strerror(-err));
	return 0;
}

int journal_remove(const char *directory, struct problem *problem)
{
	char path[PATH_MAX];

	path_of(directory, JOURNAL_NAME, "", path);
	/* Twice: nobody else ever takes it away. */
	if (!unlink(path) || errno == ENOENT || !unlink(path)) {
		store_sync_name(path);
		return 0;
	}
	return problem_set(problem, -errno, "cannot remove %s: %s", path, strerror(errno));
}

int journal_none(const char *directory, struct problem *problem)
{
	char path[PATH_MAX];

	path_of(directory, JOURNAL_NAME, "", path);
	if (access(path, F_OK))
		return 0;
	return problem_set(problem, -EBUSY,
			   "%s is left of an unconfirmed change: restart iovteamd to have it "
			   "taken back, or remove that file to keep what there is now",
			   path);
}

/* NULL with errno: ENOENT, there is none; EBADMSG, it cannot be understood; ENOMEM. */
static json_t *load(const char *path)
{
	_cleanup_free_ char *text = read_text(path);
	json_t *journal;

	if (!text)
		return NULL;
	json_watch();
	journal = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_starved() &&
	    json_integer_value(json_object_get(journal, "version")) == JOURNAL_VERSION)
		return journal;
	json_decref(journal);
	errno = json_starved() ? ENOMEM : EBADMSG;
	return NULL;
}

json_t *journal_read(const char *directory)
{
	char path[PATH_MAX];
	json_t *journal;

	path_of(directory, JOURNAL_NAME, "", path);
	journal = load(path);
	/* Twice: what is not read stays in force, though nobody has confirmed it. */
	if (!journal && errno != ENOENT)
		journal = load(path);
	if (!journal && errno != ENOENT)
		log_error("%s cannot be read: %s; the unconfirmed change that it tells of stays",
			  path, strerror(errno));
	return journal;
}

/* A file that somebody has edited by hand is not lost with what was in force before. */
static int set_aside(const char *directory, const char *name)
{
	char path[PATH_MAX], aside[PATH_MAX];

	path_of(directory, name, "", path);
	path_of(directory, name, ".rejected", aside);
	if (rename(path, aside))
		return -errno;
	log_notice("%s is kept as %s", path, aside);
	return 0;
}

/* The journal is root's, but a name is a name: of a file here, or of a drop-in of one. */
static bool is_name(const char *name)
{
	const char *slash = strchr(name, '/');

	if (!slash)
		return *name;
	return slash != name && *name != '.' && slash[1] && slash[1] != '.' &&
	       !strchr(slash + 1, '/');
}

static int restore_file(const char *directory, const char *name, const json_t *file)
{
	const char *text = json_string_value(json_object_get(file, "text"));
	_cleanup_free_ char *now = NULL;
	char path[PATH_MAX];
	int err = 0;

	path_of(directory, name, "", path);
	now = read_text(path);
	if (!now && errno != ENOENT)
		return -errno;
	if (now && text && strcmp(now, text) == 0)
		return 0;
	if (now && json_is_true(json_object_get(file, "by_hand")))
		err = set_aside(directory, name);
	if (!err && text)
		err = store_write_text(directory, path, text);
	else if (!err && unlink(path) && errno != ENOENT)
		err = -errno;
	if (!err && !text)
		store_sync_name(path);
	return err;
}

int journal_restore_files(const char *directory, const json_t *journal, struct problem *problem)
{
	const json_t *file;
	int err, left = 0;
	size_t i;

	json_array_foreach(json_object_get(journal, "files"), i, file)
	{
		const char *name = text_of(file, "name");

		if (!is_name(name))
			continue;
		/* Twice: nobody is there who would ask for it again. */
		err = restore_file(directory, name, file);
		if (err)
			err = restore_file(directory, name, file);
		if (err)
			left = problem_set(problem, err, "%s/%s cannot be put back: %s", directory,
					   name, strerror(-err));
	}
	return left;
}
