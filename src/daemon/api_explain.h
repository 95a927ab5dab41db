/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which member a flow takes and why, from a run of the loaded program (T18). */
#pragma once

#include "daemon/manager.h"
#include "daemon/varlink.h"

/* The answer of org.iovteam.Explain, or an error, into @reply. */
void explain_flow(const struct manager *manager, struct team *team, const json_t *flow,
		  struct varlink_reply *reply);
