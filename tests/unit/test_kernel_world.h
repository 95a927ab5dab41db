/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network namespace with a veth pair for each of the tests that ask the kernel itself. */
#pragma once

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/message.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct world {
	struct netlink *netlink;
	int left, right; /* a veth pair: "left", up, and its peer "right", down */
};

static inline int index_of(struct netlink *netlink, const char *name)
{
	_cleanup_(link_table_done) struct link_table table = {};
	const struct link *link;

	assert_int_equal(rtnl_link_dump(netlink, &table), 0);
	link = link_by_name(&table, name);
	return link ? link->ifindex : 0;
}

static inline void veth_create(struct netlink *netlink, const char *name, const char *peer)
{
	struct nlattr *info, *data, *other;
	struct problem problem = {};
	struct message request;

	(void)message_start(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
			    sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&request.header, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(&request.header, IFLA_LINKINFO);
	mnl_attr_put_strz(&request.header, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(&request.header, IFLA_INFO_DATA);
	other = mnl_attr_nest_start(&request.header, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(&request.header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(&request.header, IFLA_IFNAME, peer);
	mnl_attr_nest_end(&request.header, other);
	mnl_attr_nest_end(&request.header, data);
	mnl_attr_nest_end(&request.header, info);
	if (netlink_request(netlink, &request.header, &problem) < 0)
		fail_msg("veth %s: %s", name, problem.text);
}

/* What the kernel knows of @wanted; false: nothing. */
static inline bool find_neighbour(struct netlink *netlink, const struct link_neighbour *wanted,
				  struct link_neighbour *ret_found)
{
	_cleanup_free_ struct link_neighbour *neighbours = NULL;
	size_t count;

	assert_int_equal(rtnl_neighbour_dump(netlink, &neighbours, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (neighbours[i].ifindex == wanted->ifindex &&
		    neighbours[i].family == wanted->family &&
		    memcmp(neighbours[i].bytes, wanted->bytes, sizeof(wanted->bytes)) == 0) {
			*ret_found = neighbours[i];
			return true;
		}
	return false;
}

static inline int world_make(void **state)
{
	static struct world world;

	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	world = (struct world){};
	if (netlink_open(&world.netlink) < 0)
		return -1;
	veth_create(world.netlink, "left", "right");
	world.left = index_of(world.netlink, "left");
	world.right = index_of(world.netlink, "right");
	*state = &world;
	return rtnl_link_set_up(world.netlink, world.left, true, NULL);
}

static inline int world_end(void **state)
{
	struct world *world = *state;

	netlink_close(world->netlink);
	return 0;
}

static inline int count_message(const struct nlmsghdr *message, void *data)
{
	if (message)
		++*(int *)data;
	return 0;
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)

/* 77 is "skipped" to meson: no right to make a namespace. Else this process is in a new one. */
#define LIVE_OR_SKIP()                                                                             \
	do {                                                                                       \
		if (unshare(CLONE_NEWNET) < 0)                                                     \
			return 77;                                                                 \
	} while (0)
