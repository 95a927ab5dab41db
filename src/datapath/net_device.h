/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What tracing programs read of the kernel's devices, and how they know them. For BPF programs. */
#pragma once

#include "datapath/carrier_key.h"

/* The loader finds where it lies in the running kernel. */
struct net {
	__u64 net_cookie;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

static __always_inline struct carrier_key key_of_device(const struct net_device *dev)
{
	return (struct carrier_key){.netns = dev->nd_net.net->net_cookie,
				    .ifindex = (__u32)dev->ifindex};
}
