// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/admit.h"
#include "core/config.h"
#include "daemon/api_error.h"
#include "daemon/api_explain.h"
#include "daemon/api_show.h"
#include "daemon/interface.h"

#include <errno.h>
#include <string.h>

/* A parameter's text, "" if it is not there or not a string. */
static const char *text_of(json_t *parameters, const char *key)
{
	const char *text = json_string_value(json_object_get(parameters, key));

	return text ? text : "";
}

static struct team *find_team(const struct manager *manager, const char *name,
			      struct varlink_reply *reply)
{
	struct team *team = manager_team(manager, name);

	if (!team)
		api_error(reply, API_NOT_FOUND, "there is no team \"%s\"", name);
	return team;
}

/* --- reading --- */

static void call_show(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *name = text_of(parameters, "name");
	json_t *teams = json_array();

	(void)observe_counters(&manager->observed);
	for (unsigned int i = 0; i < manager->team_count; i++)
		if (!*name || strcmp(manager->teams[i]->config.name, name) == 0)
			(void)json_array_append_new(teams, show_team(manager, manager->teams[i]));
	reply->parameters = json_pack("{s:o}", "teams", teams);
	if (*name)
		(void)find_team(manager, name, reply);
}

/* From the files as they are now: what a reload would do. */
static void call_plan(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	_cleanup_free_ struct store *store = malloc(sizeof(*store));
	struct action_list actions;
	struct config_error error;

	if (!store)
		return api_error(reply, API_FAILED, "out of memory");
	if (store_load(manager->store.directory, store, &error))
		return api_bad_configuration(reply, manager->store.directory, &error);
	manager_plan(manager, &store->list, &actions);
	reply->parameters = json_pack("{s:o}", "actions", show_actions(&actions));
}

static void call_explain(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const struct manager *manager = data;
	struct team *team = find_team(manager, text_of(parameters, "name"), reply);

	if (team)
		explain_flow(manager, team, json_object_get(parameters, "flow"), reply);
}

/* --- changing --- */

/* A change under way: the configuration that shall be, and where refusals go. */
struct edit {
	struct manager *manager;
	struct store *store;
	struct varlink_reply *reply;
	struct problem problem;
};

/*
 * A change begins with the files as they are, so that a hand edit is neither lost nor applied
 * by surprise half way: it is applied with it.
 */
static int edit_begin(struct edit *edit, struct manager *manager, struct varlink_reply *reply)
{
	struct config_error error;
	int err;

	*edit = (struct edit){.manager = manager, .reply = reply};
	edit->store = calloc(1, sizeof(*edit->store));
	if (!edit->store) {
		api_error(reply, API_FAILED, "out of memory");
		return -ENOMEM;
	}
	err = store_load(manager->store.directory, edit->store, &error);
	if (err)
		api_bad_configuration(reply, manager->store.directory, &error);
	return err;
}

static int edit_refuse(struct edit *edit, int err)
{
	if (err)
		api_error(edit->reply, API_REFUSED, "%s", edit->problem.text);
	return err;
}

/* Something that is new in the configuration must be possible now; what was there may wait. */
static bool was_configured(const struct manager *manager, const struct action *action)
{
	const struct team_config *team = NULL;

	for (uint32_t i = 0; i < manager->store.list.count; i++)
		if (strcmp(manager->store.list.teams[i].name, action->team) == 0)
			team = &manager->store.list.teams[i];
	for (uint32_t i = 0; team && i < team->member_count; i++)
		if (strcmp(team->members[i].device, action->device) == 0)
			return true;
	return false;
}

static int check_names(struct edit *edit)
{
	const struct manager *manager = edit->manager;
	int err = 0;

	for (uint32_t i = 0; !err && i < edit->store->list.count; i++) {
		const char *name = edit->store->list.teams[i].name;

		if (!manager_team(manager, name))
			err = admit_name(name, &manager->observed.links, &edit->problem);
	}
	return edit_refuse(edit, err);
}

/* @device_must_exist: on the command line a missing device is refused (T1). */
static int check_devices(struct edit *edit, bool device_must_exist)
{
	struct action_list actions;

	manager_plan(edit->manager, &edit->store->list, &actions);
	for (unsigned int i = 0; i < actions.count; i++) {
		const struct action *action = &actions.actions[i];

		if (was_configured(edit->manager, action))
			continue;
		if (action->kind == ACTION_REFUSE)
			return edit_refuse(edit,
					   problem_set(&edit->problem, -EBUSY, "%s", action->text));
		if (action->kind == ACTION_WAIT && device_must_exist)
			return edit_refuse(edit,
					   problem_set(&edit->problem, -ENODEV,
						       "there is no device %s", action->device));
	}
	return 0;
}

static int check_edit(struct edit *edit, bool device_must_exist)
{
	struct config_error error;
	int err = config_check(&edit->store->list, NULL, &error);

	if (err)
		return edit_refuse(edit, problem_set(&edit->problem, err, "%s", error.text));
	err = check_names(edit);
	return err ? err : check_devices(edit, device_must_exist);
}

static void edit_apply(struct edit *edit)
{
	struct action_list actions;

	if (manager_apply(edit->manager, edit->store, &actions, &edit->problem))
		api_error(edit->reply, API_FAILED, "%s; nothing was changed", edit->problem.text);
	else
		edit->reply->parameters = json_pack("{s:o}", "actions", show_actions(&actions));
}

static void edit_end(struct edit *edit)
{
	free(edit->store);
}

/* Check, write @team's file, apply; if applying fails the file is as it was. */
static void edit_commit(struct edit *edit, const struct team_config *team)
{
	const struct store *before = &edit->manager->store;
	const struct team_config *old = NULL;

	for (uint32_t i = 0; i < before->list.count; i++)
		if (strcmp(before->list.teams[i].name, team->name) == 0)
			old = &before->list.teams[i];
	_cleanup_free_ struct team_config *saved = old ? malloc(sizeof(*saved)) : NULL;

	if (saved)
		*saved = *old;
	if (check_edit(edit, true))
		return;
	if (store_write(edit->store, team, &edit->problem)) {
		api_error(edit->reply, API_FAILED, "%s; nothing was changed", edit->problem.text);
		return;
	}
	edit_apply(edit);
	if (!edit->reply->error)
		return;
	if (saved)
		(void)store_write(edit->store, saved, NULL);
	else
		(void)store_delete(edit->store, team->name, NULL);
}

static int read_members(struct edit *edit, const json_t *members, struct team_config *team)
{
	const json_t *member;
	size_t index;
	int err = 0;

	json_array_foreach(members, index, member)
	{
		const char *device = json_string_value(member);

		err = config_member_add(team, device ? device : "", &edit->problem);
		if (err)
			break;
	}
	if (!err && !team->member_count)
		err = problem_set(&edit->problem, -EINVAL, "a team needs at least one member");
	return err;
}

static int read_settings(struct edit *edit, json_t *settings, struct team_config *team)
{
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach(settings, key, value)
	{
		const char *text = json_string_value(value);

		err = config_set(team, key, text ? text : "", &edit->problem);
		if (err)
			break;
	}
	return err;
}

static int read_team(struct edit *edit, json_t *json, struct team_config *team)
{
	int err;

	config_defaults(team);
	err = config_name_set(team, text_of(json, "name"), &edit->problem);
	if (!err)
		err = read_members(edit, json_object_get(json, "members"), team);
	if (!err)
		err = read_settings(edit, json_object_get(json, "settings"), team);
	if (!err && team_list_find(&edit->store->list, team->name))
		err = problem_set(&edit->problem, -EEXIST, "there is a team %s already",
				  team->name);
	if (!err && edit->store->list.count == TEAMS_MAX)
		err = problem_set(&edit->problem, -E2BIG, "there are %d teams already", TEAMS_MAX);
	return edit_refuse(edit, err);
}

static void call_add_team(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;
	struct team_config team;

	if (!edit_begin(&edit, data, reply) &&
	    !read_team(&edit, json_object_get(parameters, "team"), &team)) {
		uint32_t place = edit.store->list.count++;

		edit.store->list.teams[place] = team;
		(void)snprintf(edit.store->files[place], CONFIG_FILE_SIZE, "%s.conf", team.name);
		edit_commit(&edit, &team);
	}
	edit_end(&edit);
}

/* The wanted team that a call names. */
static struct team_config *edit_team(struct edit *edit, json_t *parameters)
{
	const char *name = text_of(parameters, "name");
	struct team_config *team = team_list_find(&edit->store->list, name);

	if (!team)
		api_error(edit->reply, API_NOT_FOUND, "there is no team \"%s\"", name);
	return team;
}

static void call_set_team(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;
	struct team_config *team;

	if (!edit_begin(&edit, data, reply) && (team = edit_team(&edit, parameters)) &&
	    !edit_refuse(&edit,
			 read_settings(&edit, json_object_get(parameters, "settings"), team)))
		edit_commit(&edit, team);
	edit_end(&edit);
}

static void call_add_member(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;
	struct team_config *team;

	if (!edit_begin(&edit, data, reply) && (team = edit_team(&edit, parameters)) &&
	    !edit_refuse(&edit,
			 config_member_add(team, text_of(parameters, "member"), &edit.problem)))
		edit_commit(&edit, team);
	edit_end(&edit);
}

/* A member may be named by its interface, too, when the configuration has its MAC or path. */
static const char *configured_device(const struct manager *manager,
				     const struct team_config *config, const char *member)
{
	const struct team *team = manager_team(manager, config->name);
	int slot = team ? team_slot(team, &manager->observed.links, member) : -1;

	return slot < 0 ? member : datapath_notes(team->datapath)->members[slot].device;
}

static void call_remove_member(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	char device[MEMBER_DEVICE_SIZE];
	struct team_config *team;
	struct edit edit;
	int err;

	if (!edit_begin(&edit, manager, reply) && (team = edit_team(&edit, parameters))) {
		(void)snprintf(device, sizeof(device), "%s",
			       configured_device(manager, team, text_of(parameters, "member")));
		err = config_member_remove(team, device, &edit.problem);
		if (!err && !team->member_count)
			err = problem_set(&edit.problem, -EBUSY,
					  "%s is the last member; remove the team instead: iovteam "
					  "team remove %s",
					  device, team->name);
		if (!edit_refuse(&edit, err))
			edit_commit(&edit, team);
	}
	edit_end(&edit);
}

static void call_remove_team(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;
	struct team_config *team;

	if (!edit_begin(&edit, data, reply) && (team = edit_team(&edit, parameters))) {
		struct team_list *list = &edit.store->list;
		size_t place = (size_t)(team - list->teams);
		struct team_config removed = *team;

		if (store_delete(edit.store, removed.name, &edit.problem)) {
			api_error(reply, API_FAILED, "%s; nothing was changed", edit.problem.text);
		} else {
			list->count--;
			memmove(team, team + 1, (list->count - place) * sizeof(*team));
			memmove(edit.store->files[place], edit.store->files[place + 1],
				(list->count - place) * sizeof(edit.store->files[0]));
			edit_apply(&edit);
		}
	}
	edit_end(&edit);
}

static void call_reload(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;

	if (!edit_begin(&edit, data, reply) && !check_edit(&edit, false))
		edit_apply(&edit);
	edit_end(&edit);
}

static void call_switchover(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *member = text_of(parameters, "member");
	struct team *team = find_team(manager, text_of(parameters, "name"), reply);
	struct problem problem = {};
	int slot;

	if (!team)
		return;
	slot = team_slot(team, &manager->observed.links, member);
	if (slot < 0)
		return api_error(reply, API_NOT_FOUND, "%s has no member \"%s\"", team->config.name,
				 member);
	if (slot == team->run.primary) {
		reply->parameters = json_pack("{s:[]}", "actions");
		return;
	}
	if (team_switchover(team, &manager->context, slot, &problem))
		return api_error(reply, API_REFUSED, "%s", problem.text);
	reply->parameters =
		json_pack("{s:[{s:s, s:s, s:s, s:o}]}", "actions", "team", team->config.name,
			  "what", "switchover", "device", member, "text",
			  json_sprintf("%s is the primary of %s now", member, team->config.name));
}

static const struct varlink_method methods[] = {
	{"org.iovteam.Show", false, call_show},
	{"org.iovteam.Plan", false, call_plan},
	{"org.iovteam.Explain", false, call_explain},
	{"org.iovteam.AddTeam", true, call_add_team},
	{"org.iovteam.SetTeam", true, call_set_team},
	{"org.iovteam.RemoveTeam", true, call_remove_team},
	{"org.iovteam.AddMember", true, call_add_member},
	{"org.iovteam.RemoveMember", true, call_remove_member},
	{"org.iovteam.Switchover", true, call_switchover},
	{"org.iovteam.Reload", true, call_reload},
};

struct varlink_interface api_interface(struct manager *manager)
{
	return (struct varlink_interface){
		.name = "org.iovteam",
		.description = interface_description,
		.methods = methods,
		.method_count = ARRAY_SIZE(methods),
		.data = manager,
	};
}
