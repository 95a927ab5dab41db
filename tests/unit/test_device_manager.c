// SPDX-License-Identifier: GPL-2.0-or-later
/* src/kernel/device_manager: what networkd and NetworkManager leave in /run, as they write it. */
#include "base/strings.h"
#include "kernel/device_manager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "files.h"

#define NETWORKD "run/systemd/netif/links/7"
#define NETWORKMANAGER "run/NetworkManager/devices/7"
#define PROCESS_1 "proc/1/net/dev"

/* As systemd has them: what they name is no file. */
static const char *const units[] = {
	"run/systemd/units/invocation:systemd-networkd.service",
	"run/systemd/units/invocation:NetworkManager.service",
};

static int make_tree(void **state)
{
	static const char *const parts[] = {
		"run",
		"run/systemd",
		"run/systemd/units",
		"run/systemd/netif",
		"run/systemd/netif/links",
		"run/NetworkManager",
		"run/NetworkManager/devices",
		"proc",
		"proc/1",
		"proc/1/net",
	};

	if (make_directory(state))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (mkdir(path_of(parts[i]), 0700))
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (symlink("0123456789abcdef", path_of(units[i])))
			return -1;
	return 0;
}

static void test_files(void **state)
{
	static const struct {
		const char *file, *text;
		enum device_manager manager;
	} cases[] = {
		{NETWORKD, NULL, DEVICE_MANAGER_NONE},
		{NETWORKD,
		 "# This is private data. Do not parse.\nADMIN_STATE=configured\n"
		 "OPER_STATE=routable\nNETWORK_FILE=/etc/systemd/network/80-all.network\n",
		 DEVICE_MANAGER_NETWORKD},
		{NETWORKD, "ADMIN_STATE=configuring\n", DEVICE_MANAGER_NETWORKD},
		{NETWORKD, "ADMIN_STATE=failed\n", DEVICE_MANAGER_NETWORKD},
		{NETWORKD, "ADMIN_STATE=unmanaged\nOPER_STATE=carrier\n", DEVICE_MANAGER_NONE},
		{NETWORKD, "ADMIN_STATE=pending\n", DEVICE_MANAGER_NONE},
		{NETWORKD, "OPER_STATE=configured\n", DEVICE_MANAGER_NONE},
		{NETWORKD, "", DEVICE_MANAGER_NONE},
		{NETWORKMANAGER,
		 "# Intended for internal use by NetworkManager only\n[device]\nmanaged=true\n"
		 "connection-uuid=1c6a\nroot-path=\n",
		 DEVICE_MANAGER_NETWORKMANAGER},
		{NETWORKMANAGER, "[device]\nmanaged=false\n", DEVICE_MANAGER_NONE},
		{NETWORKMANAGER, "[other]\nmanaged=true\n", DEVICE_MANAGER_NONE},
		{NETWORKMANAGER, "]\x01[\n=\nmanaged\n", DEVICE_MANAGER_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].text)
			write_text(cases[i].file, cases[i].text);
		if (device_manager_of(directory, 7) != cases[i].manager)
			fail_msg("%s: %s", cases[i].file, cases[i].text);
		assert_int_equal(device_manager_of(directory, 8), DEVICE_MANAGER_NONE);
		(void)unlink(path_of(cases[i].file));
	}
}

/* Where process 1 is in another namespace, the same number is another device. */
static void test_another_namespace(void **state)
{
	(void)state;
	write_text(NETWORKD, "ADMIN_STATE=configured\n");
	assert_int_equal(device_manager_of(directory, 7), DEVICE_MANAGER_NETWORKD);
	write_text(PROCESS_1, "");
	assert_int_equal(device_manager_of(directory, 7), DEVICE_MANAGER_NONE);
}

/* What one that has ended has left says nothing. */
static void test_not_running(void **state)
{
	(void)state;
	write_text(NETWORKMANAGER, "[device]\nmanaged=true\n");
	assert_int_equal(device_manager_of(directory, 7), DEVICE_MANAGER_NETWORKMANAGER);
	assert_int_equal(unlink(path_of(units[1])), 0);
	assert_int_equal(device_manager_of(directory, 7), DEVICE_MANAGER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, make_tree, remove_directory),
		cmocka_unit_test_setup_teardown(test_not_running, make_tree, remove_directory),
		cmocka_unit_test_setup_teardown(test_another_namespace, make_tree,
						remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
