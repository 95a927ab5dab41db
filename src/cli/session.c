// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/session.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "cli/client.h"
#include "model/action.h"

#include <limits.h>
#include <string.h>

#define VARIABLE "SSH_CONNECTION"
#define ANCESTORS_MAX 32
#define ASK_TIMEOUT_MS 2000
#define SUGGESTED_SECONDS 60

/* Those that take devices down, or traffic off them. */
static const char *const methods[] = {
	"AddTeam",     "RemoveTeam", "AddMember",    "RemoveMember", "Switchover",
	"DrainMember", "AddSwitch",  "RemoveSwitch", "Reload",
};

/* Of a team's settings only this one makes its members leave and join again. */
static bool is_grave(const char *method, const json_t *parameters)
{
	const json_t *settings = json_object_get(parameters, "settings");

	return name_lookup(methods, ARRAY_SIZE(methods), method) >= 0 ||
	       (strcmp(method, "SetTeam") == 0 && json_object_get(settings, "MacPolicy"));
}

/* --- whose session --- */

static int parent_of(int pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], line[512], *end;
	int parent;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	end = strrchr(line, ')'); /* the name may have spaces, and brackets */
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* The variable of another process, malloc'd. */
static char *variable_of(int pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	_cleanup_free_ char *entry = NULL;
	size_t room = 0;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	file = fopen(path, "re");
	while (file && getdelim(&entry, &room, '\0', file) > 0)
		if (strncmp(entry, VARIABLE "=", strlen(VARIABLE "=")) == 0)
			return strdup(entry + strlen(VARIABLE "="));
	return NULL;
}

/* sudo clears the environment; the shell that it was called from has it still. */
static char *variable_of_ancestors(void)
{
	int pid = getpid();

	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		char *text;

		pid = parent_of(pid);
		text = pid > 1 ? variable_of(pid) : NULL;
		if (text)
			return text;
	}
	return NULL;
}

/* The address of the session's other end, malloc'd; NULL: this is none of ssh. */
static char *find_peer(void)
{
	const char *here = getenv(VARIABLE);
	char *text = here ? strdup(here) : getenv("SUDO_USER") ? variable_of_ancestors() : NULL;

	if (text)
		text[strcspn(text, " ")] = '\0';
	return text;
}

/* --- whether it is concerned --- */

static bool is_named(const json_t *names, const char *word)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		if (word && strcasecmp(json_string_value(name), word) == 0)
			return true;
	}
	return false;
}

static bool words_concern(const struct cli *cli, const json_t *names)
{
	const json_t *member;
	size_t m;

	if (is_named(names, json_string_value(json_object_get(cli->settings, "Nic"))))
		return true;
	for (int i = 0; i < cli->word_count; i++)
		if (is_named(names, cli->words[i]))
			return true;
	json_array_foreach(cli->members, m, member)
	{
		const json_t *device = json_object_get(member, "device");

		if (is_named(names, json_string_value(device ? device : member)))
			return true;
	}
	return false;
}

/* A reload has no words: the plan says what it will do. */
static bool actions_concern(const json_t *actions, const json_t *names)
{
	const json_t *action;
	size_t i;

	json_array_foreach(actions, i, action)
	{
		const char *what = json_string_value(json_object_get(action, "what"));

		if (what && strcmp(what, action_names[ACTION_WAIT]) != 0 &&
		    strcmp(what, action_names[ACTION_REFUSE]) != 0 &&
		    (is_named(names, json_string_value(json_object_get(action, "team"))) ||
		     is_named(names, json_string_value(json_object_get(action, "device")))))
			return true;
	}
	return false;
}

/* Silently: what is wrong with the daemon the change itself will tell. */
static json_t *ask(const struct cli *cli, const char *method, json_t *parameters)
{
	const struct client client = {
		.socket = cli->socket, .timeout_ms = ASK_TIMEOUT_MS, .cancel_fd = -1};
	json_t *reply = NULL, *failure = NULL;

	if (client_call(&client, method, parameters, &reply, &failure))
		json_decref(failure);
	return reply;
}

static bool is_concerned(const struct cli *cli, const char *method, const json_t *names)
{
	json_auto_t *plan = NULL;

	if (strcmp(method, "Reload") != 0)
		return words_concern(cli, names);
	plan = ask(cli, "Plan", json_object());
	return actions_concern(json_object_get(plan, "actions"), names);
}

void session_warn(const struct cli *cli, const char *method, const json_t *parameters)
{
	_cleanup_free_ char *peer = NULL;
	json_auto_t *session = NULL;
	const char *device;

	if ((cli->given & OPTION_CONFIRM) || !is_grave(method, parameters))
		return;
	peer = find_peer();
	if (!peer)
		return;
	session = ask(cli, "Session", json_pack("{s:s}", "peer", peer));
	device = json_string_value(json_object_get(session, "device"));
	if (device && is_concerned(cli, method, json_object_get(session, "names")))
		(void)fprintf(stderr,
			      "iovteam: this session comes in through %s, which is being changed; "
			      "--confirm %d takes a change back unless you confirm it\n",
			      device, SUGGESTED_SECONDS);
}
