// SPDX-License-Identifier: GPL-2.0-or-later
/* What takes an unconfirmed change back after the daemon's death: files, and what devices had. */
#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/journal.h"

#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "files.h"

static void assert_text(const char *name, const char *wanted)
{
	const char *text = read_text(name);

	if (!wanted) {
		assert_null(text);
		return;
	}
	assert_non_null(text);
	assert_string_equal(text, wanted);
}

static void add_device(struct handover *handover, const char *name, int ifindex, size_t count)
{
	_cleanup_(record_list_done) struct record_list records = {};
	struct {
		struct nlmsghdr header;
		uint8_t payload[24];
	} message = {.header = {.nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWROUTE}};

	for (size_t i = 0; i < count; i++) {
		memset(message.payload, (int)(0xf0 + i), sizeof(message.payload));
		assert_int_equal(record_list_add(&records, &message.header), 0);
	}
	assert_int_equal(handover_add_device(handover, name, ifindex, &records), 0);
}

static json_t *make(void)
{
	_cleanup_(handover_freep) struct handover *handover = handover_new();
	json_t *files = json_array();

	add_device(handover, "team0", 7, 0);
	add_device(handover, "ens4", 3, 2);
	assert_int_equal(handover_add_move(handover, 1, "team0"), 0);
	handover->noted_ns = 123456789;
	(void)json_array_append_new(files, journal_file(directory, "was.conf", NULL));
	(void)json_array_append_new(files, journal_file(directory, "new.conf", NULL));
	return journal_make("the team team0 was made", files, handover);
}

static void what_devices_had_comes_back(void **state)
{
	_cleanup_(handover_freep) struct handover *read = NULL;
	json_auto_t *journal = NULL, *written = make();
	struct problem problem = {};
	uint8_t payload[24];

	(void)state;
	assert_null(journal_read(directory));
	assert_int_equal(journal_write(directory, written, &problem), 0);
	journal = journal_read(directory);
	assert_non_null(journal);
	assert_true(json_equal(journal, written));
	read = journal_handover(journal);
	assert_non_null(read);
	assert_int_equal(read->noted_ns, 123456789);
	assert_int_equal(read->device_count, 2);
	assert_string_equal(read->devices[1].name, "ens4");
	assert_int_equal(read->devices[1].ifindex, 3);
	assert_int_equal(read->devices[1].records.count, 2);
	memset(payload, 0xf1, sizeof(payload));
	assert_memory_equal(read->devices[1].records.records[1] + 1, payload, sizeof(payload));
	assert_int_equal(read->move_count, 1);
	assert_string_equal(read->moves[0].to, "team0");
	assert_int_equal(read->taken[0], 3);
	journal_remove(directory);
	assert_null(journal_read(directory));
}

static void another_boot_has_other_devices(void **state)
{
	json_auto_t *journal = make();

	(void)state;
	(void)json_object_set_new(journal, "boot", json_string("another"));
	assert_null(journal_handover(journal));
}

static void nonsense_is_nothing(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"version\": 99}", "7"};
	static const char *const records[] = {"", "0", "zz", "00",
					      "ffffffff000000000000000000000000"};
	json_auto_t *good = make();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_text(".pending", texts[i]);
		assert_null(journal_read(directory));
	}
	journal_remove(directory);
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		json_auto_t *journal = json_deep_copy(good);
		json_t *device = json_array_get(json_object_get(journal, "devices"), 1);

		(void)json_object_set_new(device, "records", json_pack("[s]", records[i]));
		assert_null(journal_handover(journal));
	}
	(void)json_object_set_new(good, "moves", json_pack("[{s:i, s:s}]", "device", 2, "to", "x"));
	assert_null(journal_handover(good));
}

static void files_go_back(void **state)
{
	json_auto_t *journal = NULL;
	json_t *file;
	size_t i;

	(void)state;
	write_text("was.conf", "# mine\n");
	journal = make();
	write_text("was.conf", "changed\n");
	write_text("new.conf", "new\n");
	journal_restore_files(directory, journal);
	assert_text("was.conf", "# mine\n");
	assert_text("new.conf", NULL);
	assert_text("was.conf.rejected", NULL);
	/* Edited by hand: kept aside. */
	json_array_foreach(json_object_get(journal, "files"), i, file)
	{
		(void)json_object_set_new(file, "by_hand", json_true());
	}
	write_text("was.conf", "edited\n");
	write_text("new.conf", "thought up\n");
	journal_restore_files(directory, journal);
	assert_text("was.conf", "# mine\n");
	assert_text("was.conf.rejected", "edited\n");
	assert_text("new.conf", NULL);
	assert_text("new.conf.rejected", "thought up\n");
}

/* C1: a drop-in's name has a directory; any other name with a slash is nobody's. */
static void drop_ins_go_aside(void **state)
{
	static const char *const strange[] = {
		"../was",	 "/was", "was.conf.d/", "was.conf.d/../was", "was.conf.d/.hidden",
		"was.conf.d/a/b"};
	json_auto_t *journal = json_pack("{s:[{s:s, s:n, s:b}]}", "files", "name",
					 "was.conf.d/10-a.conf", "text", "by_hand", 1);
	json_t *file = json_array_get(json_object_get(journal, "files"), 0);

	(void)state;
	assert_int_equal(mkdir(path_of("was.conf.d"), 0755), 0);
	write_text("was.conf.d/10-a.conf", "edited\n");
	for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
		(void)json_object_set_new(file, "name", json_string(strange[i]));
		journal_restore_files(directory, journal);
	}
	assert_text("was.conf.d/10-a.conf", "edited\n");
	(void)json_object_set_new(file, "name", json_string("was.conf.d/10-a.conf"));
	journal_restore_files(directory, journal);
	assert_text("was.conf.d/10-a.conf", NULL);
	assert_text("was.conf.d/10-a.conf.rejected", "edited\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_devices_had_comes_back),
		cmocka_unit_test(another_boot_has_other_devices),
		cmocka_unit_test(nonsense_is_nothing),
		cmocka_unit_test(files_go_back),
		cmocka_unit_test(drop_ins_go_aside),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
