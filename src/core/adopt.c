// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/adopt.h"

#include "base/strings.h"
#include "core/config.h"

#include <errno.h>

/* How each manager writes the options that a bond must have to be adopted. */
#define MODE_OPTIONS                                                                               \
	"NetworkManager mode=active-backup, networkd Mode=active-backup, netplan mode: "           \
	"active-backup, ifupdown bond-mode active-backup"
#define MAC_OPTIONS                                                                                \
	"NetworkManager fail_over_mac=active, networkd FailOverMACPolicy=active, netplan "         \
	"fail-over-mac-policy: active, ifupdown bond-fail-over-mac active"
#define ARP_OPTIONS                                                                                \
	"NetworkManager miimon=100, networkd MIIMonitorSec=100ms, netplan "                        \
	"mii-monitor-interval: 100, ifupdown bond-miimon 100"

static unsigned int count_slaves(const struct link_table *links, int bond_ifindex)
{
	unsigned int count = 0;

	for (size_t i = 0; i < links->count; i++)
		count += links->links[i].master == bond_ifindex;
	return count;
}

/* A slave's queue_id is at most the number of queues, and the queue itself must exist. */
static int check_queues(const struct link *bond, const struct link_table *links,
			struct problem *problem)
{
	unsigned int count = count_slaves(links, bond->ifindex);
	unsigned int most = bond->tx_queues ? bond->tx_queues - 1 : 0;

	if (most > TEAM_MEMBERS_MAX)
		most = TEAM_MEMBERS_MAX;
	if (count <= most)
		return 0;
	if (most == TEAM_MEMBERS_MAX)
		return problem_set(problem, -EINVAL, "%s has %u slaves; a team has at most %d",
				   bond->name, count, TEAM_MEMBERS_MAX);
	return problem_set(problem, -EINVAL,
			   "%s has %u transmit queues, enough for %u of its %u slaves; have it "
			   "made with 33: \"options bonding tx_queues=33\" in /etc/modprobe.d",
			   bond->name, bond->tx_queues, most, count);
}

int adopt_check(const struct team_config *want, const struct link_table *links,
		struct problem *problem)
{
	const struct link *bond = link_by_name(links, want->name);

	if (!bond)
		return problem_set(problem, -ENODEV, "there is no bond %s; its manager makes it",
				   want->name);
	if (strcmp(bond->kind, "bond") != 0)
		return problem_set(problem, -EINVAL, "%s is not a bond", want->name);
	if (bond->bond.mode != BOND_MODE_ACTIVE_BACKUP)
		return problem_set(problem, -EINVAL,
				   "%s is not in mode active-backup; set " MODE_OPTIONS,
				   want->name);
	if (bond->bond.fail_over_mac != LINK_FAIL_OVER_MAC_ACTIVE)
		return problem_set(problem, -EINVAL,
				   "%s sets the MAC of its slaves; set " MAC_OPTIONS, want->name);
	if (bond->bond.arp_interval)
		return problem_set(problem, -EINVAL,
				   "%s watches its slaves by ARP, not by their links; "
				   "set " ARP_OPTIONS,
				   want->name);
	return check_queues(bond, links, problem);
}

void adopt_attributes(const struct link_bond *is, struct link_bond *ret_bond)
{
	*ret_bond = *is;
	ret_bond->all_slaves_active = 1;
	ret_bond->primary_reselect = PRIMARY_RESELECT_FAILURE;
	if (!is->miimon)
		ret_bond->miimon = MIIMON_MS;
}

void adopt_attributes_before(const struct note_bond *note, const struct link_bond *is,
			     struct link_bond *ret_bond)
{
	*ret_bond = *is;
	ret_bond->all_slaves_active = note->all_slaves_active;
	ret_bond->primary_reselect = note->primary_reselect;
	if (!note->miimon) /* one that its manager has set since is kept */
		ret_bond->miimon = 0;
}

static bool is_named(const struct team_config *team, const struct link *slave,
		     const struct link_table *links)
{
	for (uint32_t i = 0; i < team->member_count; i++)
		if (member_link(&team->members[i], links) == slave)
			return true;
	return false;
}

static void add_slave(struct team_config *team, const struct link *slave,
		      const struct link_table *links)
{
	if (!is_named(team, slave, links))
		(void)config_member_add(team, slave->name, NULL);
}

void adopt_expand(const struct team_config *want, const struct link_table *links,
		  struct team_config *ret_team)
{
	const struct link *bond = link_by_name(links, want->name), *active;

	*ret_team = *want;
	if (!want->adopt || !bond)
		return;
	active = link_by_index(links, bond->bond.active_ifindex);
	if (active && active->master == bond->ifindex)
		add_slave(ret_team, active, links);
	for (size_t i = 0; i < links->count; i++)
		if (links->links[i].master == bond->ifindex)
			add_slave(ret_team, &links->links[i], links);
}
