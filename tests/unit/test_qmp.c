// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client of QEMU's control socket against a stand-in in the same thread: what it asks, and what
 * becomes of answers that are late, wrong, or not QMP at all.
 */
#include "daemon/qmp.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "model/adapter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE_S 20
#define STEP_US 1000
#define LINE_MAX_SIZE 1024
#define ANSWER_US 5000000

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define DEVICES "\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral\"}}"
#define ANON "\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral-anon\"}}"
#define GET(device, property)                                                                      \
	"\"qom-get\",\"arguments\":{\"path\":\"" device "\",\"property\":\"" property "\"}}"
#define NET0 "/machine/peripheral/net0"
#define LINK(name, up) "\"set_link\",\"arguments\":{\"name\":\"" name "\",\"up\":" up "}}"
#define NO_PROPERTY "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no property\"}"
#define ONE_DEVICE "{\"return\":[{\"name\":\"net0\",\"type\":\"child<virtio-net-pci>\"}]"
#define OTHER_EVENT                                                                                \
	"{\"timestamp\":{\"seconds\":1,\"microseconds\":2},\"event\":\"RTC_CHANGE\",\"data\":"     \
	"{\"offset\":0}}\r\n"
#define DELETED "{\"event\":\"DEVICE_DELETED\",\"data\":{\"path\":\"" NET0 "\"}}\r\n"

static const struct mac mac_a = {{0x52, 0x54, 0, 0, 0, 0x0a}};
static const struct mac mac_b = {{0x52, 0x54, 0, 0, 0, 0x0b}};
#define TEXT_A "\"52:54:00:00:00:0a\""
#define TEXT_B "\"52:54:00:00:00:0b\""

struct world {
	char directory[32], path[64];
	sd_event *loop;
	struct qmp *qmp;
	int listener, client; /* the stand-in's */
	unsigned changes;
	bool close_on_change;
};

/* What is tried again is so at once; an answer is waited for, but where the test is about that. */
static bool hurry_answer;
int __real_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec);

int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec)
{
	if (usec < ANSWER_US || (usec == ANSWER_US && hurry_answer))
		usec /= 1000;
	return __real_sd_event_source_set_time_relative(source, usec);
}

static void on_changed(void *data)
{
	struct world *world = data;

	world->changes++;
	if (!world->close_on_change)
		return;
	qmp_close(world->qmp);
	world->qmp = NULL;
}

static void turn(struct world *world)
{
	assert_return_code(sd_event_run(world->loop, STEP_US), 0);
}

/* --- the stand-in --- */

static void start_listening(struct world *world)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)strcpy(address.sun_path, world->path);
	world->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(world->listener >= 0);
	assert_int_equal(bind(world->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(world->listener, 1), 0);
}

static void stop_listening(struct world *world)
{
	close_fd(&world->listener);
	(void)unlink(world->path);
}

static void take_client(struct world *world)
{
	const time_t until = time(NULL) + PATIENCE_S;

	close_fd(&world->client);
	while (world->client < 0 && time(NULL) <= until) {
		turn(world);
		world->client = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
	assert_true(world->client >= 0);
}

static void say(struct world *world, const char *text, size_t length)
{
	const time_t until = time(NULL) + PATIENCE_S;

	while (length && time(NULL) <= until) {
		ssize_t sent = send(world->client, text, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return; /* it has hung up, as it may */
		if (sent > 0) {
			text += sent;
			length -= (size_t)sent;
		}
		turn(world);
	}
	assert_int_equal(length, 0);
}

static void say_text(struct world *world, const char *text)
{
	say(world, text, strlen(text));
}

/* The next question, without its id, which is returned. */
static unsigned expect(struct world *world, const char *question)
{
	const time_t until = time(NULL) + PATIENCE_S;
	char line[LINE_MAX_SIZE] = "", *rest;
	size_t length = 0;
	unsigned long id;

	while (!memchr(line, '\n', length) && time(NULL) <= until) {
		ssize_t got = recv(world->client, line + length, 1, 0);

		assert_true(length < sizeof(line) - 1);
		if (got == 1)
			length++;
		else
			turn(world);
	}
	assert_memory_equal(line, "{\"id\":", strlen("{\"id\":"));
	id = strtoul(line + strlen("{\"id\":"), &rest, 10);
	assert_memory_equal(rest, ",\"execute\":", strlen(",\"execute\":"));
	line[length - 1] = '\0';
	assert_string_equal(rest + strlen(",\"execute\":"), question);
	return (unsigned)id;
}

/* @text is an answer without its end. */
static void answer(struct world *world, unsigned id, const char *text)
{
	char line[LINE_MAX_SIZE];

	assert_true(snprintf(line, sizeof(line), "%s,\"id\":%u}\r\n", text, id) <
		    (int)sizeof(line));
	say_text(world, line);
}

static void answer_next(struct world *world, const char *question, const char *text)
{
	answer(world, expect(world, question), text);
}

static void shake_hands(struct world *world)
{
	take_client(world);
	say_text(world, GREETING);
	answer_next(world, "\"qmp_capabilities\"}", "{\"return\":{}");
}

/* QEMU has one card, A's, and its netdev is n0. */
static void be_found(struct world *world)
{
	answer_next(world, DEVICES, ONE_DEVICE);
	answer_next(world, GET(NET0, "mac"), "{\"return\":" TEXT_A);
	answer_next(world, GET(NET0, "netdev"), "{\"return\":\"n0\"");
}

/* --- what the client knows --- */

static void wait_told(struct world *world, const struct mac *mac, bool told)
{
	const time_t until = time(NULL) + PATIENCE_S;

	while (qmp_told(world->qmp, mac) != told && time(NULL) <= until)
		turn(world);
	assert_int_equal(qmp_told(world->qmp, mac), told);
}

/* The trouble is @begin … @end. */
static void wait_trouble(struct world *world, const struct mac *mac, const char *begin,
			 const char *end)
{
	const time_t until = time(NULL) + PATIENCE_S;
	const char *text = qmp_trouble(world->qmp, mac);

	while ((strncmp(text, begin, strlen(begin)) != 0 || !strstr(text, end)) &&
	       time(NULL) <= until) {
		turn(world);
		text = qmp_trouble(world->qmp, mac);
	}
	assert_memory_equal(text, begin, strlen(begin));
	assert_non_null(strstr(text, end));
	assert_false(qmp_told(world->qmp, mac));
}

static void want(struct world *world, const struct mac *mac, bool up)
{
	assert_int_equal(qmp_set_link(world->qmp, mac, up), 0);
}

static int begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	hurry_answer = false;
	world->client = -1;
	(void)strcpy(world->directory, "/tmp/test-qmp-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	(void)snprintf(world->path, sizeof(world->path), "%s/qmp", world->directory);
	start_listening(world);
	assert_return_code(sd_event_new(&world->loop), 0);
	assert_int_equal(qmp_open(world->loop, world->path, on_changed, world, &world->qmp), 0);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	qmp_close(world->qmp);
	sd_event_unref(world->loop);
	close_fd(&world->client);
	stop_listening(world);
	assert_int_equal(rmdir(world->directory), 0);
	free(world);
	return 0;
}

/* --- tests --- */

static void test_tells(void **state)
{
	struct world *world = *state;

	want(world, &mac_a, false);
	assert_false(qmp_told(world->qmp, &mac_a));
	assert_string_equal(qmp_trouble(world->qmp, &mac_a), "");
	shake_hands(world);
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
	assert_int_equal(world->changes, 1);

	/* It is known now: no search any more. What is told already is not told again. */
	want(world, &mac_a, false);
	want(world, &mac_a, true);
	assert_false(qmp_told(world->qmp, &mac_a));
	answer_next(world, LINK("n0", "true"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
	assert_int_equal(world->changes, 2);
}

/* Both kinds of devices; those that are no cards, or have no netdev, or that others care for. */
static void test_search(void **state)
{
	struct world *world = *state;

	want(world, &mac_a, false);
	want(world, &mac_b, false);
	shake_hands(world);
	answer_next(world, DEVICES,
		    "{\"return\":[{\"name\":\"type\",\"type\":\"string\"},"
		    "{\"name\":\"disk0\",\"type\":\"child<virtio-blk-pci>\"},"
		    "{\"name\":\"a\\\"b\",\"type\":\"child<e1000>\"},7,{\"name\":7},"
		    "{\"name\":\"other\",\"type\":\"child<e1000>\"},"
		    "{\"name\":\"net0\",\"type\":\"child<e1000>\"}]");
	answer_next(world, GET("/machine/peripheral/disk0", "mac"), NO_PROPERTY);
	answer_next(world, GET("/machine/peripheral/other", "mac"),
		    "{\"return\":\"52:54:00:00:00:0c\"");
	answer_next(world, GET(NET0, "mac"), "{\"return\":" TEXT_B);
	answer_next(world, GET(NET0, "netdev"), "{\"return\":\"\"");
	answer_next(world, LINK("net0", "false"), "{\"return\":{}");
	wait_told(world, &mac_b, true);
	answer_next(world, ANON,
		    "{\"return\":[{\"name\":\"device[0]\",\"type\":\"child<virtio-net-pci>\"}]");
	answer_next(world, GET("/machine/peripheral-anon/device[0]", "mac"), "{\"return\":" TEXT_A);
	answer_next(world, GET("/machine/peripheral-anon/device[0]", "netdev"),
		    "{\"return\":\"#net063\"");
	answer_next(world, LINK("#net063", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
}

static void test_missing(void **state)
{
	struct world *world = *state;

	want(world, &mac_a, false);
	shake_hands(world);
	answer_next(world, DEVICES, "{\"return\":[]");
	answer_next(world, ANON, "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"none\"}");
	wait_trouble(world, &mac_a, "QEMU has no network card with the MAC 52:54:00:00:00:0a", "");
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
	assert_string_equal(qmp_trouble(world->qmp, &mac_a), "");
}

static void test_refused(void **state)
{
	struct world *world = *state;

	want(world, &mac_a, false);
	shake_hands(world);
	be_found(world);
	answer_next(world, LINK("n0", "false"),
		    "{\"error\":{\"class\":\"GenericError\",\"desc\":\"not today\"}");
	wait_trouble(world, &mac_a, "QEMU refuses to set the link of n0: ", "not today");
	/* The search goes on to its end; the next one finds the card again. */
	answer_next(world, ANON, "{\"return\":[]");
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
	assert_string_equal(qmp_trouble(world->qmp, &mac_a), "");
}

/* It changes its mind while it is told: the last word counts. */
static void test_changed_meanwhile(void **state)
{
	struct world *world = *state;
	unsigned id;

	want(world, &mac_a, false);
	shake_hands(world);
	be_found(world);
	id = expect(world, LINK("n0", "false"));
	want(world, &mac_a, true);
	answer(world, id, "{\"return\":{}");
	id = expect(world, LINK("n0", "true"));
	assert_false(qmp_told(world->qmp, &mac_a));
	answer(world, id, "{\"return\":{}");
	wait_told(world, &mac_a, true);
}

/* QEMU ends, and another one begins: its links are up. */
static void test_restart(void **state)
{
	struct world *world = *state;

	want(world, &mac_a, false);
	shake_hands(world);
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
	stop_listening(world);
	close_fd(&world->client);
	wait_told(world, &mac_a, false);
	wait_trouble(world, &mac_a, "cannot reach QEMU at /tmp/", "No such file or directory");
	start_listening(world);
	shake_hands(world);
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
	assert_string_equal(qmp_trouble(world->qmp, &mac_a), "");
}

/* In the middle of anything. */
static void test_closes(void **state)
{
	struct world *world = *state;

	want(world, &mac_a, false);
	take_client(world);
	take_client(world);
	say_text(world, GREETING);
	(void)expect(world, "\"qmp_capabilities\"}");
	shake_hands(world);
	(void)expect(world, DEVICES);
	shake_hands(world);
	answer_next(world, DEVICES, ONE_DEVICE);
	(void)expect(world, GET(NET0, "mac"));
	say_text(world, "{\"return\":" TEXT_A);
	shake_hands(world);
	be_found(world);
	(void)expect(world, LINK("n0", "false"));
	shake_hands(world);
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
}

/* What is said instead of the greeting, and instead of the first answer. */
static void test_garbage(void **state)
{
	static const char *const greetings[] = {"hello\r\n", "\r\n", "[]\r\n", "{\"QMP\":1}\r\n",
						"{\"return\":{},\"id\":1}\r\n"};
	static const char *const answers[] = {
		"{\"return\":{}}\r\n",
		"{\"return\":{},\"id\":\"1\"}\r\n",
		"{\"return\":{},\"id\":4294967296}\r\n",
		"{\"return\":{},\"return\":{}}\r\n",
		"\xff\xfe\r\n",
		"{\"return\":{\r\n",
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(greetings); i++) {
		take_client(world);
		say_text(world, greetings[i]);
		wait_trouble(world, &mac_a, "what answers at /tmp/", "does not speak QMP");
	}
	want(world, &mac_a, false);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		shake_hands(world);
		(void)expect(world, DEVICES);
		assert_string_equal(qmp_trouble(world->qmp, &mac_a), "");
		say_text(world, answers[i]);
		wait_trouble(world, &mac_a, "what answers at /tmp/", "does not speak QMP");
	}
	/* The right id, but no answer, two, or not of this kind. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const wrong[] = {"{\"x\":1", "{\"return\":[],\"error\":{}",
						    "{\"return\":{}"};

		shake_hands(world);
		answer_next(world, DEVICES, wrong[i]);
		wait_trouble(world, &mac_a, "what answers at /tmp/", "does not speak QMP");
	}
}

/* A line without an end is not kept for ever. */
static void test_flood(void **state)
{
	struct world *world = *state;
	char text[16384];

	memset(text, 'x', sizeof(text));
	take_client(world);
	for (int i = 0; i < 20; i++)
		say(world, text, sizeof(text));
	wait_trouble(world, &mac_a, "what answers at /tmp/", "does not speak QMP");
}

static void test_silence(void **state)
{
	struct world *world = *state;

	hurry_answer = true;
	take_client(world);
	wait_trouble(world, &mac_a, "QEMU at /tmp/", "does not answer");
	hurry_answer = false;
	take_client(world); /* the one that was connecting meanwhile may be hasty, too */
	say_text(world, GREETING);
}

/* Byte by byte, with events between. */
static void test_pieces(void **state)
{
	static const char greeting[] = OTHER_EVENT OTHER_EVENT;
	struct world *world = *state;
	unsigned id;

	want(world, &mac_a, false);
	take_client(world);
	for (const char *c = GREETING; *c; c++)
		say(world, c, 1);
	id = expect(world, "\"qmp_capabilities\"}");
	say_text(world, greeting);
	answer(world, id, "{\"return\":{}");
	say_text(world, greeting);
	be_found(world);
	id = expect(world, LINK("n0", "false"));
	say_text(world, greeting);
	assert_false(qmp_told(world->qmp, &mac_a));
	answer(world, id, "{\"return\":{}");
	wait_told(world, &mac_a, true);
}

/* The card is unplugged and comes back, with its link up. */
static void test_unplugged(void **state)
{
	struct world *world = *state;
	unsigned id;

	want(world, &mac_a, false);
	shake_hands(world);
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
	say_text(world, DELETED);
	wait_told(world, &mac_a, false);
	be_found(world);
	/* Again, while it is told: what is acknowledged was of the old one. */
	id = expect(world, LINK("n0", "false"));
	say_text(world, DELETED);
	answer(world, id, "{\"return\":{}");
	be_found(world);
	assert_false(qmp_told(world->qmp, &mac_a));
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	wait_told(world, &mac_a, true);
}

static void test_close_when_told(void **state)
{
	struct world *world = *state;
	const time_t until = time(NULL) + PATIENCE_S;

	world->close_on_change = true;
	want(world, &mac_a, false);
	shake_hands(world);
	be_found(world);
	answer_next(world, LINK("n0", "false"), "{\"return\":{}");
	while (world->qmp && time(NULL) <= until)
		turn(world);
	assert_null(world->qmp);
	assert_int_equal(world->changes, 1);
}

static void test_bounds(void **state)
{
	struct world *world = *state;
	struct mac mac = mac_a;
	char path[200];
	struct qmp *other = NULL;

	for (unsigned i = 0; i < VM_ADAPTERS_MAX; i++) {
		mac.bytes[3] = (uint8_t)i;
		want(world, &mac, false);
	}
	assert_int_equal(qmp_set_link(world->qmp, &mac_b, false), -ENOSPC);
	assert_false(qmp_told(world->qmp, &mac_b));
	qmp_forget(world->qmp, &mac);
	qmp_forget(world->qmp, &mac);
	want(world, &mac_b, false);

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(qmp_open(world->loop, path, on_changed, world, &other), -ENAMETOOLONG);
	assert_null(other);
}

#define QMP(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QMP(test_tells),
		QMP(test_search),
		QMP(test_missing),
		QMP(test_refused),
		QMP(test_changed_meanwhile),
		QMP(test_restart),
		QMP(test_closes),
		QMP(test_garbage),
		QMP(test_flood),
		QMP(test_silence),
		QMP(test_pieces),
		QMP(test_unplugged),
		QMP(test_close_when_told),
		QMP(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
