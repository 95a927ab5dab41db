// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_bridge.h"

#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/collection.h"
#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

/* A tunnel's entries may have no MAC. */
static int read_attributes(const struct nlmsghdr *message, struct bridge_fdb *entry)
{
	const size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ndmsg));
	const struct nlattr *attributes[NDA_VLAN + 1];
	int err;

	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	if (err)
		return err;
	if (!attributes[NDA_LLADDR] ||
	    attribute_copy(attributes[NDA_LLADDR], &entry->mac, sizeof(entry->mac)))
		return -EAFNOSUPPORT;
	if (attributes[NDA_VLAN])
		return attribute_copy(attributes[NDA_VLAN], &entry->vlan, sizeof(entry->vlan));
	return 0;
}

int rtnl_fdb_decode(const struct nlmsghdr *message, struct bridge_fdb *ret_entry)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);
	struct bridge_fdb entry = {};
	int err;

	if (message->nlmsg_type != RTM_NEWNEIGH)
		return -ENOMSG;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -EBADMSG;
	if (header->ndm_family != AF_BRIDGE)
		return -EAFNOSUPPORT;
	if (header->ndm_ifindex <= 0)
		return -EBADMSG;
	entry.ifindex = header->ndm_ifindex;
	entry.self = header->ndm_flags & NTF_SELF;
	entry.permanent = header->ndm_state & (NUD_PERMANENT | NUD_NOARP);
	entry.sticky = header->ndm_flags & NTF_STICKY;
	err = read_attributes(message, &entry);
	if (err)
		return err;
	*ret_entry = entry;
	return 0;
}

/* A bridge has its ports' own addresses in each of their VLANs: thousands, and nobody's news. */
static bool is_own(const struct nlmsghdr *message)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(message);

	return header->ndm_state & NUD_PERMANENT && !(header->ndm_flags & NTF_SELF);
}

static int decode_item(const struct nlmsghdr *message, void *ret_item)
{
	int err;

	err = rtnl_fdb_decode(message, ret_item);
	return !err && is_own(message) ? -EAFNOSUPPORT : err;
}

int rtnl_fdb_dump(struct netlink *netlink, int ifindex, struct bridge_fdb **ret_entries,
		  size_t *ret_count)
{
	struct collection entries = {.size = sizeof(struct bridge_fdb), .decode = decode_item};
	struct message request;
	struct ndmsg *header;
	int err;

	_Static_assert(sizeof(struct bridge_fdb) <= COLLECTION_ITEM_MAX, "an item's room");
	header = message_start(&request, RTM_GETNEIGH, 0, sizeof(*header));
	header->ndm_family = AF_BRIDGE;
	header->ndm_ifindex = ifindex;
	err = collection_dump(&entries, netlink, &request.header);
	if (err)
		return err;
	*ret_entries = entries.items;
	*ret_count = entries.count;
	return 0;
}

/* A device's own filter takes entries that stay, and no others. */
static int change_self(struct netlink *netlink, uint16_t type, uint16_t flags, int ifindex,
		       const struct mac *mac, struct problem *problem)
{
	struct message request;
	struct ndmsg *header = message_start(&request, type, flags, sizeof(*header));

	header->ndm_family = AF_BRIDGE;
	header->ndm_ifindex = ifindex;
	header->ndm_state = NUD_PERMANENT;
	header->ndm_flags = NTF_SELF;
	mnl_attr_put(&request.header, NDA_LLADDR, sizeof(*mac), mac);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_fdb_add_self(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem)
{
	struct problem refusal = {};
	char text[MAC_TEXT_SIZE];
	int err;

	err = change_self(netlink, RTM_NEWNEIGH, NLM_F_CREATE, ifindex, mac, &refusal);
	if (err == 0 || err == -EEXIST)
		return 0;
	if (err == -ENOMEM || err == -ENOSPC)
		return problem_set(problem, err, "the NIC's own filter has no room for %s",
				   mac_format(mac, text));
	return problem_set(problem, err, "%s", refusal.text);
}

int rtnl_fdb_del_self(struct netlink *netlink, int ifindex, const struct mac *mac,
		      struct problem *problem)
{
	struct problem refusal = {};
	int err;

	err = change_self(netlink, RTM_DELNEIGH, 0, ifindex, mac, &refusal);
	if (err == 0 || err == -ENOENT)
		return 0;
	return problem_set(problem, err, "%s", refusal.text);
}

/* @vlan 0: the bridge knows none. */
static int change_port(struct netlink *netlink, uint16_t type, uint16_t flags, int port,
		       const struct bridge_fdb *entry, struct problem *problem)
{
	struct message request;
	struct ndmsg *header = message_start(&request, type, flags, sizeof(*header));

	header->ndm_family = AF_BRIDGE;
	header->ndm_ifindex = port;
	header->ndm_state = NUD_NOARP;
	header->ndm_flags = NTF_MASTER | NTF_STICKY;
	mnl_attr_put(&request.header, NDA_LLADDR, sizeof(entry->mac), &entry->mac);
	if (entry->vlan)
		mnl_attr_put_u16(&request.header, NDA_VLAN, entry->vlan);
	return netlink_request(netlink, &request.header, problem);
}

int rtnl_fdb_add_port(struct netlink *netlink, int port, const struct mac *mac, uint16_t vlan,
		      struct problem *problem)
{
	const struct bridge_fdb entry = {.mac = *mac, .vlan = vlan};

	/* One that was learnt is changed into it. */
	return change_port(netlink, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, port, &entry,
			   problem);
}

int rtnl_fdb_del_port(struct netlink *netlink, int port, const struct mac *mac, uint16_t vlan,
		      struct problem *problem)
{
	const struct bridge_fdb entry = {.mac = *mac, .vlan = vlan};
	struct problem refusal = {};
	int err = change_port(netlink, RTM_DELNEIGH, 0, port, &entry, &refusal);

	return err && err != -ENOENT ? problem_set(problem, err, "%s", refusal.text) : 0;
}
