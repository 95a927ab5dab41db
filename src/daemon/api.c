// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/config.h"
#include "daemon/api_doctor.h"
#include "daemon/api_error.h"
#include "daemon/api_explain.h"
#include "daemon/api_host.h"
#include "daemon/api_read.h"
#include "daemon/api_session.h"
#include "daemon/api_show.h"
#include "daemon/edit_confirm.h"
#include "daemon/events.h"
#include "daemon/interface.h"
#include "daemon/json_text.h"
#include "daemon/team_drain.h"

#include <errno.h>
#include <string.h>

static bool is_set(json_t *parameters, const char *key)
{
	return json_is_true(json_object_get(parameters, key));
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
	const char *name = api_text(parameters, "name");
	json_t *teams = json_array();

	(void)observe_counters(&manager->observed);
	for (unsigned int i = 0; i < manager->team_count; i++)
		if (!*name || strcmp(manager->teams[i]->config.name, name) == 0)
			(void)json_array_append_new(teams, show_team(manager, manager->teams[i]));
	reply->parameters =
		json_pack("{s:o, s:o*}", "teams", teams, "pending", pending_show(manager));
	if (*name)
		(void)find_team(manager, name, reply);
}

/* From the files as they are now: what a reload would do. */
static void call_plan(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	_cleanup_(store_freep) struct store *store = store_new();
	_cleanup_(action_list_done) struct action_list actions = {};
	struct edit edit = {.manager = manager, .store = store, .reply = reply};
	struct config_error error;

	if (!store)
		return api_error(reply, API_FAILED, "out of memory");
	if (store_load(manager->store.directory, store, &error))
		return api_bad_configuration(reply, manager->store.directory, &error);
	if (edit_check(&edit))
		return;
	manager_plan(manager, &store->list, &actions);
	host_show_plan(manager->host, store, &actions);
	reply->parameters = json_pack("{s:o}", "actions", show_actions(&actions));
}

static void call_explain(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const struct manager *manager = data;
	struct team *team = find_team(manager, api_text(parameters, "name"), reply);

	if (team)
		explain_flow(manager, team, json_object_get(parameters, "flow"), reply);
}

static void call_doctor(void *data, json_t *parameters, struct varlink_reply *reply)
{
	json_t *findings = doctor_findings(data);

	(void)parameters;
	if (!findings)
		return api_error(reply, API_FAILED, "out of memory");
	reply->parameters = json_pack("{s:o}", "findings", findings);
}

/* T20: what is, and then each change. Without "more" the former alone. */
static void call_monitor(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const struct manager *manager = data;
	const char *name = api_text(parameters, "name");

	if (*name && !find_team(manager, name, reply))
		return;
	if (!events_have_room(manager->monitors))
		return api_error(reply, API_REFUSED, "as many clients as may watch events do so");
	reply->parameters = events_snapshot(manager->monitors, name);
}

/* --- changing --- */

static int set_of_team(void *team, const char *key, const char *value, struct problem *problem)
{
	return config_set(team, key, value, problem);
}

static int set_of_member(void *member, const char *key, const char *value, struct problem *problem)
{
	return config_member_set(member, key, value, problem);
}

static int read_team_settings(struct edit *edit, json_t *holder, struct team_config *team)
{
	return api_settings(edit, json_object_get(holder, "settings"),
			    (struct api_settable){set_of_team, team});
}

static int read_member_settings(struct edit *edit, json_t *holder, struct member_config *member)
{
	return api_settings(edit, json_object_get(holder, "settings"),
			    (struct api_settable){set_of_member, member});
}

/* @holder has the settings, if there are any. */
static int read_member(struct edit *edit, const char *device, json_t *holder,
		       struct team_config *team)
{
	int err = config_member_add(team, device, &edit->problem);

	return err ? err
		   : read_member_settings(edit, holder, &team->members[team->member_count - 1]);
}

static int read_members(struct edit *edit, const json_t *members, struct team_config *team)
{
	json_t *member;
	size_t index;
	int err = 0;

	json_array_foreach(members, index, member)
	{
		err = read_member(edit, api_text(member, "device"), member, team);
		if (err)
			break;
	}
	if (!err && !team->member_count && !team->adopt)
		err = problem_set(&edit->problem, -EINVAL, "a team needs at least one member");
	return err;
}

/* Into what shall be. */
static int read_team(struct edit *edit, json_t *json)
{
	struct config_object object = {.kind = CONFIG_TEAM};
	struct team_config *team = &object.team;
	int err;

	config_defaults(team);
	err = config_name_set(team, api_text(json, "name"), &edit->problem);
	if (!err)
		err = read_team_settings(edit, json, team);
	if (!err)
		err = read_members(edit, json_object_get(json, "members"), team);
	if (!err)
		err = store_add(edit->store, &object, &edit->problem);
	return edit_refuse(edit, err);
}

static void commit_team(struct edit *edit, const char *name)
{
	edit_commit(edit, (struct store_object){CONFIG_TEAM, name});
}

static void call_add_team(void *data, json_t *parameters, struct varlink_reply *reply)
{
	json_t *json = json_object_get(parameters, "team");
	struct team_config *team;
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) && !read_team(&edit, json) &&
	    (team = edit_team(&edit, api_text(json, "name"))) &&
	    (!is_set(parameters, "take_addresses") || !edit_take(&edit, team, true)))
		commit_team(&edit, team->name);
	edit_end(&edit);
}

static void call_set_team(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;
	struct team_config *team;

	if (!edit_begin(&edit, data, parameters, reply) &&
	    (team = edit_team(&edit, api_text(parameters, "name"))) &&
	    !edit_refuse(&edit, read_team_settings(&edit, parameters, team)))
		commit_team(&edit, team->name);
	edit_end(&edit);
}

/* T21: those of an adopted bond come and go with what its manager does. */
static int check_members_ours(struct edit *edit, const struct team_config *team)
{
	if (!team->adopt)
		return 0;
	return edit_refuse(edit, problem_set(&edit->problem, -EBUSY,
					     "%s is adopted: add and remove slaves with what has "
					     "made the bond",
					     team->name));
}

static void call_add_member(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;
	struct team_config *team;

	if (!edit_begin(&edit, data, parameters, reply) &&
	    (team = edit_team(&edit, api_text(parameters, "name"))) &&
	    !check_members_ours(&edit, team) &&
	    !edit_refuse(&edit,
			 read_member(&edit, api_text(parameters, "member"), parameters, team)) &&
	    (!is_set(parameters, "take_addresses") || !edit_take(&edit, team, false)))
		commit_team(&edit, team->name);
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

static int give(struct edit *edit, const char *team, json_t *parameters)
{
	const char *device = api_text(parameters, "give_addresses");
	const char *leaving = json_string_value(json_object_get(parameters, "member"));

	return *device ? edit_give(edit, team, device, leaving) : 0;
}

static void call_remove_member(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	char device[MEMBER_DEVICE_SIZE];
	struct team_config *team;
	struct edit edit;
	int err;

	if (!edit_begin(&edit, manager, parameters, reply) &&
	    (team = edit_team(&edit, api_text(parameters, "name"))) &&
	    !check_members_ours(&edit, team)) {
		(void)snprintf(device, sizeof(device), "%s",
			       configured_device(manager, team, api_text(parameters, "member")));
		err = config_member_remove(team, device, &edit.problem);
		if (!err && !team->member_count)
			err = problem_set(&edit.problem, -EBUSY,
					  "%s is the last member; remove the team instead: iovteam "
					  "team remove %s",
					  device, team->name);
		if (!edit_refuse(&edit, err) && !give(&edit, team->name, parameters))
			commit_team(&edit, team->name);
	}
	edit_end(&edit);
}

/* T21: a slave of an adopted bond is a member without a section; settings give it one. */
static struct member_config *named_member(const struct manager *manager, struct team_config *team,
					  const char *name)
{
	const char *device = configured_device(manager, team, name);
	struct member_config *member = config_member_find(team, device);
	struct team *running = manager_team(manager, team->name);

	if (member || !team->adopt || !running || !config_member_find(&running->config, device))
		return member;
	(void)config_member_add(team, device, NULL);
	return config_member_find(team, device);
}

static void call_set_member(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *name = api_text(parameters, "member");
	struct member_config *member;
	struct team_config *team;
	struct edit edit;

	if (!edit_begin(&edit, manager, parameters, reply) &&
	    (team = edit_team(&edit, api_text(parameters, "name")))) {
		member = named_member(manager, team, name);
		if (!member)
			api_error(reply, API_NOT_FOUND, "%s has no member \"%s\"", team->name,
				  name);
		else if (!edit_refuse(&edit, read_member_settings(&edit, parameters, member)))
			commit_team(&edit, team->name);
	}
	edit_end(&edit);
}

static void call_remove_team(void *data, json_t *parameters, struct varlink_reply *reply)
{
	const char *name = api_text(parameters, "name");
	struct team_config *team;
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply) && (team = edit_team(&edit, name)) &&
	    !give(&edit, name, parameters)) {
		store_forget(edit.store, (struct store_object){CONFIG_TEAM, name});
		commit_team(&edit, name);
	}
	edit_end(&edit);
}

static void call_reload(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct edit edit;

	if (!edit_begin(&edit, data, parameters, reply))
		edit_reload(&edit);
	edit_end(&edit);
}

/* --- planned work (T20): changes nothing in the configuration --- */

/* The slot of the member that the call names, negative if it has been answered with an error. */
static int find_member(const struct manager *manager, json_t *parameters,
		       struct varlink_reply *reply, struct team **ret_team)
{
	const char *member = api_text(parameters, "member");
	struct team *team = find_team(manager, api_text(parameters, "name"), reply);
	int slot = team ? team_slot(team, &manager->observed.links, member) : -1;

	if (team && slot < 0 && config_member_find(&team->config, member))
		api_error(reply, API_REFUSED,
			  "%s is a member of %s, but not in use now; iovteam team show %s says why",
			  member, team->config.name, team->config.name);
	else if (team && slot < 0)
		api_error(reply, API_NOT_FOUND, "%s has no member \"%s\"", team->config.name,
			  member);
	*ret_team = team;
	return slot;
}

__attribute__((format(printf, 5, 6))) static void reply_action(struct varlink_reply *reply,
							       const struct team *team,
							       const char *what, const char *member,
							       const char *format, ...)
{
	struct problem text = {};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text.text, sizeof(text.text), format, args);
	va_end(args);
	reply->parameters =
		json_pack("{s:[{s:s, s:s, s:s, s:o}]}", "actions", "team", team->config.name,
			  "what", what, "device", member, "text", json_text(text.text));
}

static void call_switchover(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *member = api_text(parameters, "member");
	struct confirmation confirmation;
	struct problem problem = {};
	struct team *team;
	int slot = find_member(manager, parameters, reply, &team), err;

	if (slot < 0)
		return;
	if (slot == team->run.primary) {
		reply->parameters = json_pack("{s:[]}", "actions");
		return;
	}
	err = confirm_begin(manager, parameters, "another member was made primary", &confirmation,
			    &problem);
	if (!err)
		err = confirm_end(&confirmation,
				  team_switchover(team, &manager->context, slot, &problem),
				  &problem);
	if (err)
		return api_error(reply, API_REFUSED, "%s", problem.text);
	reply_action(reply, team, "switchover", member, "%s is the primary of %s now", member,
		     team->config.name);
}

static void call_drain_member(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *member = api_text(parameters, "member");
	struct confirmation confirmation;
	struct problem problem = {};
	struct team *team;
	int slot = find_member(manager, parameters, reply, &team), err;

	if (slot < 0)
		return;
	err = confirm_begin(manager, parameters, "a member was drained", &confirmation, &problem);
	if (!err)
		err = confirm_end(&confirmation,
				  team_drain(team, &manager->context, slot, &problem), &problem);
	if (err)
		return api_error(reply, API_REFUSED, "%s", problem.text);
	manager_wake(manager);
	reply_action(reply, team, "drain", member, "flows leave %s as they pause", member);
}

static void call_restore_member(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct manager *manager = data;
	const char *member = api_text(parameters, "member");
	struct confirmation confirmation;
	struct problem problem = {};
	struct team *team;
	int slot = find_member(manager, parameters, reply, &team);

	if (slot < 0)
		return;
	if (confirm_begin(manager, parameters, "a member was restored", &confirmation, &problem))
		return api_error(reply, API_REFUSED, "%s", problem.text);
	team_restore(team, &manager->context, slot);
	if (confirm_end(&confirmation, 0, &problem))
		return api_error(reply, API_FAILED, "%s", problem.text);
	manager_wake(manager);
	reply_action(reply, team, "restore", member, "%s carries traffic again", member);
}

#define NAME                                                                                       \
	{                                                                                          \
		"name", JSON_STRING, false                                                         \
	}
#define OPTIONAL_NAME                                                                              \
	{                                                                                          \
		"name", JSON_STRING, true                                                          \
	}
#define MEMBER                                                                                     \
	{                                                                                          \
		"member", JSON_STRING, false                                                       \
	}
#define SETTINGS                                                                                   \
	{                                                                                          \
		"settings", JSON_OBJECT, true                                                      \
	}
#define OBJECT(key)                                                                                \
	{                                                                                          \
		key, JSON_OBJECT, false                                                            \
	}

#define OPTIONAL(key, type)                                                                        \
	{                                                                                          \
		key, type, true                                                                    \
	}
#define VM                                                                                         \
	{                                                                                          \
		"vm", JSON_STRING, false                                                           \
	}
#define CONFIRM OPTIONAL("confirm", JSON_INTEGER)
#define TAKE OPTIONAL("take_addresses", JSON_TRUE)
#define GIVE OPTIONAL("give_addresses", JSON_STRING)

static const struct varlink_method methods[] = {
	{"org.iovteam.Show", false, {OPTIONAL_NAME}, call_show},
	{"org.iovteam.Monitor", false, {OPTIONAL_NAME}, call_monitor},
	{"org.iovteam.Plan", false, {}, call_plan},
	{"org.iovteam.Doctor", false, {}, call_doctor},
	{"org.iovteam.Explain", false, {NAME, OBJECT("flow")}, call_explain},
	{"org.iovteam.AddTeam", true, {OBJECT("team"), TAKE, CONFIRM}, call_add_team},
	{"org.iovteam.SetTeam", true, {NAME, OBJECT("settings"), CONFIRM}, call_set_team},
	{"org.iovteam.RemoveTeam", true, {NAME, GIVE, CONFIRM}, call_remove_team},
	{"org.iovteam.AddMember", true, {NAME, MEMBER, SETTINGS, TAKE, CONFIRM}, call_add_member},
	{"org.iovteam.SetMember",
	 true,
	 {NAME, MEMBER, OBJECT("settings"), CONFIRM},
	 call_set_member},
	{"org.iovteam.RemoveMember", true, {NAME, MEMBER, GIVE, CONFIRM}, call_remove_member},
	{"org.iovteam.Switchover", true, {NAME, MEMBER, CONFIRM}, call_switchover},
	{"org.iovteam.DrainMember", true, {NAME, MEMBER, CONFIRM}, call_drain_member},
	{"org.iovteam.RestoreMember", true, {NAME, MEMBER, CONFIRM}, call_restore_member},
	{"org.iovteam.ShowSwitches", false, {OPTIONAL_NAME}, call_show_switches},
	{"org.iovteam.ShowAdapters",
	 false,
	 {OPTIONAL("vm", JSON_STRING), OPTIONAL("adapter", JSON_STRING)},
	 call_show_adapters},
	{"org.iovteam.ShowVfs", false, {OPTIONAL("switch", JSON_STRING)}, call_show_vfs},
	{"org.iovteam.ReallotVfs",
	 true,
	 {{"switch", JSON_STRING, false}, OPTIONAL("dry", JSON_TRUE)},
	 call_reallot_vfs},
	{"org.iovteam.AddSwitch", true, {OBJECT("switch"), TAKE, CONFIRM}, call_add_switch},
	{"org.iovteam.SetSwitch", true, {NAME, OBJECT("settings"), CONFIRM}, call_set_switch},
	{"org.iovteam.RemoveSwitch", true, {NAME, GIVE, CONFIRM}, call_remove_switch},
	{"org.iovteam.AddAdapter",
	 true,
	 {VM, OPTIONAL("vm_settings", JSON_OBJECT), OBJECT("adapter"), CONFIRM},
	 call_add_adapter},
	{"org.iovteam.SetAdapter",
	 true,
	 {VM, OPTIONAL("adapter", JSON_STRING), OBJECT("settings"), CONFIRM},
	 call_set_adapter},
	{"org.iovteam.RemoveAdapter",
	 true,
	 {VM, {"adapter", JSON_STRING, false}, CONFIRM},
	 call_remove_adapter},
	{"org.iovteam.Reload", true, {CONFIRM}, call_reload},
	{"org.iovteam.Confirm", true, {}, call_confirm},
	{"org.iovteam.Cancel", true, {}, call_cancel},
	{"org.iovteam.Session", false, {{"peer", JSON_STRING, false}}, call_session},
};

struct varlink_interface api_interface(struct manager *manager)
{
	return (struct varlink_interface){
		.name = "org.iovteam",
		.description = interface_description,
		.methods = methods,
		.method_count = ARRAY_SIZE(methods),
		.data = manager,
		.stream = "org.iovteam.Monitor",
	};
}
