// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/packet.h"

#include "base/cleanup.h"
#include "kernel/multicast.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

int packet_open(int *ret_fd)
{
	/* Protocol 0 receives nothing. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int packet_send(int fd, int ifindex, const void *frame, size_t length)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = ifindex};
	ssize_t sent;

	if (length < ETH_HLEN)
		return -EINVAL;
	memcpy(&to.sll_protocol, (const uint8_t *)frame + offsetof(struct ethhdr, h_proto),
	       sizeof(to.sll_protocol));
	sent = sendto(fd, frame, length, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to));
	if (sent < 0)
		return -errno;
	return (size_t)sent == length ? 0 : -EIO;
}

static int membership_add(int fd, int ifindex, const struct mac *mac)
{
	struct packet_mreq membership = {
		.mr_ifindex = ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = sizeof(*mac),
	};

	memcpy(membership.mr_address, mac, sizeof(*mac));
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof(membership)) < 0)
		return -errno;
	return 0;
}

int packet_hold_multicast(int ifindex, const struct mac *macs, size_t count, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int err;

	err = packet_open(&fd);
	for (size_t i = 0; !err && i < count; i++)
		err = membership_add(fd, ifindex, &macs[i]);
	if (err)
		return err;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/*
 * The kernel's answers to RTM_GETMULTICAST are IP groups (AF_INET6, in recent kernels AF_INET);
 * the device's own list has no other interface than this file. /proc/net would be the namespace
 * of the process's first thread.
 */
int packet_multicast_list(int ifindex, const char *name, struct mac **ret_macs, size_t *ret_count)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/thread-self/net/dev_mcast", "re");

	if (!file)
		return -errno;
	return multicast_parse(file, ifindex, name, ret_macs, ret_count);
}
