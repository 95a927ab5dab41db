// SPDX-License-Identifier: GPL-2.0-or-later
/* A command that is refused has looked at the kernel, and has taken no event from whoever acts on it. */
#include "test_kernel_world.h"

#include "daemon/host_private.h"

static struct observed observed;
static const struct team_context context = {.observed = &observed, .packet_fd = -1};
static struct host host = {.context = &context};
static struct store *before, *after;

/* A port with a carrier, as a tap has that QEMU has open. */
static int make_port(struct world *world, const struct vm_config *vm)
{
	char name[LINK_NAME_SIZE], mark[LINK_ALIAS_SIZE];

	(void)host_port_name(vm, &vm->adapters[0], name);
	(void)host_mark_port(vm, &vm->adapters[0], mark);
	return rtnl_link_set_up(world->netlink, world->left, false, NULL) ||
	       rtnl_link_set_name(world->netlink, world->left, name, NULL) ||
	       rtnl_link_set_alias(world->netlink, world->left, mark, NULL) ||
	       rtnl_link_set_up(world->netlink, world->left, true, NULL) ||
	       rtnl_link_set_up(world->netlink, world->right, true, NULL);
}

/* The adapter web1/nicA, which is not wanted afterwards. */
static void configure(void)
{
	struct vm_config *vm = &before->vms.vms[0];

	before->switches.count = before->vms.count = vm->adapter_count = 1;
	(void)text_copy(before->switches.switches[0].name, SWITCH_NAME_SIZE, "swA");
	(void)text_copy(vm->name, sizeof(vm->name), "web1");
	(void)text_copy(vm->adapters[0].name, sizeof(vm->adapters[0].name), "nicA");
	(void)text_copy(vm->adapters[0].switch_name, SWITCH_NAME_SIZE, "swA");
	store_copy(after, before);
	after->vms.count = 0;
}

static int host_make(void **state)
{
	before = store_new();
	after = store_new();
	observed = (struct observed){};
	if (!before || !after || world_make(state))
		return -1;
	configure();
	return make_port(*state, &before->vms.vms[0]) || observe_open(&observed) ||
	       observe_all(&observed);
}

static int host_end(void **state)
{
	observe_close(&observed);
	store_free(before);
	store_free(after);
	return world_end(state);
}

static void events_wait_for_who_acts_on_them(void **state)
{
	struct observe_changes changes;
	struct problem problem = {};
	struct world *world = *state;

	veth_create(world->netlink, "later", "last");
	assert_int_equal(host_check(&host, before, after, NULL, &problem), -EBUSY);
	assert_non_null(strstr(problem.text, "web1/nicA is in use"));
	assert_int_equal(observe_read(&observed, &changes), 0);
	assert_true(changes.devices);
}

/* No event has been read that says so. */
static void the_kernel_is_asked_for_the_carrier(void **state)
{
	struct problem problem = {};
	struct world *world = *state;

	assert_int_equal(rtnl_link_set_up(world->netlink, world->right, false, NULL), 0);
	assert_int_equal(host_check(&host, before, before, NULL, &problem), 0);
	assert_int_equal(host_check(&host, before, after, NULL, &problem), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_wait_for_who_acts_on_them, host_make,
						host_end),
		cmocka_unit_test_setup_teardown(the_kernel_is_asked_for_the_carrier, host_make,
						host_end),
	};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
