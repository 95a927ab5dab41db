// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation. A call has one deadline, from connect() to the reply's last byte. All
 * waiting happens in wait_for(), which also shows the progress line. A daemon that stalls, dies
 * half-way, answers garbage or never ends costs one clear sentence, never a hang.
 */
#include "cli/client.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define INTERFACE "org.iovteam."
#define REPLY_MAX (16 << 20) /* 64 teams of 32 members are about 2 MB */
#define PROGRESS_AFTER_MS 2000
#define NEVER UINT64_MAX
#define STREAM_WAIT_MS 3600000
#define CONNECT_RETRY_MS 50 /* the daemon's backlog is full: AF_UNIX has no event for it */

struct call {
	const struct client *client;
	int fd;
	uint64_t start_ms, deadline_ms;
	bool progress_shown, streaming; /* the first of several replies has come */
	json_t *failure;
};

uint64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static json_t *failure_new(const char *prefix, const char *name, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	return json_pack("{s:s+, s:s}", "error", prefix, name, "message",
			 text ? text : "out of memory");
}

json_t *client_failure(const char *name, const char *format, ...)
{
	json_t *failure;
	va_list args;

	va_start(args, format);
	failure = failure_new(CLIENT_ERROR, name, format, args);
	va_end(args);
	return failure;
}

/* Store why the call failed. Returns @error. */
static int __attribute__((format(printf, 4, 5)))
call_fail(struct call *call, int error, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	json_decref(call->failure);
	call->failure = failure_new(CLIENT_ERROR, name, format, args);
	va_end(args);
	return error;
}

static void progress_show(struct call *call, uint64_t waited_ms)
{
	if (!call->client->progress || waited_ms < PROGRESS_AFTER_MS)
		return;
	call->progress_shown = true;
	(void)fprintf(stderr, "\rWaiting for iovteamd, %u s …", (unsigned)(waited_ms / 1000));
}

static void progress_clear(const struct call *call)
{
	if (call->progress_shown)
		(void)fprintf(stderr, "\r\033[K");
}

static int call_timed_out(struct call *call)
{
	return call_fail(call, -ETIMEDOUT, "Timeout", "iovteamd did not answer within %g s%s",
			 call->client->timeout_ms / 1000.0,
			 call->client->changes ? "; the change may still come: iovteam team show"
					       : "");
}

/* Wait for @events, at most @slice_ms if that is not 0. -ETIMEDOUT (stored), -EINTR. */
static int wait_for(struct call *call, short events, uint64_t slice_ms)
{
	struct pollfd fds[] = {
		{.fd = events ? call->fd : -1, .events = events},
		{.fd = call->client->cancel_fd, .events = POLLIN},
	};

	for (;;) {
		uint64_t now = clock_ms(), left, step;
		int ready;

		progress_show(call, now - call->start_ms);
		if (now >= call->deadline_ms)
			return call_timed_out(call);
		left = call->deadline_ms - now;
		step = slice_ms ? slice_ms : 1000 - (now - call->start_ms) % 1000;
		if (call->streaming) /* no line to show, no deadline */
			step = STREAM_WAIT_MS;
		ready = poll(fds, ARRAY_SIZE(fds), (int)(left < step ? left : step));
		if (ready < 0 && errno != EINTR)
			return call_fail(call, -errno, "Io", "poll: %m");
		if (ready > 0 && fds[1].revents)
			return -EINTR;
		if (ready > 0 || (ready == 0 && slice_ms))
			return 0;
	}
}

static int connect_problem(struct call *call, int error)
{
	const char *path = call->client->socket;

	if (error == ENOENT || error == ENOTDIR)
		return call_fail(call, -error, "NotRunning",
				 "iovteamd is not running (no socket at %s); start it with: "
				 "systemctl start iovteamd",
				 path);
	if (error == ECONNREFUSED)
		return call_fail(call, -error, "NotRunning",
				 "iovteamd is not running (nobody listens at %s); start it with: "
				 "systemctl start iovteamd",
				 path);
	if (error == EACCES || error == EPERM)
		return call_fail(call, -error, "PermissionDenied",
				 "no permission to use the socket %s; try again as root", path);
	errno = error;
	return call_fail(call, -error, "Io", "cannot connect to iovteamd at %s: %m", path);
}

static int call_connect(struct call *call)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int err;

	if (strlen(call->client->socket) >= sizeof(address.sun_path))
		return connect_problem(call, ENAMETOOLONG);
	(void)strcpy(address.sun_path, call->client->socket);
	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (call->fd < 0)
		return connect_problem(call, errno);
	while (connect(call->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return connect_problem(call, errno);
		err = wait_for(call, 0, CONNECT_RETRY_MS);
		if (err)
			return err;
	}
	return 0;
}

static int call_closed(struct call *call)
{
	if (call->streaming)
		return call_fail(call, -EPIPE, "Disconnected",
				 "iovteamd has ended the stream: it stopped, or was not read from");
	return call_fail(call, -EPIPE, "Disconnected",
			 "iovteamd closed the connection before it answered");
}

static int call_send(struct call *call, const char *text, size_t size)
{
	while (size) {
		ssize_t sent = send(call->fd, text, size, MSG_NOSIGNAL);
		int err;

		if (sent >= 0) {
			text += sent;
			size -= (size_t)sent;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return call_closed(call);
		if (errno != EAGAIN && errno != EINTR)
			return call_fail(call, -errno, "Io", "cannot write to iovteamd: %m");
		err = wait_for(call, POLLOUT, 0);
		if (err)
			return err;
	}
	return 0;
}

/* A reply on its way; its end is the first NUL. */
struct inbox {
	char *text;
	size_t used, room;
};

static int inbox_grow(struct call *call, struct inbox *inbox)
{
	size_t room = inbox->room ? 2 * inbox->room : 16384;
	char *text;

	if (inbox->used < inbox->room)
		return 0;
	if (room > REPLY_MAX)
		return call_fail(call, -EMSGSIZE, "BadReply",
				 "iovteamd's answer is longer than %d MiB", REPLY_MAX >> 20);
	text = realloc(inbox->text, room);
	if (!text)
		return call_fail(call, -ENOMEM, "Io", "out of memory");
	inbox->text = text;
	inbox->room = room;
	return 0;
}

/* Read once. 1 when the reply is complete, 0 when more must come. */
static int inbox_read(struct call *call, struct inbox *inbox)
{
	ssize_t got;
	int err = inbox_grow(call, inbox);

	if (err)
		return err;
	got = recv(call->fd, inbox->text + inbox->used, inbox->room - inbox->used, 0);
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return call_closed(call);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return wait_for(call, POLLIN, 0);
	if (got < 0)
		return call_fail(call, -errno, "Io", "cannot read from iovteamd: %m");
	inbox->used += (size_t)got;
	return memchr(inbox->text + inbox->used - got, '\0', (size_t)got) != NULL;
}

static int call_receive(struct call *call, struct inbox *inbox, json_t **ret_message)
{
	json_error_t where;
	json_t *message;
	size_t length;
	int complete = inbox->used && memchr(inbox->text, '\0', inbox->used);

	while (complete == 0)
		complete = inbox_read(call, inbox);
	if (complete < 0)
		return complete;
	message = json_loads(inbox->text, JSON_REJECT_DUPLICATES, &where);
	length = strlen(inbox->text) + 1;
	inbox->used -= length;
	memmove(inbox->text, inbox->text + length, inbox->used);
	if (!json_is_object(message)) {
		json_decref(message);
		return call_fail(call, -EBADMSG, "BadReply",
				 "what answers at %s is not iovteamd: its reply is not a JSON "
				 "object",
				 call->client->socket);
	}
	*ret_message = message;
	return 0;
}

/* Errors of Varlink itself, where the daemon has no sentence to say. */
static int fail_service(struct call *call, const char *name, const json_t *parameters)
{
	const char *what;

	if (json_unpack((json_t *)parameters, "{s:s}", "method", &what) == 0)
		return call_fail(call, -ENOSYS, "Unsupported",
				 "iovteamd does not know the method %s: it is older than this "
				 "command",
				 what);
	if (json_unpack((json_t *)parameters, "{s:s}", "parameter", &what) == 0)
		return call_fail(call, -EINVAL, "Unsupported",
				 "iovteamd does not accept the parameter \"%s\"", what);
	return call_fail(call, -EREMOTEIO, "Unsupported", "iovteamd answered with the error %s",
			 name);
}

/* The daemon's error as it is, with all its parameters beside the message. */
static int fail_remote(struct call *call, const char *name, json_t *parameters)
{
	if (!json_is_string(json_object_get(parameters, "message")))
		return fail_service(call, name, parameters);
	json_decref(call->failure);
	call->failure = json_pack("{s:s}", "error", name);
	(void)json_object_update_missing(call->failure, parameters);
	return -EREMOTEIO;
}

static int call_finish(struct call *call, json_t *message, json_t **ret_reply)
{
	json_t *parameters = json_object_get(message, "parameters");
	json_t *error = json_object_get(message, "error");

	if (json_is_string(error))
		return fail_remote(call, json_string_value(error), parameters);
	if (error || (parameters && !json_is_object(parameters)))
		return call_fail(call, -EBADMSG, "BadReply",
				 "what answers at %s is not iovteamd: its reply is not Varlink",
				 call->client->socket);
	*ret_reply = parameters ? json_incref(parameters) : json_object();
	return 0;
}

/* What becomes of the replies: one is kept, or each is given to somebody. */
struct receiver {
	json_t **ret_reply;
	bool (*take)(json_t *reply, void *data);
	void *data;
};

static int receive_one(struct call *call, struct inbox *inbox, json_t **ret_reply)
{
	json_auto_t *message = NULL;
	int err = call_receive(call, inbox, &message);

	return err ? err : call_finish(call, message, ret_reply);
}

static int receive_all(struct call *call, struct inbox *inbox, const struct receiver *receiver)
{
	bool more = true;
	int err = 0;

	while (!err && more) {
		json_auto_t *reply = NULL;

		err = receive_one(call, inbox, &reply);
		if (err)
			break;
		call->streaming = true;
		call->deadline_ms = NEVER;
		more = receiver->take(reply, receiver->data);
	}
	return err;
}

static int call_run(struct call *call, const char *request, const struct receiver *receiver)
{
	struct inbox inbox = {};
	int err;

	err = call_connect(call);
	if (!err)
		err = call_send(call, request, strlen(request) + 1);
	if (!err && receiver->take)
		err = receive_all(call, &inbox, receiver);
	else if (!err)
		err = receive_one(call, &inbox, receiver->ret_reply);
	free(inbox.text);
	return err;
}

static int call_do(const struct client *client, const char *method, json_t *parameters,
		   const struct receiver *receiver, json_t **ret_failure)
{
	struct call call = {.client = client, .fd = -1, .start_ms = clock_ms()};
	json_auto_t *message =
		json_pack("{s:s+, s:o, s:o*}", "method", INTERFACE, method, "parameters",
			  parameters, "more", receiver->take ? json_true() : NULL);
	_cleanup_free_ char *request = json_dumps(message, JSON_COMPACT);
	int err;

	call.deadline_ms = call.start_ms + client->timeout_ms;
	if (request)
		err = call_run(&call, request, receiver);
	else /* words of the command line that are not UTF-8 */
		err = call_fail(&call, -EILSEQ, "Usage", "the command line is not valid UTF-8");
	progress_clear(&call);
	if (call.fd >= 0)
		(void)close(call.fd);
	if (err && err != -EINTR)
		*ret_failure = call.failure;
	return err;
}

int client_call(const struct client *client, const char *method, json_t *parameters,
		json_t **ret_reply, json_t **ret_failure)
{
	struct receiver receiver = {.ret_reply = ret_reply};

	return call_do(client, method, parameters, &receiver, ret_failure);
}

int client_stream(const struct client *client, const char *method, json_t *parameters,
		  bool (*take)(json_t *reply, void *data), void *data, json_t **ret_failure)
{
	struct receiver receiver = {.take = take, .data = data};

	return call_do(client, method, parameters, &receiver, ret_failure);
}
