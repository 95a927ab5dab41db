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

	if (manager->pending)
		return problem_set(problem, -EBUSY,
				   "%s, and that waits to be confirmed: iovteam confirm keeps it, "
				   "iovteam cancel takes it back",
				   manager->pending->what);
	if (json_is_integer(confirm) && (seconds < 1 || seconds > PENDING_SECONDS_MAX))
		return problem_set(problem, -ERANGE, "confirm takes 1 to %d seconds",
				   PENDING_SECONDS_MAX);
	*ret_seconds = (unsigned int)seconds;
	return 0;
}

/* The one file that a command writes or deletes, as it is. */
static json_t *note_file(const struct edit *edit, struct store_object object)
{
	const char *name = store_file(edit->before, object);

	if (!name)
		name = store_file(edit->store, object);
	return name ? json_pack("[o]", journal_file(edit->store->directory, name, NULL)) : NULL;
}

static json_t *note_by_hand(const char *name, const char *text)
{
	return json_pack("{s:s, s:s?, s:b}", "name", name, "text", text, "by_hand", 1);
}

/* The drop-ins of a file would change what it is put back to: they are kept aside. */
static void note_drop_ins(json_t *files, const char *directory, const char *file)
{
	_cleanup_(drop_ins_done) struct drop_ins drop_ins = {};
	char name[DROP_IN_NAME_SIZE];

	if (drop_ins_list(directory, file, &drop_ins))
		return;
	for (int i = 0; i < drop_ins.names.count; i++) {
		drop_ins_name(&drop_ins, i, name);
		(void)json_array_append_new(files, note_by_hand(name, NULL));
	}
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
static void note_text(json_t *files, const struct store *now, const struct config_object *running,
		      const char *file)
{
	_cleanup_free_ char *text = text_under_drop_ins(now, running, file);

	if (!text) {
		if (config_object_format(running, &text, NULL))
			return;
		note_drop_ins(files, now->directory, file);
	}
	(void)json_array_append_new(files, note_by_hand(file, text));
}

/* Files whose objects are as they run stay as they are, comments and all. */
static void note_running(json_t *files, const struct edit *edit, enum config_kind kind)
{
	const struct store *running = &edit->manager->store;
	struct config_object was, is;

	for (uint32_t i = 0; i < store_count(running, kind); i++) {
		const char *file;

		store_at(running, kind, i, &was);
		file = store_file(running, (struct store_object){kind, was.name});
		if (!store_has_file(edit->store, file, &is) || !config_object_equal(&was, &is))
			note_text(files, edit->store, &was, file);
	}
}

static void note_new(json_t *files, const struct edit *edit, enum config_kind kind)
{
	struct config_object object;

	for (uint32_t i = 0; i < store_count(edit->store, kind); i++) {
		const char *file;

		store_at(edit->store, kind, i, &object);
		file = store_file(edit->store, (struct store_object){kind, object.name});
		if (!store_has_file(&edit->manager->store, file, NULL))
			(void)json_array_append_new(files, note_by_hand(file, NULL));
	}
}

static json_t *note_files(const struct edit *edit)
{
	json_t *files = json_array();

	for (int kind = 0; kind < CONFIG_KIND_COUNT; kind++)
		note_running(files, edit, (enum config_kind)kind);
	for (int kind = 0; kind < CONFIG_KIND_COUNT; kind++)
		note_new(files, edit, (enum config_kind)kind);
	return files;
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

int confirm_prepare(struct edit *edit, const struct store_object *object,
		    struct pending **ret_pending)
{
	struct handover *handover;
	char what[ACTION_TEXT_SIZE];
	int err;

	if (!edit->confirm)
		return 0;
	say_what(edit, object, what, sizeof(what));
	handover = edit->handover ? edit->handover : handover_new();
	edit->handover = NULL; /* the pending change's from here on */
	err = pending_prepare(edit->manager, what,
			      object ? note_file(edit, *object) : note_files(edit), handover,
			      edit->store, ret_pending, &edit->problem);
	if (err)
		edit->manager->context.handover = NULL;
	return err;
}

int confirm_start(struct pending *pending, unsigned int seconds, int err, struct problem *problem)
{
	_cleanup_(action_list_done) struct action_list undone = {};
	struct problem left = {};

	if (err)
		pending_drop(pending);
	if (err || !pending)
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
