/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Teams, actions and settings as JSON (org.iovteam.varlink: Team, Action). */
#pragma once

#include "daemon/manager.h"

#include <jansson.h>

/* NULL: no memory. */
json_t *show_team(const struct manager *manager, const struct team *team);
json_t *show_actions(const struct action_list *list);
