// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The uplink program (H5 b) in the running kernel: a driver's report of a watched device is heard,
 * and whoever asks for the device then is told its new carrier.
 */
#include "world.h"

#include "datapath/uplink.h"
#include "kernel/netlink.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 5000
#define STORM 600 /* reports; the ring buffer holds fewer */

static struct world *world;
static struct uplinks *uplinks;
static int device_a, device_z;

/* Skips the test where the machine permits no tracing; the lab's kernels do. */
static void open_all(void)
{
	int err = uplinks_open(&uplinks);

	if (err == -EPERM)
		skip();
	assert_int_equal(err, 0);
	assert_int_equal(uplinks_watch(uplinks, world->netns, device_a), 0);
}

struct heard {
	unsigned int of_a, of_z, of_others;
};

static void count(void *data, int ifindex)
{
	struct heard *heard = data;

	if (ifindex == device_a)
		heard->of_a++;
	else if (ifindex == device_z)
		heard->of_z++;
	else
		heard->of_others++;
}

static struct heard hear(void)
{
	struct pollfd reports = {.fd = uplinks_fd(uplinks), .events = POLLIN};
	struct heard heard = {};

	assert_int_equal(poll(&reports, 1, PATIENCE_MS), 1);
	uplinks_read(uplinks, count, &heard);
	assert_int_equal(poll(&reports, 1, 0), 0);
	return heard;
}

static bool has_carrier(int ifindex)
{
	struct netlink *netlink;
	struct link link;

	assert_int_equal(netlink_open(&netlink), 0);
	assert_int_equal(rtnl_link_get(netlink, ifindex, &link), 0);
	netlink_close(netlink);
	return link.carrier;
}

static void test_hears_the_driver(void **unused)
{
	struct heard heard;

	(void)unused;
	open_all();
	world_ip("link set peer_a down");
	heard = hear();
	assert_true(heard.of_a && !heard.of_z && !heard.of_others);
	assert_false(has_carrier(device_a));
	world_ip("link set peer_a up");
	assert_true(hear().of_a);
	assert_true(has_carrier(device_a));
	uplinks_close(uplinks);
}

/* What is heard of them would be there with the report of one that is watched. */
static void test_hears_of_nobody_else(void **unused)
{
	struct heard heard;

	(void)unused;
	open_all();
	world_ip("link set peer_z down");
	world_flap_elsewhere(device_a);
	world_ip("link set peer_a down");
	heard = hear();
	assert_true(heard.of_a == 1 && !heard.of_z && !heard.of_others);
	assert_int_equal(uplinks_watch(uplinks, world->netns, device_z), 0);
	uplinks_forget(uplinks, world->netns, device_a);
	world_ip("link set peer_a up");
	world_ip("link set peer_z up");
	heard = hear();
	assert_true(heard.of_z && !heard.of_a && !heard.of_others);
	uplinks_close(uplinks);
}

/* What did not fit is lost; what comes later is heard again. */
static void test_a_storm(void **unused)
{
	char path[64];
	FILE *batch;

	(void)unused;
	open_all();
	(void)snprintf(path, sizeof(path), "/tmp/iovteam-storm-%d", (int)getpid());
	batch = fopen(path, "we");
	assert_non_null(batch);
	for (int i = 0; i < STORM / 2; i++)
		assert_true(fputs("link set peer_a down\nlink set peer_a up\n", batch) >= 0);
	assert_int_equal(fclose(batch), 0);
	world_ip("-batch %s", path);
	assert_int_equal(unlink(path), 0);
	assert_true(hear().of_a < STORM);
	world_ip("link set peer_a down");
	assert_int_equal(hear().of_a, 1);
	world_ip("link set peer_a up");
	uplinks_close(uplinks);
}

static int make(void **state)
{
	if (world_make(state))
		return -1;
	world = *state;
	device_a = world_veth("a", "52:54:00:00:00:0a", "peer_a", 1);
	device_z = world_veth("z", "52:54:00:00:00:1f", "peer_z", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hears_the_driver, make, world_end),
		cmocka_unit_test_setup_teardown(test_hears_of_nobody_else, make, world_end),
		cmocka_unit_test_setup_teardown(test_a_storm, make, world_end),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
