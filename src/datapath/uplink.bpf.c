// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The uplink program (H5 b): the daemon is woken as the driver of a switch's NIC reports its carrier.
 *
 * The kernel's own event of that may come a second later: linkwatch collects what is not urgent. This
 * program says nothing but "look at this device". It runs as the kernel's function ends (fexit), so
 * that who looks at once sees the new carrier.
 *
 * What does not fit into the ring buffer is lost, and so is a report that an interrupt makes while
 * the program runs for another one on the same processor: then it is the kernel's event that tells.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "datapath/net_device.h"

char licence[] SEC("license") = "Dual BSD/GPL";

/* Whom the daemon wants to hear of. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UPLINKS_MAX);
	__type(key, struct carrier_key);
	__type(value, __u32);
} uplinks SEC(".maps");

/* Their numbers; the loader rounds it up to a page. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} reports SEC(".maps");

static __always_inline int report(const struct net_device *dev)
{
	struct carrier_key key = key_of_device(dev);

	if (bpf_map_lookup_elem(&uplinks, &key))
		(void)bpf_ringbuf_output(&reports, &key.ifindex, sizeof(key.ifindex), 0);
	return 0;
}

SEC("fexit/netif_carrier_off")
int BPF_PROG(uplink_off, struct net_device *dev)
{
	return report(dev);
}

SEC("fexit/netif_carrier_on")
int BPF_PROG(uplink_on, struct net_device *dev)
{
	return report(dev);
}
