/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How this host forwards, from /proc/sys/net of the calling thread's network namespace. */
#pragma once

#include <stdbool.h>

/* Does the device forward IPv6? False where that cannot be read. */
bool forwarding_ipv6(const char *name);

/* Does what bridges forward pass the host's packet filter (module br_netfilter)? */
bool forwarding_filters_bridges(void);
