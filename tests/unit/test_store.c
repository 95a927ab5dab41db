// SPDX-License-Identifier: GPL-2.0-or-later
/* The directory of files: all kinds, drop-ins, and what a command writes under them (C1). */
#include "base/cleanup.h"
#include "base/strings.h"
#include "daemon/store.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "files.h"

static struct store store, before;
static struct config_error error;

static const struct store_object team0 = {CONFIG_TEAM, "team0"};
static const struct store_object web1 = {CONFIG_VM, "web1"};

static void assert_ends(const char *name, const char *wanted)
{
	const char *text = read_text(name);

	assert_non_null(text);
	assert_true(strlen(text) >= strlen(wanted));
	assert_string_equal(text + strlen(text) - strlen(wanted), wanted);
}

static int begin(void **state)
{
	if (make_directory(state))
		return -1;
	write_text("team0.conf", "# "
				 "mine\n[Team]\nName=team0\n[Member]\nDevice=ens4\n[Member]"
				 "\nDevice=ens5\n");
	assert_int_equal(mkdir(path_of("team0.conf.d"), 0755), 0);
	write_text("team0.conf.d/10-a.conf", "[Team]\nAnnounceCount=5\nStableTimeMs=7\n"
					     "[Member]\nDevice=ens6\n");
	write_text("team0.conf.d/20-b.conf", "[Team]\nAnnounceCount=6\n[Member]\nDevice=ens5\n"
					     "Weight=50\n");
	write_text("team0.conf.d/README", "[Nonsense");
	write_text("team0.conf.d/.hidden.conf", "[Nonsense");
	write_text("a.conf", "[Switch]\nName=a\nNic=ens1f0\n");
	write_text("web1.vm.conf", "[VM]\nName=web1\n[Adapter]\nName=nicA\nSwitch=a\n");
	/* Without its file it says nothing. */
	assert_int_equal(mkdir(path_of("team9.conf.d"), 0755), 0);
	write_text("team9.conf.d/10-a.conf", "[Nonsense");
	return 0;
}

static void load(void)
{
	if (store_load(directory, &store, &error))
		fail_msg("%s:%u: %s", error.file, error.line, error.text);
	store_copy(&before, &store);
}

static int settle(struct store_object object, char **ret_text, struct problem *problem)
{
	struct config_object was, after;
	bool had = store_get(&before, object, &was);
	int err;

	assert_true(store_get(&store, object, &after));
	err = had ? store_admit_parts(directory, store_file(&store, object), &was, &after, problem)
		  : 0;
	if (!err)
		err = store_settle(directory, store_file(&store, object), had ? &was : NULL, &after,
				   ret_text, problem);
	if (!err)
		store_put(&store, &after);
	return err;
}

/* As a command does it; the files then give what the store has. */
static void commit(struct store_object object)
{
	_cleanup_free_ char *text = NULL;
	struct config_object wanted, got;
	struct problem problem = {};

	if (settle(object, &text, &problem) || store_draft(&store, object, text, &problem) ||
	    store_keep(&store, object, &problem))
		fail_msg("%s", problem.text);
	assert_true(store_get(&store, object, &wanted));
	load();
	assert_true(store_get(&store, object, &got));
	assert_true(config_object_equal(&wanted, &got));
}

static void assert_refused(struct store_object object, const char *sentence)
{
	_cleanup_free_ char *text = NULL;
	struct problem problem = {};

	assert_true(settle(object, &text, &problem) < 0);
	assert_true(settle(object, &text, NULL) < 0);
	assert_null(text);
	assert_string_equal(problem.text, sentence);
}

static void test_load(void **state)
{
	const struct team_config *team;

	load();
	assert_int_equal(store.list.count, 1);
	assert_int_equal(store.switches.count, 1);
	assert_int_equal(store.vms.count, 1);
	team = store_find(&store, team0);
	assert_int_equal(team->announce_count, 6);
	assert_int_equal(team->stable_ms, 7);
	assert_int_equal(team->member_count, 3);
	assert_string_equal(team->members[2].device, "ens6");
	assert_int_equal(team->members[1].weight, 50);
	assert_string_equal(store_file(&store, team0), "team0.conf");
	assert_string_equal(store_file(&store, web1), "web1.vm.conf");
	assert_null(store_find(&store, (struct store_object){CONFIG_SWITCH, "team0"}));
	assert_true(store_has_file(&store, "a.conf", NULL));
	assert_false(store_has_file(&store, "team9.conf", NULL));
}

static void assert_broken(const char *file, unsigned int line, const char *text)
{
	store_copy(&before, &store);
	assert_true(store_load(directory, &store, &error) < 0);
	assert_memory_equal(&store, &before, sizeof(store));
	assert_string_equal(error.file, file);
	assert_int_equal(error.line, line);
	assert_string_equal(error.text, text);
	assert_false(error.unread);
}

/* All or nothing, and the error names the drop-in. */
static void test_load_refuses(void **state)
{
	load();
	write_text("team0.conf.d/30-c.conf", "[Team]\n\nAnnounceCount=256\n");
	assert_broken("team0.conf.d/30-c.conf", 3,
		      "AnnounceCount cannot be 256: it takes 0 to 255 announcements");
	assert_int_equal(unlink(path_of("team0.conf.d/30-c.conf")), 0);
	write_text("b.conf", "[Switch]\nName=b\nNic=ens1f0\n");
	assert_broken("b.conf", 0, "ens1f0 is the NIC of a already");
	assert_int_equal(unlink(path_of("b.conf")), 0);
	assert_int_equal(unlink(path_of("a.conf")), 0);
	assert_broken("web1.vm.conf", 0,
		      "there is no switch a, on which adapter nicA of web1 shall be");
}

/* No line tells that the file itself is not to blame. */
static void test_drop_in_against_another_file(void **state)
{
	char text[STORE_ERROR_SIZE];

	assert_int_equal(mkdir(path_of("a.conf.d"), 0755), 0);
	write_text("a.conf.d/10-a.conf", "[Switch]\nNic=ens4\n");
	assert_broken("a.conf", 0,
		      "with its drop-ins, ens4 cannot be both the NIC of a and a member of team0");
	store_error_text(&error, text);
	assert_string_equal(text, "a.conf: with its drop-ins, ens4 cannot be both the NIC of a and "
				  "a member of team0");
	error.line = 3;
	store_error_text(&error, text);
	assert_string_equal(text, "a.conf:3: with its drop-ins, ens4 cannot be both the NIC of a "
				  "and a member of team0");
}

/* What could be a file before there were drop-ins still can. */
static void test_no_directory_of_drop_ins(void **state)
{
	char name[CONFIG_FILE_SIZE];

	memset(name, 'x', sizeof(name));
	(void)strcpy(name + NAME_MAX - 1 - strlen(".conf"), ".conf");
	write_text(name, "[Switch]\nName=x\nNic=ens1f1\n");
	write_text("a.conf.d", "[Nonsense");
	load();
	assert_int_equal(store.switches.count, 2);
}

static void test_drop_ins_that_cannot_be_read(void **state)
{
	assert_int_equal(symlink("a.conf.d", path_of("a.conf.d")), 0);
	assert_true(store_load(directory, &store, &error) < 0);
	assert_string_equal(error.file, "a.conf.d");
	assert_string_equal(error.text, "cannot be read: Too many levels of symbolic links");
	assert_true(error.unread);
}

/* What drop-ins say does not get into the file. */
static void test_change_under_drop_ins(void **state)
{
	struct team_config *team;

	load();
	team = store_find(&store, team0);
	team->return_ms = 9;
	team->members[0].weight = 30;
	assert_int_equal(config_member_add(team, "ens7", NULL), 0);
	commit(team0);
	assert_ends("team0.conf", "[Team]\nName=team0\nReturnBoundMs=9\n\n[Member]\nDevice="
				  "ens4\nWeight=30\n\n"
				  "[Member]\nDevice=ens5\n\n[Member]\nDevice=ens7\n");
	team = store_find(&store, team0);
	assert_int_equal(team->member_count, 4);
	assert_string_equal(team->members[2].device, "ens7");
	assert_int_equal(config_member_remove(team, "ens4", NULL), 0);
	commit(team0);
	assert_ends("team0.conf", "[Team]\nName=team0\nReturnBoundMs=9\n\n[Member]\nDevice=ens5\n\n"
				  "[Member]\nDevice=ens7\n");
}

/*
 * A setting that a drop-in leaves open, of a member that only a drop-in has: a command must not write
 * the member into the file. What a file was can be told so all the same (C5).
 */
static void test_change_of_a_drop_ins_member(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct config_object was, after;
	struct team_config *team;

	load();
	team = store_find(&store, team0);
	team->members[2].weight = 5;
	assert_refused(team0, "team0.conf.d/10-a.conf adds [Member] ens6; change it there");
	assert_true(store_get(&before, team0, &was) && store_get(&store, team0, &after));
	assert_int_equal(store_settle(directory, "team0.conf", &was, &after, &text, NULL), 0);
	assert_non_null(strstr(text, "\n[Member]\nDevice=ens6\nWeight=5\n"));
}

static void test_drop_in_would_win(void **state)
{
	struct team_config *team;

	load();
	team = store_find(&store, team0);
	team->announce_count = 9;
	assert_refused(team0, "team0.conf.d/20-b.conf would win with AnnounceCount 6 instead of 9; "
			      "change it there");
	store_copy(&store, &before);
	team->stable_ms = 8;
	assert_refused(team0, "team0.conf.d/10-a.conf would win with StableTimeMs 7 instead of 8; "
			      "change it there");
	store_copy(&store, &before);
	team->members[1].weight = 60;
	assert_refused(team0, "team0.conf.d/20-b.conf would win with Weight 50 instead of 60 of "
			      "ens5; change it there");
	store_copy(&store, &before);
	assert_int_equal(config_member_remove(team, "ens6", NULL), 0);
	assert_refused(team0, "team0.conf.d/10-a.conf would win with [Member] ens6; change it "
			      "there");
	assert_ends("team0.conf", "# mine\n[Team]\nName=team0\n[Member]\nDevice=ens4\n[Member]\n"
				  "Device=ens5\n");
}

/* The file alone must be right, too. */
static void test_file_would_be_wrong(void **state)
{
	struct team_config *team;

	load();
	team = store_find(&store, team0);
	assert_int_equal(config_member_remove(team, "ens4", NULL), 0);
	assert_int_equal(config_member_remove(team, "ens5", NULL), 0);
	assert_refused(team0, "without its drop-ins team0.conf would be wrong: there is no "
			      "[Member]; a team has 1 to 32");
}

static void test_add_and_remove(void **state)
{
	struct config_object object = {.kind = CONFIG_SWITCH};
	struct problem problem = {};

	load();
	config_switch_defaults(&object.sw);
	assert_int_equal(config_switch_name_set(&object.sw, "b", NULL), 0);
	assert_int_equal(config_switch_set(&object.sw, "Nic", "ens1f1", NULL), 0);
	assert_int_equal(store_add(&store, &object, &problem), 0);
	commit((struct store_object){CONFIG_SWITCH, "b"});
	assert_ends("b.conf", "[Switch]\nName=b\nNic=ens1f1\n");
	assert_int_equal(store_add(&store, &object, &problem), -EEXIST);
	assert_string_equal(problem.text, "there is a switch b already");
	problem = (struct problem){};
	(void)strcpy(object.sw.name, "team0");
	assert_int_equal(store_add(&store, &object, &problem), -EEXIST);
	assert_string_equal(problem.text, "team0.conf is the file of the team team0 already");
	assert_int_equal(store_withdraw(&store, web1, NULL), 0);
	store_forget(&store, web1);
	store_forget(&store, web1);
	assert_int_equal(store.vms.count, 0);
	assert_int_equal(store_keep(&before, web1, NULL), 0); /* put back */
	load();
	assert_int_equal(store.vms.count, 1);
	assert_int_equal(store_withdraw(&store, web1, NULL), 0);
	store_discard(&store, web1);
	load();
	assert_int_equal(store.vms.count, 0);
	assert_int_equal(store.switches.count, 2);
}

/* Drop-ins that wait for a team win over the command that makes it. */
static void test_add_under_drop_ins(void **state)
{
	struct config_object object = {.kind = CONFIG_TEAM};

	load();
	write_text("team9.conf.d/10-a.conf", "[Member]\nDevice=ens8\nWeight=5\n");
	config_defaults(&object.team);
	assert_int_equal(config_name_set(&object.team, "team9", NULL), 0);
	assert_int_equal(config_member_add(&object.team, "ens8", NULL), 0);
	assert_int_equal(store_add(&store, &object, NULL), 0);
	assert_refused((struct store_object){CONFIG_TEAM, "team9"}, "team9.conf.d/10-a.conf would "
								    "win with Weight 5 instead of "
								    "100 of ens8; "
								    "change it there");
}

static void test_vm_under_drop_ins(void **state)
{
	struct adapter_config *adapter;
	struct vm_config *vm;

	load();
	assert_int_equal(mkdir(path_of("web1.vm.conf.d"), 0755), 0);
	write_text("web1.vm.conf.d/10-a.conf", "[Adapter]\nName=nicA\nIovWeight=50\n");
	load();
	vm = store_find(&store, web1);
	adapter = &vm->adapters[0];
	assert_int_equal(adapter->iov_weight, 50);
	adapter->allow_teaming = 1;
	commit(web1);
	assert_ends("web1.vm.conf", "[Adapter]\nName=nicA\nSwitch=a\nMac=5a:7a:82:78:e1:bd\n"
				    "AllowTeaming=on\n");
	adapter->iov_weight = 0;
	assert_refused(web1, "web1.vm.conf.d/10-a.conf would win with IovWeight 50 instead of 0 of "
			     "nicA; change it there");
}

static void test_half_a_file(void **state)
{
	struct rlimit limit;
	rlim_t was;
	int err;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	was = limit.rlim_cur;
	limit.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	err = store_write_text(directory, path_of("a.conf"), "more than 3");
	limit.rlim_cur = was;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(err, -ENOSPC);
	assert_ends("a.conf", "Nic=ens1f0\n");
	assert_null(read_text("a.conf.new"));
}

static void test_no_directory(void **state)
{
	assert_int_equal(store_load("/tmp/iovteam-none-such", &store, &error), 0);
	assert_int_equal(store.list.count + store.switches.count + store.vms.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_load),
		TEST(test_load_refuses),
		TEST(test_drop_in_against_another_file),
		TEST(test_no_directory_of_drop_ins),
		TEST(test_drop_ins_that_cannot_be_read),
		TEST(test_change_under_drop_ins),
		TEST(test_change_of_a_drop_ins_member),
		TEST(test_drop_in_would_win),
		TEST(test_file_would_be_wrong),
		TEST(test_add_and_remove),
		TEST(test_add_under_drop_ins),
		TEST(test_vm_under_drop_ins),
		TEST(test_half_a_file),
		TEST(test_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
