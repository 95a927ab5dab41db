// SPDX-License-Identifier: GPL-2.0-or-later
/* Texts of any bytes in answers: nothing of an answer is left out for their sake. */
#include "base/strings.h"
#include "daemon/api_error.h"
#include "daemon/json_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void texts(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
		{"", ""},
		{"ens4", "ens4"},
		{"Gerät", "Gerät"},
		{"cut \xc3", "cut "},
		{"cut \xe2\x82", "cut "},
		{"cut \xf0\x9f\x98", "cut "},
		{"\xff", "?"},
		{"\xff\xff\xff\xff", "????"},
		{"a\xffz", "a?z"},
		{"\xc3\x28 dev", "?( dev"},
		{"\xed\xa0\x80 surrogate", "??? surrogate"},
		{"\xc0\x80 overlong", "?? overlong"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *json = json_text(cases[i].text);

		assert_non_null(json);
		assert_string_equal(json_string_value(json), cases[i].said);
		json_decref(json);
	}
}

/* A sentence is cut at a fixed size, wherever in a character that is. */
static void sentences_that_are_cut(void **state)
{
	char name[2001];

	for (size_t first = 0; first < 4; first++) {
		struct varlink_reply reply = {};
		const char *message;

		memset(name, 'x', sizeof(name));
		for (size_t i = first; i + 2 < sizeof(name); i += 3)
			memcpy(name + i, "\xe2\x82\xac", 3);
		name[sizeof(name) - 1] = '\0';
		api_error(&reply, API_REFUSED, "there is no team \"%s\"", name);
		message = json_string_value(json_object_get(reply.parameters, "message"));
		assert_non_null(message);
		assert_true(strlen(message) > 500);
		assert_null(strchr(message, '?'));
		json_decref(reply.parameters);
	}
}

static void a_file_of_any_name(void **state)
{
	static const struct config_error error = {
		.file = "\xff.conf", .line = 3, .text = "there is no setting \xc3\xa4"};
	struct varlink_reply reply = {};

	api_bad_configuration(&reply, "/etc/iovteam", &error);
	assert_string_equal(json_string_value(json_object_get(reply.parameters, "file")), "/etc/"
											  "iovteam/"
											  "?.conf");
	assert_string_equal(json_string_value(json_object_get(reply.parameters, "message")), "there"
											     " is "
											     "no "
											     "setti"
											     "ng "
											     "ä");
	assert_int_equal(json_integer_value(json_object_get(reply.parameters, "line")), 3);
	json_decref(reply.parameters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(sentences_that_are_cut),
		cmocka_unit_test(a_file_of_any_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
