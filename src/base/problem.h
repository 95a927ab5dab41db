/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An error that a person can act on: a negative errno and one sentence.
 *
 * The lower layers neither print nor log; a function that can explain its refusal takes a
 * struct problem * (which may be NULL), and returns the code that it stored there.
 */
#pragma once

#include <stdarg.h>

struct problem {
	int error;	/* negative errno, 0 = none */
	char text[256]; /* one sentence without a full stop, "" = none */
};

/* Store code and sentence; the first problem reported wins. Returns @error, always negative. */
int problem_set(struct problem *problem, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "what: " before a problem that a lower function stored. Returns the stored code. */
int problem_prefix(struct problem *problem, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
