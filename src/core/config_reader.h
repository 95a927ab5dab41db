/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a configuration file, strictly: sections and Key=Value, whatever they mean. */
#pragma once

#include "core/config.h"

struct config_reader;

/*
 * What the caller makes of a file. Each returns 0, or what problem_set() of the reader's problem
 * returns; it is then told at the line in hand, or where config_reader_refuse() says. Nothing is
 * called after a failure.
 */
struct config_calls {
	int (*section)(struct config_reader *reader, const char *name); /* one begins */
	int (*key)(struct config_reader *reader, const char *key, const char *value);
	int (*end)(struct config_reader *reader); /* of the text; at line 0 */
};

struct config_reader {
	const struct config_calls *calls;
	void *data;	   /* the caller's */
	unsigned int line; /* the one in hand, from 1 */
	struct problem problem;
	unsigned int fault_line; /* of the problem, 0 = the file as a whole */
	bool in_section;
	const char *rest; /* of the text */
	size_t rest_size;
};

/* Refuse what is at @line. Returns -EINVAL. */
int config_reader_refuse(struct config_reader *reader, unsigned int line, const char *sentence);

/* Read a text as config_parse() does. -EINVAL, -ENOMEM, or what a call has returned. */
int config_read(const char *file, const char *text, size_t length, const struct config_calls *calls,
		void *data, struct config_error *ret_error);
