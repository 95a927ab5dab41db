// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes on the control socket of a daemon that has a kernel of paper (fake_kernel.h): framing,
 * JSON, methods, the files, plan and steps are the real ones.
 *
 * An input is three bytes and what the client sends. Whatever it is, answers are what the
 * interface file says, who is not root changes nothing, and at the end the files say what is
 * wanted: a change is there wholly or not at all.
 */
#include "base/cleanup.h"
#include "daemon/api.h"
#include "daemon/events.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/varlink_client.h"
#include "fake_kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bits of the first byte; an input can be written with an editor: "@" is none of them. */
#define AS_READER 1  /* not as root */
#define HALF_CLOSE 2 /* no more is said at the end */
#define IN_PIECES 4  /* as many bytes at a time as the third byte says */
#define WITH_TEAM 8  /* there is a team0 of ens4 and ens5 */
#define CABLES 16    /* the second byte is carriers, not the request that is refused */

#define STEPS_MAX 100000
#define NOBODY 65534

static char directory[64];

static void insist(bool truth, const char *what)
{
	if (truth)
		return;
	(void)fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

#define INSIST(truth) insist(truth, #truth)

static void for_each_file(void (*act)(const char *path))
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	char path[512];

	while (dir && (entry = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_type != DT_DIR)
			act(path);
	}
	if (dir)
		(void)closedir(dir);
}

static void remove_file(const char *path)
{
	(void)unlink(path);
}

static void remove_all(void)
{
	for_each_file(remove_file);
	(void)rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* Files are synced: in memory, where there is such a place, that costs nothing. */
	const char *place = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	(void)snprintf(directory, sizeof(directory), "%s/iovteam-fuzz-XXXXXX", place);
	INSIST(mkdtemp(directory) != NULL);
	(void)atexit(remove_all);
	log_set_level((enum log_level)0);
	return 0;
}

/* --- the daemon --- */

struct daemon {
	sd_event *loop;
	struct manager *manager;
	struct varlink_interface interface;
	struct varlink_server *server; /* has no client: ours is made beside it */
	struct varlink_client *client; /* NULL: it has gone */
	int fd;			       /* the client's own end; -1: it has hung up */
	json_t *answers;	       /* an array */
	char *text;		       /* of the answer that is under way */
	size_t length;
	bool dropped;
};

static void write_team(void)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/team0.conf", directory);
	file = fopen(path, "we");
	INSIST(file != NULL);
	(void)fputs("[Team]\nName=team0\n[Member]\nDevice=ens4\n[Member]\nDevice=ens5\n", file);
	(void)fclose(file);
}

static void forget(void *data, struct varlink_client *client)
{
	((struct daemon *)data)->client = NULL;
}

static void open_client(struct daemon *daemon, bool reader)
{
	int fds[2];

	/* Whose a socket is, is decided when it is made. */
	INSIST(!reader || geteuid() != 0 || seteuid(NOBODY) == 0);
	INSIST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	INSIST(!reader || getuid() != 0 || seteuid(0) == 0);
	daemon->fd = fds[0];
	INSIST(varlink_client_new(daemon->loop, fds[1], &daemon->interface, forget, daemon,
				  &daemon->client) == 0);
}

static void start(struct daemon *daemon, uint8_t how)
{
	struct problem problem = {};
	char path[128];

	for_each_file(remove_file);
	fake_kernel_reset();
	if (how & WITH_TEAM)
		write_team();
	INSIST(sd_event_new(&daemon->loop) >= 0);
	daemon->manager = calloc(1, sizeof(*daemon->manager));
	INSIST(daemon->manager != NULL);
	daemon->manager->loop = daemon->loop;
	daemon->interface = api_interface(daemon->manager);
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	INSIST(varlink_listen(daemon->loop, path, &daemon->interface, &daemon->server) == 0);
	INSIST(events_open(daemon->manager, daemon->server, directory, path,
			   &daemon->manager->monitors) == 0);
	INSIST(manager_start(daemon->manager, directory, "/nowhere", &problem) == 0);
	INSIST(daemon->manager->team_count == (how & WITH_TEAM ? 1 : 0));
	events_begin(daemon->manager->monitors);
	open_client(daemon, how & AS_READER);
	daemon->answers = json_array();
}

static void stop(struct daemon *daemon)
{
	if (daemon->client)
		varlink_client_free(daemon->client);
	events_close(daemon->manager->monitors);
	varlink_close(daemon->server);
	manager_stop(daemon->manager);
	close_fd(&daemon->fd);
	free(daemon->manager);
	sd_event_unref(daemon->loop);
	json_decref(daemon->answers);
	free(daemon->text);
}

/* --- the client --- */

static void check_message(const json_t *parameters)
{
	const char *message = json_string_value(json_object_get(parameters, "message"));

	INSIST(message && *message);
	for (; *message; message++)
		INSIST((unsigned char)*message >= ' ');
}

static const char *const errors[] = {
	"Refused", "BadConfiguration", "NotFound", "PermissionDenied", "Failed",
};

static void check_error(const char *error, const json_t *parameters)
{
	static const char own[] = "org.iovteam.", service[] = "org.varlink.service.";
	bool known = false;

	if (strncmp(error, service, strlen(service)) == 0)
		return;
	INSIST(strncmp(error, own, strlen(own)) == 0);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		known |= strcmp(error + strlen(own), errors[i]) == 0;
	INSIST(known);
	check_message(parameters);
}

static bool has_texts(const json_t *object, const char *const *keys)
{
	for (; *keys; keys++)
		if (!json_is_string(json_object_get(object, *keys)))
			return false;
	return true;
}

/* What has a part that cannot be said must not be left out. */
static void check_teams(const json_t *teams)
{
	static const char *const keys[] = {"name", "state", "mac", "primary", NULL};
	static const char *const member_keys[] = {"device", "name", "mac", "state", "reason", NULL};
	const json_t *team, *member;
	size_t i, j;

	json_array_foreach(teams, i, team)
	{
		const json_t *members = json_object_get(team, "members");

		INSIST(has_texts(team, keys) && json_array_size(members) > 0);
		json_array_foreach(members, j, member) INSIST(has_texts(member, member_keys));
	}
}

static void check_actions(const json_t *actions)
{
	static const char *const keys[] = {"team", "what", "device", "text", NULL};
	const json_t *action;
	size_t i;

	json_array_foreach(actions, i, action) INSIST(has_texts(action, keys));
}

static void take_answer(struct daemon *daemon)
{
	json_t *answer = json_loadb(daemon->text, daemon->length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *parameters = json_object_get(answer, "parameters");
	const char *error = json_string_value(json_object_get(answer, "error"));

	INSIST(json_is_object(answer));
	INSIST(json_is_object(parameters));
	if (error)
		check_error(error, parameters);
	check_teams(json_object_get(parameters, "teams"));
	check_actions(json_object_get(parameters, "actions"));
	(void)json_array_append_new(daemon->answers, answer);
	daemon->length = 0;
}

static void take_bytes(struct daemon *daemon, const char *bytes, size_t count)
{
	daemon->text = realloc(daemon->text, daemon->length + count);
	INSIST(daemon->text != NULL);
	for (size_t i = 0; i < count; i++) {
		if (bytes[i])
			daemon->text[daemon->length++] = bytes[i];
		else
			take_answer(daemon);
	}
}

static void receive(struct daemon *daemon)
{
	char bytes[65536];
	ssize_t got;

	while ((got = recv(daemon->fd, bytes, sizeof(bytes), 0)) > 0)
		take_bytes(daemon, bytes, (size_t)got);
}

/* Until nothing is left to do; the client reads on. */
static void settle(struct daemon *daemon)
{
	unsigned steps = 0;
	int done;

	while ((done = sd_event_run(daemon->loop, 0)) > 0) {
		receive(daemon);
		INSIST(++steps < STEPS_MAX);
	}
	INSIST(done == 0);
	receive(daemon);
}

static void say(struct daemon *daemon, const uint8_t *bytes, size_t size, size_t piece)
{
	while (size && daemon->client) {
		size_t part = size < piece ? size : piece;
		ssize_t sent = send(daemon->fd, bytes, part, MSG_NOSIGNAL);

		if (sent > 0) {
			bytes += sent;
			size -= (size_t)sent;
		}
		settle(daemon);
	}
}

static unsigned count_messages(const uint8_t *bytes, size_t size)
{
	unsigned count = 0;

	for (size_t i = 0; i < size; i++)
		count += !bytes[i];
	return count;
}

/* --- what holds at the end --- */

static void check_store(const struct daemon *daemon)
{
	const struct store *wanted = &daemon->manager->store;
	struct store *files = calloc(1, sizeof(*files));
	struct config_error error;

	INSIST(files != NULL);
	INSIST(store_load(directory, files, &error) == 0);
	INSIST(files->list.count == wanted->list.count);
	for (uint32_t i = 0; i < files->list.count; i++) {
		struct config_object file, want;

		store_at(files, CONFIG_TEAM, i, &file);
		INSIST(store_get(wanted, (struct store_object){CONFIG_TEAM, file.name}, &want));
		INSIST(config_object_equal(&want, &file));
	}
	free(files);
}

static void check_reader(const struct daemon *daemon, uint8_t how)
{
	const struct store *wanted = &daemon->manager->store;

	INSIST(wanted->list.count == (how & WITH_TEAM ? 1 : 0));
	if (how & WITH_TEAM)
		INSIST(wanted->list.teams[0].member_count == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct daemon daemon = {.fd = -1};
	uint8_t how = size > 2 ? data[0] : 0;
	size_t piece;

	if (size < 4)
		return 0;
	piece = how & IN_PIECES ? (size_t)data[2] + 1 : 65536;
	start(&daemon, how);
	for (unsigned card = 4; card <= 7 && (how & CABLES); card++)
		fake_kernel_carrier(card, data[1] >> (card - 4) & 1);
	settle(&daemon);
	if (!(how & CABLES))
		fake_kernel_refuse(data[1] & 63);
	say(&daemon, data + 3, size - 3, piece);
	if (how & HALF_CLOSE)
		(void)shutdown(daemon.fd, SHUT_WR);
	settle(&daemon);
	INSIST(daemon.length == 0);
	INSIST(json_array_size(daemon.answers) <= count_messages(data + 3, size - 3));
	INSIST(!(how & HALF_CLOSE) || !daemon.client);
	check_store(&daemon);
	if ((how & AS_READER) && getuid() == 0)
		check_reader(&daemon, how);
	stop(&daemon);
	return 0;
}
