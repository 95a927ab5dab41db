// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the datagrams that the kernel answers with: acknowledgements and their sentences,
 * dumps with their ends, events. After each exchange another one, which must find its own answer
 * in what the first has left.
 *
 * An input is a byte for what is asked, and datagrams: a byte of flags, two of length, the bytes.
 */
#include "base/cleanup.h"
#include "kernel/message.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD 3
#define ADDRESSED 1 /* its messages are for us, and answer the request under way */
#define FOREIGN 2   /* not from the kernel */
#define CUT 4	    /* the buffer was too small */
#define LOST 8	    /* an error instead: events were lost */
#define LATER 16    /* nothing is there yet; time passes */

static struct {
	const uint8_t *data;
	size_t size;
	uint32_t sequence;
	unsigned port;
	int64_t now_ms;
} script;

ssize_t recvmsg(int fd, struct msghdr *message, int flags);
int poll(struct pollfd *fds, nfds_t count, int timeout);
int clock_gettime(clockid_t clock, struct timespec *now);
ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t length);

static void address(uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (size - at >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr *message = (void *)(bytes + at);
		size_t step = MNL_ALIGN((size_t)message->nlmsg_len);

		message->nlmsg_seq = script.sequence;
		message->nlmsg_pid = script.port;
		if (step < sizeof(*message) || step > size - at)
			break;
		at += step;
	}
}

static ssize_t fail(int error)
{
	errno = error;
	return -1;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	uint8_t *to = message->msg_iov[0].iov_base, how;
	size_t size;

	if (script.size < HEAD)
		return fail(ECONNRESET);
	how = script.data[0];
	size = (size_t)(script.data[1] | script.data[2] << 8);
	if (size > script.size - HEAD)
		size = script.size - HEAD;
	memcpy(to, script.data + HEAD, size);
	script.data += HEAD + size;
	script.size -= HEAD + size;
	if (how & (LOST | LATER))
		return fail(how & LOST ? ENOBUFS : EAGAIN);
	if (how & ADDRESSED)
		address(to, size);
	((struct sockaddr_nl *)message->msg_name)->nl_pid = how & FOREIGN ? 1 : 0;
	message->msg_flags = how & CUT ? MSG_TRUNC : 0;
	return (ssize_t)size;
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	script.now_ms += timeout;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	*now = (struct timespec){.tv_sec = script.now_ms / 1000,
				 .tv_nsec = script.now_ms % 1000 * 1000000};
	return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t length)
{
	script.sequence = ((const struct nlmsghdr *)data)->nlmsg_seq;
	return (ssize_t)length;
}

static void insist(bool truth)
{
	if (!truth)
		abort();
}

static void ask_request(struct netlink *netlink)
{
	struct problem problem = {};
	struct message message;
	int err;

	(void)message_start(&message, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	err = netlink_request(netlink, &message.header, &problem);
	insist(err <= 0 && problem.error == err && !*problem.text == !err);
}

static void ask_link(struct netlink *netlink)
{
	struct link link;

	insist(rtnl_link_get(netlink, 7, &link) < 0 || link.ifindex == 7);
}

static void ask_links(struct netlink *netlink)
{
	_cleanup_(link_table_done) struct link_table table = {};

	insist(rtnl_link_dump(netlink, &table) == 0 || table.count == 0);
	for (size_t i = 1; i < table.count; i++)
		insist(table.links[i - 1].ifindex < table.links[i].ifindex);
}

static void ask_addresses(struct netlink *netlink)
{
	_cleanup_free_ struct link_address *addresses = NULL;
	size_t count = 0;

	insist(rtnl_address_dump(netlink, &addresses, &count) == 0 || !addresses);
	for (size_t i = 0; i < count; i++)
		insist(addresses[i].ifindex > 0 && addresses[i].prefix <= 128);
}

static void ask_neighbours(struct netlink *netlink)
{
	_cleanup_free_ struct link_neighbour *neighbours = NULL;
	size_t count = 0;

	insist(rtnl_neighbour_dump(netlink, &neighbours, &count) == 0 || !neighbours);
	for (size_t i = 0; i < count; i++)
		insist(neighbours[i].ifindex > 0);
}

static int take_event(const struct nlmsghdr *message, void *data)
{
	struct link link;

	return rtnl_link_decode(message, &link);
}

static void ask_events(struct netlink *netlink)
{
	insist(netlink_read(netlink, take_event, NULL) <= 0);
}

static void (*const asks[])(struct netlink *netlink) = {
	ask_request, ask_link, ask_links, ask_addresses, ask_neighbours, ask_events,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct netlink *netlink;
	struct sockaddr_nl own = {};
	socklen_t own_size = sizeof(own);

	if (!netlink) {
		insist(netlink_open(&netlink) == 0);
		insist(!getsockname(netlink_fd(netlink), (struct sockaddr *)&own, &own_size));
		script.port = own.nl_pid;
	}
	if (size < 1)
		return 0;
	script.data = data + 1;
	script.size = size - 1;
	script.now_ms = 0;
	asks[data[0] % 6](netlink);
	asks[data[0] / 6 % 6](netlink);
	return 0;
}
