/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Varlink server: JSON objects that end with a zero byte, over a stream socket (C3).
 *
 * It knows no method; they come as a table. One client's silence, flood or garbage costs nobody
 * else anything: sizes and numbers are bounded, nothing blocks, who does not read is dropped, and
 * between two requests the loop does what is due. Whoever has most connections gives one up to a
 * newcomer when there are too many; root's are never given up to others.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

/* The answer to a call: parameters, and an error's name if it is one. */
struct varlink_reply {
	const char *error;  /* static; NULL = success */
	json_t *parameters; /* owned by the server after the call */
};

#define VARLINK_CLIENTS_MAX 32
#define VARLINK_CLIENTS_READERS 24 /* of them at most that are not root's */

#define VARLINK_PARAMETERS_MAX 8

struct varlink_parameter {
	const char *name; /* NULL ends the list */
	json_type type;	  /* JSON_TRUE stands for both booleans */
	bool optional;	  /* may be absent, or null */
};

struct varlink_method {
	const char *name; /* "org.iovteam.Show" */
	bool changes;	  /* root only */
	/* A call with others, or of other types, does not reach the method. */
	struct varlink_parameter parameters[VARLINK_PARAMETERS_MAX];
	void (*call)(void *data, json_t *parameters, struct varlink_reply *ret_reply);
};

struct varlink_interface {
	const char *name;
	const char *description; /* the interface file's text */
	const struct varlink_method *methods;
	size_t method_count;
	void *data; /* first argument of each call */
	/* The method whose call with "more" begins a stream: varlink_publish() goes on with it. */
	const char *stream;
};

struct varlink_server;

/*
 * Listen at @path (a dead daemon's socket there is replaced; -EADDRINUSE: a living one's). The socket is open to root and, for
 * reading methods, to the group "iovteam" where there is one.
 */
int varlink_listen(sd_event *loop, const char *path, const struct varlink_interface *interface,
		   struct varlink_server **ret_server);

/*
 * One more message to each who streams everything, or @topic (its parameter "name" at the call);
 * an empty topic concerns all. @parameters are consumed. Who has too much unread is dropped.
 */
void varlink_publish(struct varlink_server *server, const char *topic, json_t *parameters);

/* How many streams there are. */
unsigned int varlink_streams(const struct varlink_server *server);

/* Close all clients, remove the socket. */
void varlink_close(struct varlink_server *server);
