// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Sees frames as they leave a program under test: attached behind it, on the same device. The
 * queue is in no test run's context. marker, attached before it, stands for the NIC that has
 * received a forwarded frame and recorded its queue.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "observer.h"

#define VERDICT_NEXT (-1)

char licence[] SEC("license") = "Dual BSD/GPL";

struct observed observed SEC(".data.observed");

SEC("tc")
int observer(struct __sk_buff *skb)
{
	observed.queue_mapping = skb->queue_mapping;
	observed.length = skb->len;
	(void)bpf_skb_load_bytes(skb, 0, observed.header, sizeof(observed.header));
	__sync_fetch_and_add(&observed.frames, 1);
	return VERDICT_NEXT;
}

SEC("tc")
int marker(struct __sk_buff *skb)
{
	skb->queue_mapping = OBSERVER_MARK;
	return VERDICT_NEXT;
}
