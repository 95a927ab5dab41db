// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * At the port of a guest: whose frames may enter the host (H5, H6).
 *
 * A frame passes if its source is one that the adapter may send from. A group or zero is nobody's
 * source, whatever is allowed.
 *
 * And a guest speaks with no switch: frames to the groups that end at the next switch are dropped.
 * A Linux bridge without STP would forward a guest's BPDU, and a physical switch that guards its
 * ports shuts the uplink of all guests for it. With STP the guest could become the root.
 *
 * What cannot be read is refused.
 */
#include "datapath/ethernet.h"

#include "model/guard.h"

char licence[] SEC("license") = "Dual BSD/GPL";

const volatile struct guard_rules rules;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guard_counts);
} counts SEC(".maps");

struct guard_note note SEC(".data.note");

/* Still volatile: the compiler would take the zeros of the object file for the rules. */
static __always_inline bool rules_have(__u32 place, const __u16 *mac)
{
	const volatile __u16 *known = (const volatile __u16 *)rules.macs[place];

	return place < rules.count &&
	       !((known[0] ^ mac[0]) | (known[1] ^ mac[1]) | (known[2] ^ mac[2]));
}

/* The place of @mac in the rules, GUARD_MACS if it has none. */
static __always_inline __u32 rules_find(const __u8 *mac)
{
	for (__u32 place = 0; place < GUARD_MACS; place++)
		if (rules_have(place, (const __u16 *)mac))
			return place;
	return GUARD_MACS;
}

static __always_inline bool is_unicast(const __u8 *mac)
{
	const __u16 *words = (const __u16 *)mac;

	return !(mac[0] & 1) && (words[0] | words[1] | words[2]);
}

/* Beside the link-local ones: GVRP, MVRP and MMRP (…:2x); CDP, VTP, DTP, UDLD, PVST+ of Cisco. */
static __always_inline bool ends_at_switch(const __u8 *mac)
{
	const __u16 *words = (const __u16 *)mac;

	if (!(mac[0] & 1))
		return false;
	if (words[0] == bpf_htons(0x0180))
		return is_link_local(mac) || (words[1] == bpf_htons(0xc200) &&
					      (words[2] & bpf_htons(0xfff0)) == bpf_htons(0x0020));
	return words[0] == bpf_htons(0x0100) && words[1] == bpf_htons(0x0ccc) &&
	       (words[2] == bpf_htons(0xcccc) || words[2] == bpf_htons(0xcccd));
}

SEC("tc")
int guard_ingress(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;
	__u32 only = 0, place = GUARD_MACS;
	struct guard_counts *count = bpf_map_lookup_elem(&counts, &only);

	if (!count)
		return VERDICT_DROP;
	if ((void *)(eth + 1) <= (void *)(long)skb->data_end && is_unicast(eth->h_source)) {
		place = rules_find(eth->h_source);
		if (place < GUARD_MACS || rules.any) {
			if (ends_at_switch(eth->h_dest)) {
				count->refused_group++;
				return VERDICT_DROP;
			}
			count->passed++;
			count->passed_mate += place > 0 && place < GUARD_MACS;
			return VERDICT_NEXT;
		}
	}
	count->refused++;
	return VERDICT_DROP;
}
