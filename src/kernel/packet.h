/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole frames by packet sockets, and the multicast filters of devices. */
#pragma once

#include "base/mac.h"

#include <stddef.h>

/* A socket that sends and receives nothing; non-blocking. Needs CAP_NET_RAW (-EPERM). */
int packet_open(int *ret_fd);

/*
 * Send one frame on a device, through its qdisc and egress programs. Does not wait.
 *   -EINVAL            no whole Ethernet header
 *   -ENXIO             no such device
 *   -ENETDOWN          it is not up
 *   -EMSGSIZE          above its MTU
 *   -EAGAIN, -ENOBUFS  no room now
 */
int packet_send(int fd, int ifindex, const void *frame, size_t length);

/*
 * Have a device receive these multicast MACs for as long as *@ret_fd is open: so a member takes
 * a team's groups before it becomes the primary. All or none. -ENODEV; -EINVAL if the device has
 * no Ethernet addresses.
 */
int packet_hold_multicast(int ifindex, const struct mac *macs, size_t count, int *ret_fd);

/*
 * The multicast MACs that a device receives, from /proc/net/dev_mcast of the calling thread's
 * network namespace (rtnetlink tells IP groups only). The caller frees @ret_macs, which is
 * NULL if there are none, as there are of a device that does not exist.
 *   -ENODEV   @ifindex is not named @name (renamed, or the number used again); NULL = any name
 *   -EBADMSG  the file is not as known, or the device's addresses are not of Ethernet
 */
int packet_multicast_list(int ifindex, const char *name, struct mac **ret_macs, size_t *ret_count);
