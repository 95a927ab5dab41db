// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/groups.h"

#include "base/cleanup.h"
#include "kernel/packet.h"

void groups_hold(struct groups *groups, int team_ifindex, int member_ifindex)
{
	_cleanup_free_ struct mac *macs = NULL;
	size_t count;
	int fd;

	if (groups->ifindex == member_ifindex)
		return;
	groups_drop(groups);
	if (packet_multicast_list(team_ifindex, NULL, &macs, &count) ||
	    packet_hold_multicast(member_ifindex, macs, count, &fd))
		return;
	*groups = (struct groups){.fd = fd, .ifindex = member_ifindex};
}

void groups_drop(struct groups *groups)
{
	if (groups->ifindex)
		close_fd(&groups->fd);
	groups->ifindex = 0;
}
