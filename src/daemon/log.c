// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_MS 20 /* for a reader that is only behind; once */

static enum log_level log_level = LOG_LEVEL_INFO;
static unsigned int left_out;

void log_set_level(enum log_level level)
{
	log_level = level;
}

/* A pipe that says so takes a page, and our lines are shorter. */
static bool takes_a_line(void)
{
	struct pollfd reader = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&reader, 1, left_out ? 0 : PATIENCE_MS) > 0 && (reader.revents & POLLOUT);
}

static void write_line(enum log_level level, const char *text)
{
	/* systemd sets it for a service whose standard error is the journal. */
	bool journal = getenv("JOURNAL_STREAM") != NULL;

	if (journal)
		(void)dprintf(STDERR_FILENO, "<%d>%s\n", level, text);
	else
		(void)dprintf(STDERR_FILENO, "iovteamd: %s\n", text);
}

void log_message(enum log_level level, const char *format, ...)
{
	unsigned int before = left_out;
	char text[1024];
	va_list args;

	if (level > log_level)
		return;
	if (!takes_a_line()) {
		left_out++;
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	left_out = 0;
	write_line(level, text);
	if (before) {
		(void)snprintf(text, sizeof(text),
			       "%u lines were left out before this one: nobody "
			       "has read them",
			       before);
		write_line(LOG_LEVEL_WARNING, text);
	}
}
