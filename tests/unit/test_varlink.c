// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Varlink server and its clients in one process and one loop: who is served when, who has to
 * go, and what a client that means no good can reach. As root: some of the clients are others.
 */
#include "base/cleanup.h"
#include "daemon/varlink.h"
#include "daemon/varlink_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#define STEPS_MAX 200000 /* of the loop, for one condition */
#define NOBODY 65534
#define SOMEBODY 65533

#define CALL(method) "{\"method\":\"test." method "\"}"

struct world {
	char directory[32], path[64];
	sd_event *loop;
	sd_event_source *important;
	struct varlink_server *server;
	int event; /* an eventfd: stands for what the kernel tells */
	unsigned int calls, changes, events;
	bool late; /* a call came while an event waited */
};

/* --- the interface: methods that count, one that tells much --- */

static void call_count(void *data, json_t *parameters, struct varlink_reply *reply)
{
	struct world *world = data;

	world->late |= world->events < world->calls;
	world->calls++;
	assert_int_equal(eventfd_write(world->event, 1), 0);
	reply->parameters = json_object();
}

static void call_large(void *data, json_t *parameters, struct varlink_reply *reply)
{
	char text[100001];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	reply->parameters = json_pack("{s:s}", "text", text);
}

static void call_change(void *data, json_t *parameters, struct varlink_reply *reply)
{
	((struct world *)data)->changes++;
	reply->parameters = json_object();
}

static const struct varlink_method methods[] = {
	{"test.Count", false, {{"word", JSON_STRING, true}}, call_count},
	{"test.Large", false, {}, call_large},
	{"test.Change", true, {}, call_change},
};

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct world *world = data;
	eventfd_t count;

	assert_int_equal(eventfd_read(world->event, &count), 0);
	world->events += (unsigned int)count;
	return 0;
}

static struct varlink_interface interface = {
	.name = "test",
	.description = "interface test",
	.methods = methods,
	.method_count = sizeof(methods) / sizeof(methods[0]),
};

/* The descriptors of this process. */
static unsigned int count_descriptors(void)
{
	unsigned int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static unsigned int descriptors_before;

static int world_make(void **state)
{
	static struct world world;

	descriptors_before = count_descriptors();
	world = (struct world){.directory = "/tmp/varlink-XXXXXX"};
	assert_non_null(mkdtemp(world.directory));
	assert_int_equal(chmod(world.directory, 0755), 0);
	(void)snprintf(world.path, sizeof(world.path), "%s/socket", world.directory);
	assert_true(sd_event_new(&world.loop) >= 0);
	world.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(sd_event_add_io(world.loop, &world.important, world.event, EPOLLIN, on_event,
				    &world) >= 0);
	assert_true(sd_event_source_set_priority(world.important, SD_EVENT_PRIORITY_IMPORTANT) >=
		    0);
	interface.data = &world;
	assert_int_equal(varlink_listen(world.loop, world.path, &interface, &world.server), 0);
	assert_int_equal(chmod(world.path, 0666), 0); /* as the group of readers has it */
	*state = &world;
	return 0;
}

static int world_end(void **state)
{
	struct world *world = *state;

	varlink_close(world->server);
	sd_event_source_unref(world->important);
	sd_event_unref(world->loop);
	close_fd(&world->event);
	assert_int_equal(rmdir(world->directory), 0); /* the socket is gone */
	assert_int_equal(count_descriptors(), descriptors_before);
	return 0;
}

/* --- clients --- */

/* One step of the loop; false: there was nothing to do. */
static bool step(struct world *world)
{
	int err = sd_event_run(world->loop, 0);

	assert_true(err >= 0);
	return err > 0;
}

static int connect_as(struct world *world, uid_t uid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, world->path, strlen(world->path));
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(seteuid(0), 0);
	while (step(world))
		; /* it is accepted, or refused */
	return fd;
}

/* All of it; the loop runs while the socket is full. False: the server has hung up. */
static bool send_bytes(struct world *world, int fd, const char *bytes, size_t length)
{
	for (unsigned int steps = 0; length; steps++) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < 0)
			(void)step(world);
		else {
			bytes += sent;
			length -= (size_t)sent;
		}
		assert_true(steps < STEPS_MAX);
	}
	return true;
}

static void send_text(struct world *world, int fd, const char *text)
{
	assert_true(send_bytes(world, fd, text, strlen(text) + 1));
}

#define ANSWER_MAX (1 << 17)

/* How much of what is there belongs to the answer: up to its end, if that is there. */
static ssize_t peek_answer(int fd, char *text, size_t room)
{
	ssize_t got = recv(fd, text, room, MSG_PEEK);
	const char *end = got > 0 ? memchr(text, '\0', (size_t)got) : NULL;

	return end ? end + 1 - text : got;
}

/* One answer, without its end; NULL: the server has hung up. The caller frees it. */
static char *receive(struct world *world, int fd)
{
	_cleanup_free_ char *text = malloc(ANSWER_MAX);
	size_t length = 0;

	assert_non_null(text);
	for (unsigned int steps = 0; steps < STEPS_MAX && length < ANSWER_MAX; steps++) {
		ssize_t got = peek_answer(fd, text + length, ANSWER_MAX - length);

		if (got < 0 && errno == EAGAIN) {
			(void)step(world);
			continue;
		}
		if (got <= 0)
			return NULL;
		assert_int_equal(recv(fd, text + length, (size_t)got, 0), got);
		length += (size_t)got;
		if (!text[length - 1])
			return steal_ptr(text);
	}
	fail_msg("no end after %zu bytes", length);
	return NULL;
}

static void expect(struct world *world, int fd, const char *answer)
{
	_cleanup_free_ char *got = receive(world, fd);

	if (answer) {
		assert_non_null(got);
		assert_string_equal(got, answer);
	} else {
		assert_null(got);
	}
}

#define DONE "{\"parameters\":{}}"
#define INVALID(what)                                                                              \
	"{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"       \
	"\"" what "\"}}"

static bool is_served(struct world *world, int fd)
{
	_cleanup_free_ char *got = NULL;

	if (!send_bytes(world, fd, CALL("Count"), sizeof(CALL("Count"))))
		return false;
	got = receive(world, fd);
	return got && strcmp(got, DONE) == 0;
}

/* --- in what order --- */

static void an_event_waits_for_one_request_at_most(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int fd = connect_as(world, 0);
	char requests[100 * sizeof(CALL("Count"))];

	for (size_t i = 0; i < 100; i++)
		memcpy(requests + i * sizeof(CALL("Count")), CALL("Count"), sizeof(CALL("Count")));
	assert_true(send_bytes(world, fd, requests, sizeof(requests)));
	for (unsigned int i = 0; i < 100; i++)
		expect(world, fd, DONE);
	assert_int_equal(world->calls, 100);
	assert_false(world->late);
}

static void clients_take_turns(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int much = connect_as(world, 0), little = connect_as(world, 0);

	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(send(much, CALL("Count"), sizeof(CALL("Count")), 0),
				 sizeof(CALL("Count")));
	while (world->calls < 10)
		(void)step(world);
	assert_true(is_served(world, little));
	assert_in_range(world->calls, 11, 15);
}

static void many_requests_at_once_are_all_answered(void **state)
{
	/* More than a request may have: the limit is on one, not on how many follow. */
	const unsigned int count = 2 * VARLINK_MESSAGE_MAX / sizeof(CALL("Count"));
	struct world *world = *state;
	_cleanup_close_ int fd = connect_as(world, 0);

	for (unsigned int i = 0; i < count; i++)
		assert_true(send_bytes(world, fd, CALL("Count"), sizeof(CALL("Count"))));
	for (unsigned int i = 0; i < count; i++)
		expect(world, fd, DONE);
	assert_int_equal(world->calls, count);
}

static void a_request_in_pieces(void **state)
{
	static const char request[] = CALL("Count");
	struct world *world = *state;
	_cleanup_close_ int slow = connect_as(world, 0), other = connect_as(world, 0);

	for (size_t i = 0; i < sizeof(request); i++) {
		assert_true(send_bytes(world, slow, request + i, 1));
		while (step(world))
			;
		if (i + 1 < sizeof(request)) {
			char none;

			assert_int_equal(recv(slow, &none, 1, 0), -1);
			assert_int_equal(errno, EAGAIN);
			assert_true(is_served(world, other));
		}
	}
	expect(world, slow, DONE);
}

/* --- how much --- */

static void largest_request(void **state)
{
	static const char head[] = "{\"method\":\"test.Count\",\"parameters\":{\"word\":\"";
	const size_t size = VARLINK_MESSAGE_MAX;
	struct world *world = *state;
	_cleanup_close_ int fd = connect_as(world, 0);
	_cleanup_free_ char *text = malloc(size);

	assert_non_null(text);
	memset(text, 'x', size);
	memcpy(text, head, strlen(head));
	memcpy(text + size - 4, "\"}}", 4);
	assert_true(send_bytes(world, fd, text, size));
	expect(world, fd, DONE);
	assert_true(is_served(world, fd));
	assert_int_equal(world->calls, 2);
}

static void a_request_without_end(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int endless = connect_as(world, 0), other = connect_as(world, 0);
	char bytes[4096];
	size_t sent = 0;

	memset(bytes, '{', sizeof(bytes));
	while (send_bytes(world, endless, bytes, sizeof(bytes))) {
		sent += sizeof(bytes);
		assert_true(sent < 2 * VARLINK_MESSAGE_MAX);
	}
	expect(world, endless, NULL);
	assert_true(is_served(world, other));
}

/* At 4 MiB of answers that nobody takes it has to go; what the kernel holds comes before. */
static void who_does_not_read_is_dropped(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int deaf = connect_as(world, 0), other = connect_as(world, 0);
	unsigned int asked = 0;

	while (send_bytes(world, deaf, CALL("Large"), sizeof(CALL("Large")))) {
		while (step(world))
			;
		assert_true(++asked < 2 * VARLINK_OUTPUT_MAX / 100000);
	}
	assert_true(asked > VARLINK_OUTPUT_MAX / 100000);
	assert_true(is_served(world, other));
}

static void who_reads_late_gets_everything(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int fd = connect_as(world, 0);

	for (unsigned int i = 0; i < 30; i++)
		send_text(world, fd, CALL("Large"));
	/* It says no more, and still it is answered. */
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	while (step(world))
		;
	for (unsigned int i = 0; i < 30; i++) {
		_cleanup_free_ char *got = receive(world, fd);

		assert_non_null(got);
		assert_int_equal(strlen(got), 100000 + strlen("{\"parameters\":{\"text\":\"\"}}"));
	}
	expect(world, fd, NULL);
}

static void who_goes_in_the_middle_of_an_answer(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int other = connect_as(world, 0);

	for (unsigned int i = 0; i < 2 * VARLINK_CLIENTS_MAX; i++) {
		int fd = connect_as(world, 0);

		for (unsigned int j = 0; j < 10; j++)
			send_text(world, fd, CALL("Large"));
		(void)step(world);
		close_fd(&fd);
		while (step(world))
			;
	}
	assert_true(is_served(world, other)); /* nobody had to make room */
}

/* What was asked before the end is carried out, answer or not. */
static void who_goes_after_its_request(void **state)
{
	struct world *world = *state;
	int fd = connect_as(world, 0);

	send_text(world, fd, "{\"method\":\"test.Change\",\"oneway\":true}");
	close_fd(&fd);
	while (step(world))
		;
	assert_int_equal(world->changes, 1);
}

/* --- how many --- */

static void the_longest_silent_makes_room(void **state)
{
	struct world *world = *state;
	int fds[VARLINK_CLIENTS_MAX + 1];

	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		fds[i] = connect_as(world, 0);
	assert_true(is_served(world, fds[0])); /* so the second is now the longest silent */
	fds[VARLINK_CLIENTS_MAX] = connect_as(world, 0);
	for (size_t i = 0; i <= VARLINK_CLIENTS_MAX; i++) {
		assert_int_equal(is_served(world, fds[i]), i != 1);
		close_fd(&fds[i]);
	}
}

/* Another's connections are never at the cost of root's, and never fill the house. */
static void root_has_room(void **state)
{
	struct world *world = *state;
	int root[VARLINK_CLIENTS_MAX - VARLINK_CLIENTS_READERS], others[2 * VARLINK_CLIENTS_MAX];
	const size_t roots = sizeof(root) / sizeof(root[0]);

	root[0] = connect_as(world, 0);
	for (size_t i = 0; i < 2 * VARLINK_CLIENTS_MAX; i++) {
		others[i] = connect_as(world, NOBODY);
		(void)is_served(world, others[i]);
	}
	for (size_t i = 1; i < roots; i++)
		root[i] = connect_as(world, 0);
	for (size_t i = 0; i < roots; i++)
		assert_true(is_served(world, root[i]));
	for (size_t i = 0; i < 2 * VARLINK_CLIENTS_MAX; i++) {
		assert_int_equal(is_served(world, others[i]),
				 i >= 2 * VARLINK_CLIENTS_MAX - VARLINK_CLIENTS_READERS);
		close_fd(&others[i]);
	}
	for (size_t i = 0; i < roots; i++)
		close_fd(&root[i]);
}

/* Root may fill the house; then there is none for others, and root's go on. */
static void others_wait_for_root(void **state)
{
	struct world *world = *state;
	int root[VARLINK_CLIENTS_MAX], other;

	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		root[i] = connect_as(world, 0);
	other = connect_as(world, NOBODY);
	assert_false(is_served(world, other));
	close_fd(&other);
	for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
		assert_true(is_served(world, root[i]));
	close_fd(&root[0]);
	while (step(world))
		;
	other = connect_as(world, NOBODY);
	assert_true(is_served(world, other));
	close_fd(&other);
	for (size_t i = 1; i < VARLINK_CLIENTS_MAX; i++)
		close_fd(&root[i]);
}

/* Who takes all places for readers takes them from himself. */
static void one_reader_does_not_push_out_another(void **state)
{
	struct world *world = *state;
	int greedy[2 * VARLINK_CLIENTS_MAX];
	_cleanup_close_ int modest = connect_as(world, SOMEBODY);

	for (size_t i = 0; i < 2 * VARLINK_CLIENTS_MAX; i++) {
		greedy[i] = connect_as(world, NOBODY);
		(void)is_served(world, greedy[i]);
	}
	assert_true(is_served(world, modest));
	for (size_t i = 0; i < 2 * VARLINK_CLIENTS_MAX; i++)
		close_fd(&greedy[i]);
}

static void who_is_not_root_changes_nothing(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int other = connect_as(world, NOBODY), root = connect_as(world, 0);

	send_text(world, other, CALL("Change"));
	expect(world, other,
	       "{\"error\":\"org.iovteam.PermissionDenied\",\"parameters\":{\"message\":"
	       "\"only root may change anything\"}}");
	assert_int_equal(world->changes, 0);
	assert_true(is_served(world, other));
	send_text(world, root, CALL("Change"));
	expect(world, root, DONE);
	assert_int_equal(world->changes, 1);
}

/* The loop rests while a connection waits that cannot be taken, and takes it when it can. */
static void no_descriptor_is_left(void **state)
{
	struct world *world = *state;
	_cleanup_close_ int first = connect_as(world, 0); /* the loop has its own descriptors */
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct rlimit before, none;
	unsigned int steps = 0;

	assert_true(is_served(world, first));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	memcpy(address.sun_path, world->path, strlen(world->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	while (step(world) && steps < STEPS_MAX)
		steps++;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(steps, 1, STEPS_MAX - 1);
	assert_true(is_served(world, fd));
}

/* --- what is no request --- */

static void what_is_no_request(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		const char *answer;
	} cases[] = {
#define CASE(text, answer) {text, sizeof(text), answer}
		CASE("", INVALID("not JSON")),
		CASE("\xff\xfe\xfd", INVALID("not JSON")),
		CASE("{\"method\":\"test.\xc3\x28\"}", INVALID("not JSON")),
		CASE("{\"method\":\"test.\xed\xa0\x80\"}", INVALID("not JSON")),
		CASE("{\"method\":\"test.\\u0000\"}", INVALID("not JSON")),
		CASE("{\"method\":\"test.\\ud800\"}", INVALID("not JSON")),
		CASE("{\"method\":\"test.Count\"} {}", INVALID("not JSON")),
		CASE("{\"method\":\"test.Count\",\"method\":\"test.Count\"}", INVALID("not JSON")),
		CASE("{\"method\":\"test.Count\",\"parameters\":{\"word\":1e999}}", INVALID("not "
											    "JSO"
											    "N")),
		CASE("{\"method\":\"test.Count\",\"parameters\":{\"word\":99999999999999999999}}",
		     INVALID("not JSON")),
		CASE("\"test.Count\"", INVALID("not JSON")),
		CASE("[\"test.Count\"]", INVALID("method")),
		CASE("{\"method\":null}", INVALID("method")),
		CASE("{\"method\":\"test.Count\",\"parameters\":[]}", INVALID("method")),
		CASE("{\"method\":\"test.Count\",\"parameters\":null}", INVALID("method")),
	};
	struct world *world = *state;
	_cleanup_close_ int other = connect_as(world, 0);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_close_ int fd = connect_as(world, 0);

		assert_true(send_bytes(world, fd, cases[i].text, cases[i].length));
		expect(world, fd, cases[i].answer);
		expect(world, fd, NULL);
	}
	assert_int_equal(world->calls, 0);
	assert_true(is_served(world, other));
}

static void deep_requests(void **state)
{
	static const char head[] = "{\"parameters\":";
	static const size_t depths[] = {1,    100,   2047,
					2048, 10000, VARLINK_MESSAGE_MAX - sizeof(head)};
	struct world *world = *state;
	_cleanup_free_ char *text = calloc(1, VARLINK_MESSAGE_MAX);

	assert_non_null(text);
	memcpy(text, head, strlen(head));
	for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
		_cleanup_close_ int fd = connect_as(world, 0);

		memset(text + strlen(head), '[', depths[i]);
		send_text(world, fd, text);
		expect(world, fd, INVALID("not JSON"));
		expect(world, fd, NULL);
	}
}

static void parameters_that_are_wrong(void **state)
{
	static const char *const wrong[] = {"\"word\":7",   "\"word\":true",
					    "\"word\":[]",  "\"word\":{\"a\":1}",
					    "\"word\":0.5", "\"word\":false"};
	struct world *world = *state;
	_cleanup_close_ int fd = connect_as(world, 0);
	char text[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"method\":\"test.Count\",\"parameters\":{%s}}", wrong[i]);
		send_text(world, fd, text);
		expect(world, fd, INVALID("word"));
	}
	send_text(world, fd, "{\"method\":\"test.Count\",\"parameters\":{\"words\":\"\"}}");
	expect(world, fd, INVALID("words"));
	assert_int_equal(world->calls, 0);
	send_text(world, fd, "{\"method\":\"test.Count\",\"parameters\":{\"word\":null}}");
	expect(world, fd, DONE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_waits_for_one_request_at_most),
		TEST(clients_take_turns),
		TEST(many_requests_at_once_are_all_answered),
		TEST(a_request_in_pieces),
		TEST(largest_request),
		TEST(a_request_without_end),
		TEST(who_does_not_read_is_dropped),
		TEST(who_reads_late_gets_everything),
		TEST(who_goes_in_the_middle_of_an_answer),
		TEST(who_goes_after_its_request),
		TEST(the_longest_silent_makes_room),
		TEST(root_has_room),
		TEST(others_wait_for_root),
		TEST(one_reader_does_not_push_out_another),
		TEST(who_is_not_root_changes_nothing),
		TEST(no_descriptor_is_left),
		TEST(what_is_no_request),
		TEST(deep_requests),
		TEST(parameters_that_are_wrong),
	};

	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
