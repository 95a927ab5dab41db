// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A NIC that does not tell of its VFs. What it is, and that it does not tell, is only said to the
 * observer: not every machine has such a NIC.
 */
#include "test_kernel_world.h"

#include "daemon/host_private.h"
#include "daemon/host_show.h"
#include "kernel/rtnl_vf.h"

#include <jansson.h>

static struct observed observed;
static const struct team_context context = {.observed = &observed, .packet_fd = -1};
static struct host host;
static struct store *store;
static int answer; /* of who is asked for the VFs */

int __wrap_sriov_read(const char *root, const char *pci, struct sriov *ret_sriov);
int __wrap_rtnl_vf_dump(struct netlink *netlink, int ifindex, struct vf_table *ret_table);

int __wrap_sriov_read(const char *root, const char *pci, struct sriov *ret_sriov)
{
	(void)root;
	(void)pci;
	*ret_sriov = (struct sriov){.total = 4, .has_vfs = true, .has_driver = true};
	return 0;
}

int __wrap_rtnl_vf_dump(struct netlink *netlink, int ifindex, struct vf_table *ret_table)
{
	(void)netlink;
	(void)ifindex;
	(void)ret_table;
	return answer;
}

static int host_make(void **state)
{
	struct world *world;
	struct link *nic;

	store = store_new();
	observed = (struct observed){};
	host = (struct host){.context = &context};
	if (!store || world_make(state) || observe_open(&observed) || observe_all(&observed))
		return -1;
	world = *state;
	nic = link_by_index(&observed.links, world->left);
	(void)text_copy(nic->bus, sizeof(nic->bus), "pci");
	(void)text_copy(nic->bus_id, sizeof(nic->bus_id), "9999:01:00.0");
	store->switches.count = 1;
	(void)text_copy(store->switches.switches[0].name, SWITCH_NAME_SIZE, "swA");
	(void)text_copy(store->switches.switches[0].nic, MEMBER_DEVICE_SIZE, "left");
	answer = -EBADMSG;
	return 0;
}

static int host_end(void **state)
{
	observe_close(&observed);
	store_free(store);
	free(host.vfs);
	return world_end(state);
}

static int look(bool *ret_busy)
{
	struct problem problem = {};
	struct host_seen seen;
	int unread;

	assert_int_equal(host_observe(&host, store, &seen, &problem), 0);
	host_note_vfs(&host, store, &seen);
	unread = seen.unread[0];
	*ret_busy = seen.nics[0].busy;
	host_seen_done(&seen);
	return unread;
}

/* VFs are left alone; a trouble would have all steps of the switch wait, and wait ever longer. */
static void no_step_waits_for_it(void **state)
{
	bool busy;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(look(&busy), -EBADMSG);
		assert_true(busy);
		assert_int_equal(host.trouble_count, 0);
		assert_int_equal(host_nic_memory(&host, "swA")->unread, -EBADMSG);
	}
	answer = -ENODEV;
	assert_int_equal(look(&busy), -ENODEV);
}

static void it_is_shown(void **state)
{
	struct problem problem = {};
	json_t *shown = host_show_switches(&host, store, "", &problem);
	const json_t *notes = json_object_get(json_array_get(shown, 0), "notes");
	bool found = false;

	(void)state;
	for (size_t i = 0; i < json_array_size(notes); i++)
		found |= !strcmp(json_string_value(json_array_get(notes, i)), "the VFs of left "
									      "cannot be read: Bad "
									      "message");
	assert_true(found);
	assert_int_equal(host.trouble_count, 0);
	assert_int_equal(host.nic_count, 0);
	json_decref(shown);
}

#define HOSTED(test) cmocka_unit_test_setup_teardown(test, host_make, host_end)

int main(void)
{
	const struct CMUnitTest tests[] = {HOSTED(no_step_waits_for_it), HOSTED(it_is_shown)};

	LIVE_OR_SKIP();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
