// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/varlink.h"

#include "base/cleanup.h"
#include "daemon/varlink_client.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define READERS_GROUP "iovteam"
#define ACCEPT_INTERVAL_US 100000
#define ACCEPT_BURST 1000

struct varlink_server {
	sd_event *loop;
	sd_event_source *source;
	const struct varlink_interface *interface;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;
	struct varlink_client *clients[VARLINK_CLIENTS_MAX];
};

static void forget_client(void *data, struct varlink_client *client)
{
	struct varlink_server *server = data;

	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		if (server->clients[i] == client)
			server->clients[i] = NULL;
}

static bool is_root(const struct varlink_client *client)
{
	return varlink_client_uid(client) == 0;
}

/* How many connections there are; @uid narrows it to one user's. */
static unsigned int count_clients(const struct varlink_server *server, const uid_t *uid)
{
	unsigned int count = 0;

	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		if (server->clients[i] && (!uid || varlink_client_uid(server->clients[i]) == *uid))
			count++;
	return count;
}

/* Of who has most connections the one that was silent longest; root's are asked last. */
static bool goes_before(const struct varlink_server *server, const struct varlink_client *a,
			const struct varlink_client *b)
{
	uid_t uid_a = varlink_client_uid(a), uid_b = varlink_client_uid(b);
	unsigned int count_a = count_clients(server, &uid_a),
		     count_b = count_clients(server, &uid_b);

	if (is_root(a) != is_root(b))
		return !is_root(a);
	if (count_a != count_b)
		return count_a > count_b;
	return varlink_client_used(a) < varlink_client_used(b);
}

/* The connection that ends for one more; NULL: none may, for this newcomer. */
static struct varlink_client **choose_victim(struct varlink_server *server, bool for_root)
{
	struct varlink_client **victim = NULL;

	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++) {
		struct varlink_client **client = &server->clients[i];

		if (!*client || (is_root(*client) && !for_root))
			continue;
		if (!victim || goes_before(server, *client, *victim))
			victim = client;
	}
	return victim;
}

static bool has_room(const struct varlink_server *server, bool for_root)
{
	unsigned int all = count_clients(server, NULL),
		     of_root = count_clients(server, &(uid_t){0});

	return all < VARLINK_CLIENTS_MAX && (for_root || all - of_root < VARLINK_CLIENTS_READERS);
}

/* Where to keep one more client, or NULL. */
static struct varlink_client **take_place(struct varlink_server *server, bool for_root)
{
	if (!has_room(server, for_root)) {
		struct varlink_client **victim = choose_victim(server, for_root);

		if (!victim)
			return NULL;
		varlink_client_free(*victim);
		*victim = NULL;
		return victim;
	}
	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		if (!server->clients[i])
			return &server->clients[i];
	return NULL;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct varlink_server *server = data;
	int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct varlink_client *client, **place;

	if (accepted < 0 || varlink_client_new(server->loop, accepted, server->interface,
					       forget_client, server, &client))
		return 0;
	place = take_place(server, is_root(client));
	if (place)
		*place = client;
	else
		varlink_client_free(client);
	return 0;
}

/*
 * It is a system's group, in the file. getgrnam() would load the modules of directory services
 * into the daemon, and ends a process that has no memory for them.
 */
static bool find_readers(gid_t *ret_group)
{
	_cleanup_fclose_ FILE *file = fopen("/etc/group", "re");
	char buffer[16384];
	struct group entry, *found;

	while (file && !fgetgrent_r(file, &entry, buffer, sizeof(buffer), &found))
		if (strcmp(found->gr_name, READERS_GROUP) == 0) {
			*ret_group = found->gr_gid;
			return true;
		}
	return false;
}

/* Readers may connect, too; who may change is asked at each call. */
static void open_to_readers(const char *path)
{
	gid_t group;

	(void)chmod(path, 0600);
	if (find_readers(&group) && !chown(path, 0, group))
		(void)chmod(path, 0660);
}

/* A socket that nobody serves is left over from a daemon that died. */
static bool is_served(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

/* What an earlier daemon has left; anything else is not ours to take away. */
static int clear_place(const char *path)
{
	struct stat status;

	if (lstat(path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	return unlink(path) ? -errno : 0;
}

static int bind_socket(struct varlink_server *server, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[sizeof(address.sun_path)];
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	strcpy(directory, path);
	if (mkdir(dirname(directory), 0755) && errno != EEXIST)
		return -errno;
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		return -errno;
	if (is_served(&address))
		return -EADDRINUSE;
	err = clear_place(path);
	if (err)
		return err;
	if (bind(server->fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	strcpy(server->path, path);
	open_to_readers(path);
	/* A burst waits in the kernel: a client that does not block would be refused otherwise. */
	return listen(server->fd, SOMAXCONN) ? -errno : 0;
}

int varlink_listen(sd_event *loop, const char *path, const struct varlink_interface *interface,
		   struct varlink_server **ret_server)
{
	struct varlink_server *server = calloc(1, sizeof(*server));
	int err;

	if (!server)
		return -ENOMEM;
	server->loop = loop;
	server->interface = interface;
	server->fd = -1;
	err = bind_socket(server, path);
	if (!err)
		err = sd_event_add_io(loop, &server->source, server->fd, EPOLLIN, on_connect,
				      server);
	/* Without it, a connection that cannot be taken (no descriptor is left) would be tried on. */
	if (err >= 0)
		err = sd_event_source_set_ratelimit(server->source, ACCEPT_INTERVAL_US,
						    ACCEPT_BURST);
	if (err < 0) {
		varlink_close(server);
		return err;
	}
	*ret_server = server;
	return 0;
}

void varlink_publish(struct varlink_server *server, const char *topic, json_t *parameters)
{
	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		if (server->clients[i])
			varlink_client_publish(server->clients[i], topic, parameters);
	json_decref(parameters);
}

unsigned int varlink_streams(const struct varlink_server *server)
{
	unsigned int count = 0;

	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		count += server->clients[i] && varlink_client_streams(server->clients[i]);
	return count;
}

void varlink_close(struct varlink_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		if (server->clients[i])
			varlink_client_free(server->clients[i]);
	sd_event_source_unref(server->source);
	if (*server->path)
		(void)unlink(server->path);
	close_fd(&server->fd);
	free(server);
}
