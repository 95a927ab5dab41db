// SPDX-License-Identifier: GPL-2.0-or-later
/* Which VFs are told to be given and taken, while VMs come and go before others in the configuration. */
#include "base/strings.h"
#include "daemon/host_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOLD_SIZE 512

static struct observed observed;
static const struct team_context context = {.observed = &observed};
static struct host host;
static struct store *store;
static struct host_seen seen;
static struct host_port ports[VMS_MAX][VM_ADAPTERS_MAX];
static struct vf vfs[2];
static char told[TOLD_SIZE]; /* "vf-assigned web2/nicA\n" and so on */

static void note_event(void *data, json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "event"));
	size_t length = strlen(told);

	(void)data;
	if (strncmp(name, "vf-", 3) == 0)
		(void)snprintf(told + length, TOLD_SIZE - length, "%s %s\n", name,
			       json_string_value(json_object_get(event, "vm")));
	json_decref(event);
}

static const char *tell(void)
{
	*told = '\0';
	host.changes++;
	host_tell_changes(&host, store, note_event, NULL);
	return told;
}

static const char *look_and_tell(bool busy)
{
	seen.nics[0].busy = busy;
	host_note_vfs(&host, store, &seen);
	return tell();
}

static struct vm_config vm_of(const char *name, struct mac mac)
{
	struct vm_config vm = {.adapter_count = 1};

	(void)text_copy(vm.name, sizeof(vm.name), name);
	(void)text_copy(vm.adapters[0].name, sizeof(vm.adapters[0].name), "nicA");
	(void)text_copy(vm.adapters[0].switch_name, SWITCH_NAME_SIZE, "swA");
	vm.adapters[0].mac = mac;
	return vm;
}

static const struct mac mac1 = {{2, 0, 0, 0, 0, 1}}, mac2 = {{2, 0, 0, 0, 0, 2}};

/* web2 with VF 0 of two; web1 comes before it later. */
static int make(void **state)
{
	(void)state;
	store = store_new();
	host = (struct host){.context = &context};
	store->switches.count = store->vms.count = 1;
	(void)text_copy(store->switches.switches[0].name, SWITCH_NAME_SIZE, "swA");
	store->vms.vms[0] = vm_of("web2", mac2);
	for (uint32_t i = 0; i < ARRAY_SIZE(vfs); i++) {
		vfs[i] = (struct vf){.index = i, .mac = i ? (struct mac){} : mac2};
		(void)snprintf(vfs[i].pci, sizeof(vfs[i].pci), "0000:02:10.%u", i);
		ports[i][0].vf = -1;
	}
	seen = (struct host_seen){.view = {.links = &observed.links, .ports = ports}};
	seen.view.nics = seen.nics;
	seen.nics[0].vfs = (struct vf_table){vfs, ARRAY_SIZE(vfs), ARRAY_SIZE(vfs)};
	assert_string_equal(look_and_tell(false), "vf-assigned web2\n");
	assert_string_equal(look_and_tell(false), "");
	return 0;
}

static int drop(void **state)
{
	(void)state;
	store_free(store);
	free(host.vfs);
	free(host.told);
	free(host.holdings);
	return 0;
}

static void add_web1(void)
{
	store->vms.vms[1] = store->vms.vms[0];
	store->vms.vms[0] = vm_of("web1", mac1);
	store->vms.count = 2;
}

static void remove_web1(void)
{
	store->vms.vms[0] = store->vms.vms[1];
	store->vms.count = 1;
}

static void a_vm_that_moves_keeps_its_vf(void **state)
{
	(void)state;
	add_web1();
	assert_string_equal(tell(), "");
	assert_string_equal(look_and_tell(false), "");
	remove_web1();
	assert_string_equal(tell(), "");
	assert_string_equal(look_and_tell(false), "");
}

/* Of a NIC that is busy nothing is seen: it is told when that is done. */
static void so_it_does_while_the_nic_is_busy(void **state)
{
	(void)state;
	add_web1();
	vfs[1].mac = mac1;
	assert_string_equal(look_and_tell(true), "");
	assert_string_equal(look_and_tell(true), "");
	assert_string_equal(look_and_tell(false), "vf-assigned web1\n");
	remove_web1();
	assert_string_equal(look_and_tell(true), "vf-taken web1\n");
	assert_string_equal(look_and_tell(false), "");
}

static void what_is_taken_is_told(void **state)
{
	(void)state;
	add_web1();
	vfs[0].mac = mac1;
	assert_string_equal(look_and_tell(false), "vf-assigned web1\nvf-taken web2\n");
	seen.nics[0].vfs.count = 0;
	assert_string_equal(look_and_tell(false), "vf-taken web1\n");
	assert_string_equal(look_and_tell(false), "");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vm_that_moves_keeps_its_vf),
		TEST(so_it_does_while_the_nic_is_busy),
		TEST(what_is_taken_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
