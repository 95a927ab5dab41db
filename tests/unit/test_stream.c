// SPDX-License-Identifier: GPL-2.0-or-later
/* C3, T20: who streams and does not read is cut off, and nobody waits for him. */
#include "daemon/varlink.h"
#include "daemon/varlink_client.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#define PIECE 65536

static char path[] = "/tmp/iovteam-stream-XXXXXX/socket";

static void call_watch(void *data, json_t *parameters, struct varlink_reply *reply)
{
	reply->parameters = json_pack("{s:s}", "first", "message");
}

static const struct varlink_method methods[] = {
	{"org.example.Watch", false, {{"name", JSON_STRING, true}}, call_watch},
};

static const struct varlink_interface interface = {
	.name = "org.example",
	.description = "",
	.methods = methods,
	.method_count = ARRAY_SIZE(methods),
	.stream = "org.example.Watch",
};

struct stage {
	sd_event *loop;
	struct varlink_server *server;
};

static void turn(const struct stage *stage)
{
	while (sd_event_run(stage->loop, 0) > 0)
		;
}

static int connect_and_watch(const struct stage *stage, const char *request, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, request, size, 0), size);
	turn(stage);
	return fd;
}

/* All that waits; -1 at the end of the connection. */
static ssize_t read_all(int fd, char *text, size_t room)
{
	size_t used = 0;

	for (;;) {
		ssize_t got = recv(fd, text + used, room - used, 0);

		if (got < 0 && errno == EAGAIN)
			return (ssize_t)used;
		if (got <= 0)
			return -1;
		used += (size_t)got;
	}
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	char *slash = strrchr(path, '/');

	*slash = '\0';
	(void)memcpy(slash - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(path));
	*slash = '/';
	assert_true(sd_event_new(&stage->loop) >= 0);
	assert_int_equal(varlink_listen(stage->loop, path, &interface, &stage->server), 0);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	varlink_close(stage->server);
	sd_event_unref(stage->loop);
	free(stage);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	path[strlen(path)] = '/';
	return 0;
}

#define WATCH(parameters)                                                                          \
	"{\"method\":\"org.example.Watch\",\"more\":true,\"parameters\":{" parameters "}}"

static void test_topics(void **state)
{
	static const char all[] = WATCH(""), a[] = WATCH("\"name\":\"a\"");
	const struct stage *stage = *state;
	int first = connect_and_watch(stage, all, sizeof(all));
	int second = connect_and_watch(stage, a, sizeof(a));
	char text[1024];

	assert_int_equal(varlink_streams(stage->server), 2);
	(void)read_all(first, text, sizeof(text));
	assert_string_equal(text, "{\"parameters\":{\"first\":\"message\"},\"continues\":true}");
	(void)read_all(second, text, sizeof(text));
	varlink_publish(stage->server, "b", json_pack("{s:i}", "n", 1));
	varlink_publish(stage->server, "a", json_pack("{s:i}", "n", 2));
	varlink_publish(stage->server, "", json_pack("{s:i}", "n", 3));
#define MESSAGE(n) "{\"parameters\":{\"n\":" n "},\"continues\":true}\0"
	assert_int_equal(read_all(first, text, sizeof(text)), 3 * sizeof(MESSAGE("1")) - 3);
	assert_memory_equal(text, MESSAGE("1") MESSAGE("2") MESSAGE("3"),
			    3 * sizeof(MESSAGE("1")) - 3);
	assert_int_equal(read_all(second, text, sizeof(text)), 2 * sizeof(MESSAGE("1")) - 2);
	assert_memory_equal(text, MESSAGE("2") MESSAGE("3"), 2 * sizeof(MESSAGE("1")) - 2);
	close_fd(&first);
	turn(stage);
	assert_int_equal(varlink_streams(stage->server), 1);
	close_fd(&second);
}

static void test_who_does_not_read(void **state)
{
	static const char all[] = WATCH("");
	const struct stage *stage = *state;
	_cleanup_free_ char *piece = malloc(PIECE), *text = malloc(2 * VARLINK_OUTPUT_MAX);
	int silent = connect_and_watch(stage, all, sizeof(all));
	int reader = connect_and_watch(stage, all, sizeof(all));
	unsigned int published = 0;

	memset(piece, 'x', PIECE);
	piece[PIECE - 1] = '\0';
	while (varlink_streams(stage->server) == 2) {
		varlink_publish(stage->server, "", json_pack("{s:s}", "text", piece));
		assert_true(++published <= VARLINK_OUTPUT_MAX / PIECE + 16);
		turn(stage);
		assert_true(read_all(reader, text, 2 * VARLINK_OUTPUT_MAX) > 0);
		turn(stage);
	}
	assert_true(published >= VARLINK_OUTPUT_MAX / PIECE);
	/* The reader missed nothing and goes on; the other gets what was under way, then the end. */
	varlink_publish(stage->server, "", json_pack("{s:i}", "n", 1));
	assert_int_equal(read_all(reader, text, PIECE), sizeof(MESSAGE("1")) - 1);
	assert_int_equal(read_all(silent, text, 2 * VARLINK_OUTPUT_MAX), -1);
	close_fd(&silent);
	close_fd(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_topics, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_does_not_read, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
