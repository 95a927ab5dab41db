/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The families of IP. Inside kernel/ only. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>

/* Bytes of an address, 0 for other families. */
static inline size_t family_size(int family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}
