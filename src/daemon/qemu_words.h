/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's command line for an adapter. Names are not QEMU's: what it takes for an id begins with a
 * letter and has letters, digits, '-', '.' and '_' alone, and a comma ends a value unless it is
 * doubled.
 */
#pragma once

#include "model/adapter.h"
#include "model/link.h"

#include <jansson.h>

#define QEMU_ID_SIZE (3 * ADAPTER_NAME_SIZE)

/*
 * What follows "net-" and its like in the ids of an adapter: its name, with ".2c" for a comma and so
 * on. Two names never get the same, for none has a '.'.
 */
const char *qemu_id(const char *adapter, char id[static QEMU_ID_SIZE]);

/* The arguments, as an array: the tap @port, the card on it, and @vf ("0000:02:10.0", NULL: none). */
json_t *qemu_words(const struct adapter_config *adapter, const char *port, const char *vf);
