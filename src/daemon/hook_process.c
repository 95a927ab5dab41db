// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hook is a child in a process group of its own: what it has left in the background ends with
 * it. It keeps CAP_NET_ADMIN and CAP_NET_RAW, and as it may gain no privileges, being root does
 * not give it the daemon's others back.
 */
#include "daemon/hook_process.h"

#include "base/cleanup.h"
#include "daemon/clock.h"
#include "daemon/hook_environment.h"
#include "daemon/log.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define HOOK_TIME_US (10 * 1000 * 1000ULL)
#define HOOK_OUTPUT_MAX (64 * 1024) /* bytes that are logged; more is not read */
#define LINE_SIZE 512

struct hook_process {
	char name[NAME_MAX + 1];
	pid_t pid; /* 0 = it is over */
	sd_event_source *child, *timer, *output;
	int output_fd;
	size_t output_read;
	char line[LINE_SIZE];
	size_t line_length;
	void (*ended)(void *data);
	void *data;
};

/* --- its output --- */

static void log_line(struct hook_process *process)
{
	for (size_t i = 0; i < process->line_length; i++)
		if ((unsigned char)process->line[i] < ' ' || process->line[i] == 0x7f)
			process->line[i] = '?';
	if (process->line_length)
		log_info("hook %s: %.*s", process->name, (int)process->line_length, process->line);
	process->line_length = 0;
}

static void take_output(struct hook_process *process, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n' || process->line_length == sizeof(process->line))
			log_line(process);
		if (bytes[i] != '\n')
			process->line[process->line_length++] = bytes[i];
	}
}

/* Bounded: a hook that prints without end must not hold the loop. False: nothing comes any more. */
static bool read_output(struct hook_process *process)
{
	char bytes[4096];
	ssize_t got = read(process->output_fd, bytes, sizeof(bytes));

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	take_output(process, bytes, (size_t)got);
	process->output_read += (size_t)got;
	if (process->output_read > HOOK_OUTPUT_MAX)
		log_warning("hook %s: prints too much; the rest is not read", process->name);
	return got > 0 && process->output_read <= HOOK_OUTPUT_MAX;
}

static void close_output(struct hook_process *process)
{
	process->output = sd_event_source_unref(process->output);
	close_fd(&process->output_fd);
	log_line(process);
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct hook_process *process = data;

	if (!read_output(process))
		close_output(process);
	return 0;
}

/* --- its end --- */

/* The group is still there, if only by the child that nobody has waited for yet. */
static void end_group(const struct hook_process *process)
{
	(void)kill(-process->pid, SIGKILL);
}

static int on_time(sd_event_source *source, uint64_t at_us, void *data)
{
	struct hook_process *process = data;

	log_warning("hook %s: ended after %llu s", process->name, HOOK_TIME_US / 1000000);
	end_group(process);
	return 0;
}

static void log_status(const struct hook_process *process, const siginfo_t *info)
{
	if (info->si_code != CLD_EXITED)
		log_warning("hook %s: ended by signal %d", process->name, info->si_status);
	else if (info->si_status)
		log_warning("hook %s: ended with status %d", process->name, info->si_status);
}

static int on_end(sd_event_source *source, const siginfo_t *info, void *data)
{
	struct hook_process *process = data;

	end_group(process);
	process->pid = 0;
	for (int reads = 0; process->output && reads < 16 && read_output(process); reads++)
		;
	close_output(process);
	log_status(process, info);
	process->ended(process->data);
	return 0;
}

void hook_process_free(struct hook_process *process)
{
	if (!process)
		return;
	if (process->pid) {
		end_group(process);
		(void)waitpid(process->pid, NULL, 0);
	}
	sd_event_source_unref(process->child);
	sd_event_source_unref(process->timer);
	sd_event_source_unref(process->output);
	close_fd(&process->output_fd);
	free(process);
}

/* --- its beginning --- */

struct child {
	const char *path;
	int input, output;
	char **environment;
};

/* A file in memory, not a pipe: a hook that does not read blocks nobody. */
static int open_input(json_t *event, int *ret_fd)
{
	_cleanup_free_ char *text = json_dumps(event, JSON_COMPACT);
	_cleanup_close_ int fd = memfd_create("event", MFD_CLOEXEC);

	if (!text || fd < 0)
		return -ENOMEM;
	if (dprintf(fd, "%s\n", text) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static void drop_privileges(void)
{
	capng_clear(CAPNG_SELECT_CAPS);
	(void)capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN,
			    CAP_NET_RAW, -1);
	if (capng_apply(CAPNG_SELECT_CAPS) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(126);
}

static void __attribute__((noreturn)) run_child(const struct child *child)
{
	char *arguments[] = {(char *)child->path, NULL};
	sigset_t none;

	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	if (dup2(child->input, STDIN_FILENO) < 0 || dup2(child->output, STDOUT_FILENO) < 0 ||
	    dup2(child->output, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) ||
	    chdir("/"))
		_exit(126);
	drop_privileges();
	(void)execve(child->path, arguments, child->environment);
	(void)dprintf(STDERR_FILENO, "it cannot be run: %m\n");
	_exit(127);
}

static int watch_process(struct hook_process *process, sd_event *loop)
{
	int err = sd_event_add_child(loop, &process->child, process->pid, WEXITED, on_end, process);

	if (err >= 0)
		err = sd_event_add_time(loop, &process->timer, CLOCK_MONOTONIC,
					clock_now_ns() / NS_PER_US + HOOK_TIME_US, 1, on_time,
					process);
	if (err >= 0)
		err = sd_event_add_io(loop, &process->output, process->output_fd, EPOLLIN,
				      on_output, process);
	return err < 0 ? err : 0;
}

static int start_child(struct hook_process *process, struct child *child, json_t *event)
{
	_cleanup_close_ int input = -1, output = -1;
	int pipe_fds[2];
	int err = open_input(event, &input);

	if (err)
		return err;
	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	process->output_fd = pipe_fds[0];
	output = pipe_fds[1];
	/* Its own end of the pipe is as programs expect it. */
	(void)fcntl(output, F_SETFL, 0);
	child->input = input;
	child->output = output;
	process->pid = fork();
	if (process->pid == 0)
		run_child(child);
	if (process->pid > 0)
		return 0;
	process->pid = 0;
	return -errno;
}

int hook_process_start(sd_event *loop, const char *directory, const char *name, json_t *event,
		       const char *socket, unsigned int dropped, void (*ended)(void *data),
		       void *data, struct hook_process **ret_process)
{
	struct hook_process *process = calloc(1, sizeof(*process));
	struct child child = {.environment = hook_environment(event, socket, dropped)};
	char path[PATH_MAX];
	int err = -ENOMEM;

	if (process)
		process->output_fd = -1;
	if (process && child.environment) {
		process->ended = ended;
		process->data = data;
		(void)snprintf(process->name, sizeof(process->name), "%s", name);
		child.path = path;
		err = snprintf(path, sizeof(path), "%s/%s", directory, name) < PATH_MAX
			      ? start_child(process, &child, event)
			      : -ENAMETOOLONG;
	}
	if (!err)
		err = watch_process(process, loop);
	hook_environment_free(child.environment);
	if (err)
		hook_process_free(process);
	else
		*ret_process = process;
	return err;
}
