// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/units.h"

#include "base/strings.h"
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void scale(uint64_t number, double base, const char *const *suffixes, size_t count,
		  char *cell)
{
	double scaled = (double)number;
	size_t i = 0;

	/* 999.5 would round to "1000". */
	while (scaled >= 999.5 && i + 1 < count) {
		scaled /= base;
		i++;
	}
	if (i == 0)
		(void)snprintf(cell, CELL_SIZE, "%" PRIu64 "%s", number, suffixes[0]);
	else
		(void)snprintf(cell, CELL_SIZE, "%.*f%s",
			       scaled < 9.995	? 2
			       : scaled < 99.95 ? 1
						: 0,
			       scaled, suffixes[i]);
}

void units_rate(uint64_t number, char *cell)
{
	static const char *const suffixes[] = {"", "k", "M", "G", "T", "P", "E"};

	scale(number, 1000, suffixes, ARRAY_SIZE(suffixes), cell);
}

void units_bytes(uint64_t bytes, char *cell)
{
	static const char *const suffixes[] = {" B",   " KiB", " MiB", " GiB",
					       " TiB", " PiB", " EiB"};

	scale(bytes, 1024, suffixes, ARRAY_SIZE(suffixes), cell);
}

void units_ms(int64_t us, char *cell)
{
	int decimals = us < 10000 ? 3 : us < 100000 ? 1 : 0;

	(void)snprintf(cell, CELL_SIZE, "%.*f ms", decimals, (double)us / 1000);
}

void units_age(uint64_t seconds, char *cell)
{
	if (seconds < 60)
		(void)snprintf(cell, CELL_SIZE, "%" PRIu64 " s", seconds);
	else if (seconds < 3600)
		(void)snprintf(cell, CELL_SIZE, "%" PRIu64 " min %" PRIu64 " s", seconds / 60,
			       seconds % 60);
	else if (seconds < 2 * 86400)
		(void)snprintf(cell, CELL_SIZE, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600,
			       seconds / 60 % 60);
	else
		(void)snprintf(cell, CELL_SIZE, "%" PRIu64 " days", seconds / 86400);
}

int units_parse_seconds(const char *text, uint32_t low_ms, uint32_t high_ms, uint32_t *ret_ms)
{
	char whole[16] = "", fraction[4] = "000";
	const char *dot = strchrnul(text, '.');
	size_t whole_length = (size_t)(dot - text);
	size_t fraction_length = *dot ? strlen(dot + 1) : 0;
	uint32_t seconds, ms;
	int err;

	if (whole_length >= sizeof(whole) || fraction_length > 3 || (*dot && !fraction_length))
		return -EINVAL;
	(void)memcpy(whole, text, whole_length);
	if (fraction_length)
		(void)memcpy(fraction, dot + 1, fraction_length);
	err = number_parse(whole, 0, high_ms / 1000, &seconds);
	if (!err)
		err = number_parse(fraction, 0, 999, &ms);
	if (err)
		return err;
	if (seconds * 1000 + ms < low_ms || seconds * 1000 + ms > high_ms)
		return -ERANGE;
	*ret_ms = seconds * 1000 + ms;
	return 0;
}
