// SPDX-License-Identifier: GPL-2.0-or-later
/* Announcements byte by byte, and the strict reading of /proc/net/dev_mcast. */
#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/frame.h"
#include "kernel/multicast.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct mac from = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
static const struct mac broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void arp_is_exact(void **state)
{
	static const uint8_t wanted[FRAME_ARP_SIZE] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
		192,  0,    2,	  9,	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192,  0,	2,    9,
	};
	static const uint8_t address[4] = {192, 0, 2, 9};
	uint8_t buffer[FRAME_SIZE_MAX];

	assert_int_equal(frame_arp_announce(buffer, &from, &broadcast, address), sizeof(wanted));
	assert_memory_equal(buffer, wanted, sizeof(wanted));
}

static void learn_is_exact(void **state)
{
	static const uint8_t wanted[FRAME_LEARN_SIZE] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x80, 0x35,
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x03, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
		0,    0,    0,	  0,	0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0,	  0,	0,    0,
	};
	uint8_t buffer[FRAME_SIZE_MAX];

	assert_int_equal(frame_learn(buffer, &from), sizeof(wanted));
	assert_memory_equal(buffer, wanted, sizeof(wanted));
}

static const uint8_t address6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

static void advert_is_exact(void **state)
{
	static const struct mac to = {{0x33, 0x33, 0, 0, 0, 1}};
	static const uint8_t wanted[FRAME_ADVERT_SIZE] = {
		0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58,	255,  0x20, 0x01, 0x0d, 0xb8,
		0,    0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  9,	0xff,
		0x02, 0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  0,	0,
		0,    1,    136,  0,	0x92, 0x82, 0x20, 0,	0,    0,    0x20, 0x01, 0x0d,
		0xb8, 0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  0,	9,
		2,    1,    0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
	};
	uint8_t buffer[FRAME_SIZE_MAX];

	assert_int_equal(frame_neighbour_advert(buffer, &from, &to, address6, all_nodes, false),
			 sizeof(wanted));
	assert_memory_equal(buffer, wanted, sizeof(wanted));
}

/* As a receiver checks it: the sum over pseudo header and message, carries folded, is 0xffff. */
static uint16_t receivers_sum(const uint8_t *frame)
{
	uint32_t sum = 32 + 58;

	for (size_t i = 22; i < FRAME_ADVERT_SIZE; i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void advert_checksum_holds_for_every_mac(void **state)
{
	uint8_t buffer[FRAME_SIZE_MAX];

	for (unsigned i = 0; i < 0x10000; i++) {
		struct mac mac = {{0x02, 0xff, (uint8_t)(i * 7), 1, (uint8_t)(i >> 8), (uint8_t)i}};

		(void)frame_neighbour_advert(buffer, &mac, &broadcast, address6, all_nodes, false);
		assert_int_equal(receivers_sum(buffer), 0xffff);
	}
}

/* RFC 5227: a probe says no address of the sender. */
static void arp_probe_is_exact(void **state)
{
	static const uint8_t address[4] = {192, 0, 2, 9}, nobody[4];
	uint8_t announced[FRAME_ARP_SIZE], probe[FRAME_SIZE_MAX];

	(void)frame_arp_announce(announced, &from, &broadcast, address);
	assert_int_equal(frame_arp_probe(probe, &from, &broadcast, address), FRAME_ARP_SIZE);
	memcpy(announced + 28, nobody, sizeof(nobody));
	assert_memory_equal(probe, announced, FRAME_ARP_SIZE);
}

static void solicitation_is_exact(void **state)
{
	static const uint8_t wanted[FRAME_ADVERT_SIZE] = {
		0x33, 0x33, 0xff, 0x00, 0x00, 0x09, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86,
		0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58,	255,  0xfe, 0x80, 0,	0,
		0,    0,    0,	  0,	0x00, 0x11, 0x22, 0x88, 0xb5, 0x33, 0x44, 0x55, 0xff,
		0x02, 0,    0,	  0,	0,    0,    0,	  0,	0,    0,    1,	  0xff, 0,
		0,    9,    135,  0,	0xee, 0x07, 0,	  0,	0,    0,    0x20, 0x01, 0x0d,
		0xb8, 0,    0,	  0,	0,    0,    0,	  0,	0,    0,    0,	  0,	9,
		1,    1,    0x02, 0x11, 0x22, 0x33, 0x44, 0x55,
	};
	uint8_t buffer[FRAME_SIZE_MAX], source[16];

	probe_link_local(from.bytes, source);
	assert_int_equal(frame_neighbour_solicit(buffer, &from, NULL, source, address6),
			 sizeof(wanted));
	assert_int_equal(receivers_sum(buffer), 0xffff);
	memcpy(buffer + 56, wanted + 56, 2); /* the checksum, which has just been checked */
	assert_memory_equal(buffer, wanted, sizeof(wanted));
	(void)frame_neighbour_solicit(buffer, &from, &broadcast, source, address6);
	assert_memory_equal(buffer, &broadcast, sizeof(broadcast));
	assert_memory_equal(buffer + 38, address6, sizeof(address6));
}

static int parse(const char *text, int ifindex, const char *name, struct mac **macs, size_t *count)
{
	_cleanup_fclose_ FILE *file = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(file);
	return multicast_parse(file, ifindex, name, macs, count);
}

static const char lines[] = "2    eth0            1     0     333300000001\n"
			    "10   ib0             1     0     "
			    "00ffffffff12401bffff00000000000000000001\n"
			    "12345 very-long-name0 2     1     01005e000001\n"
			    "2    eth0            1     0     01005e0000fb\n";

static void multicast_of_a_device_is_read(void **state)
{
	static const struct mac wanted[] = {{{0x33, 0x33, 0, 0, 0, 1}},
					    {{0x01, 0, 0x5e, 0, 0, 0xfb}}};
	_cleanup_free_ struct mac *macs = NULL;
	size_t count;

	assert_int_equal(parse(lines, 2, "eth0", &macs, &count), 0);
	assert_int_equal(count, 2);
	assert_memory_equal(macs, wanted, sizeof(wanted));
}

static void multicast_other_devices_are_told(void **state)
{
	struct mac *macs = NULL;
	size_t count = 7;

	assert_int_equal(parse(lines, 2, "eth1", &macs, &count), -ENODEV);
	assert_int_equal(parse(lines, 10, NULL, &macs, &count), -EBADMSG);
	assert_int_equal(count, 7);
	assert_int_equal(parse(lines, 3, NULL, &macs, &count), 0);
	assert_int_equal(count, 0);
	assert_null(macs);
}

static void multicast_other_lines_are_refused(void **state)
{
	static const char *const bad[] = {
		"2 eth0 1 0 333300000001",	 "2 eth0 1 0\n",
		"2 eth0 1 0 333300000001 x\n",	 "2 eth0 1 0 3333000000\n",
		"2 eth0 1 0 33330000000g\n",	 "2 eth0 1 -1 333300000001\n",
		"0 eth0 1 0 333300000001\n",	 "99999999999 eth0 1 0 333300000001\n",
		"2 eth0 one 0 333300000001\n",	 "\n",
		"2 eth0 1 0 33:33:00:00:00:1\n", "2 eth0 1 0 33330000ABCD\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mac *macs = NULL;
		size_t count;

		assert_int_equal(parse(bad[i], 2, NULL, &macs, &count), -EBADMSG);
		assert_null(macs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_is_exact),
		cmocka_unit_test(learn_is_exact),
		cmocka_unit_test(arp_probe_is_exact),
		cmocka_unit_test(solicitation_is_exact),
		cmocka_unit_test(advert_is_exact),
		cmocka_unit_test(advert_checksum_holds_for_every_mac),
		cmocka_unit_test(multicast_of_a_device_is_read),
		cmocka_unit_test(multicast_other_devices_are_told),
		cmocka_unit_test(multicast_other_lines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
