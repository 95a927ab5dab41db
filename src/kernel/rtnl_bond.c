// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_bond.h"

#include "base/strings.h"
#include "kernel/message.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

static int settings_check(const struct link_bond *settings, struct problem *problem)
{
	const struct {
		const char *name;
		uint32_t ms;
	} delays[] = {
		{"between a bond's announcements", settings->peer_notif_delay},
		{"from a lost carrier to a bond's change-over", settings->downdelay},
	};

	for (size_t i = 0; i < ARRAY_SIZE(delays); i++)
		if (delays[i].ms > 0 &&
		    (settings->miimon == 0 || delays[i].ms % settings->miimon != 0))
			return problem_set(problem, -EINVAL,
					   "the delay %s (%u ms) must be a multiple of the time "
					   "between its carrier checks (miimon, %u ms)",
					   delays[i].name, delays[i].ms, settings->miimon);
	return 0;
}

/*
 * The driver goes through the attributes in an order of its own, in which miimon comes before
 * the delays that depend on it. While miimon is 0 it takes no delay, not even 0.
 */
static void settings_put(struct nlmsghdr *request, const struct link_bond *settings)
{
	mnl_attr_put_u32(request, IFLA_BOND_MIIMON, settings->miimon);
	if (settings->miimon > 0) {
		mnl_attr_put_u32(request, IFLA_BOND_UPDELAY, settings->updelay);
		mnl_attr_put_u32(request, IFLA_BOND_DOWNDELAY, settings->downdelay);
		mnl_attr_put_u32(request, IFLA_BOND_PEER_NOTIF_DELAY, settings->peer_notif_delay);
	}
	mnl_attr_put_u8(request, IFLA_BOND_USE_CARRIER, settings->use_carrier);
	mnl_attr_put_u32(request, IFLA_BOND_PRIMARY, (uint32_t)settings->primary_ifindex);
	mnl_attr_put_u32(request, IFLA_BOND_RESEND_IGMP, settings->resend_igmp);
	mnl_attr_put_u8(request, IFLA_BOND_NUM_PEER_NOTIF, settings->num_peer_notif);
	mnl_attr_put_u8(request, IFLA_BOND_PRIMARY_RESELECT, settings->primary_reselect);
	mnl_attr_put_u8(request, IFLA_BOND_ALL_SLAVES_ACTIVE, settings->all_slaves_active);
}

static void create_fill(struct message *request, const char *name, const struct link_bond *settings,
			uint32_t tx_queues)
{
	struct message_kind nest;

	message_start_link(request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	mnl_attr_put_strz(&request->header, IFLA_IFNAME, name);
	if (tx_queues > 0)
		mnl_attr_put_u32(&request->header, IFLA_NUM_TX_QUEUES, tx_queues);
	nest = message_kind_start(request, IFLA_INFO_KIND, "bond", IFLA_INFO_DATA);
	mnl_attr_put_u8(&request->header, IFLA_BOND_MODE, settings->mode);
	mnl_attr_put_u8(&request->header, IFLA_BOND_FAIL_OVER_MAC, settings->fail_over_mac);
	settings_put(&request->header, settings);
	message_kind_end(request, &nest);
}

int rtnl_bond_create(struct netlink *netlink, const char *name, const struct link_bond *settings,
		     uint32_t tx_queues, struct problem *problem)
{
	struct problem refusal = {};
	struct message request;
	int err;

	err = message_check_name(name, problem);
	if (err)
		return err;
	err = settings_check(settings, problem);
	if (err)
		return err;
	create_fill(&request, name, settings, tx_queues);
	err = netlink_request(netlink, &request.header, &refusal);
	if (err == -EOPNOTSUPP)
		return problem_set(problem, err,
				   "this kernel has no bonding driver; load it with \"modprobe "
				   "bonding\", or install a kernel that was built with it "
				   "(CONFIG_BONDING)");
	return err ? problem_set(problem, err, "%s", refusal.text) : 0;
}

int rtnl_bond_set(struct netlink *netlink, int ifindex, const struct link_bond *settings,
		  struct problem *problem)
{
	struct message request;
	struct message_kind nest;
	int err;

	err = settings_check(settings, problem);
	if (err)
		return err;
	message_start_link(&request, RTM_NEWLINK, 0, ifindex);
	nest = message_kind_start(&request, IFLA_INFO_KIND, "bond", IFLA_INFO_DATA);
	settings_put(&request.header, settings);
	message_kind_end(&request, &nest);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_bond_set_fail_over_mac(struct netlink *netlink, int ifindex, uint8_t fail_over_mac,
				struct problem *problem)
{
	struct message request;
	struct message_kind nest;

	message_start_link(&request, RTM_NEWLINK, 0, ifindex);
	nest = message_kind_start(&request, IFLA_INFO_KIND, "bond", IFLA_INFO_DATA);
	mnl_attr_put_u8(&request.header, IFLA_BOND_FAIL_OVER_MAC, fail_over_mac);
	message_kind_end(&request, &nest);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_bond_enslave(struct netlink *netlink, int ifindex, int bond_ifindex,
		      struct problem *problem)
{
	/* To the kernel, master 0 is release. */
	if (bond_ifindex <= 0)
		return problem_set(problem, -EINVAL, "%d is no bond's index", bond_ifindex);
	return rtnl_link_set_master(netlink, ifindex, bond_ifindex, problem);
}

int rtnl_bond_release(struct netlink *netlink, int ifindex, struct problem *problem)
{
	return rtnl_link_set_master(netlink, ifindex, 0, problem);
}

int rtnl_bond_set_queue_id(struct netlink *netlink, int ifindex, uint16_t queue_id,
			   struct problem *problem)
{
	struct problem refusal = {};
	struct message request;
	struct message_kind nest;
	int err;

	/* The kernel takes a member's attributes with RTM_NEWLINK only. */
	message_start_link(&request, RTM_NEWLINK, 0, ifindex);
	nest = message_kind_start(&request, IFLA_INFO_SLAVE_KIND, "bond", IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u16(&request.header, IFLA_BOND_SLAVE_QUEUE_ID, queue_id);
	message_kind_end(&request, &nest);
	err = netlink_request(netlink, &request.header, &refusal);
	if (err == -EPERM)
		return problem_set(problem, err,
				   "the bonding driver refuses queue id %u: it is above the bond's "
				   "transmit queues, it is another member's, or the privilege to "
				   "set "
				   "it is missing",
				   queue_id);
	return err ? problem_set(problem, err, "%s", refusal.text) : 0;
}

int rtnl_bond_set_active(struct netlink *netlink, int bond_ifindex, int ifindex,
			 struct problem *problem)
{
	struct message request;
	struct message_kind nest;

	message_start_link(&request, RTM_NEWLINK, 0, bond_ifindex);
	nest = message_kind_start(&request, IFLA_INFO_KIND, "bond", IFLA_INFO_DATA);
	mnl_attr_put_u32(&request.header, IFLA_BOND_ACTIVE_SLAVE, (uint32_t)ifindex);
	message_kind_end(&request, &nest);
	return netlink_request(netlink, &request.header, problem);
}
