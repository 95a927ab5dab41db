// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames sent, and receive filters held, with the kernel itself. */
#include "test_kernel_world.h"

#include "kernel/frame.h"
#include "kernel/packet.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

static bool receives(int ifindex, const char *name, const struct mac *mac)
{
	_cleanup_free_ struct mac *macs = NULL;
	size_t count;

	assert_int_equal(packet_multicast_list(ifindex, name, &macs, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (mac_equal(&macs[i], mac))
			return true;
	return false;
}

static void multicast_is_held_until_closed(void **state)
{
	static const struct mac macs[] = {{{0x33, 0x33, 0xff, 1, 2, 3}}, {{1, 0, 0x5e, 1, 2, 3}}};
	struct world *world = *state;
	int fd = -1;

	assert_false(receives(world->left, "left", &macs[0]));
	assert_int_equal(packet_hold_multicast(world->left, macs, 2, &fd), 0);
	assert_true(receives(world->left, "left", &macs[0]));
	assert_true(receives(world->left, "left", &macs[1]));
	assert_false(receives(world->right, NULL, &macs[1]));
	close_fd(&fd);
	assert_false(receives(world->left, "left", &macs[0]));
	assert_false(receives(world->left, "left", &macs[1]));
}

static void multicast_needs_the_device(void **state)
{
	static const struct mac mac = {{0x33, 0x33, 0xff, 1, 2, 3}};
	struct world *world = *state;
	struct mac *macs = NULL;
	size_t count = 5;
	int fd = -7;

	assert_int_equal(packet_hold_multicast(9999, &mac, 1, &fd), -ENODEV);
	assert_int_equal(fd, -7);
	assert_int_equal(packet_multicast_list(world->left, "other", &macs, &count), -ENODEV);
	assert_int_equal(count, 5);
}

static void listen_on(int fd, int ifindex)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP), .sll_ifindex = ifindex};

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void frame_arrives(void **state)
{
	static const struct mac from = {{2, 0, 0, 0, 0, 7}}, to = {{255, 255, 255, 255, 255, 255}};
	static const uint8_t address[4] = {192, 0, 2, 9};
	_cleanup_close_ int sender = -1, receiver = -1;
	uint8_t sent[FRAME_SIZE_MAX], got[FRAME_SIZE_MAX];
	struct world *world = *state;
	struct pollfd wait = {.events = POLLIN};
	int attempts = 250;

	assert_int_equal(packet_open(&sender), 0);
	assert_int_equal(packet_open(&receiver), 0);
	frame_arp_announce(sent, &from, &to, address);
	assert_int_equal(packet_send(sender, world->right, sent, FRAME_ARP_SIZE), -ENETDOWN);
	assert_int_equal(packet_send(sender, 9999, sent, FRAME_ARP_SIZE), -ENXIO);
	assert_int_equal(packet_send(sender, world->left, sent, 13), -EINVAL);
	assert_int_equal(rtnl_link_set_up(world->netlink, world->right, true, NULL), 0);
	listen_on(receiver, world->right);
	wait.fd = receiver;
	/* Until the kernel has seen the carrier it drops what is sent, and calls that success. */
	do
		assert_int_equal(packet_send(sender, world->left, sent, FRAME_ARP_SIZE), 0);
	while (poll(&wait, 1, 20) == 0 && --attempts > 0);
	assert_int_equal(recv(receiver, got, sizeof(got), 0), FRAME_ARP_SIZE);
	assert_memory_equal(got, sent, FRAME_ARP_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(multicast_is_held_until_closed),
		LIVE(multicast_needs_the_device),
		LIVE(frame_arrives),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
