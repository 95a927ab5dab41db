// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sysfs.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <fcntl.h>
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

int sysfs_link_name(const char *path, char *ret_name, size_t size)
{
	char target[PATH_MAX];
	const char *name;
	int err;

	err = link_read(path, target, sizeof(target));
	if (err)
		return err;
	name = strrchr(target, '/');
	return text_copy(ret_name, size, name ? name + 1 : target);
}

int sysfs_pci_driver(const char *address, char *ret_driver, size_t size)
{
	char link[PATH_MAX];

	(void)snprintf(link, sizeof(link), "/sys/bus/pci/devices/%s/driver", address);
	return sysfs_link_name(link, ret_driver, size);
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

int sysfs_read(const char *path, char *ret_text, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[PATH_MAX];
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text_copy(ret_text, size, text);
}

int sysfs_read_number(const char *path, uint32_t *ret_number)
{
	char text[16];
	int err;

	err = sysfs_read(path, text, sizeof(text));
	return err ? err : number_parse(text, 0, UINT32_MAX, ret_number);
}

int sysfs_write(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;
	ssize_t written;

	if (fd < 0)
		return -errno;
	written = write(fd, text, length);
	if (written < 0)
		err = -errno;
	else if ((size_t)written != length)
		err = -EIO;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}
