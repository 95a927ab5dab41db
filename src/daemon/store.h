/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory of configuration files: read whole, changed one file at a time and atomically. */
#pragma once

#include "core/config.h"

struct store {
	const char *directory;
	struct team_list list;
	char files[TEAMS_MAX][CONFIG_FILE_SIZE]; /* by position in the list; names, not paths */
};

/*
 * Read all *.conf files of the directory, in the order of their names. All or nothing:
 * @ret_store is written on success only. No such directory: no teams.
 */
int store_load(const char *directory, struct store *ret_store, struct config_error *ret_error);

/*
 * Write what the team's file will be (that from which it was read, or NAME.conf) beside it, whole
 * and on the disk: there is never half a file. Nothing is left of it on failure.
 */
int store_draft(const struct store *store, const struct team_config *team, struct problem *problem);

/* Write any file there, whole and on the disk before it takes the old one's place. */
int store_write_text(const char *directory, const char *path, const char *text);

/* Put the draft in the place of the file, or take it away. */
int store_keep(const struct store *store, const char *team, struct problem *problem);
void store_discard(const struct store *store, const char *team);

/* Make the team's file a draft: it is not read any more, and can be put back as it was. */
int store_withdraw(const struct store *store, const char *team, struct problem *problem);

/* Take a team out of the list, with the name of its file. */
void store_forget(struct store *store, const char *team);
