/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* One connected socket as socket.bpf.c reports it, and how to find it. */
#pragma once

#include <linux/types.h>

struct socket_entry {
	__u16 family;	   /* of the socket; IPv4 over an IPv6 socket has AF_INET6 */
	__u16 protocol;	   /* IPPROTO_TCP or IPPROTO_UDP */
	__u16 source_port; /* host order */
	__u16 destination_port;
	__u32 source4, destination4; /* network order; of IPv4, in either family of socket */
	__u8 source6[16], destination6[16];
	__u32 hash; /* sk_txhash: what its frames are dealt by */
};
