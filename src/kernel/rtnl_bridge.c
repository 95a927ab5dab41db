// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_bridge.h"

#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/collection.h"
#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define VLANS_AT_ONCE 512
#define RANGES_AT_ONCE 32 /* 16 bytes each, and a message has 1024 */

int rtnl_bridge_create(struct netlink *netlink, const char *name, bool vlans, uint32_t group,
		       struct problem *problem)
{
	struct problem refusal = {};
	struct message_kind kind;
	struct message request;
	int err;

	err = message_check_name(name, problem);
	if (err)
		return err;
	message_start_link(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	mnl_attr_put_strz(&request.header, IFLA_IFNAME, name);
	mnl_attr_put_u32(&request.header, IFLA_GROUP, group);
	kind = message_kind_start(&request, IFLA_INFO_KIND, "bridge", IFLA_INFO_DATA);
	if (vlans)
		mnl_attr_put_u8(&request.header, IFLA_BR_VLAN_FILTERING, 1);
	mnl_attr_put_u32(&request.header, IFLA_BR_STP_STATE, 0);
	message_kind_end(&request, &kind);
	err = netlink_request(netlink, &request.header, &refusal);
	if (err == -EOPNOTSUPP && vlans)
		return problem_set(problem, err,
				   "this kernel has no bridges that know VLANs; load them with "
				   "\"modprobe bridge\", or install a kernel that was built with "
				   "CONFIG_BRIDGE_VLAN_FILTERING");
	return err ? problem_set(problem, err, "%s", refusal.text) : 0;
}

/* --- setting VLANs --- */

static void vlan_put(struct message *request, unsigned vlan, uint16_t flags)
{
	const struct bridge_vlan_info info = {.vid = (uint16_t)vlan, .flags = flags};

	mnl_attr_put(&request->header, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
}

/* The kernel takes no range of one or none. */
static void range_put(struct message *request, unsigned low, unsigned high)
{
	if (low == high)
		vlan_put(request, low, 0);
	if (low >= high)
		return;
	vlan_put(request, low, BRIDGE_VLAN_INFO_RANGE_BEGIN);
	vlan_put(request, high, BRIDGE_VLAN_INFO_RANGE_END);
}

static struct nlattr *port_start(struct message *request, uint16_t type, int port)
{
	struct ifinfomsg *header = message_start(request, type, 0, sizeof(*header));

	header->ifi_family = AF_BRIDGE;
	header->ifi_index = port;
	return mnl_attr_nest_start(&request->header, IFLA_AF_SPEC);
}

/* What of @set from @vlan on has room in one message; returns where to go on. */
static unsigned part_put(struct message *request, const struct vlan_set *set, unsigned vlan)
{
	const unsigned end = vlan + VLANS_AT_ONCE;
	unsigned ranges = 0;

	while (vlan <= VLAN_MAX && vlan < end && ranges < RANGES_AT_ONCE) {
		unsigned low = vlan;

		while (vlan <= VLAN_MAX && vlan < end && vlan_set_has(set, vlan))
			vlan++;
		if (vlan > low) {
			range_put(request, low, vlan - 1);
			ranges++;
		} else {
			vlan++;
		}
	}
	return vlan;
}

/*
 * Make or take away those of @set. A NIC puts each one into its own filter, and as long as a request
 * takes the kernel's lock is held, without which no bond fails over (all at once: 2 s on an igb under
 * emulation). So they come in parts.
 */
static int set_change(struct netlink *netlink, uint16_t type, int port, const struct vlan_set *set,
		      struct problem *problem)
{
	unsigned vlan = 1;
	int err = 0;

	while (!err && vlan <= VLAN_MAX) {
		struct message request;
		struct nlattr *nest;

		if (!vlan_set_has(set, vlan)) {
			vlan++;
			continue;
		}
		nest = port_start(&request, type, port);
		vlan = part_put(&request, set, vlan);
		mnl_attr_nest_end(&request.header, nest);
		err = netlink_request(netlink, &request.header, problem);
	}
	return err;
}

/*
 * Its own VLAN comes before the others: to make one of them again, with tags, takes it away as the
 * VLAN of frames without a tag, and there must be another one by then.
 */
int rtnl_bridge_set_vlans(struct netlink *netlink, int port, uint16_t vlan,
			  const struct vlan_set *tagged, struct problem *problem)
{
	struct vlan_set others = {}, rest = {};
	struct message request;
	struct nlattr *nest;
	int err;

	if (vlan < 1 || vlan > VLAN_MAX)
		return problem_set(problem, -EINVAL, "%u is no VLAN: there are 1 to %d", vlan,
				   VLAN_MAX);
	for (unsigned other = 1; other <= VLAN_MAX; other++)
		if (other != vlan)
			vlan_set_add(tagged && vlan_set_has(tagged, other) ? &others : &rest,
				     other);
	nest = port_start(&request, RTM_SETLINK, port);
	vlan_put(&request, vlan, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
	mnl_attr_nest_end(&request.header, nest);
	err = netlink_request(netlink, &request.header, problem);
	if (!err)
		err = set_change(netlink, RTM_SETLINK, port, &others, problem);
	return err ? err : set_change(netlink, RTM_DELLINK, port, &rest, problem);
}

/* --- reading VLANs --- */

/* What is known of a port while its list is walked. */
struct vlan_walk {
	struct bridge_vlan *vlan;
	unsigned begin;	   /* of a range whose end has not come yet, 0 = none */
	unsigned last;	   /* the highest so far: the kernel's list is sorted */
	unsigned count;	   /* VLANs */
	unsigned untagged; /* those that leave without a tag */
	bool pvid_untagged;
};

static int walk_add(struct vlan_walk *walk, unsigned low, unsigned high, uint16_t flags)
{
	unsigned count = high - low + 1;

	if (low <= walk->last || low > high || high > VLAN_MAX)
		return -EBADMSG;
	walk->last = high;
	walk->count += count;
	for (unsigned vlan = low; vlan <= high; vlan++)
		vlan_set_add(&walk->vlan->vlans, vlan);
	if (flags & BRIDGE_VLAN_INFO_UNTAGGED)
		walk->untagged += count;
	if (flags & BRIDGE_VLAN_INFO_PVID) {
		walk->vlan->pvid = (uint16_t)low;
		walk->pvid_untagged = flags & BRIDGE_VLAN_INFO_UNTAGGED;
	}
	return 0;
}

static int walk_info(struct vlan_walk *walk, const struct bridge_vlan_info *info)
{
	unsigned begin = walk->begin;

	if (info->flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
		walk->begin = info->vid;
		return begin ? -EBADMSG : 0;
	}
	if (!(info->flags & BRIDGE_VLAN_INFO_RANGE_END) != !begin)
		return -EBADMSG;
	walk->begin = 0;
	return walk_add(walk, begin ? begin : info->vid, info->vid, info->flags);
}

static int walk_nest(struct vlan_walk *walk, const struct nlattr *nest)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, nest)
	{
		struct bridge_vlan_info info;
		int err;

		if (mnl_attr_get_type(attribute) != IFLA_BRIDGE_VLAN_INFO)
			continue;
		err = attribute_copy(attribute, &info, sizeof(info));
		if (!err)
			err = walk_info(walk, &info);
		if (err)
			return err;
	}
	return walk->begin ? -EBADMSG : 0;
}

static bool walk_is_mixed(const struct vlan_walk *walk)
{
	return walk->count && (!walk->pvid_untagged || walk->untagged != 1);
}

static int vlans_read(const struct nlattr *nest, struct bridge_vlan *vlan)
{
	const struct nlattr *attributes[IFLA_BRIDGE_FLAGS + 1];
	struct vlan_walk walk = {.vlan = vlan};
	int err;

	if (!nest) /* it has none */
		return 0;
	err = attribute_index_nested(nest, attributes, ARRAY_SIZE(attributes));
	if (err)
		return err;
	/* A NIC tells of its own switch in the same words; a bridge has no such flags. */
	if (attributes[IFLA_BRIDGE_FLAGS])
		return -EAFNOSUPPORT;
	err = walk_nest(&walk, nest);
	if (err)
		return err;
	vlan->mixed = walk_is_mixed(&walk);
	return 0;
}

int rtnl_bridge_decode_vlan(const struct nlmsghdr *message, struct bridge_vlan *ret_vlan)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*header));
	const struct nlattr *attributes[IFLA_AF_SPEC + 1];
	struct bridge_vlan vlan = {};
	int err;

	if (message->nlmsg_type != RTM_NEWLINK)
		return -ENOMSG;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -EBADMSG;
	if (header->ifi_family != AF_BRIDGE)
		return -EAFNOSUPPORT;
	if (header->ifi_index <= 0)
		return -EBADMSG;
	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	vlan.port = header->ifi_index;
	if (!err)
		err = vlans_read(attributes[IFLA_AF_SPEC], &vlan);
	if (err)
		return err;
	*ret_vlan = vlan;
	return 0;
}

static int decode_item(const struct nlmsghdr *message, void *ret_item)
{
	return rtnl_bridge_decode_vlan(message, ret_item);
}

int rtnl_bridge_dump_vlans(struct netlink *netlink, struct bridge_vlan **ret_vlans,
			   size_t *ret_count)
{
	struct collection vlans = {.size = sizeof(struct bridge_vlan), .decode = decode_item};
	struct ifinfomsg *header;
	struct message request;
	int err;

	_Static_assert(sizeof(struct bridge_vlan) <= COLLECTION_ITEM_MAX, "an item's room");
	header = message_start(&request, RTM_GETLINK, 0, sizeof(*header));
	header->ifi_family = AF_BRIDGE;
	mnl_attr_put_u32(&request.header, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
	err = collection_dump(&vlans, netlink, &request.header);
	if (err)
		return err;
	*ret_vlans = vlans.items;
	*ret_count = vlans.count;
	return 0;
}
