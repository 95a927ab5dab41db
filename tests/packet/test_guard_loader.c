// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The port filter at a bridge's port, with real frames: it outlives its process and is taken over,
 * its rules change under traffic without a gap, and the port is given back as it was.
 */
#include "frame.h"
#include "world.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "datapath/attach.h"
#include "datapath/guard.h"
#include "kernel/packet.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#define NAME "web-lan"
#define PATIENCE_MS 10000
#define CHANGES 200
#define SENDERS 2
#define BEFORE_CHANGES 100 /* frames */

/* guest=port on a bridge with far=outside; what the bridge forwards from the guest comes at far. */
static struct world *world;
static int guest, port, spare, packet, far;
static bool tcx;

static struct guard_rules rules_of(const char *first, const char *second)
{
	const char *const texts[] = {first, second};
	struct guard_rules rules = {};

	for (; rules.count < ARRAY_SIZE(texts) && texts[rules.count]; rules.count++) {
		const struct mac mac = frame_mac(texts[rules.count]);

		memcpy(rules.macs[rules.count], mac.bytes, sizeof(mac.bytes));
	}
	return rules;
}

static struct guard *open_guard(const char *name, struct guard_rules rules)
{
	struct problem problem = {};
	struct guard *guard = NULL;

	if (guard_open(world->teams, name, world->netns, &rules, &guard, &problem))
		fail_msg("%s", problem.text);
	return guard;
}

static void attach(struct guard *guard, int ifindex)
{
	struct problem problem = {};

	if (guard_attach(guard, ifindex, &problem))
		fail_msg("%s", problem.text);
	assert_true(guard_attached(guard));
	assert_int_equal(world_programs(world, ifindex, true, NULL), tcx);
	assert_int_equal(world_programs(world, ifindex, false, NULL), 0);
	assert_int_equal(attach_has_clsact(ifindex), !tcx);
}

static void set_rules(struct guard *guard, struct guard_rules rules)
{
	struct problem problem = {};

	if (guard_set_rules(guard, &rules, &problem))
		fail_msg("%s", problem.text);
}

static struct guard_counts read_counts(const struct guard *guard)
{
	struct guard_counts counts;

	assert_int_equal(guard_read_counts(guard, &counts), 0);
	return counts;
}

static void send_text(const char *text)
{
	uint8_t frame[FRAME_MAX];
	size_t length = frame_parse(text, 0, frame);

	assert_int_equal(packet_send(packet, guest, frame, length), 0);
}

/* The next frame that the bridge forwards is this one. */
static void assert_forwards(const char *text)
{
	struct pollfd ready = {.fd = far, .events = POLLIN};
	uint8_t frame[FRAME_MAX], came[FRAME_MAX];
	size_t length = frame_parse(text, 0, frame);

	send_text(text);
	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(far, came, sizeof(came), 0), length);
	assert_memory_equal(came, frame, length);
}

struct wait {
	const struct guard *guard;
	uint64_t refused;
};

static bool have_refused(void *data)
{
	const struct wait *wait = data;
	struct guard_counts counts = read_counts(wait->guard);

	return counts.refused + counts.refused_group >= wait->refused;
}

/* It is counted, and what is sent after it comes next. */
static void assert_refuses(const struct guard *guard, const char *text)
{
	struct guard_counts counts = read_counts(guard);
	struct wait wait = {guard, counts.refused + counts.refused_group + 1};

	send_text(text);
	world_wait(have_refused, &wait);
	assert_forwards(MAC_BROADCAST MAC_A ARP("01"));
}

static void test_bridge(void **unused)
{
	struct guard *guard = open_guard(NAME, rules_of(MAC_A, NULL));
	struct guard_counts counts;

	(void)unused;
	assert_int_equal(world_programs(world, port, true, NULL), 0);
	assert_false(guard_attached(guard));
	assert_forwards(MAC_BROADCAST MAC_B ARP("01"));
	assert_forwards("0180c2 000000 " MAC_A "0026 424203 0000"); /* the bridge has no STP */

	attach(guard, port);
	assert_forwards(MAC_BROADCAST MAC_A "88b5"); /* a header alone */
	assert_refuses(guard, MAC_BROADCAST MAC_B ARP("01"));
	assert_refuses(guard, "0180c2 000000 " MAC_A "0026 424203 0000");
	set_rules(guard, rules_of(MAC_A, MAC_B));
	assert_forwards(MAC_BROADCAST MAC_B ARP("01"));
	set_rules(guard, rules_of(MAC_A, NULL));
	assert_refuses(guard, MAC_BROADCAST MAC_B ARP("01"));
	counts = read_counts(guard);
	assert_int_equal(counts.passed, 5);
	assert_int_equal(counts.passed_mate, 1);
	assert_int_equal(counts.refused, 2);
	assert_int_equal(counts.refused_group, 1);

	guard_remove(guard);
	assert_forwards(MAC_BROADCAST MAC_B ARP("01"));
}

/* The daemon dies and comes back with other rules: the link stays, and so do the counts. */
static void test_take_over(void **unused)
{
	struct guard *guard = open_guard(NAME, rules_of(MAC_A, NULL));
	uint32_t link, program = 0, after = 1;

	(void)unused;
	attach(guard, port);
	assert_refuses(guard, MAC_BROADCAST MAC_B ARP("01"));
	link = world_link(world, NAME, "port", NULL);
	assert_int_equal(link != 0, tcx);
	assert_int_equal(world_programs(world, port, true, &program), tcx);

	guard_close(guard);
	assert_forwards(MAC_BROADCAST MAC_A ARP("01"));
	send_text(MAC_BROADCAST MAC_B ARP("01"));
	assert_forwards(MAC_BROADCAST MAC_A ARP("01"));

	guard = open_guard(NAME, rules_of(MAC_A, MAC_B));
	assert_true(guard_attached(guard));
	assert_int_equal(read_counts(guard).refused, 2);
	assert_refuses(guard, MAC_BROADCAST MAC_B ARP("01")); /* by the rules before */
	attach(guard, port);
	assert_forwards(MAC_BROADCAST MAC_B ARP("01"));
	assert_int_equal(world_link(world, NAME, "port", NULL), link);
	assert_int_equal(world_programs(world, port, true, &after), tcx);
	assert_int_not_equal(after, program);
	assert_int_equal(read_counts(guard).refused, 3);

	/* What was taken over may be removed without being attached first. */
	guard_close(guard);
	guard_remove(open_guard(NAME, rules_of(MAC_A, NULL)));
	assert_int_equal(world_programs(world, port, true, NULL), 0);
}

static void test_other_namespace(void **unused)
{
	struct guard *guard = open_guard(NAME, rules_of(MAC_A, NULL)), *other = NULL;
	const struct guard_rules rules = rules_of(MAC_A, NULL);
	struct problem problem = {};

	(void)unused;
	attach(guard, port);
	assert_int_equal(guard_open(world->teams, NAME, world->netns + 1, &rules, &other, &problem),
			 -EBUSY);
	assert_null(other);
	assert_non_null(strstr(problem.text, "another network namespace"));
	assert_true(guard_attached(guard));
	guard_remove(guard);
}

/* The port is another device now, or the same one made anew. */
static void test_port_exchanged(void **unused)
{
	struct guard *guard = open_guard(NAME, rules_of(MAC_A, NULL));
	int ifindex = spare;

	(void)unused;
	attach(guard, port);
	attach(guard, spare);
	assert_int_equal(world_programs(world, port, true, NULL), 0);
	assert_false(attach_has_clsact(port));
	(void)world_link(world, NAME, "port", &ifindex);
	assert_int_equal(ifindex, spare);
	world_ip("link del dev spare");
	assert_false(guard_attached(guard));
	world_ip("link add name spare index %d type veth peer name spare1", spare);
	assert_false(guard_attached(guard));
	attach(guard, spare);
	guard_remove(guard);
}

/* Somebody detaches it, or the whole qdisc goes; attaching again mends that. */
static void test_detached(void **unused)
{
	struct guard *guard = open_guard(NAME, rules_of(MAC_A, NULL));
	char path[PATH_MAX];

	(void)unused;
	attach(guard, port);
	(void)snprintf(path, sizeof(path), "%s/%s/port", world->teams, NAME);
	if (tcx) {
		_cleanup_close_ int link = bpf_obj_get(path);

		assert_int_equal(bpf_link_detach(link), 0);
	} else {
		assert_int_equal(system("tc qdisc del dev port clsact"), 0);
	}
	assert_false(guard_attached(guard));
	attach(guard, port);
	guard_remove(guard);
}

/* A failure changes nothing; rules that change while the port is gone hold at the next one. */
static void test_no_device(void **unused)
{
	struct guard *guard = open_guard(NAME, rules_of(MAC_A, NULL));
	const struct guard_rules rules = rules_of(MAC_B, NULL);
	struct problem problem = {};

	(void)unused;
	assert_int_equal(guard_attach(guard, 4711, &problem), -ENODEV);
	assert_string_equal(problem.text, "cannot attach the receiving program: No such device");
	assert_false(guard_attached(guard));
	attach(guard, spare);
	world_ip("link del dev spare");
	assert_int_equal(guard_set_rules(guard, &rules, &problem), 0);
	assert_false(guard_attached(guard));
	attach(guard, port);
	assert_forwards(MAC_BROADCAST MAC_B ARP("01"));
	guard_remove(guard);
	assert_false(world_has_pins(world, NAME));
}

static void test_foreign_clsact(void **unused)
{
	struct guard *guard = open_guard(NAME, rules_of(MAC_A, NULL));

	(void)unused;
	assert_int_equal(system("tc qdisc add dev port clsact"), 0);
	assert_int_equal(guard_attach(guard, port, NULL), 0);
	guard_close(guard);
	guard_remove(open_guard(NAME, rules_of(MAC_A, NULL)));
	assert_true(attach_has_clsact(port));
	attach_drop_clsact(port);
}

/* A bit for each of g0 and g1. */
static int collect(const char *name, void *data)
{
	assert_true(strcmp(name, "g0") == 0 || strcmp(name, "g1") == 0);
	*(unsigned *)data |= 1U << (name[1] - '0');
	return 0;
}

static void test_each(void **unused)
{
	struct guard *first, *second;
	unsigned found = 0;

	(void)unused;
	assert_int_equal(guard_each(world->teams, collect, &found), 0);
	assert_int_equal(found, 0);
	first = open_guard("g0", rules_of(MAC_A, NULL));
	second = open_guard("g1", rules_of(MAC_B, NULL));
	attach(first, port);
	attach(second, spare);
	assert_int_equal(guard_each(world->teams, collect, &found), 0);
	assert_int_equal(found, 3);
	assert_refuses(first, MAC_BROADCAST MAC_B ARP("01"));
	assert_int_equal(read_counts(second).refused, 0);
	guard_remove(first);
	assert_true(guard_attached(second));
	guard_remove(second);
}

/* --- rules that change under traffic --- */

struct sender {
	pthread_t thread;
	const char *text;
	const _Atomic bool *stop;
	_Atomic unsigned sent;
};

static void *send_on(void *data)
{
	struct sender *sender = data;
	uint8_t frame[FRAME_MAX];
	size_t length = frame_parse(sender->text, 0, frame);

	while (!*sender->stop)
		if (!packet_send(packet, guest, frame, length))
			sender->sent++;
	return NULL;
}

struct all {
	const struct sender *senders;
	unsigned each;
};

static bool all_have_sent(void *data)
{
	const struct all *all = data;

	for (size_t i = 0; i < SENDERS; i++)
		if (all->senders[i].sent < all->each)
			return false;
	return true;
}

/* While two threads send @text, the rules change between two that have A in common, at both places. */
static struct guard_counts count_changing(const char *text)
{
	const struct guard_rules rules[] = {rules_of(MAC_A, MAC_B), rules_of(MAC_C, MAC_A)};
	struct guard *guard = open_guard(NAME, rules[0]);
	struct sender senders[SENDERS] = {};
	struct all all = {senders, BEFORE_CHANGES};
	_Atomic bool stop = false;
	struct guard_counts counts;

	attach(guard, port);
	for (size_t i = 0; i < SENDERS; i++) {
		senders[i].text = text;
		senders[i].stop = &stop;
		assert_int_equal(pthread_create(&senders[i].thread, NULL, send_on, &senders[i]), 0);
	}
	world_wait(all_have_sent, &all);
	for (unsigned i = 1; i <= CHANGES; i++)
		set_rules(guard, rules[i % 2]);
	stop = true;
	for (size_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
	counts = read_counts(guard);
	guard_remove(guard);
	return counts;
}

static void test_changes_refuse_nothing(void **unused)
{
	struct guard_counts counts = count_changing(MAC_PEER MAC_A UDP4);

	(void)unused;
	assert_int_equal(counts.refused, 0);
	assert_true(counts.passed >= SENDERS * BEFORE_CHANGES);
	/* Both rules were at work. */
	assert_in_range(counts.passed_mate, 1, counts.passed - 1);
}

static void test_changes_let_nothing_pass(void **unused)
{
	struct guard_counts counts = count_changing(MAC_PEER MAC_FOREIGN UDP4);

	(void)unused;
	assert_int_equal(counts.passed, 0);
	assert_true(counts.refused >= SENDERS * BEFORE_CHANGES);
	assert_int_equal(recv(far, &(uint8_t){0}, 1, MSG_DONTWAIT), -1);
}

static void open_far(void)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_ALL),
				      .sll_ifindex = world_index("far")};

	far = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(far >= 0);
	assert_int_equal(bind(far, (struct sockaddr *)&address, sizeof(address)), 0);
}

static int make_bridge(void **state)
{
	if (world_make(state))
		return -1;
	world = *state;
	tcx = world_has_tcx();
	port = world_veth("port", "52:54:00:00:01:01", "guest", 1);
	guest = world_index("guest");
	(void)world_veth("outside", "52:54:00:00:01:02", "far", 1);
	spare = world_veth("spare", "52:54:00:00:01:03", "spare1", 1);
	world_ip("link add name br0 type bridge mcast_snooping 0");
	world_ip("link set dev port master br0");
	world_ip("link set dev outside master br0");
	world_ip("link set dev br0 up");
	assert_int_equal(packet_open(&packet), 0);
	open_far();
	return 0;
}

static int end_bridge(void **state)
{
	close_fd(&far);
	close_fd(&packet);
	return world_end(state);
}

#define BRIDGE(test) cmocka_unit_test_setup_teardown(test, make_bridge, end_bridge)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BRIDGE(test_bridge),
		BRIDGE(test_take_over),
		BRIDGE(test_other_namespace),
		BRIDGE(test_port_exchanged),
		BRIDGE(test_detached),
		BRIDGE(test_no_device),
		BRIDGE(test_foreign_clsact),
		BRIDGE(test_each),
		BRIDGE(test_changes_refuse_nothing),
		BRIDGE(test_changes_let_nothing_pass),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
