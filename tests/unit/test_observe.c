// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is observed, while readings of the kernel's answers fail: nothing that the events would
 * have told is missed, however often the observation that shall make up for it fails itself. And
 * what the kernel forgets.
 */
#include "test_kernel_world.h"

#include "daemon/neighbours.h"

#include <linux/neighbour.h>
#include <sys/socket.h>

static struct {
	int fd;
	int error;
	unsigned times; /* so often recvmsg() on fd fails with error */
} fault;

ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	if (!fault.times || fd != fault.fd)
		return __real_recvmsg(fd, message, flags);
	fault.times--;
	errno = fault.error;
	return -1;
}

static struct observed observed;

static int observed_make(void **state)
{
	if (world_make(state))
		return -1;
	observed = (struct observed){};
	return observe_open(&observed) || observe_all(&observed);
}

static int observed_end(void **state)
{
	fault.times = 0;
	observe_close(&observed);
	return world_end(state);
}

/* The socket says that it has lost events, and they are lost. */
static void lose_events(void)
{
	static uint8_t bytes[65536];

	while (recv(netlink_fd(observed.events), bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	fault.fd = netlink_fd(observed.events);
	fault.error = ENOBUFS;
	fault.times = 1;
}

static void break_requests(int error, unsigned times)
{
	fault.fd = netlink_fd(observed.requests);
	fault.error = error;
	fault.times = times;
}

static uint32_t observed_mtu(void)
{
	const struct link *left = link_by_name(&observed.links, "left");

	return left ? left->mtu : 0;
}

static void set_mtu(const struct world *world, uint32_t mtu)
{
	assert_int_equal(rtnl_link_set_mtu(world->netlink, world->left, mtu, NULL), 0);
}

static void an_event_is_enough(void **state)
{
	struct observe_changes changes;

	set_mtu(*state, 1400);
	assert_int_equal(observe_read(&observed, &changes), 0);
	assert_true(changes.links);
	assert_int_equal(observed_mtu(), 1400);
	assert_int_equal(observe_read(&observed, &changes), 0);
	assert_false(changes.links);
}

static void lost_events_are_made_up_for(void **state)
{
	struct observe_changes changes;

	set_mtu(*state, 1400);
	lose_events();
	assert_int_equal(observe_read(&observed, &changes), 0);
	assert_true(changes.links && changes.addresses);
	assert_int_equal(observed_mtu(), 1400);
}

static int read_broken(int error)
{
	struct observe_changes changes;

	lose_events();
	assert_int_equal(__real_recvmsg(-1, NULL, 0), -1);
	/* The loss is read first, then the observation fails. */
	observed.stale = true;
	break_requests(error, 1);
	return observe_read(&observed, &changes);
}

/* The observation fails, too; no event tells that it is still owed. */
static void an_observation_that_fails_is_made_later(void **state)
{
	static const int errors[] = {ENOBUFS, ENOMEM};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct observe_changes changes = {};

		set_mtu(*state, 1400 + (uint32_t)i);
		assert_int_equal(read_broken(errors[i]), -errors[i]);
		assert_true(observed.stale);
		assert_int_equal(observe_read(&observed, &changes), 0);
		assert_false(observed.stale);
		assert_true(changes.links && changes.addresses);
		assert_int_equal(observed_mtu(), 1400 + i);
	}
}

/* What was known stays as it was: half of a new observation is no observation. */
static void an_observation_that_fails_takes_nothing(void **state)
{
	struct observe_changes changes;
	size_t count = observed.links.count;

	assert_int_equal(read_broken(ENOMEM), -ENOMEM);
	assert_int_equal(observed.links.count, count);
	assert_int_equal(observe_read(&observed, &changes), 0);
	assert_int_equal(observed.links.count, count);
}

static void a_device_that_went_unseen(void **state)
{
	struct world *world = *state;
	struct observe_changes changes;

	assert_int_equal(rtnl_link_delete(world->netlink, world->left, NULL), 0);
	lose_events();
	assert_int_equal(observe_read(&observed, &changes), 0);
	assert_null(link_by_name(&observed.links, "left"));
	assert_null(link_by_name(&observed.links, "right"));
}

/* --- neighbours that the kernel forgets --- */

static struct link_neighbour neighbour_of(int ifindex, uint8_t last, uint16_t state)
{
	return (struct link_neighbour){.ifindex = ifindex,
				       .family = AF_INET,
				       .state = state,
				       .bytes = {192, 0, 2, last},
				       .mac = {{2, 0, 0, 0, 0, last}}};
}

static void put_neighbour(struct netlink *netlink, struct link_neighbour neighbour)
{
	assert_int_equal(rtnl_neighbour_put(netlink, &neighbour, NULL), 0);
}

static void follow(struct neighbours *neighbours)
{
	struct observe_changes changes;

	assert_int_equal(observe_read(&observed, &changes), 0);
	neighbours_follow(neighbours, &observed, link_by_name(&observed.links, "left"));
}

static void what_is_forgotten_with_a_mac_is_told_again(void **state)
{
	static const struct mac other = {{2, 0, 0, 0, 0, 0x77}};
	struct world *world = *state;
	const struct link_neighbour used = neighbour_of(world->left, 1, NUD_REACHABLE),
				    set = neighbour_of(world->left, 2, NUD_PERMANENT),
				    lost = neighbour_of(world->left, 3, NUD_REACHABLE);
	struct neighbours neighbours = {};
	struct link_neighbour found;

	put_neighbour(world->netlink, used);
	put_neighbour(world->netlink, set);
	put_neighbour(world->netlink, lost);
	put_neighbour(world->netlink, neighbour_of(world->left, 3, NUD_FAILED));
	follow(&neighbours);
	assert_int_equal(rtnl_link_set_mac(world->netlink, world->left, &other, NULL), 0);
	assert_false(find_neighbour(world->netlink, &used, &found));
	assert_false(find_neighbour(world->netlink, &set, &found));
	follow(&neighbours);
	assert_true(find_neighbour(world->netlink, &used, &found));
	assert_int_equal(found.state, NUD_STALE);
	assert_true(mac_equal(&found.mac, &used.mac));
	assert_true(find_neighbour(world->netlink, &set, &found));
	assert_int_equal(found.state, NUD_PERMANENT);
	assert_false(find_neighbour(world->netlink, &lost, &found));
}

static void what_is_forgotten_otherwise_stays_so(void **state)
{
	struct world *world = *state;
	const struct link_neighbour used = neighbour_of(world->left, 1, NUD_REACHABLE);
	struct neighbours neighbours = {};
	struct link_neighbour found;

	put_neighbour(world->netlink, used);
	follow(&neighbours);
	assert_int_equal(rtnl_link_set_up(world->netlink, world->left, false, NULL), 0);
	follow(&neighbours);
	assert_false(find_neighbour(world->netlink, &used, &found));
}

#define OBSERVED(test) cmocka_unit_test_setup_teardown(test, observed_make, observed_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OBSERVED(an_event_is_enough),
		OBSERVED(lost_events_are_made_up_for),
		OBSERVED(an_observation_that_fails_is_made_later),
		OBSERVED(an_observation_that_fails_takes_nothing),
		OBSERVED(a_device_that_went_unseen),
		OBSERVED(what_is_forgotten_with_a_mac_is_told_again),
		OBSERVED(what_is_forgotten_otherwise_stays_so),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
