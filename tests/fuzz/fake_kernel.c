// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake_kernel.h"

#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/message.h"
#include "kernel/netlink.h"
#include "kernel/netns.h"
#include "kernel/packet.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define CARD_FIRST 4 /* ens4 has index 4, and so on */
#define CARD_LAST 7

struct netlink {
	int fd; /* an eventfd */
};

static struct {
	struct link_table links;
	int last_index;
	unsigned requests_left; /* until one is refused; 0: none is */
	struct event {
		uint16_t type;
		struct link link;
	} events[EVENTS_MAX];
	size_t event_count;
	struct netlink *listener;
} kernel;

/* --- devices --- */

static void tell(uint16_t type, const struct link *link)
{
	if (kernel.event_count < EVENTS_MAX)
		kernel.events[kernel.event_count++] = (struct event){type, *link};
	if (kernel.listener)
		(void)eventfd_write(kernel.listener->fd, 1);
}

static struct link *add_device(const char *name, const char *kind, unsigned flags)
{
	struct link link = {
		.ifindex = ++kernel.last_index,
		.type = flags & IFF_LOOPBACK ? ARPHRD_LOOPBACK : ARPHRD_ETHER,
		.flags = flags,
		.mtu = 1500,
		.tx_queues = 1,
		.carrier = true,
		.mac = {{0x52, 0x54, 0, 0, 0, (uint8_t)kernel.last_index}},
	};

	(void)text_copy(link.name, sizeof(link.name), name);
	(void)text_copy(link.kind, sizeof(link.kind), kind);
	link.permanent_mac = link.mac;
	if (!*kind && !(flags & IFF_LOOPBACK)) {
		(void)text_copy(link.bus, sizeof(link.bus), "pci");
		(void)snprintf(link.bus_id, sizeof(link.bus_id), "0000:00:%02x.0", link.ifindex);
	}
	if (link_table_put(&kernel.links, &link))
		abort();
	return link_by_index(&kernel.links, link.ifindex);
}

void fake_kernel_reset(void)
{
	struct link *port;

	link_table_done(&kernel.links);
	kernel.links = (struct link_table){};
	kernel.last_index = 0;
	kernel.event_count = 0;
	kernel.requests_left = 0;
	(void)add_device("lo", "", IFF_UP | IFF_LOOPBACK);
	(void)add_device("bridge0", "bridge", IFF_UP);
	port = add_device("port0", "veth", IFF_UP);
	port->master = 2;
	(void)text_copy(port->slave_kind, sizeof(port->slave_kind), "bridge");
	(void)add_device("ens4", "", IFF_UP);
	(void)add_device("ens5", "", IFF_UP);
	(void)add_device("ens6", "", 0);
	(void)add_device("ens7", "", IFF_UP);
	(void)add_device("addressed0", "veth", IFF_UP);
	(void)add_device("\xc3\x28\xff", "dummy", IFF_UP);
}

void fake_kernel_refuse(unsigned number)
{
	kernel.requests_left = number;
}

void fake_kernel_carrier(unsigned number, bool carrier)
{
	struct link *link = link_by_index(&kernel.links, (int)number);

	if (number < CARD_FIRST || number > CARD_LAST || link->carrier == carrier)
		return;
	link->carrier = carrier;
	link->slave.mii_status = carrier ? 0 : 2;
	tell(RTM_NEWLINK, link);
}

/* --- a device as a message --- */

static void put_bond(struct nlmsghdr *message, const struct link_bond *bond)
{
	struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);

	mnl_attr_put_u8(message, IFLA_BOND_MODE, bond->mode);
	mnl_attr_put_u8(message, IFLA_BOND_FAIL_OVER_MAC, bond->fail_over_mac);
	mnl_attr_put_u8(message, IFLA_BOND_ALL_SLAVES_ACTIVE, bond->all_slaves_active);
	mnl_attr_put_u8(message, IFLA_BOND_NUM_PEER_NOTIF, bond->num_peer_notif);
	mnl_attr_put_u32(message, IFLA_BOND_PEER_NOTIF_DELAY, bond->peer_notif_delay);
	mnl_attr_put_u32(message, IFLA_BOND_RESEND_IGMP, bond->resend_igmp);
	mnl_attr_put_u32(message, IFLA_BOND_MIIMON, bond->miimon);
	if (bond->active_ifindex)
		mnl_attr_put_u32(message, IFLA_BOND_ACTIVE_SLAVE, (uint32_t)bond->active_ifindex);
	mnl_attr_nest_end(message, data);
}

static void put_slave(struct nlmsghdr *message, const struct link *link)
{
	struct nlattr *data;

	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, link->slave_kind);
	if (strcmp(link->slave_kind, "bond") != 0)
		return;
	data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u16(message, IFLA_BOND_SLAVE_QUEUE_ID, link->slave.queue_id);
	mnl_attr_put_u8(message, IFLA_BOND_SLAVE_MII_STATUS, link->slave.mii_status);
	mnl_attr_put(message, IFLA_BOND_SLAVE_PERM_HWADDR, sizeof(struct mac), &link->mac);
	mnl_attr_nest_end(message, data);
}

static void put_info(struct nlmsghdr *message, const struct link *link)
{
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);

	if (*link->kind)
		mnl_attr_put_strz(message, IFLA_INFO_KIND, link->kind);
	if (strcmp(link->kind, "bond") == 0)
		put_bond(message, &link->bond);
	if (strcmp(link->slave_kind, "bridge") == 0)
		mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, link->slave_kind);
	else if (*link->slave_kind)
		put_slave(message, link);
	mnl_attr_nest_end(message, info);
}

static void encode(struct message *message, uint16_t type, const struct link *link)
{
	struct ifinfomsg *header = message_start(message, type, 0, sizeof(*header));

	header->ifi_index = link->ifindex;
	header->ifi_type = link->type;
	header->ifi_flags = link->flags;
	mnl_attr_put_strz(&message->header, IFLA_IFNAME, link->name);
	mnl_attr_put(&message->header, IFLA_ADDRESS, sizeof(link->mac), &link->mac);
	mnl_attr_put(&message->header, IFLA_PERM_ADDRESS, sizeof(link->mac), &link->permanent_mac);
	mnl_attr_put_u32(&message->header, IFLA_MTU, link->mtu);
	mnl_attr_put_u32(&message->header, IFLA_NUM_TX_QUEUES, link->tx_queues);
	mnl_attr_put_u8(&message->header, IFLA_CARRIER, link->carrier);
	if (link->group)
		mnl_attr_put_u32(&message->header, IFLA_GROUP, link->group);
	if (*link->alias)
		mnl_attr_put_strz(&message->header, IFLA_IFALIAS, link->alias);
	if (link->master)
		mnl_attr_put_u32(&message->header, IFLA_MASTER, (uint32_t)link->master);
	if (*link->bus) {
		mnl_attr_put_strz(&message->header, IFLA_PARENT_DEV_BUS_NAME, link->bus);
		mnl_attr_put_strz(&message->header, IFLA_PARENT_DEV_NAME, link->bus_id);
	}
	put_info(&message->header, link);
}

/* --- requests --- */

/* A request as a device, if it had been one's description: its attributes decode likewise. */
static int decode_wish(const struct nlmsghdr *request, const char *name, int ifindex,
		       struct link *ret_wish)
{
	struct message copy = {};

	memcpy(copy.bytes, request, request->nlmsg_len);
	((struct ifinfomsg *)mnl_nlmsg_get_payload(&copy.header))->ifi_index = ifindex;
	copy.header.nlmsg_type = RTM_NEWLINK;
	if (name)
		mnl_attr_put_strz(&copy.header, IFLA_IFNAME, name);
	return rtnl_link_decode(&copy.header, ret_wish);
}

static int create(const struct nlmsghdr *request)
{
	struct link wish, *link;
	int err = decode_wish(request, NULL, 1, &wish);

	if (err)
		return -EINVAL;
	if (link_by_name(&kernel.links, wish.name))
		return -EEXIST;
	link = add_device(wish.name, wish.kind, 0);
	link->bond = wish.bond;
	link->tx_queues = wish.tx_queues;
	link->carrier = false;
	tell(RTM_NEWLINK, link);
	return 0;
}

static void make_active(struct link *bond, const struct link *slave)
{
	bond->bond.active_ifindex = slave ? slave->ifindex : 0;
	if (slave)
		bond->mac = slave->mac;
	bond->carrier = slave != NULL;
	tell(RTM_NEWLINK, bond);
}

static struct link *first_slave(const struct link *bond)
{
	for (size_t i = 0; i < kernel.links.count; i++)
		if (kernel.links.links[i].master == bond->ifindex)
			return &kernel.links.links[i];
	return NULL;
}

static void release(struct link *link)
{
	struct link *bond = link_by_index(&kernel.links, link->master);

	link->master = 0;
	link->slave = (struct link_bond_slave){};
	link->flags &= ~(unsigned)(IFF_UP | IFF_SLAVE);
	*link->slave_kind = '\0';
	tell(RTM_NEWLINK, link);
	if (bond && bond->bond.active_ifindex == link->ifindex)
		make_active(bond, first_slave(bond));
}

static int set_master(struct link *link, int master)
{
	struct link *bond = link_by_index(&kernel.links, master);

	if (!master) {
		release(link);
		return 0;
	}
	if (bond && strcmp(bond->kind, "bridge") == 0) {
		link->master = master;
		(void)text_copy(link->slave_kind, sizeof(link->slave_kind), "bridge");
		tell(RTM_NEWLINK, link);
		return 0;
	}
	if (!bond || strcmp(bond->kind, "bond") != 0)
		return -EOPNOTSUPP;
	if (link->master || (link->flags & IFF_UP))
		return -EBUSY;
	link->master = master;
	link->flags |= IFF_UP | IFF_SLAVE;
	(void)text_copy(link->slave_kind, sizeof(link->slave_kind), "bond");
	tell(RTM_NEWLINK, link);
	if (!bond->bond.active_ifindex)
		make_active(bond, link);
	return 0;
}

static int set_active(struct link *bond, int ifindex)
{
	struct link *slave = link_by_index(&kernel.links, ifindex);

	if (ifindex && (!slave || slave->master != bond->ifindex || !slave->carrier))
		return -EINVAL;
	make_active(bond, slave ? slave : first_slave(bond));
	return 0;
}

/* What bonding takes in use; the rest of what a bond is stays. */
static void set_bond(struct link *bond, const struct link_bond *wish)
{
	struct link_bond before = bond->bond;

	bond->bond = *wish;
	bond->bond.mode = before.mode;
	bond->bond.fail_over_mac = before.fail_over_mac;
	bond->bond.active_ifindex = before.active_ifindex;
	tell(RTM_NEWLINK, bond);
}

static int change(const struct nlmsghdr *request, struct link *link)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(request);
	size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*header));
	const struct nlattr *attributes[IFLA_GROUP + 1];
	struct link wish;

	if (decode_wish(request, link->name, link->ifindex, &wish) ||
	    attribute_index((const uint8_t *)request + offset, request->nlmsg_len - offset,
			    attributes, ARRAY_SIZE(attributes)))
		return -EINVAL;
	if (attributes[IFLA_MASTER])
		return set_master(link, wish.master);
	if (wish.bond.active_ifindex)
		return set_active(link, wish.bond.active_ifindex);
	if (attributes[IFLA_MTU])
		link->mtu = wish.mtu;
	if (attributes[IFLA_GROUP])
		link->group = wish.group;
	if (attributes[IFLA_IFALIAS])
		(void)text_copy(link->alias, sizeof(link->alias), wish.alias);
	if (attributes[IFLA_ADDRESS])
		link->mac = wish.mac;
	if (strcmp(wish.kind, "bond") == 0)
		set_bond(link, &wish.bond);
	if (strcmp(wish.slave_kind, "bond") == 0)
		link->slave.queue_id = wish.slave.queue_id;
	link->flags =
		(link->flags & ~header->ifi_change) | (header->ifi_flags & header->ifi_change);
	tell(RTM_NEWLINK, link);
	return 0;
}

static int delete (struct link *link)
{
	struct link gone = *link, *slave;

	while ((slave = first_slave(link)))
		release(slave);
	link_table_drop(&kernel.links, gone.ifindex);
	tell(RTM_DELLINK, &gone);
	return 0;
}

static int carry_out(const struct nlmsghdr *request)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(request);
	struct link *link = link_by_index(&kernel.links, header->ifi_index);

	if (request->nlmsg_type == RTM_NEWLINK && (request->nlmsg_flags & NLM_F_CREATE))
		return create(request);
	if (request->nlmsg_type > RTM_SETLINK) /* addresses, routes, … */
		return -EOPNOTSUPP;
	if (!link)
		return -ENODEV;
	return request->nlmsg_type == RTM_DELLINK ? delete (link) : change(request, link);
}

/* --- in the place of kernel/netlink.h --- */

int netlink_open(struct netlink **ret_netlink)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));

	if (!netlink)
		return -ENOMEM;
	netlink->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*ret_netlink = netlink;
	return 0;
}

int netlink_open_events(struct netlink **ret_netlink, const unsigned *groups, size_t count)
{
	int err = netlink_open(ret_netlink);

	if (!err)
		kernel.listener = *ret_netlink;
	return err;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (kernel.listener == netlink)
		kernel.listener = NULL;
	(void)close(netlink->fd);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink)
{
	return netlink->fd;
}

static int refused(struct problem *problem, int err)
{
	return problem_set(problem, err, "%s", strerror(-err));
}

int netlink_request(struct netlink *netlink, struct nlmsghdr *request, struct problem *problem)
{
	int err;

	if (kernel.requests_left && --kernel.requests_left == 0)
		return refused(problem, -ENOBUFS);
	err = carry_out(request);
	return err ? refused(problem, err) : 0;
}

static int hand_over(uint16_t type, const struct link *link, netlink_handler handler, void *data)
{
	struct message message;

	encode(&message, type, link);
	return handler(&message.header, data);
}

int netlink_query(struct netlink *netlink, struct nlmsghdr *request, netlink_handler handler,
		  void *data)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(request);
	const struct link *link = link_by_index(&kernel.links, header->ifi_index);

	if (request->nlmsg_type != RTM_GETLINK || !link)
		return -ENODEV;
	return hand_over(RTM_NEWLINK, link, handler, data);
}

static int dump_addresses(netlink_handler handler, void *data)
{
	static const uint8_t bytes[4] = {192, 0, 2, 1};
	const struct link *link = link_by_name(&kernel.links, "addressed0");
	struct message message;
	struct ifaddrmsg *header = message_start(&message, RTM_NEWADDR, 0, sizeof(*header));

	header->ifa_family = AF_INET;
	header->ifa_prefixlen = 24;
	header->ifa_index = (unsigned)link->ifindex;
	mnl_attr_put(&message.header, IFA_LOCAL, sizeof(bytes), bytes);
	return handler(&message.header, data);
}

int netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_handler handler,
		 void *data)
{
	int err = handler(NULL, data);

	if (request->nlmsg_type == RTM_GETADDR)
		return err ? err : dump_addresses(handler, data);
	if (request->nlmsg_type != RTM_GETLINK)
		return err;
	for (size_t i = 0; !err && i < kernel.links.count; i++)
		err = hand_over(RTM_NEWLINK, &kernel.links.links[i], handler, data);
	return err;
}

int netlink_read(struct netlink *netlink, netlink_handler handler, void *data)
{
	eventfd_t count;
	int err = 0;

	(void)eventfd_read(netlink->fd, &count);
	for (size_t i = 0; i < kernel.event_count; i++)
		err = hand_over(kernel.events[i].type, &kernel.events[i].link, handler, data);
	kernel.event_count = 0;
	return err;
}

/* --- in the place of kernel/packet.h and kernel/netns.h --- */

int packet_open(int *ret_fd)
{
	*ret_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

int packet_send(int fd, int ifindex, const void *frame, size_t length)
{
	return write(fd, frame, length) == (ssize_t)length ? 0 : -EIO;
}

int packet_hold_multicast(int ifindex, const struct mac *macs, size_t count, int *ret_fd)
{
	return packet_open(ret_fd);
}

int packet_multicast_list(int ifindex, const char *name, struct mac **ret_macs, size_t *ret_count)
{
	*ret_macs = NULL;
	*ret_count = 0;
	return 0;
}

int netns_cookie(uint64_t *ret_cookie)
{
	*ret_cookie = 1;
	return 0;
}
