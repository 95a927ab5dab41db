// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/device_manager.h"

#include "base/strings.h"

#include <ini.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* What a manager's file says of a device that it has in hand: one key with one of these values. */
struct claim {
	const char *unit; /* of systemd */
	const char *directory;
	const char *section, *key, *values[3];
};

static const struct claim claims[] = {
	[DEVICE_MANAGER_NETWORKD] = {"systemd-networkd.service",
				     "/run/systemd/netif/links",
				     "",
				     "ADMIN_STATE",
				     {"configuring", "configured", "failed"}},
	[DEVICE_MANAGER_NETWORKMANAGER] = {"NetworkManager.service",
					   "/run/NetworkManager/devices",
					   "device",
					   "managed",
					   {"true"}},
};

struct reading {
	const struct claim *claim;
	bool found;
};

static int read_key(void *data, const char *section, const char *key, const char *value)
{
	struct reading *reading = data;
	const struct claim *claim = reading->claim;

	if (strcmp(section, claim->section) != 0 || strcmp(key, claim->key) != 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(claim->values) && claim->values[i]; i++)
		reading->found = reading->found || strcmp(value, claim->values[i]) == 0;
	return 1;
}

/* NetworkManager's files stay when it has ended; this link, which leads nowhere, does not. */
static bool is_running(const char *root, const char *unit)
{
	char path[PATH_MAX];
	struct stat status;

	(void)snprintf(path, sizeof(path), "%s/run/systemd/units/invocation:%s", root, unit);
	return lstat(path, &status) == 0;
}

static bool is_claimed(const char *root, const struct claim *claim, int ifindex)
{
	struct reading reading = {.claim = claim};
	char path[PATH_MAX];

	if (!is_running(root, claim->unit))
		return false;
	(void)snprintf(path, sizeof(path), "%s%s/%d", root, claim->directory, ifindex);
	return ini_parse(path, read_key, &reading) >= 0 && reading.found;
}

/*
 * Files of proc have a number of their own in each network namespace; unlike ns/net this one needs
 * no privilege. Where a sandbox hides other processes we are a service as managers are.
 */
static bool is_managers_namespace(const char *root)
{
	struct stat ours, theirs;
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/proc/1/net/dev", root);
	if (stat(path, &theirs) || stat("/proc/thread-self/net/dev", &ours))
		return true;
	return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

enum device_manager device_manager_of(const char *root, int ifindex)
{
	if (!is_managers_namespace(root))
		return DEVICE_MANAGER_NONE;
	for (int i = DEVICE_MANAGER_NONE + 1; i < (int)ARRAY_SIZE(claims); i++)
		if (is_claimed(root, &claims[i], ifindex))
			return (enum device_manager)i;
	return DEVICE_MANAGER_NONE;
}
