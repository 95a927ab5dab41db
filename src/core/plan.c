// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/plan.h"

#include "base/strings.h"
#include "core/admit.h"

#include <stdarg.h>
#include <stdio.h>

#define BOND_MODE_ACTIVE_BACKUP 1
#define FAIL_OVER_MAC_ACTIVE 1
#define MIIMON_MS 100 /* the kernel's own check, for when the daemon is dead (T16) */

/* The attributes that are compared; each is in the sentence that says what differs. */
#define BOND_FIELD(field)                                                                          \
	{                                                                                          \
#field, offsetof(struct link_bond, field), sizeof(((struct link_bond *)0)->field)  \
	}

static const struct bond_field {
	const char *name;
	size_t offset, size;
} bond_fields[] = {
	BOND_FIELD(mode),	    BOND_FIELD(fail_over_mac),	  BOND_FIELD(all_slaves_active),
	BOND_FIELD(num_peer_notif), BOND_FIELD(peer_notif_delay), BOND_FIELD(resend_igmp),
	BOND_FIELD(miimon),
};

void plan_bond(const struct team_config *want, struct link_bond *ret_bond)
{
	*ret_bond = (struct link_bond){
		.mode = BOND_MODE_ACTIVE_BACKUP,
		.fail_over_mac = FAIL_OVER_MAC_ACTIVE,
		.all_slaves_active = 1,
		.num_peer_notif = (uint8_t)want->announce_count,
		.peer_notif_delay = want->announce_interval_ms,
		.resend_igmp = want->announce_count,
		.miimon = MIIMON_MS,
	};
}

int plan_slot(const struct note_team *notes, const char *device)
{
	for (int slot = 0; notes && slot < TEAM_MEMBERS_MAX; slot++)
		if (*notes->members[slot].device &&
		    strcmp(notes->members[slot].device, device) == 0)
			return slot;
	return -1;
}

__attribute__((format(printf, 4, 5))) static struct action *
add(struct action_list *list, enum action_kind kind, const char *team, const char *format, ...)
{
	struct action *action = &list->actions[list->count];
	va_list args;

	if (list->count == ACTIONS_MAX)
		action--; /* cannot be: a team has fewer steps than that */
	else
		list->count++;
	*action = (struct action){.kind = kind, .slot = -1};
	(void)text_copy(action->team, sizeof(action->team), team);
	va_start(args, format);
	(void)vsnprintf(action->text, sizeof(action->text), format, args);
	va_end(args);
	return action;
}

static void add_device(struct action *action, const char *device, int slot, const struct link *link)
{
	(void)text_copy(action->device, sizeof(action->device), device);
	action->slot = slot;
	action->ifindex = link ? link->ifindex : 0;
}

static bool is_wanted(const struct team_config *want, const char *device)
{
	for (uint32_t i = 0; i < want->member_count; i++)
		if (strcmp(want->members[i].device, device) == 0)
			return true;
	return false;
}

/* Members that are no longer configured, and whether a slot is free then. */
static uint32_t plan_leaves(const struct team_config *want, const struct plan_view *view,
			    struct action_list *list)
{
	uint32_t taken = 0;

	for (int slot = 0; view->notes && slot < TEAM_MEMBERS_MAX; slot++) {
		const struct note_member *note = &view->notes->members[slot];

		if (!*note->device)
			continue;
		if (is_wanted(want, note->device))
			taken |= 1U << slot;
		else
			add_device(add(list, ACTION_LEAVE, want->name, "give %s back as it was",
				       note->device),
				   note->device, slot,
				   link_by_index(view->links, (int)note->ifindex));
	}
	return taken;
}

static uint32_t field_value(const struct link_bond *bond, const struct bond_field *field)
{
	const char *at = (const char *)bond + field->offset;

	return field->size == 1 ? *(const uint8_t *)at : *(const uint32_t *)at;
}

/* One sentence that names each attribute that differs, with both values. */
static void plan_attributes(const struct team_config *want, const struct link *bond,
			    struct action_list *list)
{
	struct link_bond wanted;
	char text[ACTION_TEXT_SIZE];
	size_t used = 0;

	plan_bond(want, &wanted);
	for (size_t i = 0; i < ARRAY_SIZE(bond_fields) && used < sizeof(text); i++) {
		const struct bond_field *field = &bond_fields[i];
		uint32_t is = field_value(&bond->bond, field), shall = field_value(&wanted, field);

		if (is != shall)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "%s%s %u instead of %u", used ? ", " : "",
						 field->name, shall, is);
	}
	if (used)
		(void)add(list, ACTION_SET, want->name, "set %s of %s", text, want->name);
}

static bool is_member(const struct link *device, const struct link *bond,
		      const struct plan_view *view, int slot)
{
	return bond && slot >= 0 && device->master == bond->ifindex &&
	       (int)view->notes->members[slot].ifindex == device->ifindex;
}

static void plan_member(const struct team_config *want, const char *device, int slot,
			const struct link *bond, const struct plan_view *view,
			struct action_list *list)
{
	struct member_config member = {};
	struct problem problem = {};
	const struct link *link;

	(void)text_copy(member.device, sizeof(member.device), device);
	link = member_link(&member, view->links);
	if (!link)
		add_device(add(list, ACTION_WAIT, want->name, "wait for %s, which is not there",
			       device),
			   device, slot, NULL);
	else if (is_member(link, bond, view, slot) && link->slave.queue_id == slot + 1)
		return;
	else if (is_member(link, bond, view, slot))
		add_device(add(list, ACTION_QUEUE, want->name,
			       "set queue_id %d of %s instead of %u", slot + 1, link->name,
			       link->slave.queue_id),
			   device, slot, link);
	else if (admit_member(link, bond ? bond->ifindex : 0, view->links, view->addresses,
			      view->address_count, &problem))
		add_device(add(list, ACTION_REFUSE, want->name, "%s", problem.text), device, slot,
			   link);
	else
		add_device(add(list, ACTION_JOIN, want->name, "take %s into %s as member %d",
			       link->name, want->name, slot),
			   device, slot, link);
}

void plan_team(const struct team_config *want, const struct plan_view *view,
	       struct action_list *list)
{
	const struct link *bond = link_by_name(view->links, want->name);
	uint32_t taken = plan_leaves(want, view, list);

	if (!view->notes || !bond) {
		(void)add(list, ACTION_CREATE, want->name, "make the team %s and load its programs",
			  want->name);
		bond = NULL;
	} else {
		plan_attributes(want, bond, list);
	}
	for (uint32_t i = 0; i < want->member_count; i++) {
		const char *device = want->members[i].device;
		int slot = plan_slot(view->notes, device);

		if (slot < 0) {
			slot = __builtin_ctz(~taken);
			taken |= 1U << slot;
		}
		plan_member(want, device, slot, bond, view, list);
	}
}

void plan_removal(const char *name, struct action_list *list)
{
	(void)add(list, ACTION_REMOVE, name, "delete the team %s and give its members back", name);
}
