// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Theory of operation. Signals are blocked and read from a descriptor, so that none is missed
 * between looking and waiting, and a call to the daemon can wait for them, too. Automatic
 * margins are off while the view is up: a line that is too long ends at the edge.
 */
#include "cli/terminal.h"

#include "cli/client.h"

#include "base/strings.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l\033[2J"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"
#define LINE_END "\033[K\r\n"
#define ROWS_DEFAULT 24

static struct {
	bool live, keys;
	int signal_fd;
	sigset_t signals_before;
	struct termios keys_before;
} terminal = {.signal_fd = -1};

static void signals_take(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};
	sigset_t taken;

	(void)sigemptyset(&taken);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&taken, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &taken, &terminal.signals_before);
	terminal.signal_fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
	/* Without the descriptor the signals do what they always do. */
	if (terminal.signal_fd < 0)
		(void)sigprocmask(SIG_SETMASK, &terminal.signals_before, NULL);
}

static void screen_write(const char *text)
{
	(void)fputs(text, stdout);
	(void)fflush(stdout);
}

static void screen_take(void)
{
	struct termios keys;

	if (!terminal.live)
		return;
	terminal.keys = tcgetattr(STDIN_FILENO, &terminal.keys_before) == 0;
	keys = terminal.keys_before;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	keys.c_cc[VMIN] = 0;
	keys.c_cc[VTIME] = 0;
	if (terminal.keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	screen_write(SCREEN_ENTER);
}

static void screen_give(void)
{
	if (!terminal.live)
		return;
	screen_write(SCREEN_LEAVE);
	if (terminal.keys)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal.keys_before);
}

int terminal_enter(bool live)
{
	terminal.live = live;
	signals_take();
	screen_take();
	return terminal.signal_fd;
}

void terminal_leave(void)
{
	screen_give();
	terminal.live = false;
	if (terminal.signal_fd < 0)
		return;
	(void)close(terminal.signal_fd);
	terminal.signal_fd = -1;
	(void)sigprocmask(SIG_SETMASK, &terminal.signals_before, NULL);
}

static int screen_rows(void)
{
	struct winsize size = {};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row)
		return size.ws_row;
	return ROWS_DEFAULT;
}

void terminal_draw(const char *text, size_t size)
{
	const char *end = text + size;

	(void)fputs("\033[H", stdout);
	/* The last row stays free: a line end there would scroll. */
	for (int left = screen_rows() - 1; left > 0 && text < end; left--) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));

		line_end = line_end ? line_end : end;
		(void)fwrite(text, 1, (size_t)(line_end - text), stdout);
		(void)fputs(LINE_END, stdout);
		text = line_end + 1;
	}
	(void)fputs("\033[J", stdout);
	(void)fflush(stdout);
}

/* A key is there, or the line is gone. */
static enum terminal_event key_event(void)
{
	char key;
	ssize_t got = read(STDIN_FILENO, &key, 1);

	return got <= 0 || key == 'q' || key == 'Q' ? TERMINAL_LEAVE : TERMINAL_TICK;
}

static enum terminal_event signal_event(void)
{
	struct signalfd_siginfo info;

	if (read(terminal.signal_fd, &info, sizeof(info)) != sizeof(info))
		return TERMINAL_TICK;
	switch (info.ssi_signo) {
	case SIGTSTP: /* Ctrl-Z: others have the screen until we are continued */
		screen_give();
		(void)raise(SIGSTOP);
		screen_take();
		return TERMINAL_REDRAW;
	case SIGWINCH:
		return TERMINAL_REDRAW;
	}
	return TERMINAL_LEAVE;
}

enum terminal_event terminal_wait(uint64_t tick_ms)
{
	struct pollfd fds[] = {
		{.fd = terminal.signal_fd, .events = POLLIN},
		{.fd = terminal.live && terminal.keys ? STDIN_FILENO : -1, .events = POLLIN},
	};
	enum terminal_event event;
	uint64_t now;

	do {
		event = TERMINAL_TICK;
		now = clock_ms();
		/* Looked at even if the tick is over: a busy view must still obey. */
		if (poll(fds, ARRAY_SIZE(fds), now < tick_ms ? (int)(tick_ms - now) : 0) <= 0)
			continue;
		if (fds[0].revents)
			event = signal_event();
		if (fds[1].revents && event == TERMINAL_TICK)
			event = key_event();
	} while (event == TERMINAL_TICK && clock_ms() < tick_ms);
	return event;
}
