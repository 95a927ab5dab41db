/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One call to iovteamd: Varlink, that is JSON and a NUL byte over an AF_UNIX stream. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CLIENT_SOCKET "/run/iovteam/socket"

/* What the client says by itself; the daemon's own errors are org.iovteam.Refused and so on. */
#define CLIENT_ERROR "org.iovteam.cli."

struct client {
	const char *socket;
	uint32_t timeout_ms; /* for all of the call */
	bool changes;	     /* the call changes something, and may do so after a timeout */
	bool progress;	     /* say on stderr that it takes long */
	int cancel_fd;	     /* leave with -EINTR when this is readable; -1 = none */
};

/*
 * Call @method with @parameters, which are consumed. On success *ret_reply is the object of
 * out-parameters; otherwise *ret_failure is {"error": name, "message": sentence, …}. Either
 * belongs to the caller. -EINTR comes without a failure. The method's name is without interface.
 */
int client_call(const struct client *client, const char *method, json_t *parameters,
		json_t **ret_reply, json_t **ret_failure);

/*
 * Call @method with "more". @take gets each reply as client_call() gives it, until it returns
 * false: then 0 is returned. The timeout is for the first reply. A stream that the daemon ends
 * is a failure (-EPIPE).
 */
int client_stream(const struct client *client, const char *method, json_t *parameters,
		  bool (*take)(json_t *reply, void *data), void *data, json_t **ret_failure);

/* Such a failure, for what goes wrong on this side. @name is without CLIENT_ERROR. */
json_t *client_failure(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

uint64_t clock_ms(void); /* of the monotonic clock */
