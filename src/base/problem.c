// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/problem.h"

#include <stdio.h>
#include <string.h>

int problem_set(struct problem *problem, int error, const char *format, ...)
{
	va_list args;

	if (!problem || problem->error)
		return error;
	problem->error = error;
	va_start(args, format);
	(void)vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
	return error;
}

int problem_prefix(struct problem *problem, const char *format, ...)
{
	char rest[sizeof(problem->text)];
	va_list args;
	size_t used;

	if (!problem)
		return 0;
	memcpy(rest, problem->text, sizeof(rest));
	va_start(args, format);
	(void)vsnprintf(problem->text, sizeof(problem->text), format, args);
	va_end(args);
	used = strlen(problem->text);
	(void)snprintf(problem->text + used, sizeof(problem->text) - used, ": %s", rest);
	return problem->error;
}
