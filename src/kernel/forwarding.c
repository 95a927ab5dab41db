// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/forwarding.h"

#include "base/cleanup.h"

#include "base/strings.h"

/* Is it 1? False where it cannot be read. */
static bool is_on(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	return file && fgetc(file) == '1';
}

bool forwarding_ipv6(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", name);
	return is_on(path);
}

bool forwarding_filters_bridges(void)
{
	static const char *const paths[] = {
		"/proc/sys/net/bridge/bridge-nf-call-iptables",
		"/proc/sys/net/bridge/bridge-nf-call-ip6tables",
		"/proc/sys/net/bridge/bridge-nf-call-arptables",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (is_on(paths[i]))
			return true;
	return false;
}
