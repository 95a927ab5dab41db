/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a file says of a team (SPEC C1, T1); iovteam.conf(5) has the format:
 *
 *	[Team]
 *	Name=team0
 *	StableTimeMs=1000
 *	[Member]
 *	Device=ens4
 *	[Member]
 *	Device=52:54:00:12:34:56
 *	Weight=200
 *
 * One table of settings serves the file (core/config_host.h reads and writes it), the commands that
 * change a team and the output of "show".
 */
#pragma once

#include "base/problem.h"
#include "model/team.h"

#include <stddef.h>

#define CONFIG_FILE_SIZE 256	  /* NAME_MAX and its end */
#define CONFIG_SETTING_SIZE 112	  /* holds each setting's value as text */
#define CONFIG_LINE_BYTES_MAX 197 /* without its end; what libinih takes in one piece */

/* Where a configuration is wrong, and how. Printed as "file:line: text". */
struct config_error {
	char file[CONFIG_FILE_SIZE]; /* as the caller named it, cut to fit */
	unsigned int line;	     /* from 1; 0 = the file as a whole */
	char text[256];		     /* one sentence without a full stop, ASCII */
	bool unread;		     /* it could not be read, which may pass; else it is wrong */
};

/* A team without a name and members, each setting at its default. */
void config_defaults(struct team_config *team);

/*
 * The settings that differ, of the team and of the members that both have, as "StableTimeMs 5000
 * instead of 1000, Weight 200 instead of 100 of ens4" into @text, as far as it has room; returns
 * whether there are any. Adopt is none: it says whose the bond is.
 */
bool config_difference(const struct team_config *from, const struct team_config *to, char *text,
		       size_t size);

/*
 * What one file cannot show: two teams of one name, a device in two teams, a team as a member.
 * @files names the file of each team of @list; NULL: "NAME.conf". The error names the later of
 * two files. -EEXIST, -EBUSY, -EINVAL; @ret_error is written on failure only, and may be NULL.
 */
int config_check(const struct team_list *list, const char *const *files,
		 struct config_error *ret_error);

/*
 * Change one setting. Keys are those of [Team] but Name, spelled as in the file. On failure the
 * team is untouched. -ENOENT: no such key; -EINVAL: the value is not one; -ERANGE.
 */
int config_set(struct team_config *team, const char *key, const char *value,
	       struct problem *problem);

/*
 * The setting number @index (from 0, in the order of the manual) as key and text, for example
 * "StableTimeMs" and "1000". @buffer: CONFIG_SETTING_SIZE is enough. -ENOENT past the last one,
 * -ENOSPC.
 */
int config_get(const struct team_config *team, size_t index, const char **ret_key, char *buffer,
	       size_t size);

/* config_set() for the settings of [Member] but Device. */
int config_member_set(struct member_config *member, const char *key, const char *value,
		      struct problem *problem);

/* The addresses that ProbeAddress names, their family and bytes; returns how many. */
unsigned int config_probe_addresses(const struct team_config *team,
				    struct link_address addresses[PROBE_ADDRESSES_MAX]);

/* Name a team; @team is untouched on failure. -EINVAL as config_name_check(). */
int config_name_set(struct team_config *team, const char *name, struct problem *problem);

/*
 * Add a member at the end, its settings at their defaults. @device is stored in lower case where it is a MAC or a path. On
 * failure the team is untouched. -EINVAL: not a device's name; -EEXIST: already a member;
 * -E2BIG: the team is full (T1).
 */
int config_member_add(struct team_config *team, const char *device, struct problem *problem);

/* The member that was added by this name, NULL if there is none. */
struct member_config *config_member_find(struct team_config *team, const char *device);

/* T6: at most one standby, and somebody who is not. -EINVAL. config_check() asks this, too. */
int config_roles_check(const struct team_config *team, struct problem *problem);

/* Take out the member that was added by this name. -ENOENT: there is none. */
int config_member_remove(struct team_config *team, const char *device, struct problem *problem);

/*
 * May a team have this name? It becomes an interface, a file NAME.conf and a word on command
 * lines. -EINVAL. The rules are the kernel's dev_valid_name() and what would mislead or break
 * one of these three.
 */
int config_name_check(const char *name, struct problem *problem);

/*
 * May a member be named so: an interface's name, a unicast MAC, or "pci-" and an address as
 * 0000:3b:02.1. Whether there is such a device is not asked. -EINVAL.
 */
int config_device_check(const char *device, struct problem *problem);
