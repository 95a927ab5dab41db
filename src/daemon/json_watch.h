/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jansson does not tell of each want of memory: a word that it parses may lose a letter, an
 * optional part of a message may be left out. So its allocations are watched.
 */
#pragma once

#include <stdbool.h>

/* From now on. */
void json_watch(void);

/* Has an allocation failed since json_watch()? */
bool json_starved(void);
