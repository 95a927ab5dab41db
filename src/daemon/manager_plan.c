// SPDX-License-Identifier: GPL-2.0-or-later
/* What core/plan makes of the teams as they are observed: for the manager, and for who asks first. */
#include "core/adopt.h"
#include "core/plan.h"
#include "daemon/adopt.h"
#include "daemon/handover.h"
#include "daemon/manager.h"

/* Slots whose programs somebody has detached. No event tells: it is looked at. */
static uint32_t detached_members(const struct team *team, const struct link_table *links)
{
	uint32_t detached = 0;

	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (team_member_link(team, links, slot) &&
		    !datapath_member_attached(team->datapath, (unsigned int)slot))
			detached |= 1U << slot;
	return detached;
}

static void view_team(const struct manager *manager, const char *name, struct plan_view *ret_view)
{
	const struct team *team = manager_team(manager, name);
	struct plan_view view = {
		.links = &manager->observed.links,
		.addresses = manager->observed.addresses,
		.address_count = manager->observed.address_count,
	};

	view.taken = handover_taken(manager->context.handover, &view.taken_count);
	if (team && team->datapath) {
		view.notes = datapath_notes(team->datapath);
		view.ifindex = team->ifindex;
		view.primary = team->run.primary;
		view.detached = !datapath_team_attached(team->datapath);
		view.detached_members = detached_members(team, view.links);
		view.rename_refused = team->rename_refused;
	}
	*ret_view = view;
}

void manager_plan_team(const struct manager *manager, const struct team_config *want,
		       const struct team_config *running, struct action_list *list)
{
	struct team_config whole;
	struct plan_view view;

	view_team(manager, want->name, &view);
	view.running = running;
	adopt_expand(want, view.links, &whole);
	plan_team(&whole, &view, list);
}

void manager_plan(const struct manager *manager, const struct team_list *list,
		  struct action_list *actions)
{
	for (unsigned int i = 0; i < manager->team_count; i++)
		if (!team_list_find((struct team_list *)list, manager->teams[i]->config.name))
			plan_removal(manager->teams[i]->config.name,
				     adopt_is_adopted(manager->teams[i]), actions);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct team *team = manager_team(manager, list->teams[i].name);

		manager_plan_team(manager, &list->teams[i], team ? &team->config : NULL, actions);
	}
}
