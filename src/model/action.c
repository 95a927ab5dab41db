// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/action.h"

#include "base/strings.h"

#include <stdlib.h>

const char *const action_names[] = {
	[ACTION_LEAVE] = "leave",
	[ACTION_REMOVE] = "remove",
	[ACTION_CREATE] = "create",
	[ACTION_ADOPT] = "adopt",
	[ACTION_RELEASE] = "release",
	[ACTION_SET] = "set",
	[ACTION_CONFIGURE] = "configure",
	[ACTION_JOIN] = "join",
	[ACTION_QUEUE] = "queue",
	[ACTION_ATTACH] = "attach",
	[ACTION_DETACH] = "detach",
	[ACTION_RENAME] = "rename",
	[ACTION_MTU] = "mtu",
	[ACTION_MAC] = "mac",
	[ACTION_HOST] = "host",
	[ACTION_WAIT] = "wait",
	[ACTION_REFUSE] = "refuse",
};
NAME_TABLE_COMPLETE(action_names, ACTION_KIND_COUNT);

static bool action_list_grow(struct action_list *list)
{
	unsigned int room = list->room ? 2 * list->room : 8;
	struct action *actions;

	if (list->count < list->room)
		return true;
	actions = reallocarray(list->actions, room, sizeof(*actions));
	if (!actions)
		return false;
	list->actions = actions;
	list->room = room;
	return true;
}

void action_list_add(struct action_list *list, const struct action *action)
{
	if (action_list_grow(list))
		list->actions[list->count++] = *action;
	else
		list->incomplete = true;
}

void action_list_done(struct action_list *list)
{
	free(list->actions);
	*list = (struct action_list){};
}

bool action_is_upkeep(const struct action *action)
{
	switch (action->kind) {
	case ACTION_QUEUE:
	case ACTION_ATTACH:
	case ACTION_DETACH:
	case ACTION_RENAME:
	case ACTION_MTU:
	case ACTION_MAC:
		return true;
	case ACTION_LEAVE:
	case ACTION_REMOVE:
	case ACTION_CREATE:
	case ACTION_ADOPT:
	case ACTION_RELEASE:
	case ACTION_SET:
	case ACTION_CONFIGURE:
	case ACTION_JOIN:
	case ACTION_HOST:
	case ACTION_WAIT:
	case ACTION_REFUSE:
	case ACTION_KIND_COUNT:
		break;
	}
	return false;
}
