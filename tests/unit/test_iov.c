// SPDX-License-Identifier: GPL-2.0-or-later
/* src/core/iov: the reasons why a NIC gives no VFs (H2). */
#include "base/strings.h"
#include "core/iov.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define NIC .present = true, .pci = true, .total = 7
#define GOOD NIC, .has_driver = true, .iommu = true

static const struct iov_case {
	const char *text;
	struct iov_facts facts;
	const char *reasons; /* names in the enum's order */
	bool possible;	     /* for namespaces at least */
} cases[] = {
	{"all well", {GOOD}, "", true},
	{"no NIC", {.present = false}, "no-nic", false},
	{"a bond", {.present = true, .teamed = true}, "teamed", false},
	{"a VLAN", {.present = true}, "not-pci", false},
	{"a NIC without SR-IOV, in a machine without IOMMU",
	 {.present = true, .pci = true},
	 "no-capability no-iommu",
	 false},
	{"no driver", {NIC, .iommu = true}, "no-driver", false},
	{"a driver without sriov_configure", {GOOD, .error = -ENOENT}, "no-driver", false},
	{"the lab's host", {NIC, .has_driver = true}, "no-iommu", true},
	{"a slot without ACS", {GOOD, .shares_group = true}, "no-acs", true},
	{"both", {NIC, .has_driver = true, .shares_group = true}, "no-iommu no-acs", true},
	{"no memory, as sysfs has it", {GOOD, .memory = IOV_MEMORY_MISSING}, "no-bar-space", false},
	{"... and as the attempt said",
	 {GOOD, .memory = IOV_MEMORY_MISSING, .error = -ENOMEM},
	 "no-bar-space",
	 false},
	{"no bus numbers", {GOOD, .memory = IOV_MEMORY_THERE, .error = -ENOMEM}, "no-bus", false},
	{"one of both", {GOOD, .error = -ENOMEM}, "no-bus no-bar-space", false},
	{"something else", {GOOD, .error = -EIO}, "refused", false},
	{"everything at once",
	 {.present = true,
	  .pci = true,
	  .total = 7,
	  .shares_group = true,
	  .memory = IOV_MEMORY_MISSING,
	  .error = -EPERM},
	 "no-driver no-bar-space no-iommu no-acs refused",
	 false},
};

static const char *names_of(uint32_t reasons, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned int i = 0; i < IOV_REASON_COUNT; i++)
		if (reasons >> i & 1)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
						 iov_reason_names[i]);
	return text;
}

static bool bars_vms(const char *names)
{
	return strstr(names, "no-iommu") || strstr(names, "no-acs");
}

static void cases_are_as_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t reasons = iov_reasons(&cases[i].facts);
		char names[256];

		if (strcmp(names_of(reasons, names, sizeof(names)), cases[i].reasons) != 0 ||
		    iov_possible(reasons) != cases[i].possible ||
		    iov_possible_for_vms(reasons) == bars_vms(names))
			fail_msg("%s: %s", cases[i].text, names);
	}
}

static void a_device_tells_what_it_is(void **state)
{
	const struct link nic = {.bus = "pci"}, bond = {.kind = "bond"}, team = {.kind = "team"},
			  virtio = {.bus = "virtio"};

	(void)state;
	assert_false(iov_look(NULL).present);
	assert_true(iov_look(&nic).present && iov_look(&nic).pci && !iov_look(&nic).teamed);
	assert_true(iov_look(&bond).teamed);
	assert_true(iov_look(&team).teamed);
	assert_false(iov_look(&virtio).pci);
}

/* One sentence without a full stop, and what to do behind a semicolon. */
static void each_reason_says_what_to_do(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < IOV_REASON_COUNT; i++) {
		const char *text = iov_reason_sentences[i], *advice = strstr(text, "; ");

		assert_non_null(advice);
		assert_true(strlen(advice) > 10);
		assert_int_not_equal(text[strlen(text) - 1], '.');
		assert_true(strlen(text) < 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases_are_as_told),
		cmocka_unit_test(a_device_tells_what_it_is),
		cmocka_unit_test(each_reason_says_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
