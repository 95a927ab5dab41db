// SPDX-License-Identifier: GPL-2.0-or-later
/* The bond's attributes: which are wanted, and which differ. */
#include "core/adopt.h"
#include "core/plan.h"
#include "core/quirk.h"

#include "base/strings.h"

#include <stdio.h>

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
	BOND_FIELD(miimon),	    BOND_FIELD(updelay),	  BOND_FIELD(downdelay),
	BOND_FIELD(use_carrier),    BOND_FIELD(primary_ifindex),  BOND_FIELD(primary_reselect),
};

/* Is @link a member, or to be one? A renamed member is no less one (core/seat.h). */
static bool concerns(const struct team_config *want, const struct link *bond,
		     const struct link *link)
{
	if (bond && link->master == bond->ifindex)
		return true;
	for (uint32_t i = 0; i < want->member_count; i++)
		if (member_means(&want->members[i], link))
			return true;
	return false;
}

/* Bonding has one delay for all members: that of the one that needs most. */
static uint32_t rest_longest(const struct team_config *want, const struct link_table *links)
{
	const struct link *bond = link_by_name(links, want->name);
	uint32_t longest = 0;

	for (size_t i = 0; i < links->count; i++) {
		uint32_t rest = quirk_rest_ms(links->links[i].driver);

		if (rest > longest && concerns(want, bond, &links->links[i]))
			longest = rest;
	}
	return longest;
}

void plan_bond(const struct team_config *want, const struct link_table *links,
	       struct link_bond *ret_bond)
{
	*ret_bond = (struct link_bond){
		.mode = BOND_MODE_ACTIVE_BACKUP,
		.fail_over_mac = want->mac_policy == MAC_POLICY_TEAM ? LINK_FAIL_OVER_MAC_FOLLOW
								     : LINK_FAIL_OVER_MAC_ACTIVE,
		.all_slaves_active = 1,
		.num_peer_notif = (uint8_t)want->announce_count,
		.peer_notif_delay = want->announce_interval_ms,
		.resend_igmp = want->announce_count,
		.miimon = MIIMON_MS,
		.downdelay = rest_longest(want, links),
		.use_carrier = 1,
		.primary_reselect = PRIMARY_RESELECT_FAILURE,
	};
}

static uint32_t field_value(const struct link_bond *bond, const struct bond_field *field)
{
	const char *at = (const char *)bond + field->offset;

	return field->size == 1 ? *(const uint8_t *)at : *(const uint32_t *)at;
}

size_t plan_bond_difference(const struct team_config *want, const struct link_table *links,
			    const struct link *bond, char *text, size_t size)
{
	struct link_bond wanted;
	size_t used = 0;

	if (want->adopt)
		adopt_attributes(&bond->bond, &wanted);
	else
		plan_bond(want, links, &wanted);
	for (size_t i = 0; i < ARRAY_SIZE(bond_fields) && used < size; i++) {
		const struct bond_field *field = &bond_fields[i];
		uint32_t is = field_value(&bond->bond, field), shall = field_value(&wanted, field);

		if (is != shall)
			used += (size_t)snprintf(text + used, size - used, "%s%s %u instead of %u",
						 used ? ", " : "", field->name, shall, is);
	}
	return used;
}
