/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash of a socket of this host, for questions about its flow (T18). */
#pragma once

#include "datapath/socket.h"

#include <stdint.h>

/*
 * Find the socket with @wanted's protocol, addresses and ports; its family says which of the
 * addresses count. -ENOENT: there is none, or it has no hash of its own (not connected). Other
 * errors: the kernel does not let socket iterators run.
 */
int socket_find(const struct socket_entry *wanted, uint32_t *ret_hash);
