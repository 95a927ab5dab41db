// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/pick_why.h"

#include "base/strings.h"

const char *const pick_why_names[] = {
	[PICK_HOME] = "home",		[PICK_HELD] = "held",
	[PICK_FALLBACK] = "fallback",	[PICK_UNUSABLE] = "unusable",
	[PICK_MULTICAST] = "multicast", [PICK_ARP] = "arp",
	[PICK_DISCOVERY] = "discovery", [PICK_FOREIGN] = "foreign-source",
};
NAME_TABLE_COMPLETE(pick_why_names, PICK_WHY_COUNT);
