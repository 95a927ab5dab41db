// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libmnl makes the sockets and walks the messages; receiving is done here, since
 * mnl_socket_recvfrom() does not say who sent a datagram.
 */
#include "kernel/netlink.h"

#include "base/cleanup.h"
#include "kernel/attribute.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/*
 * The kernel grows the datagrams of a dump up to 32 KiB where the reader has the room; only one
 * device with very many attributes takes more: the list of a NIC's VFs alone may have 64 KiB.
 */
#define NETLINK_BUFFER_SIZE (96 << 10)

/* Bursts of events: a few thousand devices that appear at once fit. */
#define NETLINK_EVENTS_BUFFER_SIZE (8 << 20)

#define ERRNO_MAX 4095 /* MAX_ERRNO of the kernel */
#define NETLINK_DUMP_ATTEMPTS 5
#define NETLINK_READ_MAX 256 /* datagrams for one netlink_read() */

struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence; /* of the last request */
	bool unfinished;   /* its answer was given up, and may still come */
	_Alignas(struct nlmsghdr) uint8_t buffer[NETLINK_BUFFER_SIZE];
};

/* One request under way. */
struct exchange {
	netlink_handler handler; /* NULL: none but the acknowledgement is expected */
	void *data;
	struct problem *problem;
	int handler_error; /* the first */
	bool interrupted;  /* NLM_F_DUMP_INTR was seen */
	bool done;
	int result; /* the kernel's, once done */
};

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->socket)
		(void)mnl_socket_close(netlink->socket);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink)
{
	return mnl_socket_get_fd(netlink->socket);
}

static int option_set(const struct netlink *netlink, int option, int value)
{
	return mnl_socket_setsockopt(netlink->socket, option, &value, sizeof(value)) < 0 ? -errno
											 : 0;
}

/* NULL with errno. */
static struct netlink *socket_open(void)
{
	_cleanup_(netlink_closep) struct netlink *netlink = calloc(1, sizeof(*netlink));

	if (!netlink)
		return NULL;
	netlink->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!netlink->socket || mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return NULL;
	return steal_ptr(netlink);
}

int netlink_open(struct netlink **ret_netlink)
{
	static const int options[] = {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK};
	_cleanup_(netlink_closep) struct netlink *netlink = socket_open();
	int err = 0;

	if (!netlink)
		return -errno;
	for (size_t i = 0; !err && i < sizeof(options) / sizeof(options[0]); i++)
		err = option_set(netlink, options[i], 1);
	if (err)
		return err;
	*ret_netlink = steal_ptr(netlink);
	return 0;
}

/* A smaller buffer loses events earlier, which netlink_read() tells: no error. */
static void buffer_enlarge(const struct netlink *netlink)
{
	int size = NETLINK_EVENTS_BUFFER_SIZE;
	int fd = netlink_fd(netlink);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

int netlink_open_events(struct netlink **ret_netlink, const unsigned *groups, size_t count)
{
	_cleanup_(netlink_closep) struct netlink *netlink = socket_open();
	int err;

	if (!netlink)
		return -errno;
	buffer_enlarge(netlink);
	for (size_t i = 0; i < count; i++) {
		err = option_set(netlink, NETLINK_ADD_MEMBERSHIP, (int)groups[i]);
		if (err)
			return err;
	}
	*ret_netlink = steal_ptr(netlink);
	return 0;
}

/* A datagram of the kernel: its length, 0 for somebody else's, -EAGAIN if there is none. */
static ssize_t datagram_receive(struct netlink *netlink)
{
	struct sockaddr_nl sender = {};
	struct iovec part = {.iov_base = netlink->buffer, .iov_len = sizeof(netlink->buffer)};
	struct msghdr message = {
		.msg_name = &sender,
		.msg_namelen = sizeof(sender),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t length = recvmsg(netlink_fd(netlink), &message, 0);

	if (length < 0)
		return -errno;
	if (message.msg_namelen != sizeof(sender) || sender.nl_pid != 0)
		return 0;
	return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : length;
}

static int64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* As datagram_receive(), but waits for one until @deadline. */
static ssize_t datagram_await(struct netlink *netlink, int64_t deadline)
{
	struct pollfd wait = {.fd = netlink_fd(netlink), .events = POLLIN};

	for (;;) {
		ssize_t length = datagram_receive(netlink);
		int64_t left;

		if (length != -EAGAIN && length != -EINTR)
			return length;
		left = deadline - clock_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}

/* The kernel's sentence among the attributes from @offset of a message on, or NULL. */
static const char *extack_text(const struct nlmsghdr *message, size_t offset)
{
	const struct nlattr *attributes[NLMSGERR_ATTR_MSG + 1];
	const struct nlattr *text;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS) || offset > message->nlmsg_len)
		return NULL;
	if (attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			    attributes, NLMSGERR_ATTR_MSG + 1) < 0)
		return NULL;
	text = attributes[NLMSGERR_ATTR_MSG];
	if (!text || !memchr(mnl_attr_get_payload(text), '\0', mnl_attr_get_payload_len(text)))
		return NULL;
	return mnl_attr_get_payload(text);
}

/* Some of the kernel's sentences end in a full stop or a new line, ours do not. */
static size_t sentence_length(const char *text)
{
	size_t length = strlen(text);

	while (length > 0 && strchr(". \n", text[length - 1]))
		length--;
	return length;
}

static void exchange_fail(const struct exchange *exchange, int error, const char *text)
{
	size_t length = text ? sentence_length(text) : 0;

	if (!length) {
		text = strerror(-error);
		length = strlen(text);
	}
	(void)problem_set(exchange->problem, error, "%.*s", (int)length, text);
}

static void exchange_end(struct exchange *exchange, int error, const char *text)
{
	/* The kernel's own errors only: others are nothing that it sends. */
	exchange->result = error > 0 || error < -ERRNO_MAX ? -EBADMSG : error;
	exchange->done = true;
	if (exchange->result < 0)
		exchange_fail(exchange, exchange->result, text);
}

/* NLMSG_ERROR: an acknowledgement if the error is 0. */
static int take_error(struct exchange *exchange, const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	size_t offset = MNL_NLMSG_HDRLEN + sizeof(*error);

	if (message->nlmsg_len < offset)
		return -EBADMSG;
	/* The request comes back behind its header unless it is capped. */
	if (!(message->nlmsg_flags & NLM_F_CAPPED) && error->msg.nlmsg_len > sizeof(error->msg))
		offset += MNL_ALIGN(error->msg.nlmsg_len - sizeof(error->msg));
	exchange_end(exchange, error->error, extack_text(message, offset));
	return 0;
}

/* NLMSG_DONE: the end of a dump, with its error. */
static int take_done(struct exchange *exchange, const struct nlmsghdr *message)
{
	int error;

	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(error))
		return -EBADMSG;
	memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	exchange_end(exchange, error, extack_text(message, MNL_NLMSG_HDRLEN + sizeof(error)));
	return 0;
}

static int take_message(struct exchange *exchange, const struct nlmsghdr *message)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	if (message->nlmsg_type == NLMSG_ERROR)
		return take_error(exchange, message);
	if (message->nlmsg_type == NLMSG_DONE)
		return take_done(exchange, message);
	if (message->nlmsg_type >= NLMSG_MIN_TYPE && exchange->handler && !exchange->handler_error)
		exchange->handler_error = exchange->handler(message, exchange->data);
	return 0;
}

/* libmnl takes a length as signed, and so one of more than 2 GiB for less than nothing. */
static bool message_is_whole(const struct nlmsghdr *message, int length)
{
	return mnl_nlmsg_ok(message, length) && message->nlmsg_len <= INT_MAX;
}

static int take_datagram(struct netlink *netlink, struct exchange *exchange, int length)
{
	const struct nlmsghdr *message = (const void *)netlink->buffer;
	unsigned port = mnl_socket_get_portid(netlink->socket);
	int err;

	for (; !exchange->done && message_is_whole(message, length);
	     message = mnl_nlmsg_next(message, &length)) {
		/* Of an exchange that was given up. */
		if (message->nlmsg_seq != netlink->sequence || message->nlmsg_pid != port)
			continue;
		err = take_message(exchange, message);
		if (err)
			return err;
	}
	return 0;
}

static int exchange_finish(struct netlink *netlink, struct exchange *exchange)
{
	while (!exchange->done) {
		ssize_t length = datagram_await(netlink, clock_ms() + NETLINK_TIMEOUT_MS);
		int err = length < 0 ? (int)length : 0;

		if (!err)
			err = take_datagram(netlink, exchange, (int)length);
		if (err) {
			netlink->unfinished = true;
			exchange_fail(exchange, err, NULL);
			return err;
		}
	}
	return exchange->result ? exchange->result : exchange->handler_error;
}

/*
 * What is left of an answer that was given up. The kernel goes on with a dump only as far as it is
 * read, and begins no other one before (-EBUSY).
 */
static void answer_drain(struct netlink *netlink)
{
	ssize_t length;

	do
		length = datagram_receive(netlink);
	while (length >= 0 || length == -EMSGSIZE || length == -ENOBUFS);
	netlink->unfinished = length != -EAGAIN;
}

static int exchange_run(struct netlink *netlink, struct nlmsghdr *request,
			struct exchange *exchange)
{
	if (netlink->unfinished)
		answer_drain(netlink);
	request->nlmsg_seq = ++netlink->sequence;
	if (mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0) {
		int err = -errno;

		exchange_fail(exchange, err, NULL);
		return err;
	}
	return exchange_finish(netlink, exchange);
}

int netlink_request(struct netlink *netlink, struct nlmsghdr *request, struct problem *problem)
{
	struct exchange exchange = {.problem = problem};

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	return exchange_run(netlink, request, &exchange);
}

int netlink_query(struct netlink *netlink, struct nlmsghdr *request, netlink_handler handler,
		  void *data)
{
	struct exchange exchange = {.handler = handler, .data = data};

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	return exchange_run(netlink, request, &exchange);
}

int netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_handler handler,
		 void *data)
{
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	for (int attempt = 0; attempt < NETLINK_DUMP_ATTEMPTS; attempt++) {
		struct exchange exchange = {.handler = handler, .data = data};
		int err;

		err = handler(NULL, data);
		if (!err)
			err = exchange_run(netlink, request, &exchange);
		if (err || !exchange.interrupted)
			return err;
	}
	return -EAGAIN;
}

static int events_hand_over(struct netlink *netlink, int length, netlink_handler handler,
			    void *data)
{
	const struct nlmsghdr *message = (const void *)netlink->buffer;
	int first = 0;

	for (; message_is_whole(message, length); message = mnl_nlmsg_next(message, &length)) {
		int err = 0;

		if (message->nlmsg_type >= NLMSG_MIN_TYPE)
			err = handler(message, data);
		if (!first)
			first = err;
	}
	return first;
}

int netlink_read(struct netlink *netlink, netlink_handler handler, void *data)
{
	bool lost = false;
	int first = 0;

	/*
	 * After a loss to the end: the kernel drops every event, and tells nobody again, until the
	 * queue has been emptied once. And what waits there is older than what is observed anew.
	 */
	for (int i = 0; lost || i < NETLINK_READ_MAX; i++) {
		ssize_t length = datagram_receive(netlink);
		int err = 0;

		if (length == -EAGAIN)
			break;
		if (length == -ENOBUFS || length == -EMSGSIZE)
			lost = true;
		else if (length < 0 && length != -EINTR)
			return (int)length;
		else if (length > 0 && !lost)
			err = events_hand_over(netlink, (int)length, handler, data);
		if (!first)
			first = err;
	}
	return lost ? -ENOBUFS : first;
}
