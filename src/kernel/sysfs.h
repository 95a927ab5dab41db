/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only sysfs tells of devices. */
#pragma once

#include <stddef.h>

/* The driver of a PCI function, as "igbvf". -ENODEV: no such function, or no driver. */
int sysfs_pci_driver(const char *address, char *ret_driver, size_t size);

/*
 * The PCI address of the function below a device of another bus: virtio0 -> 0000:00:03.0.
 * -ENODEV: there is none below it, or no such device; -ENAMETOOLONG.
 */
int sysfs_pci_address(const char *bus, const char *bus_id, char *ret_address, size_t size);
