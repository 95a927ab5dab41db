/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Through which device a caller's own session comes in, so that it can be warned (C5). */
#pragma once

#include "daemon/varlink.h"

/* org.iovteam.Session; @data is the manager. */
void call_session(void *data, json_t *parameters, struct varlink_reply *reply);
