// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/edit.h"

#include "base/cleanup.h"
#include "core/admit.h"
#include "daemon/api_error.h"
#include "daemon/api_show.h"
#include "daemon/edit_confirm.h"
#include "daemon/handover.h"

#include <errno.h>
#include <string.h>

int edit_begin(struct edit *edit, struct manager *manager, const json_t *parameters,
	       struct varlink_reply *reply)
{
	struct config_error error;
	int err;

	*edit = (struct edit){.manager = manager, .reply = reply};
	err = edit_refuse(edit, confirm_admit(manager, parameters, &edit->confirm, &edit->problem));
	if (err)
		return err;
	edit->store = store_new();
	edit->before = store_new();
	if (!edit->store || !edit->before) {
		api_error(reply, API_FAILED, "out of memory");
		return -ENOMEM;
	}
	err = store_load(manager->store.directory, edit->store, &error);
	if (err)
		api_bad_configuration(reply, manager->store.directory, &error);
	else
		store_copy(edit->before, edit->store);
	return err;
}

void edit_end(struct edit *edit)
{
	edit->manager->context.handover = NULL;
	handover_free(edit->handover);
	free(edit->text);
	store_free(edit->store);
	store_free(edit->before);
}

int edit_refuse(struct edit *edit, int err)
{
	if (err)
		api_error(edit->reply, API_REFUSED, "%s", edit->problem.text);
	return err;
}

struct team_config *edit_team(struct edit *edit, const char *name)
{
	struct team_config *team = team_list_find(&edit->store->list, name);

	if (!team)
		api_error(edit->reply, API_NOT_FOUND, "there is no team \"%s\"", name);
	return team;
}

/* Something that is new in the configuration must be possible now; what was there may wait. */
static bool was_configured(struct manager *manager, const struct action *action)
{
	const struct team_config *team = team_list_find(&manager->store.list, action->team);

	if (!*action->device) /* the bond itself, which is to be adopted */
		return team != NULL;
	for (uint32_t i = 0; team && i < team->member_count; i++)
		if (strcmp(team->members[i].device, action->device) == 0)
			return true;
	return false;
}

static int blame(struct edit *edit, const char *team, const struct store_object *commanded)
{
	return store_blame(&edit->manager->store, edit->store,
			   (struct store_object){CONFIG_TEAM, team}, commanded, &edit->problem);
}

static int check_names(struct edit *edit, const struct store_object *commanded)
{
	const struct manager *manager = edit->manager;

	for (uint32_t i = 0; i < edit->store->list.count; i++) {
		const struct team_config *want = &edit->store->list.teams[i];
		const struct team *team = manager_team(manager, want->name);
		int err = 0;

		if (!team && !want->adopt)
			err = admit_name(want->name, &manager->observed.links, &edit->problem);
		else if (team && team->config.adopt != want->adopt)
			err = problem_set(&edit->problem, -EBUSY,
					  "Adopt cannot change while the team %s is there; remove "
					  "it first",
					  want->name);
		if (err)
			return blame(edit, want->name, commanded);
	}
	return 0;
}

/* A device that is missing is refused only where a command has just named it (T1). */
static int check_action(struct edit *edit, const struct action *action, const char *commanded)
{
	const struct team_config *want = team_list_find(&edit->store->list, action->team);
	bool own_bond = !*action->device && !(want && want->adopt);

	if (own_bond || was_configured(edit->manager, action))
		return 0;
	if (action->kind == ACTION_REFUSE)
		return problem_set(&edit->problem, -EBUSY, "%s", action->text);
	if (action->kind == ACTION_WAIT && strcmp(action->team, commanded) == 0 && !*action->device)
		return problem_set(&edit->problem, -ENODEV, "%s", action->text);
	if (action->kind == ACTION_WAIT && strcmp(action->team, commanded) == 0)
		return problem_set(&edit->problem, -ENODEV, "there is no device %s",
				   action->device);
	return 0;
}

static int check_devices(struct edit *edit, const struct store_object *commanded)
{
	const char *team = commanded && commanded->kind == CONFIG_TEAM ? commanded->name : "";
	_cleanup_(action_list_done) struct action_list actions = {};

	manager_plan(edit->manager, &edit->store->list, &actions);
	for (unsigned int i = 0; i < actions.count; i++)
		if (check_action(edit, &actions.actions[i], team))
			return blame(edit, actions.actions[i].team, commanded);
	return 0;
}

/* @commanded NULL: no object in particular. */
static int check(struct edit *edit, const struct store_object *commanded)
{
	struct config_error error;
	int err = store_check(edit->store, &error);

	if (err)
		err = problem_set(&edit->problem, err, "%s", error.text);
	if (!err)
		err = check_names(edit, commanded);
	if (!err)
		err = check_devices(edit, commanded);
	if (!err)
		err = host_check(edit->manager->host, &edit->manager->store, edit->store, commanded,
				 &edit->problem);
	return edit_refuse(edit, err);
}

int edit_check(struct edit *edit)
{
	return check(edit, NULL);
}

static int fail(struct edit *edit, int err)
{
	if (err)
		api_error(edit->reply, API_FAILED, "%s; nothing was changed", edit->problem.text);
	return err;
}

static int apply(struct edit *edit)
{
	_cleanup_(action_list_done) struct action_list actions = {};
	int err;

	if (edit->heir_team)
		(void)team_switchover(edit->heir_team, &edit->manager->context, edit->heir_slot,
				      NULL);
	err = manager_apply(edit->manager, edit->store, &actions, &edit->problem);
	if (!err)
		edit->reply->parameters = json_pack("{s:o}", "actions", show_actions(&actions));
	return fail(edit, err);
}

/* C5. What went wrong before has been answered already. */
static void wait_for_confirmation(struct edit *edit, struct pending *pending, int err)
{
	int late = confirm_start(pending, edit->confirm, err, &edit->problem);

	if (!err)
		(void)fail(edit, late);
}

/* The store that has the object knows its file. */
static int begin_file(struct edit *edit, struct store_object object)
{
	return edit->text ? store_draft(edit->store, object, edit->text, &edit->problem)
			  : store_withdraw(edit->before, object, &edit->problem);
}

static int end_file(struct edit *edit, struct store_object object)
{
	if (edit->text)
		return store_keep(edit->store, object, &edit->problem);
	store_discard(edit->before, object);
	return 0;
}

static void give_up_file(struct edit *edit, struct store_object object)
{
	struct problem left = {};

	if (edit->text) {
		store_discard(edit->store, object);
		return;
	}
	/* Twice: nobody else ever puts it back. */
	if (store_keep(edit->before, object, NULL) && store_keep(edit->before, object, &left))
		api_error(edit->reply, API_FAILED,
			  "%s; nothing else was changed, but %s: its text is in %s.new",
			  edit->problem.text, left.text, store_file(edit->before, object));
}

/* What the file will say, and what is wanted then; nothing for an object that is removed. */
static int settle(struct edit *edit, struct store_object object)
{
	const char *directory = edit->store->directory, *file = store_file(edit->store, object);
	struct config_object before, after;
	bool was = store_get(edit->before, object, &before);
	int err = 0;

	if (!store_get(edit->store, object, &after))
		return 0;
	if (was)
		err = store_admit_parts(directory, file, &before, &after, &edit->problem);
	if (!err)
		err = store_settle(directory, file, was ? &before : NULL, &after, &edit->text,
				   &edit->problem);
	if (!err)
		store_put(edit->store, &after);
	return err == -ENOMEM ? fail(edit, err) : edit_refuse(edit, err);
}

/*
 * The old file is there, beside the new one, until all is applied: what is applied can be taken
 * back, and somebody's own file, with comments, cannot be written again as it was.
 */
void edit_commit(struct edit *edit, struct store_object object)
{
	_cleanup_(action_list_done) struct action_list undone = {};
	_cleanup_(store_freep) struct store *running = store_new();
	struct pending *pending = NULL;
	int err = running ? 0 : problem_set(&edit->problem, -ENOMEM, "out of memory");

	if (fail(edit, err) || settle(edit, object) || check(edit, &object) ||
	    edit_refuse(edit, confirm_prepare(edit, &object, &pending)))
		return;
	store_copy(running, &edit->manager->store);
	if (fail(edit, begin_file(edit, object))) {
		pending_drop(pending);
		return;
	}
	err = apply(edit);
	if (!err) {
		err = fail(edit, end_file(edit, object));
		if (err)
			manager_go_back(edit->manager, running, edit->manager->context.handover,
					&undone);
	}
	if (err)
		give_up_file(edit, object);
	wait_for_confirmation(edit, pending, err);
}

void edit_reload(struct edit *edit)
{
	struct pending *pending = NULL;

	if (!check(edit, NULL) && !edit_refuse(edit, confirm_prepare(edit, NULL, &pending)))
		wait_for_confirmation(edit, pending, apply(edit));
}
