/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the map of stations (model/station.h), for announcing them (T10). */
#pragma once

#include "model/station.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The stations that have sent since @since_ns, for a caller who is about to broadcast for them.
 * @flooded_ns counts as the time of that: what comes back with their MACs until a moment after it
 * is a reflection. The caller frees *@ret_keys. -ENOMEM, or what the kernel says.
 */
int stations_take(int map, uint64_t since_ns, uint64_t flooded_ns, struct station_key **ret_keys,
		  size_t *ret_count);
