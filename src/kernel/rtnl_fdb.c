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
static int read_mac(const struct nlmsghdr *message, struct mac *mac)
{
	const size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(struct ndmsg));
	const struct nlattr *attributes[NDA_LLADDR + 1];
	int err;

	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	if (err)
		return err;
	if (!attributes[NDA_LLADDR] || attribute_copy(attributes[NDA_LLADDR], mac, sizeof(*mac)))
		return -EAFNOSUPPORT;
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
	err = read_mac(message, &entry.mac);
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
