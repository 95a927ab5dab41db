// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The flow hash of this host's own connected sockets. The kernel draws it at random for each
 * (and anew after a time-out), so that it cannot be computed from addresses and ports; only the
 * socket knows. Read by iterators over TCP and UDP sockets of the reader's network namespace.
 */
#include "datapath/socket.h"

#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Of the kernel's own structures no more than is read; libbpf finds the places at load time. */
#define KERNEL_TYPE __attribute__((preserve_access_index))

struct in6 {
	__u8 bytes[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct in6 skc_v6_daddr;
	struct in6 skc_v6_rcv_saddr;
} KERNEL_TYPE;

struct sock {
	struct sock_common __sk_common;
	__u32 sk_txhash;
} KERNEL_TYPE;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL_TYPE;

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
} KERNEL_TYPE;

struct udp_sock;

struct bpf_iter__udp {
	struct bpf_iter_meta *meta;
	struct udp_sock *udp_sk;
} KERNEL_TYPE;

#define TCP_TIME_WAIT 6	    /* not a whole socket any more … */
#define TCP_NEW_SYN_RECV 12 /* … and not one yet */

char licence[] SEC("license") = "Dual BSD/GPL";

static __always_inline void report(struct seq_file *seq, const struct sock *sk, __u16 protocol)
{
	struct socket_entry entry = {
		.protocol = protocol,
		.hash = BPF_CORE_READ(sk, sk_txhash),
	};

	if (!entry.hash)
		return;
	entry.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	entry.source_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	entry.destination_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	entry.source4 = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	entry.destination4 = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	(void)BPF_CORE_READ_INTO(&entry.source6, sk, __sk_common.skc_v6_rcv_saddr);
	(void)BPF_CORE_READ_INTO(&entry.destination6, sk, __sk_common.skc_v6_daddr);
	(void)bpf_seq_write(seq, &entry, sizeof(entry));
}

SEC("iter/tcp")
int tcp_sockets(struct bpf_iter__tcp *context)
{
	struct sock_common *common = context->sk_common;
	unsigned char state;

	if (!common)
		return 0;
	state = BPF_CORE_READ(common, skc_state);
	if (state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV)
		report(context->meta->seq, (const struct sock *)common, IPPROTO_TCP);
	return 0;
}

SEC("iter/udp")
int udp_sockets(struct bpf_iter__udp *context)
{
	struct udp_sock *sk = context->udp_sk;

	if (sk)
		report(context->meta->seq, (const struct sock *)sk, IPPROTO_UDP);
	return 0;
}
