// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/rates.h"

#include "base/strings.h"

#include <string.h>

#define BITS 8

static const struct {
	const char *counter, *rate;
	unsigned factor;
} rates[] = {
	{"tx_packets", "tx_pps", 1},
	{"rx_packets", "rx_pps", 1},
	{"tx_bytes", "tx_bps", BITS},
	{"rx_bytes", "rx_bps", BITS},
};

/* The object in @array whose @key is that of @like. NULL if there is none. */
static const json_t *find_same(const json_t *array, const char *key, const json_t *like)
{
	const char *wanted = json_string_value(json_object_get(like, key));
	const json_t *object;
	size_t i;

	json_array_foreach(array, i, object)
	{
		const char *text = json_string_value(json_object_get(object, key));

		if (wanted && text && strcmp(text, wanted) == 0)
			return object;
	}
	return NULL;
}

/* Nothing is added when a counter went back: the device is another one. */
static void member_rates(json_t *now, const json_t *before, uint64_t span_ms)
{
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		const json_t *value = json_object_get(now, rates[i].counter);
		const json_t *old = json_object_get(before, rates[i].counter);
		json_int_t grown = json_integer_value(value) - json_integer_value(old);
		double rate = (double)grown * rates[i].factor * 1000 / (double)span_ms;

		if (json_is_integer(value) && json_is_integer(old) && grown >= 0)
			(void)json_object_set_new(now, rates[i].rate,
						  json_integer((json_int_t)(rate + 0.5)));
	}
}

void rates_add(json_t *now, const json_t *before, uint64_t span_ms)
{
	json_t *team, *member;
	size_t t, m;

	if (!span_ms)
		return;
	json_array_foreach(json_object_get(now, "teams"), t, team)
	{
		const json_t *old = find_same(json_object_get(before, "teams"), "name", team);

		json_array_foreach(json_object_get(team, "members"), m, member)
		{
			const json_t *old_member =
				find_same(json_object_get(old, "members"), "device", member);

			if (old_member)
				member_rates(member, old_member, span_ms);
		}
	}
}
