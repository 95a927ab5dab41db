// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/qmp_wire.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/buffer.h"
#include "daemon/json_watch.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_MAX (256 * 1024)
#define COMMAND_MAX 512
#define ANSWER_US 5000000
#define RETRY_FIRST_US 250000
#define RETRY_MAX_US 8000000

enum stage {
	WIRE_LOST,
	WIRE_GREETING, /* QEMU speaks first */
	WIRE_CAPABILITIES,
	WIRE_READY,
};

struct qmp_wire {
	sd_event *loop;
	sd_event_source *io;
	sd_event_source *timer; /* to try again, or for what does not come */
	struct sockaddr_un address;
	const struct qmp_wire_calls *calls;
	void *data;
	int fd;
	enum stage stage;
	uint64_t retry_us;
	bool asked;
	uint32_t id; /* of the question */
	struct buffer in;
	char out[COMMAND_MAX];
	size_t out_length, out_sent;
};

static void arm(struct qmp_wire *wire, uint64_t after_us)
{
	(void)sd_event_source_set_time_relative(wire->timer, after_us);
	(void)sd_event_source_set_enabled(wire->timer, SD_EVENT_ONESHOT);
}

static void lose(struct qmp_wire *wire, const struct problem *why)
{
	wire->io = sd_event_source_disable_unref(wire->io);
	close_fd(&wire->fd);
	buffer_free(&wire->in);
	wire->asked = false;
	wire->stage = WIRE_LOST;
	arm(wire, wire->retry_us);
	wire->retry_us = wire->retry_us < RETRY_MAX_US / 2 ? wire->retry_us * 2 : RETRY_MAX_US;
	wire->calls->lost(wire->data, why);
}

static void explain(const struct qmp_wire *wire, int err, struct problem *problem)
{
	const char *path = wire->address.sun_path;

	if (err == -EPROTO || err == -EMSGSIZE)
		(void)problem_set(problem, err, "what answers at %s does not speak QMP", path);
	else
		(void)problem_set(problem, err, "cannot reach QEMU at %s: %s", path,
				  strerror(-err));
}

/* --- out --- */

bool qmp_wire_plain(const char *words)
{
	for (; *words; words++)
		if (*words < ' ' || *words > '~' || *words == '"' || *words == '\\')
			return false;
	return true;
}

bool qmp_wire_free(const struct qmp_wire *wire)
{
	return wire->stage == WIRE_READY && !wire->asked;
}

/* What the socket does not take now goes when it does. That it is gone is seen by reading. */
static void flush_output(struct qmp_wire *wire)
{
	ssize_t sent = send(wire->fd, wire->out + wire->out_sent, wire->out_length - wire->out_sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	bool more;

	if (sent > 0)
		wire->out_sent += (size_t)sent;
	more = wire->out_sent < wire->out_length;
	(void)sd_event_source_set_io_events(wire->io, more ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* A command that has no room would be a part of one; who asks keeps names short. */
void qmp_wire_ask(struct qmp_wire *wire, const char *format, ...)
{
	va_list arguments;
	int head, tail;

	head = snprintf(wire->out, sizeof(wire->out), "{\"id\":%u,\"execute\":", ++wire->id);
	va_start(arguments, format);
	tail = vsnprintf(wire->out + head, sizeof(wire->out) - (size_t)head, format, arguments);
	va_end(arguments);
	wire->out_length = (size_t)head + (size_t)tail;
	if (wire->out_length >= sizeof(wire->out) - 1)
		wire->out_length = sizeof(wire->out) - 2;
	wire->out[wire->out_length++] = '\n';
	wire->out_sent = 0;
	wire->asked = true;
	arm(wire, ANSWER_US);
	flush_output(wire);
}

/* --- in --- */

static int take_greeting(struct qmp_wire *wire, const json_t *message)
{
	if (!json_is_object(json_object_get(message, "QMP")))
		return -EPROTO;
	wire->stage = WIRE_CAPABILITIES;
	qmp_wire_ask(wire, "\"qmp_capabilities\"}");
	return 0;
}

static int take_answer(struct qmp_wire *wire, const json_t *message)
{
	const json_t *id = json_object_get(message, "id");
	json_t *value = json_object_get(message, "return");
	const json_t *error = json_object_get(message, "error");

	if (!wire->asked || !json_is_integer(id) || json_integer_value(id) != wire->id ||
	    !value == !error)
		return -EPROTO;
	wire->asked = false;
	(void)sd_event_source_set_enabled(wire->timer, SD_EVENT_OFF);
	if (wire->stage == WIRE_READY)
		return wire->calls->answer(wire->data, value, error);
	if (error)
		return -EPROTO;
	wire->stage = WIRE_READY;
	wire->retry_us = RETRY_FIRST_US;
	wire->calls->ready(wire->data);
	return 0;
}

static int take_message(struct qmp_wire *wire, const json_t *message)
{
	const char *event = json_string_value(json_object_get(message, "event"));

	if (wire->stage == WIRE_GREETING)
		return take_greeting(wire, message);
	if (!event)
		return take_answer(wire, message);
	if (wire->stage == WIRE_READY)
		wire->calls->event(wire->data, event);
	return 0;
}

static int take_line(struct qmp_wire *wire, const char *line, size_t length)
{
	json_t *message;
	int err = -EPROTO;

	json_watch();
	message = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	if (json_starved())
		err = -ENOMEM;
	else if (message)
		err = take_message(wire, message);
	json_decref(message);
	return err;
}

static int take_lines(struct qmp_wire *wire)
{
	const char *end;
	size_t length;
	int err = 0;

	while (!err && wire->in.length &&
	       (end = memchr(wire->in.bytes, '\n', wire->in.length)) != NULL) {
		length = (size_t)(end - wire->in.bytes);
		err = take_line(wire, wire->in.bytes, length);
		buffer_consume(&wire->in, length + 1);
	}
	return err;
}

/* Once for each turn of the loop: others have theirs, however much comes. */
static int read_input(struct qmp_wire *wire)
{
	char bytes[BUFFER_READ_SIZE];
	ssize_t got = recv(wire->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int err;

	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (got == 0)
		return -ECONNRESET;
	err = buffer_add(&wire->in, bytes, (size_t)got, MESSAGE_MAX);
	return err ? err : take_lines(wire);
}

static int on_socket(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct qmp_wire *wire = data;
	struct problem why = {};
	int err = 0;

	if (revents & EPOLLOUT)
		flush_output(wire);
	if (revents & ~(uint32_t)EPOLLOUT)
		err = read_input(wire);
	if (err) {
		explain(wire, err, &why);
		lose(wire, &why);
	}
	wire->calls->turn(wire->data);
	return 0;
}

/* --- the beginning, and what is waited for in vain --- */

static int try_connect(struct qmp_wire *wire)
{
	wire->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (wire->fd < 0 ||
	    connect(wire->fd, (const struct sockaddr *)&wire->address, sizeof(wire->address)))
		return -errno;
	wire->stage = WIRE_GREETING;
	arm(wire, ANSWER_US);
	return sd_event_add_io(wire->loop, &wire->io, wire->fd, EPOLLIN, on_socket, wire);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *data)
{
	struct qmp_wire *wire = data;
	struct problem why = {};
	int err = 0;

	if (wire->stage == WIRE_LOST)
		err = try_connect(wire);
	else
		err = problem_set(&why, -ETIMEDOUT,
				  "QEMU at %s does not answer: it hangs, or another program uses "
				  "this socket",
				  wire->address.sun_path);
	if (err < 0) {
		explain(wire, err, &why);
		lose(wire, &why);
	}
	wire->calls->turn(wire->data);
	return 0;
}

int qmp_wire_open(sd_event *loop, const char *path, const struct qmp_wire_calls *calls, void *data,
		  struct qmp_wire **ret_wire)
{
	struct qmp_wire *wire = calloc(1, sizeof(*wire));
	int err;

	if (!wire)
		return -ENOMEM;
	wire->loop = sd_event_ref(loop);
	wire->fd = -1;
	wire->retry_us = RETRY_FIRST_US;
	wire->calls = calls;
	wire->data = data;
	wire->address.sun_family = AF_UNIX;
	err = text_copy(wire->address.sun_path, sizeof(wire->address.sun_path), path);
	/* Long due: it connects in the loop's next turn. */
	if (!err)
		err = sd_event_add_time(loop, &wire->timer, CLOCK_MONOTONIC, 0, 0, on_timer, wire);
	if (err < 0) {
		qmp_wire_close(wire);
		return err;
	}
	*ret_wire = wire;
	return 0;
}

void qmp_wire_close(struct qmp_wire *wire)
{
	if (!wire)
		return;
	(void)sd_event_source_disable_unref(wire->io);
	(void)sd_event_source_disable_unref(wire->timer);
	(void)sd_event_unref(wire->loop);
	close_fd(&wire->fd);
	buffer_free(&wire->in);
	free(wire);
}
