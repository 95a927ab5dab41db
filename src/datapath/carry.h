/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An upgrade across layouts (T16). The programs of an earlier build go on with their own maps until
 * they are replaced; a map that has grown starts as a copy of the pinned one, and takes its pin's
 * place when it is whole. Maps whose size has not changed are shared by both. Nobody writes to a
 * copied map meanwhile but the programs, when bonding fails over by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bpf_map;

/* Is the state pinned at @path of a layout that we can go on from, ours included? */
bool carry_possible(const char *path);

/*
 * If the map of global data pinned at @path is smaller than @map, which is not loaded yet, let
 * @map begin with its bytes. Returns whether that was so.
 */
bool carry_map(const char *path, struct bpf_map *map);
