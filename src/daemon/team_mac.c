// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/team_mac.h"

#include "core/macs.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <string.h>

#define RETRY_NS (5000 * NS_PER_MS) /* each try may wait for a driver, with everybody behind it */

static const struct link *bond_of(const struct team *team, const struct link_table *links)
{
	return link_by_index(links, team->ifindex);
}

bool team_mac_is_one(const struct team *team, const struct link_table *links)
{
	const struct link *bond = bond_of(team, links);

	return bond && bond->bond.fail_over_mac == LINK_FAIL_OVER_MAC_FOLLOW;
}

static void assign(const struct team *team, const struct link_table *links, struct mac *macs)
{
	const struct link *by_slot[PICK_SLOTS];

	for (int slot = 0; slot < PICK_SLOTS; slot++)
		by_slot[slot] = team_member_link(team, links, slot);
	macs_assign(by_slot, team->run.primary, &bond_of(team, links)->mac, macs);
}

void team_mac_store(const struct team *team, const struct link_table *links)
{
	struct pick_state *state = datapath_state(team->datapath);
	bool one = team_mac_is_one(team, links);
	struct mac macs[PICK_SLOTS];

	if (one) {
		assign(team, links, macs);
		memcpy(state->team_mac, bond_of(team, links)->mac.bytes, sizeof(state->team_mac));
	}
	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		const struct link *link = team_member_link(team, links, slot);

		/* The primary sends with the team's MAC when its NIC has it, not before. */
		if (link)
			memcpy(state->member_macs[slot],
			       one && slot != team->run.primary ? &macs[slot] : &link->mac,
			       sizeof(struct mac));
	}
	state->one_mac = one;
}

/* As on the devices. The old holder first: in no moment two members send with the team's MAC. */
static void exchange(struct pick_state *state, int slot, const struct mac *own)
{
	for (int other = 0; other < PICK_SLOTS; other++)
		if (other != slot &&
		    memcmp(state->member_macs[other], state->team_mac, sizeof(*own)) == 0)
			memcpy(state->member_macs[other], own, sizeof(*own));
	memcpy(state->member_macs[slot], state->team_mac, sizeof(*own));
}

/* The device is gone, or could not answer: that says nothing about what its host permits. */
static bool is_refusal(int err)
{
	return err != -ENODEV && err != -ENETDOWN && err != -EAGAIN && err != -ENOMEM &&
	       err != -ETIMEDOUT;
}

static void bar(struct team *team, int slot, const char *name, const char *why)
{
	if (!(team->run.barred >> slot & 1))
		log_warning("%s: %s may not have the team's MAC: %s", team->config.name, name, why);
	(void)failover_bar(&team->run, slot);
}

int team_mac_take(struct team *team, const struct team_context *context, int slot,
		  struct problem *problem)
{
	const struct link *link = team_member_link(team, &context->observed->links, slot);
	const struct link *bond = bond_of(team, &context->observed->links);
	struct problem refusal = {};
	int err = 0;

	if (!team_mac_is_one(team, &context->observed->links))
		return 0;
	if (!link)
		return problem_set(problem, -ENODEV, "the member is gone");
	if (!mac_equal(&link->mac, &bond->mac))
		err = rtnl_link_set_mac(context->observed->requests, link->ifindex, &bond->mac,
					&refusal);
	if (!err) {
		exchange(datapath_state(team->datapath), slot, &link->mac);
		failover_unbar(&team->run, slot);
		return 0;
	}
	if (is_refusal(err))
		bar(team, slot, link->name, refusal.text);
	return problem_set(problem, err,
			   "%s may not have the team's MAC: %s; its host must allow teaming (a "
			   "virtual function needs trust)",
			   link->name, refusal.text);
}

static bool has_team_mac(const struct team *team, const struct link_table *links)
{
	const struct link *link = team_member_link(team, links, team->run.primary);

	return link && mac_equal(&link->mac, &bond_of(team, links)->mac);
}

bool team_mac_follow(struct team *team, const struct team_context *context)
{
	const struct link_table *links = &context->observed->links;
	bool untold = team->untold;

	if (!team->datapath || !team_mac_is_one(team, links) || !team->run.usable)
		return false;
	if (!untold && (has_team_mac(team, links) || clock_now_ns() < team->mac_retry_ns))
		return false;
	team->untold = false;
	for (unsigned int tries = 0; tries < team->run.count; tries++) {
		int slot = team->run.primary;
		struct problem problem = {};

		if (!team_mac_take(team, context, slot, &problem))
			break;
		team->mac_retry_ns = clock_now_ns() + RETRY_NS;
		if (team->run.primary == slot) /* nobody can: the best stays */
			return untold;
		__atomic_store_n(&datapath_state(team->datapath)->primary, (__u32)team->run.primary,
				 __ATOMIC_RELEASE);
	}
	return true;
}

void team_mac_mend(const struct team *team, const struct team_context *context, int slot)
{
	const struct link_table *links = &context->observed->links;
	const struct link *link = team_member_link(team, links, slot);
	struct mac macs[PICK_SLOTS];
	struct problem problem = {};

	if (!link || team->run.primary < 0 || team->run.primary == slot ||
	    !team_mac_is_one(team, links))
		return;
	assign(team, links, macs);
	if (mac_equal(&link->mac, &macs[slot]))
		return;
	if (rtnl_link_set_mac(context->observed->requests, link->ifindex, &macs[slot], &problem))
		log_warning("%s: %s keeps the team's MAC: %s", team->config.name, link->name,
			    problem.text);
}

static bool has_members(const struct team *team, const struct link_table *links)
{
	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (team_member_link(team, links, slot))
			return true;
	return false;
}

int team_mac_try(struct team *team, const struct team_context *context, int slot, int ifindex,
		 struct problem *problem)
{
	const struct link *link = link_by_index(&context->observed->links, ifindex);
	const struct link *bond = bond_of(team, &context->observed->links);
	struct netlink *netlink = context->observed->requests;
	struct problem refusal = {};
	int err;

	/* The first member gives the team its MAC. */
	if (!link || !team_mac_is_one(team, &context->observed->links) ||
	    !has_members(team, &context->observed->links) || mac_equal(&link->mac, &bond->mac))
		return 0;
	err = rtnl_link_set_mac(netlink, ifindex, &bond->mac, &refusal);
	if (!err)
		return rtnl_link_set_mac(netlink, ifindex, &link->mac, problem);
	if (is_refusal(err))
		bar(team, slot, link->name, refusal.text);
	return 0;
}
