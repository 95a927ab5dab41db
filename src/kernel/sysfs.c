// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sysfs.h"

#include "base/strings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The link ends in …/0000:00:03.0/virtio0: the last but one part is the device that carries it. */
static char *parent_name(char *path)
{
	char *end = strrchr(path, '/'), *begin;

	if (!end)
		return NULL;
	*end = '\0';
	begin = strrchr(path, '/');
	return begin ? begin + 1 : NULL;
}

/* DDDD:BB:DD.F, as sysfs names PCI functions. */
static int is_pci_address(const char *name)
{
	unsigned int domain, bus, device, function;
	int length = 0;

	return sscanf(name, "%x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &length) == 4 &&
	       name[length] == '\0';
}

/* What a symbolic link of sysfs points to. */
static int link_read(const char *path, char *ret_target, size_t size)
{
	ssize_t length = readlink(path, ret_target, size - 1);

	if (length < 0)
		return -ENODEV;
	ret_target[length] = '\0';
	return 0;
}

int sysfs_pci_driver(const char *address, char *ret_driver, size_t size)
{
	char link[PATH_MAX], path[PATH_MAX];
	const char *name;
	int err;

	(void)snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/driver", address);
	err = link_read(link, path, sizeof(path));
	if (err)
		return err;
	name = strrchr(path, '/');
	return text_copy(ret_driver, size, name ? name + 1 : path);
}

int sysfs_pci_address(const char *bus, const char *bus_id, char *ret_address, size_t size)
{
	char link[PATH_MAX], path[PATH_MAX];
	const char *parent;
	int err;

	(void)snprintf(link, sizeof(link), "/sys/bus/%s/devices/%s", bus, bus_id);
	err = link_read(link, path, sizeof(path));
	if (err)
		return err;
	parent = parent_name(path);
	if (!parent || !is_pci_address(parent))
		return -ENODEV;
	return text_copy(ret_address, size, parent);
}
