// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/forwarding.h"

#include "base/cleanup.h"

bool forwarding_ipv6(const char *name)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[128];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", name);
	file = fopen(path, "re");
	return file && fgetc(file) == '1';
}
