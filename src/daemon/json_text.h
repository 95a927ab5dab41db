/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that is not surely UTF-8 as JSON, which must be: names of devices are any bytes. */
#pragma once

#include <jansson.h>

/*
 * @text as a string, for json_pack's "o". A character that was cut off at the end is left out;
 * if that is not all that is wrong, each byte beyond ASCII becomes a question mark. NULL: no
 * memory.
 */
json_t *json_text(const char *text);
