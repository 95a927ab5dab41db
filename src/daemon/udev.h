/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other managers of interfaces are told of a member (C6), by udev: its rules ask here
 * whether a device is one, and NetworkManager and networkd leave alone what has the answer as a
 * property. That works at boot and for devices that come later, before iovteamd has seen them.
 */
#pragma once

#include <stdbool.h>

/*
 * Has udev named the device, or is there nobody who would? One that joins a team before is set up,
 * and many kernels rename only what is down.
 */
bool udev_is_done(int ifindex);

/* The same, after waiting for a moment: what has just been made is mostly on its way. */
bool udev_await(int ifindex);

/*
 * Print "ID_IOVTEAM_TEAM=NAME" if the device @interface is configured as a member of a team, and
 * nothing if it is not. @name: what udev is about to call it, NULL = as it is called now.
 * An adopted team has none: they belong to the bond's manager.
 */
int udev_print(const char *config, const char *interface, const char *name);
