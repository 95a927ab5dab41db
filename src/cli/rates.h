/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates from the counters of two answers of Show. */
#pragma once

#include <jansson.h>
#include <stdint.h>

/*
 * Adds tx_pps, rx_pps, tx_bps and rx_bps (bits per second) to each member in @now that @before
 * has, too, with counters that did not go back. @span_ms lies between the two.
 */
void rates_add(json_t *now, const json_t *before, uint64_t span_ms);
