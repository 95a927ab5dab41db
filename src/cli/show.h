/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of Show as text, and how its members read: "team", "member" and "watch" share it;
 * and what all nouns show alike.
 */
#pragma once

#include "cli/cli.h"

#define SHOW_NO_TEAMS "No team yet. To make one: iovteam team add team0 --member DEV --member DEV\n"

/* Parameters of Show for the command line's NAME, if it has one. */
json_t *show_parameters(const struct cli *cli);

/* All teams of @reply, head and tables. */
void show_teams(const struct output *out, const json_t *reply);

/* A string of @object, "" where there is none. */
const char *show_string(const json_t *object, const char *key);

/* Facts under one label, and @none (NULL: nothing) where there are none. */
void show_list(const struct output *out, const char *label, const json_t *texts, const char *none);

/* Facts come below a list: an empty line before the first of them. */
void show_begin_below(const struct output *out, bool *below);

/* The notes of a row of a list, with its name before each. */
void show_notes_of(const struct output *out, bool *below, const char *name, const json_t *row);

/* Settings in the words of the command line, so that one can copy them. */
void show_settings(const struct output *out, const json_t *settings);

/* "on", "off", or "-" for what is not known. */
const char *show_flag(const json_t *object, const char *key);

/* The last change of @team: a failover, a return or a switchover. NULL if there was none. */
const json_t *show_last_change(const json_t *team);

/* ", 3 min 12 s ago", or "" when the time makes no sense here. @us on the monotonic clock. */
void show_ago(json_int_t us, char *cell);

/* Readers and painters of columns. */
void show_member_name(const json_t *member, char *cell);
void show_reason(const json_t *member, char *cell);
void show_part(const json_t *member, char *cell); /* "standby", "drained", otherwise empty */
void show_vlan(const json_t *object, char *cell); /* empty while untagged */
enum paint show_state_paint(const char *state);
