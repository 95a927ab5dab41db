// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * src/core/config_host: switches, VMs and adapters, changed one by one, compared, and held against
 * each other. What one file may say is in tests/config (golden files).
 */
#include "base/cleanup.h"
#include "base/strings.h"
#include "core/config_host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void parse(const char *text, struct config_object *ret_object)
{
	struct config_error error;

	if (config_object_parse("a.conf", text, strlen(text), ret_object, &error) < 0)
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
}

/* --- settings --- */

static void test_switch_settings(void **state)
{
	struct problem problem = {};
	struct switch_config sw;
	char value[CONFIG_SETTING_SIZE];
	const char *key;

	(void)state;
	config_switch_defaults(&sw);
	assert_int_equal(config_switch_name_set(&sw, "a.b", NULL), -EINVAL);
	assert_int_equal(config_switch_name_set(&sw, "TeamDemoA", NULL), 0);
	assert_int_equal(config_switch_set(&sw, "Nic", "52:54:00:AB:CD:EF", NULL), 0);
	assert_string_equal(sw.nic, "52:54:00:ab:cd:ef");
	assert_int_equal(config_switch_set(&sw, "Nic", "ens4", NULL), 0);
	assert_memory_equal(sw.nic, "ens4\0\0\0\0\0\0", 10);
	assert_int_equal(config_switch_set(&sw, "Iov", "on", NULL), 0);
	assert_int_equal(config_switch_set(&sw, "VfCount", "8", NULL), 0);
	assert_int_equal(config_switch_set(&sw, "Adopt", "yes", NULL), 0);
	assert_int_equal(sw.iov, 1);
	assert_int_equal(sw.vf_count, 8);
	assert_int_equal(sw.adopt, 1);
	assert_int_equal(config_switch_set(&sw, "Nic", "a b", &problem), -EINVAL);
	assert_string_equal(problem.text, "Nic cannot be a b: an interface name has only printable "
					  "ASCII and no space");
	assert_string_equal(sw.nic, "ens4");
	assert_int_equal(config_switch_get(&sw, 0, &key, value, sizeof(value)), 0);
	assert_string_equal(key, "Nic");
	assert_string_equal(value, "ens4");
	assert_int_equal(config_switch_get(&sw, 4, &key, value, sizeof(value)), -ENOENT);
}

static void test_adapter_settings(void **state)
{
	static const char *const wanted[][2] = {
		{"Switch", ""},		 {"Mac", "5a:7a:82:78:e1:bd"},
		{"Vlan", "0"},		 {"IovWeight", "0"},
		{"AllowTeaming", "off"}, {"MacSpoofing", "off"},
		{"Serial", "0"},	 {"Port", ""},
	};
	struct problem problem = {};
	struct adapter_config *adapter;
	char value[CONFIG_SETTING_SIZE];
	struct vm_config vm;
	const char *key;

	(void)state;
	config_vm_defaults(&vm);
	assert_int_equal(config_vm_name_set(&vm, "web1", NULL), 0);
	assert_int_equal(config_vm_set(&vm, "Qmp", "/run/web1", NULL), 0);
	assert_int_equal(config_vm_set(&vm, "Qmp", "", NULL), 0);
	assert_int_equal(config_vm_set(&vm, "Qmp", "web1", NULL), -EINVAL);
	assert_int_equal(config_adapter_add(&vm, "nicA", NULL), 0);
	assert_int_equal(config_adapter_add(&vm, "nicA", &problem), -EEXIST);
	assert_string_equal(problem.text, "nicA is an adapter already");
	adapter = &vm.adapters[0];
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_int_equal(config_adapter_get(adapter, i, &key, value, sizeof(value)), 0);
		assert_string_equal(key, wanted[i][0]);
		assert_string_equal(value, wanted[i][1]);
	}
	assert_int_equal(config_adapter_set(adapter, "Mac", "52:54:00:AA:00:01", NULL), 0);
	assert_int_equal(adapter->mac.bytes[3], 0xaa);
	assert_int_equal(config_adapter_set(adapter, "Mac", "", NULL), -EINVAL);
	assert_int_equal(config_adapter_set(adapter, "Vlan", "4095", NULL), -ERANGE);
	assert_int_equal(config_adapter_set(adapter, "IovWeight", "101", NULL), -ERANGE);
	assert_int_equal(config_adapter_remove(&vm, "nicB", NULL), -ENOENT);
	assert_int_equal(config_adapter_remove(&vm, "nicA", NULL), 0);
	assert_int_equal(vm.adapter_count, 0);
}

/* A promise of the manual: the guest's own configuration may know this MAC. */
static void test_made_mac(void **state)
{
	static const struct mac wanted = {{0x5a, 0x7a, 0x82, 0x78, 0xe1, 0xbd}};
	struct mac mac = config_adapter_mac("web1", "nicA");

	(void)state;
	assert_true(mac_equal(&mac, &wanted));
	mac = config_adapter_mac("web1n", "icA");
	assert_false(mac_equal(&mac, &wanted));
	assert_int_equal(mac.bytes[0] & 3, 2);
}

/* H4. */
static void test_order_of_creation(void **state)
{
	static struct vm_list list = {.count = 2};

	(void)state;
	list.vms[0].adapter_count = list.vms[1].adapter_count = 2;
	assert_int_equal(config_serial_next(&list), 1);
	list.vms[1].adapters[0].serial = 7;
	list.vms[0].adapters[1].serial = 9;
	assert_int_equal(config_serial_next(&list), 10);
	assert_true(config_adapter_order(&list, 1, 0) < config_adapter_order(&list, 0, 1));
	assert_true(config_adapter_order(&list, 0, 1) < config_adapter_order(&list, 0, 0));
	assert_true(config_adapter_order(&list, 0, 0) < config_adapter_order(&list, 1, 1));
}

/* --- differences --- */

#define VM "[VM]\nName=web1\n"
#define NIC(name, rest) "[Adapter]\nName=" name "\nSwitch=a\nMac=52:54:00:00:00:01\n" rest

static void test_difference(void **state)
{
	static const struct {
		const char *from, *to, *text;
	} cases[] = {
		{"[Switch]\nName=a\nNic=ens4\n", "[Switch]\nName=a\nNic=ens5\nIov=on\n",
		 "Nic ens5 instead of ens4, Iov on instead of off"},
		{VM, VM "Namespace=web1\n", "Namespace web1 instead of none"},
		{VM NIC("x", "Vlan=5\n"), VM NIC("y", "") NIC("x", ""), "Vlan 0 instead of 5 of x"},
		{VM NIC("x", ""), VM NIC("x", ""), ""},
	};
	struct config_object from, to;
	char text[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].from, &from);
		parse(cases[i].to, &to);
		assert_int_equal(config_object_difference(&from, &to, text, sizeof(text)),
				 *cases[i].text != '\0');
		assert_string_equal(text, cases[i].text);
		assert_int_equal(config_object_equal(&from, &to), !*cases[i].text);
	}
}

/* What a command has changed is carried over to what a file says that says less. */
static void test_carry(void **state)
{
	static const char base_text[] = VM NIC("x", "") NIC("gone", "");
	static const char before_text[] =
		VM "Namespace=n\n" NIC("x", "IovWeight=9\n") NIC("gone", "") NIC("added", "");
	static const char after_text[] = VM "Namespace=n\n" NIC("x", "IovWeight=9\nVlan=5\n")
		NIC("added", "Vlan=6\n") NIC("new", "Serial=4\n");
	static const char wanted_text[] =
		VM NIC("x", "Vlan=5\n") NIC("added", "Vlan=6\n") NIC("new", "Serial=4\n");
	struct config_object base, before, after, wanted;
	struct problem problem = {};
	char text[128];

	(void)state;
	parse(base_text, &base);
	parse(before_text, &before);
	parse(after_text, &after);
	parse(wanted_text, &wanted);
	assert_int_equal(config_object_carry(&before, &after, &base, &problem), 0);
	assert_true(config_object_equal(&base, &wanted));
	assert_true(config_object_dispute(&base, &after, text, sizeof(text)));
	assert_string_equal(text, "Namespace n instead of none, IovWeight 9 instead of 0 of x");
	parse(VM NIC("x", "Vlan=5\n"), &before);
	assert_true(config_object_dispute(&before, &base, text, sizeof(text)));
	assert_string_equal(text, "[Adapter] added");
	assert_false(config_object_dispute(&base, &wanted, text, sizeof(text)));
}

static void test_merge_failure_touches_nothing(void **state)
{
	static const char text[] = "[VM]\nNamespace=n\n[Adapter]\nName=x\nVlan=4095\n";
	struct config_object object, before;
	struct config_error error;

	(void)state;
	parse(VM NIC("x", ""), &object);
	before = object;
	assert_int_equal(config_object_merge("d", text, strlen(text), &object, &error), -EINVAL);
	assert_int_equal(error.line, 5);
	assert_true(config_object_equal(&object, &before));
}

/* --- all files together --- */

static struct team_list teams;
static struct switch_list switches;
static struct vm_list vms;
static const char team_files[TEAMS_MAX][CONFIG_FILE_SIZE] = {"t0.conf", "t1.conf"};
static const char switch_files[SWITCHES_MAX][CONFIG_FILE_SIZE] = {"s0.conf", "s1.conf", "s2.conf"};
static const char vm_files[VMS_MAX][CONFIG_FILE_SIZE] = {"v0.conf", "v1.conf", "v2.conf"};
static const struct config_world world = {&teams,     &switches,    &vms,
					  team_files, switch_files, vm_files};

static void world_add(const char *text)
{
	struct config_object object;

	parse(text, &object);
	switch (object.kind) {
	case CONFIG_TEAM:
		teams.teams[teams.count++] = object.team;
		break;
	case CONFIG_SWITCH:
		switches.switches[switches.count++] = object.sw;
		break;
	case CONFIG_VM:
	case CONFIG_KIND_COUNT:
		vms.vms[vms.count++] = object.vm;
		break;
	}
}

static void world_clear(void)
{
	teams.count = switches.count = vms.count = 0;
}

#define TEAM(name, device) "[Team]\nName=" name "\n[Member]\nDevice=" device "\n"
#define SWITCH(name, nic) "[Switch]\nName=" name "\nNic=" nic "\n"
#define GUEST(name, rest) "[VM]\nName=" name "\n" rest
#define CARD(name, mac, rest)                                                                      \
	"[Adapter]\nName=" name "\nSwitch=a\nMac=52:54:00:00:00:" mac "\n" rest

static void test_world(void **state)
{
	static const struct {
		const char *files[4];
		int result;
		const char *file, *text;
	} cases[] = {
		{{TEAM("team0", "ens4"), SWITCH("a", "ens5"),
		  GUEST("x", CARD("p", "01", "") CARD("q", "02", "")),
		  GUEST("y", CARD("p", "03", "") CARD("q", "04", ""))},
		 0,
		 NULL,
		 NULL},
		{{TEAM("team0", "ens4"), TEAM("team0", "ens5")},
		 -EEXIST,
		 "t1.conf",
		 "there is a team team0 already"},
		{{SWITCH("a", "ens4"), SWITCH("a", "ens5")},
		 -EEXIST,
		 "s1.conf",
		 "there is a switch a already"},
		{{SWITCH("a", "ens4"), SWITCH("b", "ens4")},
		 -EBUSY,
		 "s1.conf",
		 "ens4 is the NIC of a already"},
		{{SWITCH("a", "b"), SWITCH("b", "ens4")},
		 -EINVAL,
		 "s0.conf",
		 "b cannot be the NIC of a: it is a switch itself"},
		{{SWITCH("a", "a")},
		 -EINVAL,
		 "s0.conf",
		 "a cannot be the NIC of a: it is a switch itself"},
		{{SWITCH("a", "ens4"), TEAM("a", "ens5")},
		 -EEXIST,
		 "s0.conf",
		 "a cannot be both a switch and a team"},
		{{SWITCH("a", "ens4"), TEAM("team0", "ens4")},
		 -EBUSY,
		 "s0.conf",
		 "ens4 cannot be both the NIC of a and a member of team0"},
		{{SWITCH("a", "ens4"), TEAM("team0", "a")},
		 -EBUSY,
		 "s0.conf",
		 "a cannot be both a switch and a member of team0"},
		/* A switch on a team is possible, without VFs (H1). */
		{{SWITCH("a", "team0"), TEAM("team0", "ens4")}, 0, NULL, NULL},
		{{GUEST("x", ""), GUEST("x", "")}, -EEXIST, "v1.conf", "there is a VM x already"},
		{{GUEST("x", "Namespace=n\n"), GUEST("y", "Namespace=n\n")},
		 -EBUSY,
		 "v1.conf",
		 "the namespace n is that of x already"},
		{{GUEST("x", "Qmp=/q\n"), GUEST("y", ""), GUEST("z", "Qmp=/q\n")},
		 -EBUSY,
		 "v2.conf",
		 "the socket /q is that of x already"},
		{{GUEST("x", CARD("p", "01", ""))},
		 -ENOENT,
		 "v0.conf",
		 "there is no switch a, on which adapter p of x shall be"},
		{{SWITCH("a", "ens4"), GUEST("x", CARD("p", "01", "")),
		  GUEST("y", CARD("p", "02", "") CARD("q", "01", ""))},
		 -EBUSY,
		 "v1.conf",
		 "the MAC 52:54:00:00:00:01 of adapter q of y is that of p of x already"},
		{{SWITCH("a", "ens4"),
		  GUEST("x", CARD("p", "01", "Port=tap0\n") CARD("q", "02", "Port=tap0\n"))},
		 -EBUSY,
		 "v0.conf",
		 "the port tap0 of adapter q of x is that of p of x already"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_error error = {};

		world_clear();
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].files) && cases[i].files[k]; k++)
			world_add(cases[i].files[k]);
		assert_int_equal(config_world_check(&world, &error), cases[i].result);
		assert_string_equal(error.text, cases[i].text ? cases[i].text : "");
		assert_string_equal(error.file, cases[i].file ? cases[i].file : "");
	}
}

/* As many as there can be, each with a MAC of its own, and then one twice. */
static void test_world_full(void **state)
{
	struct config_error error = {};

	(void)state;
	world_clear();
	world_add(SWITCH("a", "ens4"));
	for (uint32_t i = 0; i < VMS_MAX; i++) {
		struct vm_config *vm = &vms.vms[vms.count++];

		config_vm_defaults(vm);
		(void)snprintf(vm->name, sizeof(vm->name), "vm%u", i);
		for (uint32_t k = 0; k < VM_ADAPTERS_MAX; k++) {
			char name[ADAPTER_NAME_SIZE];

			(void)snprintf(name, sizeof(name), "nic%u", k);
			assert_int_equal(config_adapter_add(vm, name, NULL), 0);
			assert_int_equal(config_adapter_set(&vm->adapters[k], "Switch", "a", NULL),
					 0);
		}
	}
	assert_int_equal(config_world_check(&world, &error), 0);
	vms.vms[VMS_MAX - 1].adapters[7].mac = vms.vms[0].adapters[0].mac;
	assert_int_equal(config_world_check(&world, &error), -EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switch_settings),
		cmocka_unit_test(test_adapter_settings),
		cmocka_unit_test(test_made_mac),
		cmocka_unit_test(test_order_of_creation),
		cmocka_unit_test(test_difference),
		cmocka_unit_test(test_carry),
		cmocka_unit_test(test_merge_failure_touches_nothing),
		cmocka_unit_test(test_world),
		cmocka_unit_test(test_world_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
