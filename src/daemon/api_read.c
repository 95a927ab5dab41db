// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_read.h"

#include <errno.h>

const char *api_text(json_t *parameters, const char *key)
{
	const char *text = json_string_value(json_object_get(parameters, key));

	return text ? text : "";
}

int api_settings(struct edit *edit, json_t *settings, struct api_settable settable)
{
	const char *key;
	json_t *value;
	int err = 0;

	if (settings && !json_is_object(settings))
		return problem_set(&edit->problem, -EINVAL, "settings are keys and values");
	json_object_foreach(settings, key, value)
	{
		const char *text = json_string_value(value);

		err = settable.set(settable.object, key, text ? text : "", &edit->problem);
		if (err)
			break;
	}
	return err;
}
