/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of commands, and the help that is made from it. */
#pragma once

#include "cli/cli.h"

#include <stddef.h>

extern const struct command commands[];
extern const size_t command_count;

bool command_noun_known(const char *noun);

/* @verb NULL: what the noun alone means ("show", or a noun without verbs). NULL if there is none. */
const struct command *command_find(const char *noun, const char *verb);

/* Help of the whole, of a noun, of a command. */
void help_all(FILE *file);
void help_noun(FILE *file, const char *noun);
void help_command(FILE *file, const struct command *command);

/* "add, remove, set" into @text of @size; returns it. */
const char *command_verbs(const char *noun, char *text, size_t size);

/* "iovteam team add" into @text of @size; returns it. */
const char *command_title(const struct command *command, char *text, size_t size);
