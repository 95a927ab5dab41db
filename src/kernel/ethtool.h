/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only ethtool's requests tell of a device of this network namespace. */
#pragma once

#include <stdint.h>

/*
 * The speed of a device's link in Mbit/s. Waits for the kernel's RTNL lock, so it is no question
 * for the fast path. -ENODATA: it tells none, because it has none or its link is down; -ENODEV;
 * -EOPNOTSUPP; errors of socket().
 */
int ethtool_speed(const char *name, uint32_t *ret_mbits);
