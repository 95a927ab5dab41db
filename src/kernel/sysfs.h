/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only sysfs tells of devices, and its files. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The driver of a PCI function, as "igbvf". -ENODEV: no such function, or no driver. */
int sysfs_pci_driver(const char *address, char *ret_driver, size_t size);

/*
 * The PCI address of the function below a device of another bus: virtio0 -> 0000:00:03.0.
 * -ENODEV: there is none below it, or no such device; -ENAMETOOLONG.
 */
int sysfs_pci_address(const char *bus, const char *bus_id, char *ret_address, size_t size);

/* The last part of what a symbolic link points to. -ENODEV: there is none; -ENAMETOOLONG. */
int sysfs_link_name(const char *path, char *ret_name, size_t size);

/* The first line of a file, without its end. -ENAMETOOLONG; errors of open() and read(). */
int sysfs_read(const char *path, char *ret_text, size_t size);

/* A file with a decimal number. -EINVAL: it has something else. */
int sysfs_read_number(const char *path, uint32_t *ret_number);

/*
 * Write all of @text at once. What the driver answers comes from write(), sometimes from close();
 * -EIO: it has taken only a part.
 */
int sysfs_write(const char *path, const char *text);
