/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of enum values in tables, and numbers read strictly. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A name table has one string per enum value; the assertion finds the one that was forgotten. */
#define NAME_TABLE_COMPLETE(table, count)                                                          \
	_Static_assert(ARRAY_SIZE(table) == (size_t)(count), #table " does not name each value")

/* Index of @text in @names, -EINVAL when it is not there. */
int name_lookup(const char *const *names, size_t count, const char *text);

/* A decimal number of @low to @high: digits only, no sign, no space. -EINVAL or -ERANGE otherwise. */
int number_parse(const char *text, uint32_t low, uint32_t high, uint32_t *ret_number);

/* Copy with its end, -ENAMETOOLONG when @size is too small (then @to is untouched). */
int text_copy(char *to, size_t size, const char *from);
