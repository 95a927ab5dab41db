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

/* A place for one more client; the longest silent one makes room if there is none. */
static struct varlink_client **take_place(struct varlink_server *server)
{
	struct varlink_client **oldest = &server->clients[0];

	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++) {
		if (!server->clients[i])
			return &server->clients[i];
		if (varlink_client_used(server->clients[i]) < varlink_client_used(*oldest))
			oldest = &server->clients[i];
	}
	varlink_client_free(*oldest);
	*oldest = NULL;
	return oldest;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct varlink_server *server = data;
	_cleanup_close_ int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct varlink_client **place;

	if (accepted < 0)
		return 0;
	place = take_place(server);
	if (varlink_client_new(server->loop, steal_fd(&accepted), server->interface, forget_client,
			       server, place))
		*place = NULL;
	return 0;
}

/* Readers may connect, too; who may change is asked at each call. */
static void open_to_readers(const char *path)
{
	const struct group *group = getgrnam(READERS_GROUP);

	(void)chmod(path, 0600);
	if (group && !chown(path, 0, group->gr_gid))
		(void)chmod(path, 0660);
}

/* A socket that nobody serves is left over from a daemon that died. */
static bool is_served(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

static int bind_socket(struct varlink_server *server, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[sizeof(address.sun_path)];

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
	(void)unlink(path);
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
