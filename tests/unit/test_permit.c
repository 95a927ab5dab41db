// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/permit: the source MACs of an adapter (H5). */
#include "base/strings.h"
#include "core/permit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 5000

static struct mac mac_of(unsigned int number)
{
	return (struct mac){{0x52, 0x54, 0, 0, 0, (uint8_t)number}};
}

/* @teaming: bits, adapter 0 first. MACs count from 1. */
static struct vm_config vm_make(unsigned int count, unsigned int teaming)
{
	struct vm_config vm = {.name = "web1", .adapter_count = count};

	for (unsigned int i = 0; i < count; i++) {
		vm.adapters[i].name[0] = (char)('a' + i);
		vm.adapters[i].mac = mac_of(i + 1);
		vm.adapters[i].allow_teaming = teaming >> i & 1;
	}
	return vm;
}

static const struct permit_case {
	const char *text;
	unsigned int count, teaming, adapter;
	uint32_t spoofing;
	uint32_t any;
	uint8_t macs[GUARD_MACS]; /* their last bytes, 0 = the end */
} cases[] = {
	{"alone", 1, 0, 0, 0, 0, {1}},
	{"alone, with teaming", 1, 1, 0, 0, 0, {1}},
	{"two, without teaming", 2, 0, 1, 0, 0, {2}},
	{"only it allows teaming", 2, 1, 0, 0, 0, {1}},
	{"only the other does", 2, 2, 0, 0, 0, {1}},
	{"both do", 2, 3, 0, 0, 0, {1, 2}},
	{"both do, the other", 2, 3, 1, 0, 0, {2, 1}},
	{"two of three", 3, 5, 2, 0, 0, {3, 1}},
	{"the third of them", 3, 5, 1, 0, 0, {2}},
	{"all eight", 8, 0xff, 3, 0, 0, {4, 1, 2, 3, 5, 6, 7, 8}},
	{"spoofing", 2, 0, 0, 1, 1, {1}},
	{"spoofing and teaming", 2, 3, 0, 1, 1, {1, 2}},
};

static void cases_are_as_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct permit_case *c = &cases[i];
		struct vm_config vm = vm_make(c->count, c->teaming);
		struct guard_rules wanted = {.any = c->any}, rules;

		for (; wanted.count < GUARD_MACS && c->macs[wanted.count]; wanted.count++) {
			struct mac mac = mac_of(c->macs[wanted.count]);

			memcpy(wanted.macs[wanted.count], mac.bytes, sizeof(mac.bytes));
		}
		memset(&rules, 0x5a, sizeof(rules));
		vm.adapters[c->adapter].mac_spoofing = c->spoofing;
		permit_macs(&vm, &vm.adapters[c->adapter], &rules);
		if (memcmp(&rules, &wanted, sizeof(rules)) != 0)
			fail_msg("%s", c->text);
	}
}

static bool permits(const struct guard_rules *rules, const struct mac *mac)
{
	for (uint32_t i = 0; i < rules->count; i++)
		if (memcmp(rules->macs[i], mac->bytes, sizeof(mac->bytes)) == 0)
			return true;
	return false;
}

/* Own first; mates are mutual, and need the word of both; nobody else's, whatever the VM. */
static void only_mates_that_both_allow(void **state)
{
	(void)state;
	srandom(6);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned int count = 1 + (unsigned int)random() % VM_ADAPTERS_MAX;
		struct vm_config vm = vm_make(count, (unsigned int)random());
		const struct mac foreign = mac_of(99);
		struct guard_rules rules[VM_ADAPTERS_MAX];

		for (unsigned int i = 0; i < count; i++) {
			permit_macs(&vm, &vm.adapters[i], &rules[i]);
			assert_memory_equal(rules[i].macs[0], vm.adapters[i].mac.bytes, 6);
			assert_false(permits(&rules[i], &foreign));
		}
		for (unsigned int a = 0; a < count; a++)
			for (unsigned int b = 0; b < count; b++)
				assert_int_equal(permits(&rules[a], &vm.adapters[b].mac),
						 a == b || (vm.adapters[a].allow_teaming &&
							    vm.adapters[b].allow_teaming));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_are_as_told),
		cmocka_unit_test(only_mates_that_both_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
