// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/ethtool.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The old request: the kernel answers it for every driver, and it has no array behind it. */
int ethtool_speed(const char *name, uint32_t *ret_mbits)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_cmd command = {.cmd = ETHTOOL_GSET};
	struct ifreq request = {.ifr_data = (char *)&command};
	uint32_t speed;

	if (fd < 0)
		return -errno;
	if (text_copy(request.ifr_name, sizeof(request.ifr_name), name))
		return -ENODEV;
	if (ioctl(fd, SIOCETHTOOL, &request))
		return -errno;
	speed = ethtool_cmd_speed(&command);
	if (!speed || speed == (uint32_t)SPEED_UNKNOWN || speed == UINT16_MAX)
		return -ENODATA;
	*ret_mbits = speed;
	return 0;
}
