// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where addresses go at the end of a change, asked of the kernel. What kind of device gets them, and
 * whose port it is, is only said to the observer: not every kernel has bonds.
 */
#include "test_kernel_world.h"

#include "daemon/handover.h"
#include "kernel/rtnl_address.h"

#include <sys/socket.h>

static struct observed observed;
static const struct team_context context = {.observed = &observed, .packet_fd = -1};

static int observed_make(void **state)
{
	static const char words[] = "ip address add 192.0.2.5/24 dev left";

	observed = (struct observed){};
	return world_make(state) || system(words) || observe_open(&observed) ||
	       observe_all(&observed);
}

static int observed_end(void **state)
{
	observe_close(&observed);
	return world_end(state);
}

static bool has_address(struct world *world, int ifindex)
{
	_cleanup_free_ struct link_address *addresses = NULL;
	bool found = false;
	size_t count = 0;

	assert_int_equal(rtnl_address_dump(world->netlink, &addresses, &count), 0);
	for (size_t i = 0; i < count; i++)
		found |= addresses[i].ifindex == ifindex && addresses[i].family == AF_INET;
	return found;
}

static struct link *seen(int ifindex)
{
	return link_by_index(&observed.links, ifindex);
}

static void any_kind_of_device_gets_what_is_given(void **state)
{
	static const char *const kinds[] = {"", "bond", "bridge"};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(handover_freep) struct handover *handover = handover_new();
		int from = i % 2 ? world->right : world->left;
		int to = i % 2 ? world->left : world->right;
		struct problem problem = {};

		assert_int_equal(handover_move_last(handover, &context, seen(from), seen(to)->name,
						    &problem),
				 0);
		assert_int_equal(handover->move_count, 1);
		(void)text_copy(seen(to)->kind, sizeof(seen(to)->kind), kinds[i]);
		assert_int_equal(handover_give(handover, &context, &problem), 0);
		if (has_address(world, from) || !has_address(world, to))
			fail_msg("to a device of kind \"%s\"", kinds[i]);
	}
}

static void what_lands_with_a_member_is_not_given(void **state)
{
	_cleanup_(handover_freep) struct handover *handover = handover_new();
	struct world *world = *state;
	struct problem problem = {};

	assert_int_equal(handover_move(handover, &context, seen(world->left), "right", &problem),
			 0);
	assert_int_equal(handover_give(handover, &context, &problem), 0);
	assert_true(has_address(world, world->left));
	handover_lift(handover, &context, world->left);
	assert_int_equal(handover_land(handover, &context, world->left, &problem), 0);
	assert_true(has_address(world, world->right));
}

static void who_is_a_port_still_gets_nothing(void **state)
{
	_cleanup_(handover_freep) struct handover *handover = handover_new();
	struct world *world = *state;
	struct problem problem = {};

	assert_int_equal(
		handover_move_last(handover, &context, seen(world->left), "right", &problem), 0);
	seen(world->right)->master = world->left;
	assert_int_equal(handover_give(handover, &context, &problem), -EBUSY);
	assert_non_null(strstr(problem.text, "right is still a part of left"));
	assert_true(has_address(world, world->left));
}

#define OBSERVED(test) cmocka_unit_test_setup_teardown(test, observed_make, observed_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OBSERVED(any_kind_of_device_gets_what_is_given),
		OBSERVED(what_lands_with_a_member_is_not_given),
		OBSERVED(who_is_a_port_still_gets_nothing),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
