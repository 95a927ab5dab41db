// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/quirk.h"

#include "base/strings.h"

#include <string.h>

/* Multiples of miimon (100 ms): bonding's downdelay must be. */
static const struct {
	const char *driver;
	uint32_t rest_ms;
} quirks[] = {
	/* Its reset worker has the mailbox for 0.4 to 1.9 s; docs/datapath.md has the figures. */
	{"igbvf", 2000},
};

uint32_t quirk_rest_ms(const char *driver)
{
	for (size_t i = 0; i < ARRAY_SIZE(quirks); i++)
		if (strcmp(quirks[i].driver, driver) == 0)
			return quirks[i].rest_ms;
	return 0;
}

static const char *const blind_drivers[] = {"igbvf", "ixgbevf", "iavf"};

bool quirk_blind_carrier(const char *driver)
{
	return name_lookup(blind_drivers, ARRAY_SIZE(blind_drivers), driver) >= 0;
}
