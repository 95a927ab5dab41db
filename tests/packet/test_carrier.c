// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The carrier program (T17) in the running kernel: what a driver reports is in the team's state when
 * the report returns, whoever lives; for that device alone; and nothing of it stays.
 */
#include "frame.h"
#include "world.h"

#include "base/strings.h"
#include "datapath/carrier.h"
#include "datapath/datapath.h"

#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct world *world;
static struct carrier *carrier;
static struct datapath *datapath;
static int device_a, device_z, stranger;

static void remove_all(void)
{
	datapath_remove(datapath);
	carrier_free(carrier);
}

/* Skips the test where the machine permits no tracing; the lab's kernels do. */
static void open_all(void)
{
	struct problem problem = {};
	bool adopted;
	int err;

	carrier = carrier_new(world->teams);
	assert_non_null(carrier);
	if (datapath_open(world->teams, "team0", world->netns, carrier, &datapath, &adopted,
			  &problem) ||
	    datapath_attach_member(datapath, SLOT_A, device_a, &problem) ||
	    datapath_attach_member(datapath, SLOT_Z, device_z, &problem))
		fail_msg("%s", problem.text);
	err = carrier_attach(carrier, &problem);
	if (err == -EPERM) {
		remove_all();
		skip();
	}
	assert_int_equal(err, 0);
	assert_string_equal(carrier_text(carrier), "attached");
}

/* As when the daemon ends. */
static void close_all(void)
{
	datapath_close(datapath);
	carrier_free(carrier);
}

static uint32_t lost(void)
{
	return datapath_state(datapath)->lost;
}

static bool is_pinned(const char *name)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", world->teams, name);
	return access(path, F_OK) == 0;
}

static void test_follows_the_driver(void **unused)
{
	(void)unused;
	open_all();
	assert_int_equal(lost(), 0);
	world_ip("link set peer_a down");
	assert_int_equal(lost(), 1U << SLOT_A);
	world_ip("link set peer_z down");
	assert_int_equal(lost(), 1U << SLOT_A | 1U << SLOT_Z);
	/* A return has a bound of its own: that of an earlier one is long over. */
	datapath_state(datapath)->return_by[SLOT_A] = 1;
	datapath_state(datapath)->return_ms = 60000;
	world_ip("link set peer_a up");
	assert_int_equal(lost(), 1U << SLOT_Z);
	assert_true(datapath_state(datapath)->return_by[SLOT_A] > 60000000000ULL);
	world_ip("link set peer_s down");
	world_ip("link set peer_s up");
	assert_int_equal(lost(), 1U << SLOT_Z);
	world_ip("link set peer_z up");
	assert_int_equal(lost(), 0);
	/* Taking the device down is reported as well. */
	world_ip("link set dev a down");
	assert_int_equal(lost(), 1U << SLOT_A);
	world_ip("link set dev a up");
	assert_int_equal(lost(), 0);
	remove_all();
}

/* A name is not what it knows a device by, and a number is a namespace's own. */
static void test_knows_the_device(void **unused)
{
	(void)unused;
	open_all();
	world_ip("link set dev a down");
	world_ip("link set dev a name other");
	world_ip("link set other up");
	world_ip("link set peer_a down");
	assert_int_equal(lost(), 1U << SLOT_A);
	world_ip("link set peer_a up");
	world_flap_elsewhere(device_a);
	assert_int_equal(lost(), 0);
	world_ip("link set other down");
	world_ip("link set other name a");
	world_ip("link set dev a up");
	remove_all();
}

/* T16: it goes on without the daemon, and the next one's takes its place. */
static void test_outlives_the_daemon(void **unused)
{
	uint32_t first, second;
	int none;

	(void)unused;
	open_all();
	first = world_link(world, ".", "carrier_off", &none);
	close_all();
	world_ip("link set peer_a down");

	open_all();
	assert_int_equal(lost(), 1U << SLOT_A);
	second = world_link(world, ".", "carrier_off", &none);
	assert_int_not_equal(first, 0);
	assert_int_not_equal(second, first);
	assert_false(is_pinned("carrier_off_next"));
	assert_false(is_pinned("carrier_on_next"));
	world_ip("link set peer_a up");
	assert_int_equal(lost(), 0);
	remove_all();
}

/* Who gets the slot next begins well, and what has left says nothing any more. */
static void test_a_member_that_leaves(void **unused)
{
	(void)unused;
	open_all();
	world_ip("link set peer_a down");
	datapath_detach_member(datapath, SLOT_A);
	assert_int_equal(lost(), 0);
	world_ip("link set peer_a up");
	world_ip("link set peer_a down");
	assert_int_equal(lost(), 0);
	world_ip("link set peer_z down");
	assert_int_equal(lost(), 1U << SLOT_Z);
	world_ip("link set peer_a up");
	world_ip("link set peer_z up");
	remove_all();
}

static void test_is_put_back(void **unused)
{
	struct problem problem = {};
	char path[160];

	(void)unused;
	open_all();
	(void)snprintf(path, sizeof(path), "%s/carrier_off", world->teams);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(carrier_attach(carrier, &problem), 0);
	assert_true(is_pinned("carrier_off"));
	world_ip("link set peer_a down");
	assert_int_equal(lost(), 1U << SLOT_A);
	world_ip("link set peer_a up");
	remove_all();
}

/* Two teams have one program; it goes with the last, and the directory with it. */
static void test_goes_with_the_last(void **unused)
{
	struct datapath *second = NULL;
	struct problem problem = {};
	bool adopted;

	(void)unused;
	open_all();
	assert_int_equal(datapath_open(world->teams, "team1", world->netns, carrier, &second,
				       &adopted, &problem),
			 0);
	assert_int_equal(datapath_attach_member(second, SLOT_B, stranger, &problem), 0);
	world_ip("link set peer_s down");
	assert_int_equal(lost(), 0);
	assert_int_equal(datapath_state(second)->lost, 1U << SLOT_B);
	world_ip("link set peer_s up");
	datapath_remove(datapath);
	assert_true(is_pinned("carrier_off"));
	assert_true(is_pinned("carrier_on"));
	datapath_remove(second);
	assert_int_not_equal(access(world->teams, F_OK), 0);
	assert_string_equal(carrier_text(carrier), "idle");
	carrier_free(carrier);
}

static void drop_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		_exit(2);
	data[capability / 32].effective &= ~(1U << capability % 32);
	if (syscall(SYS_capset, &header, data))
		_exit(2);
}

/* Where tracing is not permitted that is said once, and stays so. */
static void test_not_permitted(void **unused)
{
	struct problem problem = {}, again = {};
	bool adopted;
	int status;
	pid_t child;

	(void)unused;
	carrier = carrier_new(world->teams);
	assert_int_equal(datapath_open(world->teams, "team0", world->netns, carrier, &datapath,
				       &adopted, &problem),
			 0);
	assert_int_equal(datapath_attach_member(datapath, SLOT_A, device_a, &problem), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		drop_capability(CAP_PERFMON);
		drop_capability(CAP_SYS_ADMIN);
		_exit(carrier_attach(carrier, &problem) != -EPERM ||
		      strncmp(carrier_text(carrier), "not permitted: ", 15) != 0 ||
		      !strstr(problem.text, carrier_text(carrier)) ||
		      carrier_attach(carrier, &again) != 0 || *again.text);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	remove_all();
}

static int make(void **state)
{
	if (world_make(state))
		return -1;
	world = *state;
	device_a = world_veth("a", "52:54:00:00:00:0a", "peer_a", 1);
	device_z = world_veth("z", "52:54:00:00:00:1f", "peer_z", 1);
	stranger = world_veth("s", "52:54:00:00:00:0b", "peer_s", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follows_the_driver, make, world_end),
		cmocka_unit_test_setup_teardown(test_knows_the_device, make, world_end),
		cmocka_unit_test_setup_teardown(test_outlives_the_daemon, make, world_end),
		cmocka_unit_test_setup_teardown(test_a_member_that_leaves, make, world_end),
		cmocka_unit_test_setup_teardown(test_is_put_back, make, world_end),
		cmocka_unit_test_setup_teardown(test_goes_with_the_last, make, world_end),
		cmocka_unit_test_setup_teardown(test_not_permitted, make, world_end),
	};

	if (world_check())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
