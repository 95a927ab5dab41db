// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/edit_confirm.h"

#include "base/cleanup.h"
#include "daemon/api_error.h"
#include "daemon/api_show.h"
#include "daemon/handover.h"
#include "daemon/journal.h"
#include "daemon/log.h"
#include "daemon/store_read.h"

#include <errno.h>
#include <string.h>

int confirm_admit(const struct manager *manager, const json_t *parameters,
		  unsigned int *ret_seconds, struct problem *problem)
{
	const json_t *confirm = json_object_get(parameters, "confirm");
	json_int_t seconds = json_integer_value(confirm);
	int err;

	if (manager->pending)
		return problem_set(problem, -EBUSY,
				   "%s, and that waits to be confirmed: iovteam confirm keeps it, "
				   "iovteam cancel takes it back",
				   manager->pending->what);
	err = journal_none(manager->store.directory, problem);
	if (err)
		return err;
	if (json_is_integer(confirm) && (seconds < 1 || seconds > PENDING_SECONDS_MAX))
		return problem_set(problem, -ERANGE, "confirm takes 1 to %d seconds",
				   PENDING_SECONDS_MAX);
	*ret_seconds = (unsigned int)seconds;
	return 0;
}

/* -EILSEQ: a name that is not UTF-8 cannot be noted, and what is not noted does not go back. */
static int note_by_hand(json_t *files, const char *name, const char *text)
{
	json_t *file = json_pack("{s:s, s:s?, s:b}", "name", name, "text", text, "by_hand", 1);

	return json_array_append_new(files, file) ? -EILSEQ : 0;
}

/* The drop-ins of a file would change what it is put back to: they are kept aside. */
static int note_drop_ins(json_t *files, const char *directory, const char *file)
{
	_cleanup_(drop_ins_done) struct drop_ins drop_ins = {};
	char name[DROP_IN_NAME_SIZE];
	int err = drop_ins_list(directory, file, &drop_ins);

	for (int i = 0; !err && i < drop_ins.names.count; i++) {
		drop_ins_name(&drop_ins, i, name);
		err = note_by_hand(files, name, NULL);
	}
	return err;
}

/*
 * The text by which @file gives again what runs, under its drop-ins; NULL: none does. The order of
 * members counts here, though a drop-in does not dispute it.
 */
static char *text_under_drop_ins(const struct store *now, const struct config_object *running,
				 const char *file)
{
	_cleanup_free_ char *text = NULL;
	struct config_object after = *running, edited;
	bool is_there = store_has_file(now, file, &edited) && edited.kind == running->kind &&
			strcmp(edited.name, running->name) == 0;

	if (store_settle(now->directory, file, is_there ? &edited : NULL, &after, &text, NULL) ||
	    !config_object_equal(running, &after))
		return NULL;
	return steal_ptr(text);
}

/*
 * What a file that was edited by hand was when it was read: nobody has that text any more. The
 * drop-ins stay if the file alone can make up for what was edited.
 */
static int note_text(json_t *files, const struct store *now, const struct config_object *running,
		     const char *file)
{
	_cleanup_free_ char *text = text_under_drop_ins(now, running, file);
	int err = 0;

	if (!text) {
		err = config_object_format(running, &text, NULL);
		if (!err)
			err = note_drop_ins(files, now->directory, file);
	}
	return err ? err : note_by_hand(files, file, text);
}

static int not_noted(const char *file, int err, struct problem *problem)
{
	return problem_set(problem, err, "what %s was cannot be noted: %s", file,
			   err == -EILSEQ ? "its name is not UTF-8" : strerror(-err));
}

/* The one file that a command writes or deletes, as it is. */
static int note_file(struct edit *edit, struct store_object object, json_t **ret_files)
{
	const char *name = store_file(edit->before, object);
	json_t *files;

	if (!name)
		name = store_file(edit->store, object);
	files = json_pack("[o]", journal_file(edit->store->directory, name, NULL));
	if (!files)
		return not_noted(name, -EILSEQ, &edit->problem);
	*ret_files = files;
	return 0;
}

/* Files whose objects are as they run stay as they are, comments and all. */
static int note_running(json_t *files, struct edit *edit, enum config_kind kind)
{
	const struct store *running = &edit->manager->store;
	struct config_object was, is;

	for (uint32_t i = 0; i < store_count(running, kind); i++) {
		const char *file;
		int err = 0;

		store_at(running, kind, i, &was);
		file = store_file(running, (struct store_object){kind, was.name});
		if (!store_has_file(edit->store, file, &is) || !config_object_equal(&was, &is))
			err = note_text(files, edit->store, &was, file);
		if (err)
			return not_noted(file, err, &edit->problem);
	}
	return 0;
}

static int note_new(json_t *files, struct edit *edit, enum config_kind kind)
{
	struct config_object object;

	for (uint32_t i = 0; i < store_count(edit->store, kind); i++) {
		const char *file;
		int err = 0;

		store_at(edit->store, kind, i, &object);
		file = store_file(edit->store, (struct store_object){kind, object.name});
		if (!store_has_file(&edit->manager->store, file, NULL))
			err = note_by_hand(files, file, NULL);
		if (err)
			return not_noted(file, err, &edit->problem);
	}
	return 0;
}

static int note_files(struct edit *edit, json_t **ret_files)
{
	json_auto_t *files = json_array();
	int err = 0;

	for (int kind = 0; !err && kind < CONFIG_KIND_COUNT; kind++)
		err = note_running(files, edit, (enum config_kind)kind);
	for (int kind = 0; !err && kind < CONFIG_KIND_COUNT; kind++)
		err = note_new(files, edit, (enum config_kind)kind);
	if (!err)
		*ret_files = json_incref(files);
	return err;
}

static void say_what(const struct edit *edit, const struct store_object *object, char *text,
		     size_t size)
{
	bool before, after;

	if (!object) {
		(void)snprintf(text, size, "the configuration was reloaded");
		return;
	}
	before = store_file(edit->before, *object);
	after = store_file(edit->store, *object);
	(void)snprintf(text, size, "the %s %s was %s", config_kind_names[object->kind],
		       object->name,
		       !after	? "removed"
		       : before ? "changed"
				: "made");
}

/*
 * A daemon that dies while addresses move leaves the machine without them: that is taken back at the next
 * start, too. Where the files in force are not known there is nothing to go back to.
 */
static bool must_note(const struct edit *edit)
{
	return edit->confirm ||
	       (edit->handover && edit->handover->move_count && edit->manager->store_valid);
}

int confirm_prepare(struct edit *edit, const struct store_object *object,
		    struct pending **ret_pending)
{
	struct handover *handover;
	char what[ACTION_TEXT_SIZE];
	json_t *files = NULL;
	int err;

	if (!must_note(edit))
		return 0;
	err = object ? note_file(edit, *object, &files) : note_files(edit, &files);
	if (err)
		return err;
	say_what(edit, object, what, sizeof(what));
	handover = edit->handover ? edit->handover : handover_new();
	edit->handover = NULL; /* the pending change's from here on */
	err = pending_prepare(edit->manager, what, files, handover, edit->store, ret_pending,
			      &edit->problem);
	if (err)
		edit->manager->context.handover = NULL;
	return err;
}

int confirm_start(struct pending *pending, unsigned int seconds, int err, struct problem *problem)
{
	_cleanup_(action_list_done) struct action_list undone = {};
	struct problem left = {};

	if (err || !seconds)
		pending_drop(pending);
	if (err || !pending || !seconds)
		return err;
	err = pending_start(pending, seconds, problem);
	if (err && pending_take_back(pending, &undone, &left))
		log_error("%s; that is the next start's", left.text);
	return err;
}

int confirm_begin(struct manager *manager, const json_t *parameters, const char *what,
		  struct confirmation *ret_confirmation, struct problem *problem)
{
	struct confirmation confirmation = {};
	int err = confirm_admit(manager, parameters, &confirmation.seconds, problem);

	if (!err && confirmation.seconds)
		err = pending_prepare(manager, what, json_array(), handover_new(), &manager->store,
				      &confirmation.pending, problem);
	if (!err)
		*ret_confirmation = confirmation;
	return err;
}

int confirm_end(const struct confirmation *confirmation, int err, struct problem *problem)
{
	return confirm_start(confirmation->pending, confirmation->seconds, err, problem);
}

static struct pending *find_pending(const struct manager *manager, struct varlink_reply *reply)
{
	if (!manager->pending)
		api_error(reply, API_NOT_FOUND, "nothing waits to be confirmed");
	return manager->pending;
}

void call_confirm(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct pending *pending = find_pending(data, reply);
	struct problem problem = {};
	json_auto_t *answer = NULL;

	if (!pending)
		return;
	answer = json_pack("{s:s}", "what", pending->what);
	if (pending_keep(pending, &problem))
		api_error(reply, API_FAILED, "%s", problem.text);
	else
		reply->parameters = json_incref(answer);
}

void call_cancel(void *data, json_t *parameters, struct varlink_reply *reply)
{
	_cleanup_(action_list_done) struct action_list actions = {};
	struct pending *pending = find_pending(data, reply);
	struct problem problem = {};

	if (!pending)
		return;
	if (pending_take_back(pending, &actions, &problem))
		api_error(reply, API_FAILED, "%s; the rest is taken back, and this is tried again",
			  problem.text);
	else
		reply->parameters = json_pack("{s:o}", "actions", show_actions(&actions));
}
