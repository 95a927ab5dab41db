// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/record.h"

#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 16

void record_list_clear(struct record_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->records[i]);
	list->count = 0;
}

void record_list_done(struct record_list *list)
{
	record_list_clear(list);
	free(list->records);
	*list = (struct record_list){};
}

static int make_room(struct record_list *list)
{
	size_t room = list->room ? 2 * list->room : ROOM_FIRST;
	struct nlmsghdr **records;

	if (list->count < list->room)
		return 0;
	records = reallocarray(list->records, room, sizeof(*records));
	if (!records)
		return -ENOMEM;
	list->records = records;
	list->room = room;
	return 0;
}

int record_list_add(struct record_list *list, const struct nlmsghdr *message)
{
	struct nlmsghdr *copy;
	int err;

	if (message->nlmsg_len < MNL_NLMSG_HDRLEN)
		return -EBADMSG;
	err = make_room(list);
	if (err)
		return err;
	copy = malloc(MNL_ALIGN(message->nlmsg_len));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, message, message->nlmsg_len);
	list->records[list->count++] = copy;
	return 0;
}

/* The kernel filters by the device, so that a full routing table does not come through here. */
static void ask_for(struct message *request, uint16_t type, uint8_t family, int ifindex)
{
	struct ifaddrmsg *address;
	struct rtmsg *route;
	struct ndmsg *neighbour;

	switch (type) {
	case RTM_GETADDR:
		address = message_start(request, type, 0, sizeof(*address));
		address->ifa_family = family;
		address->ifa_index = (uint32_t)ifindex;
		break;
	case RTM_GETROUTE:
		route = message_start(request, type, 0, sizeof(*route));
		route->rtm_family = family;
		mnl_attr_put_u32(&request->header, RTA_OIF, (uint32_t)ifindex);
		break;
	default:
		neighbour = message_start(request, type, 0, sizeof(*neighbour));
		neighbour->ndm_family = family;
		mnl_attr_put_u32(&request->header, NDA_IFINDEX, (uint32_t)ifindex);
		break;
	}
}

static int take(const struct nlmsghdr *message, void *data)
{
	struct record_list *list = data;

	if (message)
		return record_list_add(list, message);
	record_list_clear(list);
	return 0;
}

int record_dump(struct netlink *netlink, uint16_t type, uint8_t family, int ifindex,
		struct record_list *ret_list)
{
	struct record_list list = {};
	struct message request;
	int err;

	ask_for(&request, type, family, ifindex);
	err = netlink_dump(netlink, &request.header, take, &list);
	if (err) {
		record_list_done(&list);
		return err;
	}
	*ret_list = list;
	return 0;
}
