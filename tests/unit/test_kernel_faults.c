// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The transport when the kernel's answers are not as they should be: cut off, too large, out of
 * order, of somebody else, or missing. The test stands in the socket's place: datagrams are a
 * script, and time passes in poll() only.
 */
#include "base/cleanup.h"
#include "kernel/message.h"
#include "kernel/netlink.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

#define DATAGRAMS 512
#define SEQUENCE 0xfffffff0U /* "of the request under way" */
#define OLD 7U

/* One reading of the socket. */
struct datagram {
	int error;	 /* instead of bytes */
	int flags;	 /* of recvmsg(): MSG_TRUNC */
	unsigned sender; /* port; 0 = the kernel */
	unsigned after;	 /* so many requests it comes */
	size_t length;
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
};

static struct {
	struct datagram datagrams[DATAGRAMS];
	size_t count, next;
	uint32_t sequence; /* of the last request */
	unsigned requests, waits;
	size_t next_at_request; /* what had been read when the last request went out */
	int64_t now_ms;
} script;

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t length);

static void sequence_fill(struct datagram *datagram)
{
	struct nlmsghdr *message = (void *)datagram->bytes;
	int length = (int)datagram->length;

	for (; mnl_nlmsg_ok(message, length) && message->nlmsg_len <= INT32_MAX;
	     message = mnl_nlmsg_next(message, &length))
		if (message->nlmsg_seq == SEQUENCE)
			message->nlmsg_seq = script.sequence;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct datagram *datagram = &script.datagrams[script.next];

	if (script.next == script.count || datagram->after > script.requests) {
		errno = EAGAIN;
		return -1;
	}
	script.next++;
	if (datagram->error) {
		errno = datagram->error;
		return -1;
	}
	sequence_fill(datagram);
	assert_true(datagram->length <= message->msg_iov[0].iov_len);
	memcpy(message->msg_iov[0].iov_base, datagram->bytes, datagram->length);
	((struct sockaddr_nl *)message->msg_name)->nl_pid = datagram->sender;
	message->msg_flags = datagram->flags;
	return (ssize_t)datagram->length;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	assert_true(timeout > 0);
	script.waits++;
	script.now_ms += timeout < 1000 ? timeout : 1000; /* a signal ends it early */
	errno = EINTR;
	return -1;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	*now = (struct timespec){.tv_sec = script.now_ms / 1000,
				 .tv_nsec = script.now_ms % 1000 * 1000000};
	return 0;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *data, size_t length)
{
	const struct nlmsghdr *request = data;

	script.sequence = request->nlmsg_seq;
	script.next_at_request = script.next;
	script.requests++;
	return (ssize_t)length;
}

/* --- writing the script --- */

static struct netlink *netlink;
static unsigned port; /* ours */

static int begin(void **state)
{
	struct sockaddr_nl address = {};
	socklen_t size = sizeof(address);

	memset(&script, 0, sizeof(script));
	if (netlink_open(&netlink))
		return -1;
	if (getsockname(netlink_fd(netlink), (struct sockaddr *)&address, &size))
		return -1;
	port = address.nl_pid;
	return 0;
}

static int end(void **state)
{
	netlink_close(netlink);
	return 0;
}

/* That is there, whatever is asked. */
static struct datagram *add_event(void)
{
	assert_true(script.count < DATAGRAMS);
	return &script.datagrams[script.count++];
}

/* In answer to the next request. */
static struct datagram *add_datagram(void)
{
	struct datagram *datagram = add_event();

	datagram->after = script.requests + 1;
	return datagram;
}

/* A message behind what is in the datagram already. */
static struct nlmsghdr *add_message(struct datagram *datagram, uint16_t type, uint16_t flags,
				    uint32_t sequence, const void *payload, size_t size)
{
	struct nlmsghdr *message = (void *)(datagram->bytes + datagram->length);

	*message = (struct nlmsghdr){.nlmsg_len = (uint32_t)(MNL_NLMSG_HDRLEN + size),
				     .nlmsg_type = type,
				     .nlmsg_flags = flags,
				     .nlmsg_seq = sequence,
				     .nlmsg_pid = port};
	memcpy(message + 1, payload, size);
	datagram->length += MNL_ALIGN(message->nlmsg_len);
	return message;
}

static void add_link(struct datagram *datagram, uint32_t sequence, int ifindex)
{
	struct {
		struct ifinfomsg header;
		struct nlattr name;
		char text[8];
	} link = {
		.header = {.ifi_index = ifindex},
		.name = {.nla_type = IFLA_IFNAME, .nla_len = sizeof(struct nlattr) + 8},
	};

	(void)snprintf(link.text, sizeof(link.text), "d%d", ifindex);
	(void)add_message(datagram, RTM_NEWLINK, NLM_F_MULTI, sequence, &link, sizeof(link));
}

static void add_done(struct datagram *datagram, uint32_t sequence, int error)
{
	(void)add_message(datagram, NLMSG_DONE, NLM_F_MULTI, sequence, &error, sizeof(error));
}

static void add_ack(struct datagram *datagram, uint32_t sequence, int error)
{
	struct nlmsgerr ack = {.error = error};

	(void)add_message(datagram, NLMSG_ERROR, NLM_F_CAPPED, sequence, &ack, sizeof(ack));
}

static int request(void)
{
	struct message message;

	(void)message_start(&message, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
	return netlink_request(netlink, &message.header, NULL);
}

static void assert_dump(int expected, size_t count)
{
	_cleanup_(link_table_done) struct link_table table = {};

	assert_int_equal(rtnl_link_dump(netlink, &table), expected);
	assert_int_equal(table.count, count);
	for (size_t i = 0; i < count; i++)
		assert_non_null(link_by_index(&table, (int)i + 1));
}

/* --- answers to the request under way, and others --- */

static void parts_of_an_older_dump_between(void **state)
{
	for (int i = 1; i <= 3; i++) {
		struct datagram *datagram = add_datagram();

		add_link(datagram, OLD, 100 + i);
		add_link(datagram, SEQUENCE, i);
		add_done(i == 2 ? add_datagram() : datagram, OLD, -EIO);
	}
	add_done(add_datagram(), SEQUENCE, 0);
	assert_dump(0, 3);
	assert_int_equal(script.next, script.count);
}

static void acknowledgements_of_others_between(void **state)
{
	struct datagram *datagram = add_datagram();

	add_ack(datagram, OLD, -EPERM);
	add_ack(datagram, SEQUENCE + 1, -EPERM);
	(void)add_message(datagram, NLMSG_NOOP, 0, SEQUENCE, "", 0);
	add_ack(add_datagram(), SEQUENCE, -EBUSY);
	assert_int_equal(request(), -EBUSY);
}

/* The sequence is right, but it is for another socket, or from one. */
static void what_is_not_the_kernels(void **state)
{
	struct datagram *datagram = add_datagram();

	add_ack(datagram, SEQUENCE, 0);
	datagram->sender = 4711;
	datagram = add_datagram();
	add_ack(datagram, SEQUENCE, 0);
	((struct nlmsghdr *)datagram->bytes)->nlmsg_pid = port + 1;
	add_ack(add_datagram(), SEQUENCE, -EACCES);
	assert_int_equal(request(), -EACCES);
	assert_int_equal(script.next, 3);
}

static void what_follows_the_end_is_not_taken(void **state)
{
	struct datagram *datagram = add_datagram();

	add_link(datagram, SEQUENCE, 1);
	add_done(datagram, SEQUENCE, 0);
	add_link(datagram, SEQUENCE, 2);
	add_done(datagram, SEQUENCE, -EIO);
	assert_dump(0, 1);
}

static void a_dump_that_ends_with_an_error(void **state)
{
	struct datagram *datagram = add_datagram();

	add_link(datagram, SEQUENCE, 1);
	add_done(datagram, SEQUENCE, -ENOMEM);
	assert_dump(-ENOMEM, 0);
	add_ack(add_datagram(), SEQUENCE, -EOPNOTSUPP); /* refused at once */
	assert_dump(-EOPNOTSUPP, 0);
	add_done(add_datagram(), SEQUENCE, 5); /* no error of the kernel's is positive */
	assert_dump(-EBADMSG, 0);
}

/* Each part may say it, the last one alone, too. */
static void a_dump_that_changes_below_us(void **state)
{
	struct datagram *datagram = add_datagram();

	add_link(datagram, SEQUENCE, 9);
	((struct nlmsghdr *)datagram->bytes)->nlmsg_flags |= NLM_F_DUMP_INTR;
	add_done(add_datagram(), SEQUENCE, 0);
	datagram = add_datagram();
	add_link(datagram, SEQUENCE, 8);
	(void)add_message(datagram, NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, SEQUENCE, &(int){0},
			  sizeof(int));
	datagram = add_datagram();
	add_link(datagram, SEQUENCE, 1);
	add_done(datagram, SEQUENCE, 0);
	assert_dump(0, 1);
	assert_int_equal(script.requests, 3);
}

/* --- cut off, too large --- */

static void messages_that_are_cut_off(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 16, 19, 20, 32, 35};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct datagram *datagram = add_datagram();

		/* Cut behind its claim, which the walk passes over: the answer is still to come. */
		add_ack(datagram, SEQUENCE, 0);
		datagram->length = lengths[i];
		add_ack(add_datagram(), SEQUENCE, -EXDEV);
		assert_int_equal(request(), -EXDEV);
	}
}

/* The message says itself that it has no room for what its type has. */
static void messages_that_are_too_short(void **state)
{
	for (uint32_t length = 16; length < 16 + sizeof(struct nlmsgerr); length++) {
		struct datagram *datagram = add_datagram();

		add_ack(datagram, SEQUENCE, 0);
		((struct nlmsghdr *)datagram->bytes)->nlmsg_len = length;
		assert_int_equal(request(), -EBADMSG);
	}
	for (uint32_t length = 16; length < 20; length++) {
		struct datagram *datagram = add_datagram();

		add_done(datagram, SEQUENCE, 0);
		((struct nlmsghdr *)datagram->bytes)->nlmsg_len = length;
		assert_dump(-EBADMSG, 0);
	}
}

/* Lengths that lie, of a message and of the attributes in it: no step goes beyond the bytes. */
static void lengths_that_lie(void **state)
{
	static const uint32_t lies[] = {0, 1, 15, 17, 1000, 65535, INT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct datagram *datagram = add_datagram();

		add_link(datagram, SEQUENCE, 1);
		add_link(datagram, SEQUENCE, 2);
		((struct nlmsghdr *)datagram->bytes)->nlmsg_len = lies[i];
		add_done(add_datagram(), SEQUENCE, 0);
		if (lies[i] == 17) /* a header that is no device's */
			assert_dump(-EBADMSG, 0);
		else
			assert_dump(0, 0);
	}
}

static void a_datagram_larger_than_the_buffer(void **state)
{
	add_datagram()->flags = MSG_TRUNC;
	assert_int_equal(request(), -EMSGSIZE);
	add_datagram()->flags = MSG_TRUNC;
	assert_dump(-EMSGSIZE, 0);
	/* The rest of that dump still comes; the next request is none the worse. */
	add_link(add_datagram(), OLD, 77);
	add_done(add_datagram(), OLD, 0);
	add_ack(add_datagram(), SEQUENCE, 0);
	assert_int_equal(request(), 0);
}

/* The kernel begins no dump while another one is not read to its end. */
static void what_is_left_is_read_before_the_next_request(void **state)
{
	struct datagram *datagram;

	add_datagram()->flags = MSG_TRUNC;
	assert_dump(-EMSGSIZE, 0);
	for (int i = 0; i < 20; i++) {
		datagram = add_event();
		add_link(datagram, OLD, i + 1);
		if (i == 10)
			datagram->flags = MSG_TRUNC;
		if (i == 15)
			datagram->error = ENOBUFS;
	}
	add_done(add_event(), OLD, 0);
	add_done(add_datagram(), SEQUENCE, 0);
	assert_dump(0, 0);
	assert_int_equal(script.next_at_request, script.count - 1);
}

/* The first of a dump's messages that does not decode fails it, once it has been read whole. */
static void a_dump_with_a_bad_message(void **state)
{
	struct datagram *datagram = add_datagram();

	add_link(datagram, SEQUENCE, 1);
	(void)add_message(datagram, RTM_NEWLINK, NLM_F_MULTI, SEQUENCE, "", 0);
	add_link(datagram, SEQUENCE, 2);
	add_done(add_datagram(), SEQUENCE, 0);
	assert_dump(-EBADMSG, 0);
	assert_int_equal(script.next, script.count);
}

static void messages_of_other_types_in_a_dump(void **state)
{
	struct datagram *datagram = add_datagram();

	(void)add_message(datagram, RTM_NEWADDR, NLM_F_MULTI, SEQUENCE, "", 0);
	(void)add_message(datagram, 4711, NLM_F_MULTI, SEQUENCE, "", 0);
	add_link(datagram, SEQUENCE, 1);
	add_done(datagram, SEQUENCE, 0);
	assert_dump(0, 1);
}

/* --- nothing, and errors of the socket --- */

static void no_answer_at_all(void **state)
{
	assert_int_equal(request(), -ETIMEDOUT);
	assert_int_equal(script.now_ms, NETLINK_TIMEOUT_MS);
	/* The answer that comes late is nobody's. */
	add_ack(add_datagram(), script.sequence, -EPERM);
	add_ack(add_datagram(), SEQUENCE, 0);
	assert_int_equal(request(), 0);
}

/* Each part gives a dump its time anew, but one that never ends is nobody's fault but the kernel's. */
static void a_dump_without_its_end(void **state)
{
	for (int i = 1; i <= 5; i++)
		add_link(add_datagram(), SEQUENCE, i);
	assert_dump(-ETIMEDOUT, 0);
	assert_int_equal(script.now_ms, NETLINK_TIMEOUT_MS);
}

static void a_signal_is_no_failure(void **state)
{
	add_datagram()->error = EINTR;
	add_datagram()->error = EAGAIN;
	add_ack(add_datagram(), SEQUENCE, 0);
	assert_int_equal(request(), 0);
	assert_true(script.waits > 0);
}

static void errors_of_the_socket(void **state)
{
	static const int errors[] = {ENOBUFS, ENOMEM, EBADF};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		add_datagram()->error = errors[i];
		assert_int_equal(request(), -errors[i]);
		add_datagram()->error = errors[i];
		assert_dump(-errors[i], 0);
	}
	add_ack(add_datagram(), SEQUENCE, 0);
	assert_int_equal(request(), 0);
}

/* --- events --- */

static int count(const struct nlmsghdr *message, void *data)
{
	++*(int *)data;
	return 0;
}

/* A loss may be told at first, in the middle, and once more while the rest is thrown away. */
static void events_after_a_loss(void **state)
{
	int events = 0;

	for (int i = 1; i <= 300; i++) {
		if (i == 3 || i == 100)
			add_event()->error = ENOBUFS;
		add_link(add_event(), 0, i);
	}
	assert_int_equal(netlink_read(netlink, count, &events), -ENOBUFS);
	assert_int_equal(events, 2); /* those before it */
	assert_int_equal(script.next, script.count);
	add_link(add_event(), 0, 1);
	assert_int_equal(netlink_read(netlink, count, &events), 0);
	assert_int_equal(events, 3);
}

static void an_event_larger_than_the_buffer(void **state)
{
	int events = 0;

	add_event()->flags = MSG_TRUNC;
	add_link(add_event(), 0, 1);
	assert_int_equal(netlink_read(netlink, count, &events), -ENOBUFS);
	assert_int_equal(events, 0);
}

static void many_events_take_turns(void **state)
{
	int events = 0;

	for (int i = 1; i <= 400; i++)
		add_link(add_event(), 0, i);
	assert_int_equal(netlink_read(netlink, count, &events), 0);
	assert_true(events > 0 && events < 400);
	assert_int_equal(netlink_read(netlink, count, &events), 0);
	assert_int_equal(events, 400);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(parts_of_an_older_dump_between),
		TEST(acknowledgements_of_others_between),
		TEST(what_is_not_the_kernels),
		TEST(what_follows_the_end_is_not_taken),
		TEST(a_dump_that_ends_with_an_error),
		TEST(a_dump_that_changes_below_us),
		TEST(messages_that_are_cut_off),
		TEST(messages_that_are_too_short),
		TEST(lengths_that_lie),
		TEST(a_datagram_larger_than_the_buffer),
		TEST(what_is_left_is_read_before_the_next_request),
		TEST(a_dump_with_a_bad_message),
		TEST(messages_of_other_types_in_a_dump),
		TEST(no_answer_at_all),
		TEST(a_dump_without_its_end),
		TEST(a_signal_is_no_failure),
		TEST(errors_of_the_socket),
		TEST(events_after_a_loss),
		TEST(an_event_larger_than_the_buffer),
		TEST(many_events_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
