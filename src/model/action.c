// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/action.h"

#include "base/strings.h"

const char *const action_names[] = {
	[ACTION_LEAVE] = "leave", [ACTION_REMOVE] = "remove", [ACTION_CREATE] = "create",
	[ACTION_SET] = "set",	  [ACTION_JOIN] = "join",     [ACTION_QUEUE] = "queue",
	[ACTION_WAIT] = "wait",	  [ACTION_REFUSE] = "refuse",
};
NAME_TABLE_COMPLETE(action_names, ACTION_KIND_COUNT);
