/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What marks a bridge or port as ours, in its alias (IFLA_IFALIAS): it goes with the device, so it
 * is there after a restart, and gone with what it marks. A switch's says besides how the NIC was
 * before.
 *
 * The kernel takes no alias when a device is made. So bridges and veths are made in a group of ours,
 * which they leave with their alias: what has the group and no alias is ours, from a daemon that was
 * killed in between. (A tap of such a daemon goes with it.)
 */
#pragma once

#include "model/adapter.h"

#define HOST_MARK_GROUP 0x696f7674 /* "iovt" */

struct host_mark {
	int nic;	     /* ifindex of the NIC, 0 = none has joined yet */
	bool nic_up;	     /* it was up before */
	bool made_vfs;	     /* its VFs are ours … */
	uint32_t vfs_before; /* … and so many it had */
	bool has_autoprobe;  /* ours are made without drivers: noted before it is set so … */
	bool autoprobe;	     /* … whether its VFs were given drivers by themselves */
};

/* @text holds LINK_ALIAS_SIZE; returned. */
const char *host_mark_switch(const struct host_mark *mark, char *text);

/* False: the device is not marked as a switch. */
bool host_mark_read(const struct link *link, struct host_mark *ret_mark);

/*
 * @wanted VFs were to be made of @had, and not one was touched: what was noted for that is undone.
 * False: nothing was.
 */
bool host_mark_undo_making(struct host_mark *mark, uint32_t had, uint32_t wanted);

/* A port's mark says all that cannot be changed while it is there: another one is made then. */
const char *host_mark_port(const struct vm_config *vm, const struct adapter_config *adapter,
			   char *text);
bool host_mark_is_port(const struct link *link);

/* Is @link a port of ours whose other end was made in the namespace @netns, or may have been? */
bool host_mark_is_in(const struct link *link, const char *netns);
