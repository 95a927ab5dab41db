// SPDX-License-Identifier: GPL-2.0-or-later
/* What guests' adapters hang on, and filters of devices, against the kernel itself. */
#include "test_kernel_world.h"

#include "kernel/rtnl_bridge.h"
#include "kernel/rtnl_vf.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

static const struct mac mac_one = {{0x52, 0x54, 0, 0, 0, 0x01}};

/* --- a device's own filter --- */

struct entries {
	int self, bridge, permanent; /* of one MAC at one device */
};

static struct entries entries_of(struct netlink *netlink, int ifindex, const struct mac *mac)
{
	_cleanup_free_ struct bridge_fdb *list = NULL;
	struct entries entries = {};
	size_t count = 0;

	assert_int_equal(rtnl_fdb_dump(netlink, ifindex, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(list[i].ifindex, ifindex);
		if (!mac_equal(&list[i].mac, mac))
			continue;
		entries.self += list[i].self;
		entries.bridge += !list[i].self;
		entries.permanent += list[i].permanent;
	}
	return entries;
}

static void filter_takes_an_address(void **state)
{
	struct world *world = *state;
	struct entries entries;

	for (int i = 0; i < 2; i++)
		assert_int_equal(rtnl_fdb_add_self(world->netlink, world->left, &mac_one, NULL), 0);
	entries = entries_of(world->netlink, world->left, &mac_one);
	assert_int_equal(entries.self, 1);
	assert_int_equal(entries.permanent, 1);
	assert_int_equal(entries.bridge, 0);
	assert_int_equal(entries_of(world->netlink, world->right, &mac_one).self, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rtnl_fdb_del_self(world->netlink, world->left, &mac_one, NULL), 0);
	assert_int_equal(entries_of(world->netlink, world->left, &mac_one).self, 0);
	assert_int_equal(rtnl_fdb_add_self(world->netlink, 9999, &mac_one, NULL), -ENODEV);
	assert_int_equal(rtnl_fdb_del_self(world->netlink, 9999, &mac_one, NULL), -ENODEV);
}

static void entries_of_all_are_dumped(void **state)
{
	_cleanup_free_ struct bridge_fdb *list = NULL;
	struct world *world = *state;
	size_t count = 0, seen = 0;

	assert_int_equal(rtnl_fdb_add_self(world->netlink, world->left, &mac_one, NULL), 0);
	assert_int_equal(rtnl_fdb_add_self(world->netlink, world->right, &mac_one, NULL), 0);
	assert_int_equal(rtnl_fdb_dump(world->netlink, 0, &list, &count), 0);
	for (size_t i = 0; i < count; i++)
		seen += mac_equal(&list[i].mac, &mac_one);
	assert_int_equal(seen, 2);
}

/* --- namespaces --- */

/* Another namespace: its descriptor and a socket that speaks for it. */
struct elsewhere {
	int fd;
	struct netlink *netlink;
};

static void elsewhere_end(struct elsewhere *elsewhere)
{
	netlink_close(elsewhere->netlink);
	close_fd(&elsewhere->fd);
}

static void elsewhere_make(struct elsewhere *elsewhere)
{
	_cleanup_close_ int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(here >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	elsewhere->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(netlink_open(&elsewhere->netlink), 0);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
}

static void veth_reaches_into_a_namespace(void **state)
{
	_cleanup_(elsewhere_end) struct elsewhere guest = {};
	struct world *world = *state;
	struct problem problem = {};
	struct link port, peer;
	struct veth_ends ends;

	elsewhere_make(&guest);
	ends = (struct veth_ends){
		.name = "iov1", .group = 77, .peer = "nicA", .mac = mac_one, .netns_fd = guest.fd};
	assert_int_equal(rtnl_veth_create(world->netlink, &ends, &problem), 0);
	assert_int_equal(rtnl_link_get(world->netlink, index_of(world->netlink, "iov1"), &port), 0);
	assert_int_equal(index_of(world->netlink, "nicA"), 0);
	assert_int_equal(rtnl_link_get(guest.netlink, index_of(guest.netlink, "nicA"), &peer), 0);
	assert_true(mac_equal(&peer.mac, &mac_one));
	assert_false(mac_equal(&port.mac, &mac_one));
	assert_false((port.flags | peer.flags) & IFF_UP);
	assert_int_equal(port.group, 77);
	assert_int_equal(peer.group, 0);
	/* Nothing is left of one that could not be made, whichever end is the trouble. */
	ends.peer = "nicB";
	assert_int_equal(rtnl_veth_create(world->netlink, &ends, &problem), -EEXIST);
	ends.name = "iov2";
	ends.peer = "nicA";
	assert_int_equal(rtnl_veth_create(world->netlink, &ends, &problem), -EEXIST);
	assert_int_equal(index_of(guest.netlink, "nicB"), 0);
	assert_int_equal(index_of(world->netlink, "iov2"), 0);
}

static void device_moves_and_has_another_name(void **state)
{
	_cleanup_(elsewhere_end) struct elsewhere guest = {};
	struct world *world = *state;
	struct link link;

	elsewhere_make(&guest);
	assert_int_equal(rtnl_link_move(world->netlink, world->left, guest.fd, "nicA-vf", NULL), 0);
	assert_int_equal(index_of(world->netlink, "left"), 0);
	assert_int_equal(rtnl_link_get(guest.netlink, index_of(guest.netlink, "nicA-vf"), &link),
			 0);
	assert_false(link.flags & IFF_UP);
	assert_int_equal(index_of(guest.netlink, "left"), 0);
	/* The name is taken there: it is refused, whether it is there then or not. */
	assert_int_equal(rtnl_link_move(world->netlink, world->right, guest.fd, "nicA-vf", NULL),
			 -EEXIST);
	assert_int_equal(!index_of(world->netlink, "right"), !!index_of(guest.netlink, "right"));
	assert_int_equal(rtnl_link_move(world->netlink, 9999, guest.fd, "x", NULL), -ENODEV);
}

/* --- taps --- */

/* As QEMU opens it: negative errno, or the descriptor. */
static int tap_open(const char *name, int flags)
{
	struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags)};
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	return ioctl(fd, TUNSETIFF, &request) < 0 ? -errno : steal_fd(&fd);
}

static void tap_stays(void **state)
{
	static const struct {
		const char *name;
		bool multi_queue;
		int flags, other_flags;
	} taps[] = {{"tap1", false, 0, IFF_MULTI_QUEUE}, {"tap2", true, IFF_MULTI_QUEUE, 0}};
	struct problem problem = {};
	struct world *world = *state;
	int fd;

	if (access("/dev/net/tun", R_OK | W_OK) < 0) {
		print_message("# there is no /dev/net/tun here: no taps\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(taps); i++) {
		_cleanup_close_ int first = -1, second = -1;
		struct link link;

		assert_int_equal(tap_create(taps[i].name, taps[i].multi_queue, &first, &problem),
				 0);
		assert_int_equal(tap_stay(first, &problem), 0);
		close_fd(&first);
		assert_int_equal(rtnl_link_get(world->netlink,
					       index_of(world->netlink, taps[i].name), &link),
				 0);
		assert_string_equal(link.kind, "tun");
		assert_false(link.flags & IFF_UP);
		assert_int_equal(tap_open(taps[i].name, taps[i].other_flags), -EINVAL);
		first = tap_open(taps[i].name, taps[i].flags);
		assert_true(first >= 0);
		second = tap_open(taps[i].name, taps[i].flags);
		assert_int_equal(second >= 0, taps[i].multi_queue);
	}
	assert_int_equal(tap_create("tap3", false, &fd, &problem), 0);
	assert_true(index_of(world->netlink, "tap3"));
	(void)close(fd);
	assert_int_equal(index_of(world->netlink, "tap3"), 0);
	assert_int_equal(tap_create("tap1", false, &fd, &problem), -EEXIST);
	assert_string_equal(problem.text, "there is a device tap1 already");
	assert_int_equal(tap_create("tap2", true, &fd, NULL), -EEXIST);
	assert_int_equal(tap_create("left", true, &fd, NULL), -EEXIST);
	assert_int_equal(tap_create("", true, &fd, NULL), -EINVAL);
	assert_int_equal(tap_create("a/b", true, &fd, NULL), -EINVAL);
	assert_int_equal(tap_create("of-16-characters", true, &fd, NULL), -EINVAL);
}

/* --- VFs: there are none here --- */

static void device_without_vfs_has_none(void **state)
{
	struct vf_table table = {.count = 77};
	struct problem problem = {};
	struct world *world = *state;

	assert_int_equal(rtnl_vf_dump(world->netlink, 9999, &table), -ENODEV);
	assert_int_equal(table.count, 77);
	assert_int_equal(rtnl_vf_dump(world->netlink, world->left, &table), 0);
	assert_int_equal(table.count, 0);
	assert_int_equal(rtnl_vf_set_trust(world->netlink, world->left, 0, true, &problem),
			 -EOPNOTSUPP);
	assert_string_equal(problem.text, "the NIC's driver cannot set the trust of a VF");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(filter_takes_an_address),
		LIVE(entries_of_all_are_dumped),
		LIVE(veth_reaches_into_a_namespace),
		LIVE(device_moves_and_has_another_name),
		LIVE(tap_stays),
		LIVE(device_without_vfs_has_none),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
