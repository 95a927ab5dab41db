// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/netns.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int netns_cookie(uint64_t *ret_cookie)
{
	/* Any socket has it; this family is in every kernel with a network. */
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return -errno;
	*ret_cookie = cookie;
	return 0;
}
