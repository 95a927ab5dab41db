// SPDX-License-Identifier: GPL-2.0-or-later
/* What QEMU is to be told of an adapter, whatever the adapter and its port are called. */
#include "daemon/qemu_words.h"

#include "base/strings.h"
#include "core/config_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *word(const json_t *words, size_t place)
{
	return json_string_value(json_array_get(words, place));
}

static void an_adapter_with_its_vf(void **state)
{
	const struct adapter_config adapter = {.name = "nicA", .mac = {{2, 0, 0, 0, 0, 1}}};
	json_t *words = qemu_words(&adapter, "web1.nicA", "0000:02:10.0");

	(void)state;
	assert_int_equal(json_array_size(words), 6);
	assert_string_equal(word(words, 0), "-netdev");
	assert_string_equal(word(words, 1), "tap,id=tap-nicA,ifname=web1.nicA,script=no,downscript="
					    "no");
	assert_string_equal(word(words, 2), "-device");
	assert_string_equal(word(words, 3), "virtio-net-pci,id=net-nicA,netdev=tap-nicA,mac=02:00:"
					    "00:00:00:01");
	assert_string_equal(word(words, 4), "-device");
	assert_string_equal(word(words, 5), "vfio-pci,id=vf-nicA,host=0000:02:10.0");
	json_decref(words);
}

static void a_comma_ends_no_value(void **state)
{
	const struct adapter_config adapter = {.name = "1a,b"};
	json_t *words = qemu_words(&adapter, ",,,,,,,,,,,,,,,", NULL);

	(void)state;
	assert_int_equal(json_array_size(words), 4);
	assert_string_equal(word(words, 1), "tap,id=tap-1a.2cb,ifname=,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"
					    ","
					    ",script=no,downscript=no");
	json_decref(words);
}

/* QEMU's own rule (util/id.c), of all that a name may have. */
static void every_name_gives_an_id(void **state)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._";
	char name[ADAPTER_NAME_SIZE] = "", id[QEMU_ID_SIZE], longest[QEMU_ID_SIZE];

	(void)state;
	for (int c = '!'; c <= '~'; c++) {
		memset(name, c, sizeof(name) - 1);
		if (config_adapter_name_fault(name))
			name[0] = 'a';
		if (config_adapter_name_fault(name))
			continue;
		(void)qemu_id(name, id);
		if (id[strspn(id, allowed)])
			fail_msg("%s: %s", name, id);
	}
	memset(longest, 0, sizeof(longest));
	assert_string_equal(qemu_id(",,,,,,,,,,,,", longest), ".2c.2c.2c.2c.2c.2c.2c.2c.2c.2c.2c."
							      "2c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_adapter_with_its_vf),
		cmocka_unit_test(a_comma_ends_no_value),
		cmocka_unit_test(every_name_gives_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
