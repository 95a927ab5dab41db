// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The carrier program (T17): a member is out in the kernel as its driver reports the lost carrier.
 *
 * Every driver reports by two functions of the kernel, netif_carrier_off() and netif_carrier_on();
 * both are in its BTF, so a program may run as they begin. It finds the team by the device's
 * namespace and number and keeps one bit of one word, state.lost, in step with the carrier. Nothing
 * is woken, and no frame waits: the next one that the sending program sees goes elsewhere.
 *
 * The word is this program's alone. Both operations are atomic, since drivers report on any
 * processor, and either may come twice: netif_carrier_off() of a carrier that is off is common.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "datapath/net_device.h"
#include "model/steering.h"

char licence[] SEC("license") = "Dual BSD/GPL";

/* A member's team, as the map of its state. The loader says what such a map is like. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, CARRIER_MEMBERS_MAX);
	__type(key, struct carrier_key);
	__uint(value_size, sizeof(__u32));
} states SEC(".maps");

/* … and its slot there. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CARRIER_MEMBERS_MAX);
	__type(key, struct carrier_key);
	__type(value, __u32);
} slots SEC(".maps");

/*
 * A return as the daemon would have it (T5): flows go home when they pause, at the latest after the
 * bound. What stands in return_by is of an earlier return.
 */
static __always_inline void take_back(struct pick_state *state, __u32 slot)
{
	__u64 bound = (__u64)state->return_ms * 1000000;

	if (!(state->lost >> slot & 1))
		return;
	*(volatile __u64 *)&state->return_by[slot] = bound ? bpf_ktime_get_ns() + bound : 0;
	__sync_fetch_and_and(&state->lost, ~(1U << slot));
}

static __always_inline int report(const struct net_device *dev, bool is_lost)
{
	struct carrier_key key = key_of_device(dev);
	void *team = bpf_map_lookup_elem(&states, &key);
	const __u32 *slot = bpf_map_lookup_elem(&slots, &key);
	struct pick_state *state;
	__u32 only = 0, place;

	if (!team || !slot)
		return 0; /* nobody's member */
	state = bpf_map_lookup_elem(team, &only);
	if (!state)
		return 0;
	place = *slot & (PICK_SLOTS - 1);
	if (is_lost)
		__sync_fetch_and_or(&state->lost, 1U << place);
	else
		take_back(state, place);
	return 0;
}

SEC("fentry/netif_carrier_off")
int BPF_PROG(carrier_off, struct net_device *dev)
{
	return report(dev, true);
}

SEC("fentry/netif_carrier_on")
int BPF_PROG(carrier_on, struct net_device *dev)
{
	return report(dev, false);
}
