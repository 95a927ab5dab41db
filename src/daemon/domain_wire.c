// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/domain_wire.h"

#include "base/cleanup.h"
#include "daemon/log.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define MESSAGE_MAX (64 * 1024)
#define LAST_READS 16
#define ANSWER_US 10000000ULL
#define LOOK_US 5000000ULL
#define RETRY_FIRST_US 500000ULL
#define RETRY_MAX_US 30000000ULL

extern char **environ;

struct domain_wire {
	sd_event *loop;
	sd_event_source *io, *child;
	sd_event_source *timer; /* of an answer, of the next look, or to start it again */
	const char *program, *name;
	const struct domain_wire_calls *calls;
	void *data;
	pid_t pid; /* 0 = it does not run */
	int fd;
	bool asked;
	uint32_t id; /* of the request; 0 = its first word */
	uint64_t retry_us;
};

static void arm(struct domain_wire *wire, uint64_t after_us)
{
	(void)sd_event_source_set_time_relative(wire->timer, after_us);
	(void)sd_event_source_set_enabled(wire->timer, SD_EVENT_ONESHOT);
}

/* Its end takes no time: it holds nothing that a signal would wait for. */
static void end_process(struct domain_wire *wire)
{
	wire->io = sd_event_source_disable_unref(wire->io);
	wire->child = sd_event_source_disable_unref(wire->child);
	close_fd(&wire->fd);
	if (wire->pid) {
		(void)kill(wire->pid, SIGKILL);
		(void)waitpid(wire->pid, NULL, 0);
	}
	wire->pid = 0;
	wire->asked = false;
}

static void lose(struct domain_wire *wire, const char *why)
{
	end_process(wire);
	arm(wire, wire->retry_us);
	wire->retry_us = wire->retry_us < RETRY_MAX_US / 2 ? wire->retry_us * 2 : RETRY_MAX_US;
	wire->calls->lost(wire->data, why);
}

/* --- requests --- */

bool domain_wire_free(const struct domain_wire *wire)
{
	return wire->pid && !wire->asked;
}

/* One that does not go out is one that is not answered. */
static void send_request(struct domain_wire *wire, char *text)
{
	if (text)
		(void)send(wire->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	free(text);
	wire->asked = true;
	arm(wire, ANSWER_US);
}

/* 0 is its first word's. */
static uint32_t next_id(struct domain_wire *wire)
{
	wire->id = wire->id < INT32_MAX ? wire->id + 1 : 1;
	return wire->id;
}

void domain_wire_ask(struct domain_wire *wire, const struct domain_step *step)
{
	send_request(wire, domain_request(next_id(wire), step));
}

/* --- what it says --- */

static int take_message(struct domain_wire *wire, const struct domain_message *message)
{
	if (message->lost) {
		lose(wire, message->text);
		return 0;
	}
	if (message->done && (!wire->asked || message->id != wire->id))
		return -EPROTO;
	if (message->done) {
		wire->asked = false;
		if (wire->id) /* its first word says nothing of what it will be asked */
			wire->retry_us = RETRY_FIRST_US;
		arm(wire, LOOK_US);
	}
	wire->calls->told(wire->data, message->done, message->text, &message->view);
	return 0;
}

static int read_message(struct domain_wire *wire)
{
	_cleanup_free_ struct domain_message *message = malloc(sizeof(*message));
	_cleanup_free_ char *bytes = malloc(MESSAGE_MAX);
	ssize_t got;
	int err;

	if (!message || !bytes)
		return -ENOMEM;
	got = recv(wire->fd, bytes, MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);
	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (got == 0)
		return -ECONNRESET;
	if (got > MESSAGE_MAX)
		return -EMSGSIZE;
	err = domain_message_read(bytes, (size_t)got, message);
	return err ? err : take_message(wire, message);
}

static const char *explain(int err)
{
	switch (err) {
	case -E2BIG:
		return "the domain has more network cards than iovteam can see to";
	case -EPROTO:
	case -EMSGSIZE:
		return "iovteam-libvirt says what is not understood; is it of this version";
	case -ENOMEM:
		return "out of memory";
	default:
		return "iovteam-libvirt has ended";
	}
}

static int on_socket(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct domain_wire *wire = data;
	int err = read_message(wire);

	if (err)
		lose(wire, explain(err));
	wire->calls->turn(wire->data);
	return 0;
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct domain_wire *wire = data;

	int err = 0;

	wire->pid = 0; /* the loop waits for it */
	/* Its last word says why. */
	for (int reads = 0; !err && wire->fd >= 0 && reads < LAST_READS; reads++)
		err = read_message(wire);
	if (wire->fd >= 0)
		lose(wire, explain(err));
	wire->calls->turn(wire->data);
	return 0;
}

/* --- its beginning, and its silence --- */

static int spawn(struct domain_wire *wire, int socket)
{
	char *arguments[] = {(char *)wire->program, (char *)wire->name, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, ignored;
	int err;

	(void)sigemptyset(&none);
	(void)sigemptyset(&ignored);
	(void)sigaddset(&ignored, SIGPIPE);
	(void)sigaddset(&ignored, SIGHUP);
	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawnattr_init(&attributes);
	if (!err) {
		(void)posix_spawnattr_setsigmask(&attributes, &none);
		(void)posix_spawnattr_setsigdefault(&attributes, &ignored);
		(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
								    POSIX_SPAWN_SETSIGDEF |
								    POSIX_SPAWN_SETSID);
		err = posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO);
		if (!err)
			err = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
		if (!err)
			err = posix_spawn(&wire->pid, wire->program, &actions, &attributes,
					  arguments, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	if (err)
		wire->pid = 0;
	return -err;
}

static int start_process(struct domain_wire *wire)
{
	_cleanup_close_ int its = -1;
	int fds[2], err;

	if (!wire->program)
		return -ENOENT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	wire->fd = fds[0];
	its = fds[1];
	err = spawn(wire, its);
	if (!err)
		err = sd_event_add_io(wire->loop, &wire->io, wire->fd, EPOLLIN, on_socket, wire);
	if (err >= 0)
		err = sd_event_add_child(wire->loop, &wire->child, wire->pid, WEXITED, on_end,
					 wire);
	return err < 0 ? err : 0;
}

static void start(struct domain_wire *wire)
{
	struct problem problem = {};
	int err = start_process(wire);

	if (err == -ENOENT)
		(void)problem_set(&problem, err,
				  "iovteam-libvirt is not installed (%s), without which libvirt "
				  "cannot be spoken to",
				  wire->program ? wire->program : "no program is named");
	else if (err)
		(void)problem_set(&problem, err, "%s cannot be started: %s", wire->program,
				  strerror(-err));
	if (err) {
		lose(wire, problem.text);
		return;
	}
	log_debug("%s: iovteam-libvirt is started", wire->name);
	wire->id = 0;
	wire->asked = true;
	arm(wire, ANSWER_US);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *data)
{
	struct domain_wire *wire = data;

	if (!wire->pid)
		start(wire);
	else if (wire->asked)
		lose(wire, "libvirt has not answered for 10 s");
	else
		send_request(wire, domain_request_look(next_id(wire)));
	wire->calls->turn(wire->data);
	return 0;
}

int domain_wire_open(sd_event *loop, const char *program, const char *name,
		     const struct domain_wire_calls *calls, void *data,
		     struct domain_wire **ret_wire)
{
	struct domain_wire *wire = calloc(1, sizeof(*wire));
	int err;

	if (!wire)
		return -ENOMEM;
	wire->loop = sd_event_ref(loop);
	wire->program = program;
	wire->name = name;
	wire->calls = calls;
	wire->data = data;
	wire->fd = -1;
	wire->retry_us = RETRY_FIRST_US;
	/* It starts in the loop's next turn. */
	err = sd_event_add_time(loop, &wire->timer, CLOCK_MONOTONIC, 0, 0, on_timer, wire);
	if (err < 0) {
		domain_wire_close(wire);
		return err;
	}
	*ret_wire = wire;
	return 0;
}

void domain_wire_close(struct domain_wire *wire)
{
	if (!wire)
		return;
	end_process(wire);
	(void)sd_event_source_disable_unref(wire->timer);
	(void)sd_event_unref(wire->loop);
	free(wire);
}
