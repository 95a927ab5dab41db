/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one way out: text in facts and tables, and JSON. Rows of a table are JSON objects, so
 * that both forms show the same data; a column says which key it shows and how it reads.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define CELL_SIZE 128

enum paint {
	PAINT_NONE,
	PAINT_GOOD,
	PAINT_WARNING,
	PAINT_BAD,
	PAINT_STRONG,
	PAINT_FAINT,
	PAINT_COUNT,
};

struct output {
	FILE *file;
	int width; /* columns that may be filled */
	bool colour;
};

enum column_flag {
	COLUMN_RIGHT = 1 << 0,	  /* numbers */
	COLUMN_OPTIONAL = 1 << 1, /* left out where the table is too wide */
	COLUMN_SHRINKS = 1 << 2,  /* cut short where it is too wide even so */
	COLUMN_IF_ANY = 1 << 3,	  /* left out when all its cells are empty */
	COLUMN_SPARE = 1 << 4,	  /* left out where others would shrink too far to be read */
};

struct column {
	const char *heading;
	const char *key;
	unsigned flags;				     /* enum column_flag */
	void (*read)(const json_t *row, char *cell); /* into CELL_SIZE; NULL: the key's value */
	enum paint (*paint)(const char *cell);	     /* NULL: none */
};

/* How wide @file may be filled, and whether it takes colours (a terminal, no NO_COLOR). */
void output_open(struct output *output, FILE *file);

/* Text from elsewhere never reaches a terminal unfiltered: control bytes become '?'. */
void output_clean(char *text);

/* printf() in a colour, cleaned. */
void output_paint(const struct output *output, enum paint paint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "  label   text", wrapped at the width and indented below itself. */
void output_fact(const struct output *output, const char *label, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* @rows is an array of objects. */
void output_table(const struct output *output, const struct column *columns, size_t count,
		  const json_t *rows);

/* One document: indented for reading, or compact on a line for streams. */
void output_json(const struct output *output, const json_t *document, bool compact);
