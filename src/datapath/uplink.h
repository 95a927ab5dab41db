/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The uplink program in the kernel (H5 b): it tells at once that a driver has reported a carrier,
 * where the kernel's own event may take a second. Nothing of it is pinned: it is of use to a daemon
 * that lives, and goes with it.
 */
#pragma once

#include <stdint.h>

struct uplinks;

/* Load and attach it; nobody is watched yet. -EPERM, -ESRCH and others: this kernel permits none. */
int uplinks_open(struct uplinks **ret_uplinks);

/* NULL is fine. */
void uplinks_close(struct uplinks *uplinks);

/* Watch the device @ifindex of the namespace @netns (cookie), or no longer. -E2BIG: there are too many. */
int uplinks_watch(struct uplinks *uplinks, uint64_t netns, int ifindex);
void uplinks_forget(struct uplinks *uplinks, uint64_t netns, int ifindex);

/* Readable when there are reports; stays owned by @uplinks. */
int uplinks_fd(const struct uplinks *uplinks);

/* Take the reports that are there, each with its device's number. Off or on, it does not say. */
void uplinks_read(struct uplinks *uplinks, void (*reported)(void *data, int ifindex), void *data);
