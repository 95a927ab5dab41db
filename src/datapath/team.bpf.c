// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Sending (T3, T4, T5, T7): at the egress of the team's interface, choose the member.
 *
 * The interface is a bond in active-backup mode. Bonding sends a frame on the slave whose
 * queue_id equals the frame's transmit queue, and on its active slave, our primary, when there
 * is no such queue or that slave is down. Slot s has queue_id s + 1; bonding turns
 * queue_mapping into a queue by subtracting one (skb_get_rx_queue), so slot s is
 * queue_mapping s + 2. Queue_mapping 0 leaves the choice to bonding, and clears what a forwarded
 * frame has brought from the NIC that received it.
 *
 * The frame gets the chosen member's MAC as its source here. Where the choice is bonding's, the
 * source is the MAC of the team's interface, which is that of bonding's active slave.
 *
 * Learning. When the daemon is dead bonding fails over alone and gives the interface another
 * member's MAC. The first frame that the kernel sends with it, its own announcement at the
 * latest, tells this program who the primary is now. Packet sockets do not count: their owners
 * may write what they like. A team that keeps its one MAC learns where frames leave (member.bpf.c).
 *
 * A question: a run of this program on a frame that does not leave through the team's interface
 * (BPF_PROG_TEST_RUN) changes nothing, counts nothing, and gets its verdict in cb[0]. The
 * asker may give a hash in cb[1].
 */
#include "datapath/flow_hash.h"
#include "model/note.h"

#include <linux/in.h>
#include <linux/ipv6.h>

#define AF_PACKET 17
#define DISCOVERY_FIRST 133 /* router solicitation, RFC 4861 */
#define DISCOVERY_LAST 137  /* redirect */

char licence[] SEC("license") = "Dual BSD/GPL";

struct pick_deal deal[PICK_BUCKETS] SEC(".data.deal");
struct pick_hold hold[PICK_BUCKETS] SEC(".data.hold");
struct note_team notes SEC(".data.notes"); /* the daemon's memory; no program reads it */

/* The kernel sends with another member's MAC than the one we know: it has failed over. */
static __noinline bool learn(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;
	struct bpf_sock *sk = skb->sk;
	__u32 slot;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end)
		return false;
	slot = slot_of_mac(eth->h_source);
	if (slot == PICK_NOBODY)
		return false;
	if (state.one_mac) /* the team's MAC is nobody's own: member.bpf.c learns who has it */
		return true;
	if ((sk && sk->family == AF_PACKET) || skb->ifindex != state.ifindex)
		return true;
	/* A frame that was built before the MAC changed, of a member that is lost: no news. */
	if (pick_mask(&state) && !pick_usable(&state, (__u8)slot))
		return true;
	__builtin_memcpy(state.team_mac, state.member_macs[slot & (PICK_SLOTS - 1)], ETH_ALEN);
	state.primary = slot;
	return true;
}

/* Is this ICMPv6 message one of discovery? Hosts put no extension header before it. */
static __noinline bool is_discovery(struct __sk_buff *skb, __u32 network)
{
	__u8 next = 0, type = 0;

	if (bpf_skb_load_bytes(skb, network + __builtin_offsetof(struct ipv6hdr, nexthdr), &next,
			       1) ||
	    next != IPPROTO_ICMPV6)
		return false;
	if (bpf_skb_load_bytes(skb, network + sizeof(struct ipv6hdr), &type, 1))
		return false;
	return type >= DISCOVERY_FIRST && type <= DISCOVERY_LAST;
}

/* Most IPv6 is something else, which is seen where it lies. */
static __always_inline bool may_be_discovery(const struct __sk_buff *skb, struct payload payload)
{
	const struct ipv6hdr *untagged = (void *)(long)skb->data + ETH_HLEN;

	if (payload.protocol != bpf_htons(ETH_P_IPV6))
		return false;
	return payload.network != ETH_HLEN ||
	       (void *)(untagged + 1) > (void *)(long)skb->data_end ||
	       untagged->nexthdr == IPPROTO_ICMPV6;
}

/* T7: which frames are the primary's whatever their hash. PICK_HOME: none of them, deal it. */
static __always_inline __u32 classify(struct __sk_buff *skb, const struct ethhdr *eth,
				      struct payload payload)
{
	if (!is_source(eth, state.team_mac) && !learn(skb))
		return PICK_FOREIGN;
	if (payload.protocol == bpf_htons(ETH_P_ARP))
		return PICK_ARP;
	if (may_be_discovery(skb, payload) && is_discovery(skb, payload.network))
		return PICK_DISCOVERY;
	return eth->h_dest[0] & 1 ? PICK_MULTICAST : PICK_HOME;
}

/*
 * The slot for a frame that is not dealt. ARP and discovery carry the interface's MAC inside, so
 * they leave on bonding's active slave, whose MAC that is: when the primary is lost bonding may
 * take a second to change over (it waits for the dead NIC), and neighbours must not be told the
 * dead MAC meanwhile. The rest follows the primary at once.
 */
static __noinline __u32 primary_slot(__u32 why)
{
	__u8 primary = (__u8)pick_primary(&state);

	if (why == PICK_ARP || why == PICK_DISCOVERY || !pick_usable(&state, primary))
		return PICK_NOBODY;
	return primary;
}

/* Answer a question from a copy of what the program remembers, so that asking moves nothing. */
static __noinline int answer(struct __sk_buff *skb, __u32 why)
{
	struct payload payload = payload_of(skb);
	__u32 hash = skb->cb[1], slot = PICK_NOBODY;
	struct pick_hold copy;

	if (why == PICK_HOME) {
		if (!hash)
			hash = flow_hash(skb, payload);
		copy = hold[pick_bucket(hash)];
		slot = pick_slot(&state, &deal[pick_bucket(hash)], &copy, &why);
	} else {
		slot = primary_slot(why);
	}
	skb->cb[0] = PICK_VERDICT(why, slot);
	skb->cb[1] = hash;
	return VERDICT_NEXT;
}

/*
 * T9, T10: a NIC or a switch may send a broadcast back, which the receiving program must know
 * again; and at a failover switches are told where the station is now.
 */
static __always_inline void remember_station(struct __sk_buff *skb)
{
	const struct ethhdr *eth = (void *)(long)skb->data;
	struct station fresh = {}, *known;
	struct station_key key;
	bool flooded;

	if ((void *)(eth + 1) > (void *)(long)skb->data_end || (eth->h_source[0] & 1))
		return;
	station_of(skb, eth, &key);
	flooded = eth->h_dest[0] & 1;
	fresh.seen_ns = bpf_ktime_get_ns();
	known = bpf_map_lookup_elem(&stations, &key);
	if (known) {
		if (flooded && (__s64)(fresh.seen_ns - known->flooded_ns) > 0)
			known->flooded_ns = fresh.seen_ns;
		if (fresh.seen_ns - known->seen_ns > STATION_SEEN_NS)
			known->seen_ns = fresh.seen_ns;
		return;
	}
	if (flooded)
		fresh.flooded_ns = fresh.seen_ns;
	(void)bpf_map_update_elem(&stations, &key, &fresh, BPF_ANY);
}

/*
 * T7: no switch sees one MAC on two ports, and no spoof check has a reason. Bonding's active slave
 * has the MAC of the team's interface, unless the team has one MAC for all (member.bpf.c).
 */
static __always_inline void set_source(struct ethhdr *eth, __u32 slot)
{
	if (slot == PICK_NOBODY) {
		write_source(eth, state.team_mac);
		return;
	}
	barrier_var(slot); /* else the compiler knows it small, and the verifier does not */
	write_source(eth, state.member_macs[slot & (PICK_SLOTS - 1)]);
}

static __always_inline int choose(struct __sk_buff *skb, __u32 slot)
{
	skb->queue_mapping = slot == PICK_NOBODY ? 0 : slot + 2;
	return VERDICT_NEXT;
}

static __noinline int send_foreign(struct __sk_buff *skb)
{
	remember_station(skb);
	return choose(skb, primary_slot(PICK_FOREIGN));
}

SEC("tc")
int team_egress(struct __sk_buff *skb)
{
	struct payload payload = payload_of(skb);
	struct ethhdr *eth = (void *)(long)skb->data;
	__u32 why = PICK_FOREIGN, slot, bucket;

	if ((void *)(eth + 1) <= (void *)(long)skb->data_end)
		why = classify(skb, eth, payload);
	if (skb->ifindex != state.ifindex)
		return answer(skb, why);
	if (why == PICK_FOREIGN)
		return send_foreign(skb);
	if (why == PICK_HOME) {
		bucket = pick_bucket(flow_hash(skb, payload));
		slot = pick_slot(&state, &deal[bucket], &hold[bucket], &why);
	} else {
		slot = primary_slot(why);
	}
	set_source(eth, slot);
	return choose(skb, slot);
}
