// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether a device has a clsact qdisc, and whether anybody still uses it: what libbpf cannot say. */
#include "datapath/attach.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>

struct search {
	int ifindex;
	const char *kind; /* NULL: any */
	unsigned found;
};

static int search_tc(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct search *search = data;
	const struct nlattr *attribute;

	if (tc->tcm_ifindex != search->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message,
			  sizeof(*tc)) if (mnl_attr_get_type(attribute) == TCA_KIND &&
					   (!search->kind ||
					    strcmp(mnl_attr_get_str(attribute), search->kind) == 0))
		search->found++;
	return MNL_CB_OK;
}

static void close_mnl(struct mnl_socket **socket)
{
	if (*socket)
		(void)mnl_socket_close(*socket);
}

/* Dump qdiscs (RTM_GETQDISC) or the classifiers below @parent (RTM_GETTFILTER). */
static int dump_tc(uint16_t type, uint32_t parent, struct search *search)
{
	_cleanup_(close_mnl) struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	char buffer[16384];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	ssize_t length;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID))
		return -errno;
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	tc->tcm_ifindex = search->ifindex;
	tc->tcm_parent = parent;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0)
			return -errno;
		length = mnl_cb_run(buffer, (size_t)length, 0, 0, search_tc, search);
	} while (length > MNL_CB_STOP);
	return length < 0 ? -errno : 0;
}

bool attach_has_clsact(int ifindex)
{
	struct search search = {.ifindex = ifindex, .kind = "clsact"};

	return !dump_tc(RTM_GETQDISC, 0, &search) && search.found;
}

void attach_drop_clsact(int ifindex)
{
	static const uint32_t parents[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
					   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)};
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct search search = {.ifindex = ifindex};

	if (!attach_has_clsact(ifindex))
		return;
	for (size_t i = 0; i < 2; i++)
		if (dump_tc(RTM_GETTFILTER, parents[i], &search))
			return;
	if (!search.found)
		(void)bpf_tc_hook_destroy(&hook);
}
