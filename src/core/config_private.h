/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the configuration share among themselves. */
#pragma once

#include "core/config.h"

#define CONFIG_SHOWN_SIZE 52

/*
 * @text as it may stand in a sentence: printable ASCII, '?' for each other byte, cut with "..."
 * where it is long, "(empty)" if it is. It may come from anybody and end in JSON or a terminal.
 */
const char *config_shown(const char *text, char buffer[static CONFIG_SHOWN_SIZE]);

/* config_device_check(), and the spelling that is stored and compared. */
int config_device_spell(const char *device, char ret_spelled[static MEMBER_DEVICE_SIZE],
			struct problem *problem);

/* Number of the setting with this key, as config_get() counts. -ENOENT. */
int config_setting_index(const char *key);

/* A member without a device, each setting at its default. */
void config_member_defaults(struct member_config *member);

/* … with this key in [Member]. */
int config_member_setting_index(const char *key);
