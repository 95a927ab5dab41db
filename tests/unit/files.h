/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory of a test's own, and text files in it. To be included behind cmocka.h. */
#pragma once

#include "base/cleanup.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTORY_TEMPLATE "/tmp/iovteam-files-XXXXXX"

static char directory[] = DIRECTORY_TEMPLATE;

static const char *path_of(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path_of(name), "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

/* NULL if there is no such file. */
static inline const char *read_text(const char *name)
{
	_cleanup_fclose_ FILE *file = fopen(path_of(name), "re");
	static char text[4096];

	if (!file)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	return text;
}

static int make_directory(void **state)
{
	(void)state;
	memcpy(directory, DIRECTORY_TEMPLATE, sizeof(directory));
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int remove_directory(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
