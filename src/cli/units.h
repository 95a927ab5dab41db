/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quantities as people read them. Each writes into CELL_SIZE bytes at @cell. */
#pragma once

#include <stdint.h>

/* 999, 84.2k, 1.21M: powers of 1000, four digits at most. */
void units_rate(uint64_t number, char *cell);

/* 999 B, 84.2 KiB, 1.21 GiB: powers of 1024. */
void units_bytes(uint64_t bytes, char *cell);

/* A span of @us microseconds in ms, to the microsecond: 0.041 ms, 1205 ms. */
void units_ms(int64_t us, char *cell);

/* 42 s, 3 min 12 s, 5 h 2 min, 12 days. */
void units_age(uint64_t seconds, char *cell);

/* Decimal seconds such as 5 or 0.25 between the bounds, to milliseconds. -EINVAL, -ERANGE. */
int units_parse_seconds(const char *text, uint32_t low_ms, uint32_t high_ms, uint32_t *ret_ms);
