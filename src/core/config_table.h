/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings in tables, and what has several of a kind: the members of a team, the adapters of a VM.
 *
 * Theory of operation. Each setting is a row: its key, where it lives in its struct, and which
 * values it takes. Reading, printing, changing, comparing and defaults walk the table, so a new
 * setting is one new row. What a section is about (Name, Device) is no row: no command changes it
 * in place.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum setting_type {
	SETTING_WORD,	/* one of some words; 32 bits, its place among them */
	SETTING_NUMBER, /* 32 bits */
	SETTING_TEXT,	/* in an array of @size */
	SETTING_MAC,
};

struct setting {
	const char *key;
	size_t offset;
	enum setting_type type;
	const char *const *words;
	uint32_t word_count;
	const char *unit; /* of a number */
	uint32_t low, high, step;
	uint32_t usual; /* of words and numbers; texts are empty, MACs zero */
	size_t size;
	const char *(*fault)(const char *text); /* why this text or MAC is none, NULL if it is */
	void (*spell)(char *text);		/* as it is stored and compared; NULL = as it is */
	bool needed; /* a text that a file must set; another one may be set to nothing */
};

#define SETTING(holder, field) .offset = offsetof(struct holder, field)
#define WORDS(names, count) .type = SETTING_WORD, .words = (names), .word_count = (count)
#define NUMBER(low_, high_, step_, unit_)                                                          \
	.type = SETTING_NUMBER, .low = (low_), .high = (high_), .step = (step_), .unit = (unit_)
#define TEXT(holder, field)                                                                        \
	.type = SETTING_TEXT, SETTING(holder, field), .size = sizeof(((struct holder *)0)->field)

struct table {
	const struct setting *rows;
	size_t count;
	const char *list; /* between a key that is not known and those that are */
};

void table_defaults(const struct table *table, void *object);
bool table_equal(const struct table *table, const void *a, const void *b);

/* The row's number, as table_get() counts. -ENOENT. */
int table_index(const struct table *table, const char *key);

/* Those of config_set() and config_get(). */
int table_set(const struct table *table, void *object, const char *key, const char *value,
	      struct problem *problem);
int table_get(const struct table *table, const void *object, size_t index, const char **ret_key,
	      char *buffer, size_t size);

/* Copy the values of those rows whose bits are in @rows. */
void table_copy(const struct table *table, void *to, const void *from, uint32_t rows);

/* The rows that differ, a bit each. */
uint32_t table_differing(const struct table *table, const void *a, const void *b);

/* Append what differs as config_difference() says it; @of: whose settings, "" or " of ens4". */
void table_difference(const struct table *table, const void *from, const void *to, const char *of,
		      char *text, size_t size);

/* The key of a setting that is needed and not there, NULL if all are. */
const char *table_missing(const struct table *table, const void *object);

/* An array in an object, of structs that begin with the text that they are found by. */
struct parts {
	const char *section;	  /* "Member" */
	const char *key;	  /* "Device" */
	const char *noun, *owner; /* "a member", "a team" */
	const struct table *settings;
	size_t count_offset, offset, size, name_size;
	uint32_t max;
	int (*spell)(const char *name, char *ret_spelled, struct problem *problem);
};

#define PARTS_NAME_SIZE 48 /* of the longest, spelled */

uint32_t parts_count(const struct parts *parts, const void *object);
void *parts_at(const struct parts *parts, const void *object, uint32_t place);

/* Place of the part so named, as spelled; their number if there is none. */
uint32_t parts_place(const struct parts *parts, const void *object, const char *name);

/* At the end, settings at their defaults. -EINVAL, -EEXIST, -E2BIG. */
int parts_add(const struct parts *parts, void *object, const char *name, struct problem *problem);
int parts_remove(const struct parts *parts, void *object, const char *name,
		 struct problem *problem);
bool parts_equal(const struct parts *parts, const void *a, const void *b);

/* As table_difference(), of those that both have. */
void parts_difference(const struct parts *parts, const void *from, const void *to, char *text,
		      size_t size);

/* Append to @text while there is room. */
void text_append(char *text, size_t size, const char *before, const char *word);
