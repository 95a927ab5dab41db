// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/macs.h"

/* Everything that decides who may have a MAC. */
struct macs_view {
	const struct link *const *links;
	const struct mac *team_mac;
	int primary;
	const struct mac *given; /* by slot: what has been decided so far … */
	int decided;		 /* … of the slots below this one */
};

static bool is_free(const struct macs_view *view, const struct mac *mac)
{
	if (mac_is_zero(mac) || mac_equal(mac, view->team_mac))
		return false;
	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		if (!view->links[slot])
			continue;
		if (mac_equal(&view->links[slot]->mac, mac))
			return false;
		if (slot < view->decided && mac_equal(&view->given[slot], mac))
			return false;
	}
	return true;
}

/* It has what it must not have. */
static bool needs_another(const struct macs_view *view, int slot)
{
	return view->links[slot] && slot != view->primary &&
	       mac_equal(&view->links[slot]->mac, view->team_mac);
}

/* For a member that has the team's MAC and is not the primary. */
static struct mac find_spare(const struct macs_view *view, int slot)
{
	const struct link *own = view->links[slot];

	if (is_free(view, &own->slave.mac))
		return own->slave.mac;
	for (int other = 0; other < PICK_SLOTS; other++)
		if (view->links[other] && !needs_another(view, other) &&
		    is_free(view, &view->links[other]->slave.mac))
			return view->links[other]->slave.mac;
	return own->mac;
}

void macs_assign(const struct link *const *links, int primary, const struct mac *team_mac,
		 struct mac *ret_macs)
{
	struct macs_view view = {
		.links = links, .team_mac = team_mac, .primary = primary, .given = ret_macs};

	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		view.decided = slot;
		if (!links[slot])
			ret_macs[slot] = (struct mac){};
		else if (slot == primary)
			ret_macs[slot] = *team_mac;
		else if (needs_another(&view, slot))
			ret_macs[slot] = find_spare(&view, slot);
		else
			ret_macs[slot] = links[slot]->mac;
	}
}
