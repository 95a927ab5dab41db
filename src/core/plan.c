// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/plan.h"

#include "base/strings.h"
#include "core/admit.h"
#include "core/adopt.h"
#include "core/config.h"
#include "core/macs.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>

/* Where a step is about a member, who it is. */
struct subject {
	const char *device; /* as configured; NULL = the team itself */
	int slot;
	const struct link *link; /* NULL = not there */
	bool anew;		 /* it is taken out, and in again */
	uint8_t path_of;	 /* as in struct action */
};

static const struct subject the_team = {.slot = -1};

__attribute__((format(printf, 5, 6))) static void add(struct action_list *list,
						      enum action_kind kind, const char *team,
						      const struct subject *subject,
						      const char *format, ...)
{
	struct action action = {
		.kind = kind,
		.slot = subject->slot,
		.path_of = subject->path_of,
		.ifindex = subject->link ? subject->link->ifindex : 0,
	};
	va_list args;

	(void)text_copy(action.team, sizeof(action.team), team);
	if (subject->device)
		(void)text_copy(action.device, sizeof(action.device), subject->device);
	va_start(args, format);
	(void)vsnprintf(action.text, sizeof(action.text), format, args);
	va_end(args);
	action_list_add(list, &action);
}

static const struct member_config *find_wanted(const struct team_config *want, const char *device)
{
	for (uint32_t i = 0; i < want->member_count; i++)
		if (strcmp(want->members[i].device, device) == 0)
			return &want->members[i];
	return NULL;
}

static struct seats seats_of(const struct plan_view *view)
{
	return (struct seats){
		.links = view->links, .notes = view->notes, .bond_ifindex = view->ifindex};
}

/* A renamed member leaves when the names of today say something else: core/seat.h. */
static void plan_exchange(const struct team_config *want, const struct member_config *member,
			  const struct plan_view *view, struct subject *subject,
			  struct action_list *list)
{
	struct seats seats = seats_of(view);
	const struct link *holder = seat_holder(&seats, subject->slot);
	const struct link *meant = view->notes->second[subject->slot]
					   ? seat_other(want, member, &seats)
					   : seat_device(want, member, &seats);

	if (!holder || meant == holder)
		return;
	subject->link = holder;
	add(list, ACTION_LEAVE, want->name, subject,
	    "give %s back as it was, since it is %s no more", holder->name, member->device);
}

/* T1, T8: the one whose own MAC is the team's takes it along. */
static bool owner_leaves(const struct team_config *want, const struct plan_view *view,
			 const struct link *bond)
{
	struct seats seats = seats_of(view);

	for (int slot = 0; slot < TEAM_MEMBERS_MAX; slot++) {
		const struct link *link = seat_holder(&seats, slot);

		if (link && !find_wanted(want, view->notes->members[slot].device) &&
		    mac_equal(&link->slave.mac, &bond->mac))
			return true;
	}
	return false;
}

/*
 * T8: which MACs bond and members have can be changed only while the bond has no members; and a
 * bond that keeps its MAC gets another one only so. Then all of them leave and join again.
 */
static bool must_empty(const struct team_config *want, const struct plan_view *view,
		       const struct link *bond)
{
	struct link_bond wanted;

	if (!bond)
		return false;
	plan_bond(want, view->links, &wanted);
	return bond->bond.fail_over_mac != wanted.fail_over_mac ||
	       (wanted.fail_over_mac == LINK_FAIL_OVER_MAC_FOLLOW &&
		owner_leaves(want, view, bond));
}

static void plan_emptying(const struct team_config *want, const struct plan_view *view,
			  struct subject *subject, struct action_list *list)
{
	struct seats seats = seats_of(view);

	subject->link = seat_holder(&seats, subject->slot);
	if (subject->link)
		add(list, ACTION_LEAVE, want->name, subject,
		    "take %s out for a moment: the MAC of %s changes", subject->device, want->name);
}

/*
 * Members that are no longer configured leave; with @empty the others, too. Returns the slots that
 * stay taken.
 */
static uint32_t plan_leaves(const struct team_config *want, const struct plan_view *view,
			    bool empty, struct action_list *list)
{
	uint32_t taken = 0;

	for (int slot = 0; view->notes && slot < TEAM_MEMBERS_MAX; slot++) {
		const struct note_member *note = &view->notes->members[slot];
		const struct member_config *member = find_wanted(want, note->device);
		struct subject subject = {
			.device = note->device,
			.slot = slot,
			.link = link_by_index(view->links, (int)note->ifindex),
		};

		if (!*note->device)
			continue;
		if (member) {
			taken |= 1U << slot;
			if (empty)
				plan_emptying(want, view, &subject, list);
			else
				plan_exchange(want, member, view, &subject, list);
		} else {
			add(list, ACTION_LEAVE, want->name, &subject,
			    want->adopt			? "let go of %s"
			    : view->notes->second[slot] ? "give the other path of %s back as it was"
							: "give %s back as it was",
			    note->device);
		}
	}
	return taken;
}

/* One sentence that names each attribute that differs, with both values. */
static void plan_attributes(const struct team_config *want, const struct link_table *links,
			    const struct link *bond, struct action_list *list)
{
	char text[ACTION_TEXT_SIZE];

	if (plan_bond_difference(want, links, bond, text, sizeof(text)))
		add(list, ACTION_SET, want->name, &the_team, "set %s of %s", text, want->name);
}

/* What the daemon and the programs alone know of: no step of the kernel's shows it. */
static void plan_settings(const struct team_config *want, const struct plan_view *view,
			  struct action_list *list)
{
	char text[ACTION_TEXT_SIZE - 32];

	if (view->running && config_difference(view->running, want, text, sizeof(text)))
		add(list, ACTION_CONFIGURE, want->name, &the_team, "set %s", text);
}

/* T1: a device is a member once, whatever it is called. */
static const char *find_twin(const struct team_config *want, const struct subject *subject,
			     const struct plan_view *view)
{
	struct seats seats = seats_of(view);

	for (uint32_t i = 0; subject->link && i < want->member_count; i++) {
		const struct member_config *other = &want->members[i];

		if (strcmp(other->device, subject->device) == 0)
			break;
		if (seat_device(want, other, &seats) == subject->link)
			return other->device;
	}
	return NULL;
}

/* T8: while fail_over_mac is active no member has another MAC than its own, as bonding knows it. */
static void plan_mac(const struct team_config *want, const struct subject *subject,
		     const struct link *bond, struct action_list *list)
{
	const struct link *link = subject->link;
	char own[MAC_TEXT_SIZE], now[MAC_TEXT_SIZE];

	if (want->adopt || bond->bond.fail_over_mac != LINK_FAIL_OVER_MAC_ACTIVE ||
	    mac_is_zero(&link->slave.mac) || mac_equal(&link->slave.mac, &link->mac))
		return;
	(void)mac_format(&link->slave.mac, own);
	(void)mac_format(&link->mac, now);
	add(list, ACTION_MAC, want->name, subject, "set MAC %s of %s instead of %s", own,
	    link->name, now);
}

/* What somebody may have changed at a device that is a member. */
static void plan_upkeep(const struct team_config *want, const struct subject *subject,
			const struct link *bond, const struct plan_view *view,
			struct action_list *list)
{
	const struct link *link = subject->link;

	if (link->slave.queue_id != subject->slot + 1)
		add(list, ACTION_QUEUE, want->name, subject, "set queue_id %d of %s instead of %u",
		    subject->slot + 1, link->name, link->slave.queue_id);
	if (!want->adopt && link->mtu != bond->mtu)
		add(list, ACTION_MTU, want->name, subject, "set MTU %u of %s instead of %u",
		    bond->mtu, link->name, link->mtu);
	plan_mac(want, subject, bond, list);
	if (view->detached_members >> subject->slot & 1)
		add(list, ACTION_ATTACH, want->name, subject, "attach the programs of %s again",
		    link->name);
}

static bool is_taken(const struct plan_view *view, const struct link *link)
{
	for (size_t i = 0; i < view->taken_count; i++)
		if (view->taken[i] == link->ifindex)
			return true;
	return false;
}

/* Programs at a device that is no member now: it is gone, in another namespace, or in use. */
static void plan_detach(const struct team_config *want, const struct subject *subject,
			const struct plan_view *view, struct action_list *list)
{
	struct seats seats = seats_of(view);

	if (view->notes && view->notes->members[subject->slot].ifindex &&
	    strcmp(view->notes->members[subject->slot].device, subject->device) == 0 &&
	    !seat_holder(&seats, subject->slot))
		add(list, ACTION_DETACH, want->name, subject, "take the programs off what was %s",
		    subject->device);
}

/* T13: two members that the configuration names, and that are one: their MAC would be at two ports. */
static const char *find_mate(const struct team_config *want, const struct subject *subject,
			     const struct plan_view *view)
{
	for (uint32_t i = 0; seat_pairs(want) && i < want->member_count; i++) {
		const struct member_config *other = &want->members[i];
		const struct link *link = member_link(other, view->links);

		if (strcmp(other->device, subject->device) == 0)
			break;
		if (link && seat_is_pair(link, subject->link, view->links))
			return other->device;
	}
	return NULL;
}

/* Take in a device that is not a member yet. Returns whether it may be one. */
static bool plan_join(const struct team_config *want, const struct subject *subject,
		      const struct link *bond, const struct plan_view *view,
		      struct action_list *list)
{
	const struct link *link = subject->link;
	const char *mate = find_mate(want, subject, view);
	struct problem problem = {};

	if (mate && !subject->path_of)
		add(list, ACTION_REFUSE, want->name, subject,
		    "%s and %s have one MAC and are two paths of one member; name one of them",
		    mate, subject->device);
	else if (admit_member(link, bond ? bond->ifindex : 0, view->links, view->addresses,
			      is_taken(view, link) ? 0 : view->address_count, &problem))
		add(list, ACTION_REFUSE, want->name, subject, "%s", problem.text);
	else if (subject->path_of)
		add(list, ACTION_JOIN, want->name, subject,
		    "take %s into %s as the other path of member %d%s", link->name, want->name,
		    subject->path_of - 1,
		    is_taken(view, link) ? ", with its addresses and routes" : "");
	else
		add(list, ACTION_JOIN, want->name, subject, "take %s into %s as member %d%s",
		    link->name, want->name, subject->slot,
		    is_taken(view, link) ? ", with its addresses and routes" : "");
	return !mate && !*problem.text;
}

/* A slot for @subject, unless it has one. False, and said, where all are taken. */
static bool take_slot(const struct team_config *want, struct subject *subject, uint32_t *taken,
		      struct action_list *list)
{
	if (subject->slot >= 0)
		return true;
	if (!~*taken) {
		add(list, ACTION_REFUSE, want->name, subject,
		    "%s has %d devices, second paths of members among them; there is no place for "
		    "%s",
		    want->name, TEAM_MEMBERS_MAX,
		    subject->link ? subject->link->name : subject->device);
		return false;
	}
	subject->slot = __builtin_ctz(~*taken);
	*taken |= 1U << subject->slot;
	return true;
}

/* T13. A path that is not there is not waited for: most members have none. */
static void plan_other(const struct team_config *want, const struct member_config *member,
		       struct subject *subject, const struct link *bond,
		       const struct plan_view *view, uint32_t *taken, struct action_list *list)
{
	struct seats seats = seats_of(view);

	subject->link = seat_other(want, member, &seats);
	if (!subject->link && subject->slot >= 0)
		plan_detach(want, subject, view, list);
	if (!subject->link || !take_slot(want, subject, taken, list))
		return;
	if (bond && subject->link == seat_holder(&seats, subject->slot) && !subject->anew)
		plan_upkeep(want, subject, bond, view, list);
	else if (!plan_join(want, subject, bond, view, list))
		plan_detach(want, subject, view, list);
}

static void plan_member(const struct team_config *want, const struct member_config *member,
			struct subject *subject, const struct link *bond,
			const struct plan_view *view, struct action_list *list)
{
	struct seats seats = seats_of(view);
	const struct link *link;
	bool refused = false;
	const char *twin;

	link = subject->link = seat_device(want, member, &seats);
	twin = find_twin(want, subject, view);
	if (twin)
		add(list, ACTION_REFUSE, want->name, subject, "%s and %s are the same device", twin,
		    subject->device);
	else if (!link)
		add(list, ACTION_WAIT, want->name, subject, "wait for %s, which is not there",
		    subject->device);
	else if (bond && link == seat_holder(&seats, subject->slot) && !subject->anew)
		plan_upkeep(want, subject, bond, view, list);
	else if (want->adopt && (!bond || link->master != bond->ifindex))
		add(list, ACTION_WAIT, want->name, subject,
		    "wait for %s, which %s does not have as a slave", subject->device, want->name);
	else
		refused = !plan_join(want, subject, bond, view, list);
	if (twin || !link || refused)
		plan_detach(want, subject, view, list);
}

/* C2: the interface has the team's name. Where that cannot be, it is said. */
static void plan_name(const struct team_config *want, const struct link *bond,
		      const struct plan_view *view, struct action_list *list)
{
	if (strcmp(bond->name, want->name) == 0)
		return;
	if (link_by_name(view->links, want->name))
		add(list, ACTION_REFUSE, want->name, &the_team,
		    "the team's interface is called %s now, and another one has its name",
		    bond->name);
	else if (view->rename_refused && (bond->flags & IFF_UP))
		add(list, ACTION_REFUSE, want->name, &the_team,
		    "the team's interface is called %s now; it gets its name back when it is "
		    "set down",
		    bond->name);
	else
		add(list, ACTION_RENAME, want->name, &the_team, "name the interface %s again",
		    want->name);
}

/* The bond that we made, if it is still there; another one of that name is somebody else's. */
static const struct link *own_bond(const struct plan_view *view)
{
	const struct link *bond = link_by_index(view->links, view->ifindex);

	return bond && view->notes && strcmp(bond->kind, "bond") == 0 ? bond : NULL;
}

/* @anew: those that are members now join again. Other paths come when each member has its slot. */
static void plan_members(const struct team_config *want, const struct link *bond, uint32_t taken,
			 bool anew, const struct plan_view *view, struct action_list *list)
{
	struct subject subjects[TEAM_MEMBERS_MAX];

	for (uint32_t i = 0; i < want->member_count; i++) {
		const struct member_config *member = &want->members[i];

		subjects[i] = (struct subject){.device = member->device, .anew = anew};
		subjects[i].slot = plan_slot(view->notes, member->device);
		if (take_slot(want, &subjects[i], &taken, list))
			plan_member(want, member, &subjects[i], bond, view, list);
	}
	for (uint32_t i = 0; i < want->member_count; i++) {
		struct subject other = {.device = want->members[i].device, .anew = anew};

		other.slot = plan_other_slot(view->notes, other.device);
		other.path_of = (uint8_t)(subjects[i].slot + 1);
		if (other.path_of)
			plan_other(want, &want->members[i], &other, bond, view, &taken, list);
	}
}

/*
 * T8 `team`: bonding has exchanged the MACs of two members, or the daemon has given the primary
 * the team's; then the old primary shall have another one. Not before bonding has changed over as
 * well, or it would exchange them back; and only by a driver that is not waiting for a lost NIC.
 */
static void plan_macs(const struct team_config *want, const struct plan_view *view,
		      const struct link *bond, struct action_list *list)
{
	const struct link *links[TEAM_MEMBERS_MAX], *primary;
	struct seats seats = seats_of(view);
	struct mac macs[TEAM_MEMBERS_MAX];
	char text[MAC_TEXT_SIZE];

	for (int slot = 0; slot < TEAM_MEMBERS_MAX; slot++)
		links[slot] = seat_holder(&seats, slot);
	primary = view->primary >= 0 ? links[view->primary] : NULL;
	if (!primary || bond->bond.active_ifindex != primary->ifindex ||
	    !mac_equal(&primary->mac, &bond->mac))
		return;
	macs_assign(links, view->primary, &bond->mac, macs);
	for (int slot = 0; slot < TEAM_MEMBERS_MAX; slot++) {
		struct subject subject = {.slot = slot, .link = links[slot]};

		if (!links[slot] || !links[slot]->carrier ||
		    mac_equal(&links[slot]->mac, &macs[slot]))
			continue;
		subject.device = view->notes->members[slot].device;
		add(list, ACTION_MAC, want->name, &subject, "give %s the MAC %s", links[slot]->name,
		    mac_format(&macs[slot], text));
	}
}

static void plan_reattach(const struct team_config *want, const struct plan_view *view,
			  struct action_list *list)
{
	if (view->detached)
		add(list, ACTION_ATTACH, want->name, &the_team, "attach the program of %s again",
		    want->name);
}

/*
 * T21. What cannot be adopted, or no more, is let go of. The members come before the bond's
 * attributes: a slave that delivers everything needs our program first.
 */
static void plan_adopted(const struct team_config *want, const struct plan_view *view,
			 struct action_list *list)
{
	const struct link *bond = link_by_name(view->links, want->name), *own = own_bond(view);
	struct plan_view known = *view;
	struct problem problem = {};
	int err = adopt_check(want, view->links, &problem);
	bool have = own && own == bond;

	if (own && (err || !have))
		add(list, ACTION_RELEASE, want->name, &the_team, "let go of %s", own->name);
	if (err) {
		add(list, err == -ENODEV ? ACTION_WAIT : ACTION_REFUSE, want->name, &the_team, "%s",
		    problem.text);
		return;
	}
	if (have) {
		plan_settings(want, view, list);
		plan_reattach(want, view, list);
	} else {
		known.notes = NULL; /* they are of an earlier bond */
		add(list, ACTION_ADOPT, want->name, &(struct subject){.slot = -1, .link = bond},
		    "adopt the bond %s and load its programs", want->name);
	}
	plan_members(want, bond, plan_leaves(want, &known, false, list), false, &known, list);
	plan_attributes(want, view->links, bond, list);
}

void plan_team(const struct team_config *want, const struct plan_view *view,
	       struct action_list *list)
{
	const struct link *bond = own_bond(view);
	uint32_t taken;
	bool empty;

	if (want->adopt) {
		plan_adopted(want, view, list);
		return;
	}
	empty = must_empty(want, view, bond);
	taken = plan_leaves(want, view, empty, list);
	if (bond) {
		plan_name(want, bond, view, list);
		plan_attributes(want, view->links, bond, list);
		plan_settings(want, view, list);
		plan_reattach(want, view, list);
	} else {
		add(list, ACTION_CREATE, want->name, &the_team,
		    "make the team %s and load its programs", want->name);
	}
	plan_members(want, bond, taken, empty, view, list);
	if (bond && !empty && bond->bond.fail_over_mac == LINK_FAIL_OVER_MAC_FOLLOW)
		plan_macs(want, view, bond, list);
}

void plan_removal(const char *name, bool adopted, struct action_list *list)
{
	if (adopted)
		add(list, ACTION_RELEASE, name, &the_team,
		    "let go of %s, and leave it and its slaves as their manager made them", name);
	else
		add(list, ACTION_REMOVE, name, &the_team,
		    "delete the team %s and give its members back", name);
}
