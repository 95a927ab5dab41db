/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters of calls. */
#pragma once

#include "daemon/edit.h"

/* A parameter's text; "" where it may be absent and is. */
const char *api_text(json_t *parameters, const char *key);

/* config_set() or one of its like, on what is being edited. */
struct api_settable {
	int (*set)(void *object, const char *key, const char *value, struct problem *problem);
	void *object;
};

/* NULL: no settings. The edit's problem says what is wrong. */
int api_settings(struct edit *edit, json_t *settings, struct api_settable settable);
