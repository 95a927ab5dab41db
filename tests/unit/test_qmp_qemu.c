// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A real QEMU is told of lost links. It runs no guest: what one would see, the link's bit in its
 * card's registers, is read by QEMU's test protocol (-qtest).
 */
#include "daemon/qmp.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#define QEMU "/usr/bin/qemu-system-x86_64"
#define PATIENCE_S 60
#define STEP_US 2000
#define NO_PEER_MAC "52:54:00:00:00:0b"
#define HUB_MAC "52:54:00:00:00:0a"

/* A card on a netdev, without an id; and one with an id that has no netdev. */
static const struct mac hub_mac = {{0x52, 0x54, 0, 0, 0, 0x0a}};
static const struct mac no_peer_mac = {{0x52, 0x54, 0, 0, 0, 0x0b}};
#define CARD_OPTIONS ",disable-modern=on,romfile="

/* Where this test puts their registers: PCI slots 2 and 3. */
#define SLOT_HUB 2
#define SLOT_NO_PEER 3
#define PORT(slot) (0xc000U + 0x100U * (slot))
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO 0x01
#define PCI_BAR0 0x10
#define VIRTIO_MAC 20 /* behind the legacy header */
#define VIRTIO_STATUS 26

struct world {
	char directory[32], qmp_path[64], qtest_path[64];
	sd_event *loop;
	struct qmp *qmp;
	pid_t qemu;
	int qtest;
};

static void on_changed(void *data)
{
	(void)data;
}

static void turn(struct world *world)
{
	assert_return_code(sd_event_run(world->loop, STEP_US), 0);
}

static void wait_told(struct world *world, const struct mac *mac, bool told)
{
	const time_t until = time(NULL) + PATIENCE_S;

	while (qmp_told(world->qmp, mac) != told && time(NULL) <= until)
		turn(world);
	if (qmp_told(world->qmp, mac) != told)
		fail_msg("told: %d, %s", !told, qmp_trouble(world->qmp, mac));
}

static void want(struct world *world, const struct mac *mac, bool up)
{
	assert_int_equal(qmp_set_link(world->qmp, mac, up), 0);
}

/* --- QEMU --- */

static uint32_t qtest(struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One command, and the number that is answered. */
static uint32_t qtest(struct world *world, const char *format, ...)
{
	char line[64];
	size_t length = 0;
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	assert_int_equal(write(world->qtest, line, strlen(line)), strlen(line));
	do {
		assert_true(length < sizeof(line) - 1);
		assert_int_equal(read(world->qtest, line + length, 1), 1);
	} while (line[length++] != '\n');
	line[length] = '\0';
	assert_memory_equal(line, "OK", 2);
	return (uint32_t)strtoul(line + 2, NULL, 16);
}

static void write_pci(struct world *world, unsigned slot, unsigned where, unsigned what)
{
	(void)qtest(world, "outl 0xcf8 0x%x\n", 0x80000000U | slot << 11 | where);
	(void)qtest(world, "outl 0xcfc 0x%x\n", what);
}

static void place_card(struct world *world, unsigned slot)
{
	write_pci(world, slot, PCI_BAR0, PORT(slot));
	write_pci(world, slot, PCI_COMMAND, PCI_COMMAND_IO);
}

static bool link_of(struct world *world, unsigned slot)
{
	return qtest(world, "inw 0x%x\n", PORT(slot) + VIRTIO_STATUS) & 1;
}

static void run_qemu(const struct world *world)
{
	char qmp[96], qtest_option[96];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)snprintf(qmp, sizeof(qmp), "unix:%s,server=on,wait=off", world->qmp_path);
	(void)snprintf(qtest_option, sizeof(qtest_option), "unix:%s,server=on,wait=off",
		       world->qtest_path);
	(void)execl(QEMU, QEMU, "-M", "pc,accel=tcg", "-S", "-nodefaults", "-display", "none",
		    "-netdev", "hubport,id=n0,hubid=0", "-device",
		    "virtio-net-pci,addr=2,netdev=n0,mac=" HUB_MAC CARD_OPTIONS, "-device",
		    "virtio-net-pci,addr=3,id=spare,mac=" NO_PEER_MAC CARD_OPTIONS, "-qmp", qmp,
		    "-qtest", qtest_option, "-qtest-log", "/dev/null", NULL);
	_exit(127);
}

static void start_qemu(struct world *world)
{
	const time_t until = time(NULL) + PATIENCE_S;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int err;

	world->qemu = fork();
	assert_true(world->qemu >= 0);
	if (!world->qemu)
		run_qemu(world);
	(void)strcpy(address.sun_path, world->qtest_path);
	world->qtest = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(world->qtest >= 0);
	while ((err = connect(world->qtest, (struct sockaddr *)&address, sizeof(address))) &&
	       time(NULL) <= until)
		turn(world);
	assert_int_equal(err, 0);
	place_card(world, SLOT_HUB);
	place_card(world, SLOT_NO_PEER);
}

static void kill_qemu(struct world *world)
{
	if (world->qemu) {
		assert_int_equal(kill(world->qemu, SIGKILL), 0);
		assert_int_equal(waitpid(world->qemu, NULL, 0), world->qemu);
	}
	world->qemu = 0;
	close_fd(&world->qtest);
	(void)unlink(world->qmp_path);
	(void)unlink(world->qtest_path);
}

static void open_qmp(struct world *world)
{
	assert_int_equal(qmp_open(world->loop, world->qmp_path, on_changed, world, &world->qmp), 0);
}

static int begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->qtest = -1;
	(void)strcpy(world->directory, "/tmp/test-qemu-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	(void)snprintf(world->qmp_path, sizeof(world->qmp_path), "%s/qmp", world->directory);
	(void)snprintf(world->qtest_path, sizeof(world->qtest_path), "%s/qtest", world->directory);
	assert_return_code(sd_event_new(&world->loop), 0);
	open_qmp(world);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	qmp_close(world->qmp);
	kill_qemu(world);
	sd_event_unref(world->loop);
	assert_int_equal(rmdir(world->directory), 0);
	free(world);
	return 0;
}

static void test_set_link(void **state)
{
	struct world *world = *state;

	/* The wish is there before QEMU. */
	want(world, &hub_mac, false);
	want(world, &no_peer_mac, true);
	while (!*qmp_trouble(world->qmp, &hub_mac))
		turn(world);
	start_qemu(world);
	assert_true(link_of(world, SLOT_NO_PEER));
	wait_told(world, &hub_mac, true);
	wait_told(world, &no_peer_mac, true);
	assert_false(link_of(world, SLOT_HUB));
	assert_true(link_of(world, SLOT_NO_PEER));

	want(world, &hub_mac, true);
	want(world, &no_peer_mac, false);
	wait_told(world, &hub_mac, true);
	wait_told(world, &no_peer_mac, true);
	assert_true(link_of(world, SLOT_HUB));
	assert_false(link_of(world, SLOT_NO_PEER));
}

static void test_restart(void **state)
{
	struct world *world = *state;

	start_qemu(world);
	want(world, &hub_mac, false);
	wait_told(world, &hub_mac, true);
	kill_qemu(world);
	wait_told(world, &hub_mac, false);
	start_qemu(world);
	wait_told(world, &hub_mac, true);
	assert_false(link_of(world, SLOT_HUB));
}

/* The guest gives its card another MAC, the other card's: each is still who it was. */
static void test_guest_changes_mac(void **state)
{
	struct world *world = *state;

	start_qemu(world);
	for (unsigned i = 0; i < sizeof(no_peer_mac.bytes); i++)
		(void)qtest(world, "outb 0x%x 0x%x\n", PORT(SLOT_HUB) + VIRTIO_MAC + i,
			    no_peer_mac.bytes[i]);
	assert_int_equal(qtest(world, "inb 0x%x\n", PORT(SLOT_HUB) + VIRTIO_MAC + 5), 0x0b);
	want(world, &hub_mac, false);
	wait_told(world, &hub_mac, true);
	assert_false(link_of(world, SLOT_HUB));
	assert_true(link_of(world, SLOT_NO_PEER));
}

#define QEMU_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QEMU_TEST(test_set_link),
		QEMU_TEST(test_restart),
		QEMU_TEST(test_guest_changes_mac),
	};

	if (access(QEMU, X_OK))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
