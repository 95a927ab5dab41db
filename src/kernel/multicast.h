/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/net/dev_mcast. Inside kernel/ and its tests only. */
#pragma once

#include "base/mac.h"

#include <stddef.h>
#include <stdio.h>

/* See packet_multicast_list(). */
int multicast_parse(FILE *file, int ifindex, const char *name, struct mac **ret_macs,
		    size_t *ret_count);
