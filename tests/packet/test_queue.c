// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Real frames through real devices, with the programs where the loader puts them: the transmit
 * queue by which bonding takes the member, what a test run cannot be given (a header alone, jumbo
 * frames, frames of packet sockets), and what arrives at the member's other side.
 */
#include "frame.h"
#include "observe.h"
#include "run.h"
#include "world.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "datapath/datapath.h"
#include "datapath/stations.h"
#include "kernel/packet.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#define QUEUES 40 /* more than slots, as the bond has */
#define JUMBO 9014
#define ALL_USABLE (1U << SLOT_A | 1U << SLOT_B | 1U << SLOT_C | 1U << SLOT_Z)
#define QUEUE_OF(slot) ((slot) + 2U)
#define QUEUE_BONDINGS 0U /* bonding's active slave */
#define A_TO_PEER MAC_PEER MAC_A

/* "team" and two members are ends of veth pairs; their peers stand for the outside. */
static struct stage {
	struct world *world;
	struct datapath *datapath;
	int team, member_a, member_b, peer_b;
	int packet;
	struct observer at_team;
	unsigned sent; /* frames that at_team must have seen */
} stage;

static void deal_all(uint8_t home, uint8_t fallback)
{
	struct pick_deal *deal = datapath_deal(stage.datapath);

	for (size_t i = 0; i < PICK_BUCKETS; i++)
		deal[i] = (struct pick_deal){home, fallback};
}

static void send_bytes(int ifindex, const uint8_t *frame, size_t length)
{
	int err = packet_send(stage.packet, ifindex, frame, length);

	if (err)
		fail_msg("sending %zu bytes: %s", length, strerror(-err));
}

/* The queue that a frame through the team gets; its source is that of who has the queue. */
static unsigned queue_of(const char *text, uint8_t vary)
{
	const volatile struct observed *observed;
	uint8_t frame[FRAME_MAX];
	size_t length = frame_parse(text, vary, frame);
	unsigned queue;

	send_bytes(stage.team, frame, length);
	observed = observer_frame(&stage.at_team, ++stage.sent);
	assert_int_equal(observed->length, length);
	queue = observed->queue_mapping;
	frame_leave(datapath_state(stage.datapath), queue ? queue - 2 : PICK_NOBODY, frame);
	assert_memory_equal((const void *)observed->header, frame, sizeof(observed->header));
	return queue;
}

struct queue_case {
	const char *what, *frame;
	unsigned well, primary_lost; /* the queue while all is well, and when the primary is lost */
};

static const struct queue_case queues[] = {
	{"broadcast", MAC_BROADCAST MAC_A UDP4, QUEUE_OF(SLOT_A), QUEUE_BONDINGS},
	{"multicast", MAC_MULTICAST4 MAC_A UDP4, QUEUE_OF(SLOT_A), QUEUE_BONDINGS},
	{"multicast, a header alone", MAC_MULTICAST4 MAC_A "0800", QUEUE_OF(SLOT_A),
	 QUEUE_BONDINGS},
	{"foreign", MAC_PEER MAC_FOREIGN TCP4, QUEUE_OF(SLOT_A), QUEUE_BONDINGS},
	{"foreign ARP", MAC_BROADCAST MAC_FOREIGN ARP("01"), QUEUE_OF(SLOT_A), QUEUE_BONDINGS},
	{"ARP", MAC_BROADCAST MAC_A ARP("01"), QUEUE_BONDINGS, QUEUE_BONDINGS},
	{"ARP, unicast", A_TO_PEER ARP("02"), QUEUE_BONDINGS, QUEUE_BONDINGS},
	{"ARP, a header alone", A_TO_PEER "0806", QUEUE_BONDINGS, QUEUE_BONDINGS},
	{"ARP in a VLAN", A_TO_PEER VLAN ARP("02"), QUEUE_BONDINGS, QUEUE_BONDINGS},
	{"discovery", "3333ff 000002 " MAC_A IP6_TO("3a", GROUP6) ICMP6("87"), QUEUE_BONDINGS,
	 QUEUE_BONDINGS},
	{"discovery, unicast", A_TO_PEER IP6("3a") ICMP6("88"), QUEUE_BONDINGS, QUEUE_BONDINGS},
	{"TCP", A_TO_PEER TCP4, QUEUE_OF(SLOT_B), QUEUE_OF(SLOT_B)},
	{"TCP over IPv6", A_TO_PEER TCP6, QUEUE_OF(SLOT_B), QUEUE_OF(SLOT_B)},
	{"TCP from a team mate", MAC_PEER MAC_C TCP4, QUEUE_OF(SLOT_B), QUEUE_OF(SLOT_B)},
	{"not IP", A_TO_PEER "8864 1100 0001 0016 0021 " PAYLOAD, QUEUE_OF(SLOT_B),
	 QUEUE_OF(SLOT_B)},
	{"a header alone", A_TO_PEER "0800", QUEUE_OF(SLOT_B), QUEUE_OF(SLOT_B)},
	{"a header alone, IPv6", A_TO_PEER "86dd", QUEUE_OF(SLOT_B), QUEUE_OF(SLOT_B)},
	{"one byte of IPv4", A_TO_PEER "0800 45", QUEUE_OF(SLOT_B), QUEUE_OF(SLOT_B)},
	{"half an IPv6 header", A_TO_PEER "86dd 60000000 0020 3a ff " SOURCE6, QUEUE_OF(SLOT_B),
	 QUEUE_OF(SLOT_B)},
};

static void assert_queues(bool primary_lost)
{
	for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
		unsigned expected = primary_lost ? queues[i].primary_lost : queues[i].well;
		unsigned queue = queue_of(queues[i].frame, 0);

		if (queue != expected)
			fail_msg("%s: queue %u, expected %u", queues[i].what, queue, expected);
	}
}

static void test_class(void **unused)
{
	struct pick_state *state = datapath_state(stage.datapath), before;

	(void)unused;
	deal_all(SLOT_B, SLOT_C);
	before = *state;
	assert_queues(false);
	state->usable = before.usable = ALL_USABLE & ~(1U << SLOT_A);
	assert_queues(true);
	/* All of them came from a packet socket, a team mate's source among them: nothing learnt. */
	assert_memory_equal(state, &before, sizeof(before));
}

/* T10: who sends through the team with a MAC of its own is remembered, for announcing it. */
static void test_stations(void **unused)
{
	static const uint8_t foreign[6] = {0x52, 0x54, 0, 0, 0, 0xf0};
	_cleanup_free_ struct station_key *keys = NULL;
	int map = datapath_stations(stage.datapath);
	uint64_t begin = monotonic();
	struct station station;
	size_t count;

	(void)unused;
	assert_int_equal(stations_take(map, 0, begin, &keys, &count), 0);
	assert_int_equal(count, 0);
	free_ptr(&keys);
	(void)queue_of(A_TO_PEER TCP4, 0);
	(void)queue_of(MAC_PEER MAC_C TCP4, 0);
	(void)queue_of(MAC_PEER MAC_FOREIGN TCP4, 0);
	(void)queue_of(MAC_PEER MAC_FOREIGN TCP4, 0);
	assert_int_equal(stations_take(map, begin, begin + 7, &keys, &count), 0);
	assert_int_equal(count, 1);
	assert_memory_equal(keys[0].mac, foreign, sizeof(foreign));
	assert_int_equal(keys[0].vlan, 0);
	/* Now what comes back with this MAC is a reflection of what the taker sends. */
	assert_int_equal(bpf_map_lookup_elem(map, &keys[0], &station), 0);
	assert_int_equal(station.flooded_ns, begin + 7);
	assert_in_range(station.seen_ns, begin, monotonic());
	(void)queue_of(MAC_BROADCAST MAC_FOREIGN ARP("01"), 0);
	assert_int_equal(bpf_map_lookup_elem(map, &keys[0], &station), 0);
	assert_in_range(station.flooded_ns, begin + 8, monotonic());
	free_ptr(&keys);
	assert_int_equal(stations_take(map, monotonic(), begin, &keys, &count), 0);
	assert_int_equal(count, 0);
}

/* A queue that the frame has brought with it says nothing here. */
static void test_recorded_queue(void **unused)
{
	(void)unused;
	observer_detach(&stage.at_team);
	observer_attach(&stage.at_team, stage.team, false, true);
	deal_all(SLOT_B, SLOT_C);
	assert_queues(false);
	datapath_state(stage.datapath)->usable = 1U << SLOT_A; /* neither home nor fallback */
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_BONDINGS);
}

/* Each bucket by itself: the queue is of the slot that the bucket is dealt to. */
static void test_bucket(void **unused)
{
	struct pick_deal *deal = datapath_deal(stage.datapath);

	(void)unused;
	datapath_state(stage.datapath)->usable = ~0U;
	for (size_t i = 0; i < PICK_BUCKETS; i++)
		deal[i] = (struct pick_deal){(uint8_t)(i % PICK_SLOTS), PICK_NOBODY};
	for (unsigned i = 0; i < 256; i++) {
		const char *text = A_TO_PEER IP4("06", DONT_FRAGMENT) TCP("c0xx");
		uint32_t hash = 0, verdict;
		uint8_t frame[FRAME_MAX];
		size_t length = frame_parse(text, (uint8_t)i, frame);
		unsigned queue = queue_of(text, (uint8_t)i);

		assert_int_equal(datapath_ask(stage.datapath, frame, length, &hash, &verdict), 0);
		assert_int_equal(verdict, PICK_VERDICT(PICK_HOME, hash % PICK_SLOTS));
		assert_int_equal(queue, QUEUE_OF(hash % PICK_SLOTS));
	}
}

/* T5 in one flow's life: lost, away, not back while it speaks, back after silence or the bound. */
static void test_life(void **unused)
{
	struct pick_state *state = datapath_state(stage.datapath);

	(void)unused;
	deal_all(SLOT_B, SLOT_C);
	state->idle_ns = 3600ULL * 1000000000;
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_OF(SLOT_B));
	state->usable = ALL_USABLE & ~(1U << SLOT_B);
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_OF(SLOT_C));
	state->usable = ALL_USABLE;
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_OF(SLOT_C));
	state->return_by[SLOT_B] = 1;
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_OF(SLOT_B));
	state->usable = 1U << SLOT_A;
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_BONDINGS);
	state->usable = ALL_USABLE & ~(1U << SLOT_B);
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_OF(SLOT_C));
	state->return_by[SLOT_B] = 0;
	state->usable = ALL_USABLE;
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_OF(SLOT_C));
	state->idle_ns = 0;
	assert_int_equal(queue_of(A_TO_PEER TCP4, 0), QUEUE_OF(SLOT_B));
}

static void test_jumbo(void **unused)
{
	struct observer at_member;
	uint8_t frame[JUMBO] = {};

	(void)unused;
	deal_all(SLOT_Z, PICK_NOBODY);
	(void)frame_parse(A_TO_PEER UDP4, 0, frame);
	send_bytes(stage.team, frame, sizeof(frame));
	assert_int_equal(observer_frame(&stage.at_team, ++stage.sent)->queue_mapping,
			 QUEUE_OF(SLOT_Z));
	assert_int_equal(observer_frame(&stage.at_team, stage.sent)->length, JUMBO);

	observer_attach(&at_member, stage.member_b, false, false);
	send_bytes(stage.member_b, frame, sizeof(frame));
	(void)frame_parse(MAC_PEER MAC_B, 0, frame);
	assert_memory_equal((const void *)observer_frame(&at_member, 1)->header, frame, 12);
	assert_int_equal(observer_frame(&at_member, 1)->length, JUMBO);
	observer_detach(&at_member);
}

/* --- Learning, with a socket that the kernel writes the header for --- */

/* One datagram; with no neighbour entry for @address it is an ARP request that leaves. */
static void send_datagram(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
}

static void interface_take(const char *mac)
{
	world_ip("link set dev team address %s", mac);
}

static void make_interface(void)
{
	world_ip("addr add 192.0.2.1/24 dev team");
	world_ip("neigh add 192.0.2.2 lladdr 52:54:00:00:00:fe nud permanent dev team");
}

static void assert_primary(unsigned slot)
{
	const struct pick_state *state = datapath_state(stage.datapath);

	assert_int_equal(state->primary, slot);
	assert_memory_equal(state->team_mac, state->member_macs[slot], 6);
}

static void test_learning(void **unused)
{
	struct pick_state *state = datapath_state(stage.datapath);

	(void)unused;
	make_interface();
	deal_all(SLOT_C, PICK_NOBODY);
	send_datagram("192.0.2.2");
	assert_int_equal(observer_frame(&stage.at_team, ++stage.sent)->queue_mapping,
			 QUEUE_OF(SLOT_C));
	assert_primary(SLOT_A);

	/* Bonding changes over; a packet socket's frame says nothing, the kernel's own does. */
	interface_take("52:54:00:00:00:0b");
	assert_int_equal(queue_of(MAC_PEER MAC_B TCP4, 0), QUEUE_OF(SLOT_C));
	assert_primary(SLOT_A);
	send_datagram("192.0.2.2");
	(void)observer_frame(&stage.at_team, ++stage.sent);
	assert_primary(SLOT_B);
	assert_int_equal(queue_of(MAC_MULTICAST4 MAC_B UDP4, 0), QUEUE_OF(SLOT_B));

	/* A lost member's MAC is old news. */
	interface_take("52:54:00:00:00:0c");
	state->usable = ALL_USABLE & ~(1U << SLOT_C);
	send_datagram("192.0.2.2");
	(void)observer_frame(&stage.at_team, ++stage.sent);
	assert_primary(SLOT_B);
}

/* The kernel's ARP has no socket at all, and is the first that is sent after a change. */
static void test_learning_from_arp(void **unused)
{
	(void)unused;
	make_interface();
	interface_take("52:54:00:00:00:1f");
	send_datagram("192.0.2.3");
	assert_int_equal(observer_frame(&stage.at_team, ++stage.sent)->queue_mapping,
			 QUEUE_BONDINGS);
	assert_primary(SLOT_Z);
	world_ip("link set dev team down"); /* no more requests */
}

/* --- At the members --- */

/* The queue that chose the member does not choose the member's own queue; the source is its own. */
static void test_member_egress(void **unused)
{
	static const struct {
		const char *frame, *header;
	} cases[] = {
		{MAC_PEER MAC_B TCP4, MAC_PEER MAC_B},
		{MAC_PEER MAC_A TCP4, MAC_PEER MAC_B},
		{MAC_BROADCAST MAC_C UDP4, MAC_BROADCAST MAC_B},
		{MAC_PEER MAC_FOREIGN TCP4, MAC_PEER MAC_FOREIGN},
		{MAC_PEER MAC_A "0800", MAC_PEER MAC_B},
	};
	struct observer at_member;

	(void)unused;
	observer_attach(&at_member, stage.member_b, false, true);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t frame[FRAME_MAX], header[FRAME_MAX];
		const volatile struct observed *observed;

		send_bytes(stage.member_b, frame, frame_parse(cases[i].frame, 0, frame));
		observed = observer_frame(&at_member, i + 1);
		(void)frame_parse(cases[i].header, 0, header);
		assert_memory_equal((const void *)observed->header, header, 12);
		assert_int_equal(observed->queue_mapping, 0);
	}
	observer_detach(&at_member);
}

/* From outside: what passes goes on as addressed to the team, what does not is counted. */
static void test_member_ingress(void **unused)
{
	const struct drop_counts *drops = datapath_drops(stage.datapath);
	uint8_t frame[FRAME_MAX], header[FRAME_MAX];
	struct observer at_member;

	(void)unused;
	observer_attach(&at_member, stage.member_b, true, false);
	send_bytes(stage.peer_b, frame, frame_parse(MAC_BROADCAST MAC_PEER UDP4, 0, frame));
	send_bytes(stage.peer_b, frame, frame_parse(MAC_BROADCAST MAC_A UDP4, 0, frame));
	send_bytes(stage.peer_b, frame, frame_parse(MAC_B MAC_PEER TCP4, 0, frame));
	(void)frame_parse(MAC_A MAC_PEER, 0, header);
	assert_memory_equal((const void *)observer_frame(&at_member, 1)->header, header, 12);
	assert_int_equal(drops->frames[SLOT_B][DROP_NOT_PRIMARY], 1);
	assert_int_equal(drops->frames[SLOT_B][DROP_REFLECTED], 1);
	assert_int_equal(drops->frames[SLOT_A][DROP_NOT_PRIMARY], 0);
	observer_detach(&at_member);
}

static void make_datapath(void)
{
	struct problem problem = {};
	bool adopted;

	if (datapath_open(stage.world->teams, "team0", stage.world->netns, NULL, &stage.datapath,
			  &adopted, &problem) ||
	    datapath_attach_team(stage.datapath, stage.team, &problem) ||
	    datapath_attach_member(stage.datapath, SLOT_A, stage.member_a, &problem) ||
	    datapath_attach_member(stage.datapath, SLOT_B, stage.member_b, &problem))
		fail_msg("%s", problem.text);
	frame_members(datapath_state(stage.datapath));
}

static int make_stage(void **state)
{
	stage = (struct stage){.packet = -1};
	if (world_make(state))
		return -1;
	stage.world = *state;
	stage.team = world_veth("team", "52:54:00:00:00:0a", "outside", QUEUES);
	stage.member_a = world_veth("member0", "52:54:00:00:00:0a", "peer0", 1);
	stage.member_b = world_veth("member1", "52:54:00:00:00:0b", "peer1", 1);
	stage.peer_b = world_index("peer1");
	make_datapath();
	assert_int_equal(packet_open(&stage.packet), 0);
	observer_attach(&stage.at_team, stage.team, false, false);
	return 0;
}

static int end_stage(void **state)
{
	observer_detach(&stage.at_team);
	close_fd(&stage.packet);
	datapath_remove(stage.datapath);
	return world_end(state);
}

#define STAGE(test) cmocka_unit_test_setup_teardown(test, make_stage, end_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STAGE(test_class),	    STAGE(test_stations),
		STAGE(test_recorded_queue), STAGE(test_bucket),
		STAGE(test_life),	    STAGE(test_jumbo),
		STAGE(test_learning),	    STAGE(test_learning_from_arp),
		STAGE(test_member_egress),  STAGE(test_member_ingress),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
