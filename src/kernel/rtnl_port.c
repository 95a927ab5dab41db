// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest's adapter hangs on: a veth pair, or a tap. */
#include "kernel/rtnl_bridge.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/message.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#define TAP_DEVICE "/dev/net/tun"

static void mtu_put(struct message *request, uint32_t mtu)
{
	if (mtu)
		mnl_attr_put_u32(&request->header, IFLA_MTU, mtu);
}

static void peer_put(struct message *request, const struct veth_ends *ends)
{
	struct nlattr *nest = mnl_attr_nest_start(&request->header, VETH_INFO_PEER);

	(void)mnl_nlmsg_put_extra_header(&request->header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&request->header, IFLA_IFNAME, ends->peer);
	mnl_attr_put(&request->header, IFLA_ADDRESS, sizeof(ends->mac), &ends->mac);
	mnl_attr_put_u32(&request->header, IFLA_NET_NS_FD, (uint32_t)ends->netns_fd);
	mtu_put(request, ends->mtu);
	mnl_attr_nest_end(&request->header, nest);
}

int rtnl_veth_create(struct netlink *netlink, const struct veth_ends *ends, struct problem *problem)
{
	struct message_kind kind;
	struct message request;
	int err;

	err = message_check_name(ends->name, problem);
	if (!err)
		err = message_check_name(ends->peer, problem);
	if (err)
		return err;
	message_start_link(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	mnl_attr_put_strz(&request.header, IFLA_IFNAME, ends->name);
	mnl_attr_put_u32(&request.header, IFLA_GROUP, ends->group);
	mtu_put(&request, ends->mtu);
	kind = message_kind_start(&request, IFLA_INFO_KIND, "veth", IFLA_INFO_DATA);
	peer_put(&request, ends);
	message_kind_end(&request, &kind);
	return netlink_request(netlink, &request.header, problem);
}

/* EBUSY of a tap, by IFF_TUN_EXCL: without that it would be opened; EINVAL of another device. */
static int tap_refused(struct problem *problem, const char *name, int error)
{
	if (error == EBUSY || if_nametoindex(name) > 0)
		return problem_set(problem, -EEXIST, "there is a device %s already", name);
	return problem_set(problem, -error, "the tap %s cannot be made: %s", name, strerror(error));
}

int tap_create(const char *name, bool multi_queue, int *ret_fd, struct problem *problem)
{
	const int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL |
			  (multi_queue ? IFF_MULTI_QUEUE : 0);
	struct ifreq request = {.ifr_flags = (short)flags};
	_cleanup_close_ int fd = -1;
	int err;

	err = message_check_name(name, problem);
	if (err)
		return err;
	fd = open(TAP_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return problem_set(problem, -errno,
				   "%s cannot be opened (%s); load the driver with \"modprobe "
				   "tun\"",
				   TAP_DEVICE, strerror(errno));
	(void)text_copy(request.ifr_name, sizeof(request.ifr_name), name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return tap_refused(problem, name, errno);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int tap_stay(int fd, struct problem *problem)
{
	return ioctl(fd, TUNSETPERSIST, 1) < 0
		       ? problem_set(problem, -errno, "the tap cannot stay: %s", strerror(errno))
		       : 0;
}
