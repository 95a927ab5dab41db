/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is pinned: PINS/NAME/… for each team, and for each port filter under PINS of its own. The
 * BPF file system takes no dot in a name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct bpf_map;

/* @ret_directory (PATH_MAX) is PINS/NAME, and is there; *@ret_made: it was not before. */
int pins_make(const char *pins, const char *name, char *ret_directory, bool *ret_made);

/* Unpin all that is in @directory, and take it away; PINS, too, if nothing else is in there. */
void pins_remove(char *directory);

/* DIRECTORY/NAME, and where a map is pinned in it: ".data.state" as DIRECTORY/state. */
int pins_path(const char *directory, const char *name, char *ret_path);
int pins_map_path(const char *directory, const struct bpf_map *map, char *ret_path);

/* Unpin a map of another layout: libbpf would refuse all programs for it. */
void pins_discard_unfit(const char *path, const struct bpf_map *map);

/* Call @found for each name under @pins, until it is negative. 0 if @pins does not exist. */
int pins_each(const char *pins, int (*found)(const char *name, void *data), void *data);

/* libbpf has numbers of its own beside errno's. */
const char *pins_error_text(int err, char *buffer, size_t size);
