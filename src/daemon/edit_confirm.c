// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/edit_confirm.h"

#include "base/cleanup.h"
#include "daemon/api_error.h"
#include "daemon/api_show.h"
#include "daemon/handover.h"
#include "daemon/journal.h"
#include "daemon/log.h"

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

static const char *file_of(const struct store *store, const char *team)
{
	for (uint32_t i = 0; i < store->list.count; i++)
		if (strcmp(store->list.teams[i].name, team) == 0)
			return store->files[i];
	return NULL;
}

/* The one file that a command writes or deletes, as it is. */
static json_t *note_file(const struct edit *edit, const char *team)
{
	const char *name = file_of(edit->before, team);

	if (!name)
		name = file_of(edit->store, team);
	return name ? json_pack("[o]", journal_file(edit->store->directory, name, NULL)) : NULL;
}

/* What a file that was edited by hand was when it was read: nobody has that text any more. */
static json_t *note_text(const struct store *running, uint32_t place)
{
	_cleanup_free_ char *text = NULL;

	if (config_format(&running->list.teams[place], &text))
		return NULL;
	return json_pack("{s:s, s:s, s:b}", "name", running->files[place], "text", text, "by_hand",
			 1);
}

static bool has_file(const struct store *store, const char *name)
{
	for (uint32_t i = 0; i < store->list.count; i++)
		if (strcmp(store->files[i], name) == 0)
			return true;
	return false;
}

/* Files whose team is as it runs stay as they are, comments and all. */
static bool is_as_running(const struct store *now, const struct store *running, uint32_t place)
{
	const struct team_config *was = &running->list.teams[place];

	for (uint32_t i = 0; i < now->list.count; i++)
		if (strcmp(now->files[i], running->files[place]) == 0)
			return memcmp(&now->list.teams[i], was, sizeof(*was)) == 0;
	return false;
}

static json_t *note_files(const struct edit *edit)
{
	const struct store *running = &edit->manager->store, *now = edit->store;
	json_t *files = json_array();

	for (uint32_t i = 0; i < running->list.count; i++)
		if (!is_as_running(now, running, i))
			(void)json_array_append_new(files, note_text(running, i));
	for (uint32_t i = 0; i < now->list.count; i++)
		if (!has_file(running, now->files[i]))
			(void)json_array_append_new(files,
						    json_pack("{s:s, s:n, s:b}", "name",
							      now->files[i], "text", "by_hand", 1));
	return files;
}

static void say_what(const struct edit *edit, const char *team, char *text, size_t size)
{
	bool before, after;

	if (!team) {
		(void)snprintf(text, size, "the configuration was reloaded");
		return;
	}
	before = team_list_find(&edit->before->list, team);
	after = team_list_find(&edit->store->list, team);
	(void)snprintf(text, size, "the team %s was %s", team,
		       !after	? "removed"
		       : before ? "changed"
				: "made");
}

int confirm_prepare(struct edit *edit, const char *team, struct pending **ret_pending)
{
	struct handover *handover;
	char what[ACTION_TEXT_SIZE];
	int err;

	if (!edit->confirm)
		return 0;
	say_what(edit, team, what, sizeof(what));
	handover = edit->handover ? edit->handover : handover_new();
	edit->handover = NULL; /* the pending change's from here on */
	err = pending_prepare(edit->manager, what, team ? note_file(edit, team) : note_files(edit),
			      handover, edit->store, ret_pending, &edit->problem);
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
