/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Teams, actions and settings as JSON (org.iovteam.varlink: Team, Action). */
#pragma once

#include "daemon/event_view.h"
#include "daemon/manager.h"

#include <jansson.h>

/* NULL: no memory. */
json_t *show_team(const struct manager *manager, const struct team *team);

/* What of it is told when it changes. */
void show_event_view(const struct manager *manager, const struct team *team,
		     struct event_view *ret_view);

json_t *show_actions(const struct action_list *list);
