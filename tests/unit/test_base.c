// SPDX-License-Identifier: GPL-2.0-or-later
/* src/base: MACs, problems, numbers and names. */
#include "base/cleanup.h"
#include "base/mac.h"
#include "base/problem.h"
#include "base/strings.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_mac_parse(void **state)
{
	static const struct {
		const char *text;
		int result;
		struct mac mac;
	} cases[] = {
		{"00:00:00:00:00:00", 0, {{0}}},
		{"52:54:00:12:34:56", 0, {{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}}},
		{"aB:cD:eF:Fe:Dc:bA", 0, {{0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba}}},
		{"", -EINVAL, {{0}}},
		{"52:54:00:12:34:5", -EINVAL, {{0}}},
		{"52:54:00:12:34:567", -EINVAL, {{0}}},
		{"52-54-00-12-34-56", -EINVAL, {{0}}},
		{"52:54:00:12:34:5g", -EINVAL, {{0}}},
		{"52:54:00:12:34: 5", -EINVAL, {{0}}},
		{"525:4:00:12:34:56", -EINVAL, {{0}}},
		{" 2:54:00:12:34:56", -EINVAL, {{0}}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct mac before = {{1, 2, 3, 4, 5, 6}};
		struct mac mac = before;

		assert_int_equal(mac_parse(cases[i].text, &mac), cases[i].result);
		/* Untouched on failure. */
		assert_true(mac_equal(&mac, cases[i].result ? &before : &cases[i].mac));
	}
}

static void test_mac_format(void **state)
{
	const struct mac mac = {{0x52, 0x54, 0x00, 0xAB, 0x0c, 0xff}}, zero = {};
	char buffer[MAC_TEXT_SIZE];

	(void)state;
	assert_ptr_equal(mac_format(&mac, buffer), buffer);
	assert_string_equal(buffer, "52:54:00:ab:0c:ff");
	assert_false(mac_is_zero(&mac));
	assert_true(mac_is_zero(&zero));
	assert_false(mac_equal(&mac, &zero));
}

static void test_problem_first_wins(void **state)
{
	struct problem problem = {};

	(void)state;
	assert_int_equal(problem_set(&problem, -EBUSY, "%s is busy", "ens4"), -EBUSY);
	assert_int_equal(problem_set(&problem, -EPERM, "late"), -EPERM);
	assert_int_equal(problem.error, -EBUSY);
	assert_string_equal(problem.text, "ens4 is busy");
	assert_int_equal(problem_prefix(&problem, "team %d", 0), -EBUSY);
	assert_string_equal(problem.text, "team 0: ens4 is busy");
}

static void test_problem_none_wanted(void **state)
{
	(void)state;
	assert_int_equal(problem_set(NULL, -ENOMEM, "nobody listens"), -ENOMEM);
	assert_int_equal(problem_prefix(NULL, "nobody"), 0);
}

static void test_problem_cut(void **state)
{
	char longer[sizeof(((struct problem *)0)->text) + 50];
	struct problem problem = {};

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)problem_set(&problem, -EINVAL, "%s", longer);
	assert_int_equal(strlen(problem.text), sizeof(problem.text) - 1);
	(void)problem_prefix(&problem, "%s", longer);
	assert_int_equal(strlen(problem.text), sizeof(problem.text) - 1);
}

static void test_number_parse(void **state)
{
	static const struct {
		const char *text;
		uint32_t low, high;
		int result;
		uint32_t number;
	} cases[] = {
		{"0", 0, 0, 0, 0},
		{"007", 0, 10, 0, 7},
		{"10", 0, 10, 0, 10},
		{"11", 0, 10, -ERANGE, 0},
		{"4", 5, 10, -ERANGE, 0},
		{"4294967295", 0, UINT32_MAX, 0, UINT32_MAX},
		{"4294967296", 0, UINT32_MAX, -ERANGE, 0},
		{"99999999999999999999999999", 0, UINT32_MAX, -ERANGE, 0},
		{"", 0, 10, -EINVAL, 0},
		{"-1", 0, 10, -EINVAL, 0},
		{"+1", 0, 10, -EINVAL, 0},
		{" 1", 0, 10, -EINVAL, 0},
		{"1 ", 0, 10, -EINVAL, 0},
		{"0x1", 0, 10, -EINVAL, 0},
		{"1.5", 0, 10, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t number = 77;

		assert_int_equal(number_parse(cases[i].text, cases[i].low, cases[i].high, &number),
				 cases[i].result);
		assert_int_equal(number, cases[i].result ? 77 : cases[i].number);
	}
}

static void test_name_lookup(void **state)
{
	static const char *const names[] = {"up", "degraded", "down"};

	(void)state;
	assert_int_equal(name_lookup(names, 3, "up"), 0);
	assert_int_equal(name_lookup(names, 3, "down"), 2);
	assert_int_equal(name_lookup(names, 2, "down"), -EINVAL);
	assert_int_equal(name_lookup(names, 3, "Up"), -EINVAL);
	assert_int_equal(name_lookup(names, 3, "u"), -EINVAL);
	assert_int_equal(name_lookup(names, 3, ""), -EINVAL);
}

static void test_text_copy(void **state)
{
	char to[4] = "old";

	(void)state;
	assert_int_equal(text_copy(to, sizeof(to), "long"), -ENAMETOOLONG);
	assert_string_equal(to, "old");
	assert_int_equal(text_copy(to, sizeof(to), "new"), 0);
	assert_string_equal(to, "new");
	assert_int_equal(text_copy(to, sizeof(to), ""), 0);
	assert_string_equal(to, "");
}

static int open_and_drop(void)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd;
}

static int open_and_keep(void)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	return steal_fd(&fd);
}

static void test_cleanup(void **state)
{
	_cleanup_free_ char *text = strdup("text");
	_cleanup_free_ char *taken = NULL;
	_cleanup_fclose_ FILE *none = NULL;
	int fd;

	(void)state;
	assert_int_equal(fcntl(open_and_drop(), F_GETFD), -1);
	fd = open_and_keep();
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	close_fd(&fd);
	assert_int_equal(fd, -1);
	taken = steal_ptr(text);
	assert_null(text);
	assert_string_equal(taken, "text");
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mac_parse),
		cmocka_unit_test(test_mac_format),
		cmocka_unit_test(test_problem_first_wins),
		cmocka_unit_test(test_problem_none_wanted),
		cmocka_unit_test(test_problem_cut),
		cmocka_unit_test(test_number_parse),
		cmocka_unit_test(test_name_lookup),
		cmocka_unit_test(test_text_copy),
		cmocka_unit_test(test_cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
