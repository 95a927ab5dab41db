// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/team_carrier.h"

#include "daemon/log.h"
#include "datapath/carrier.h"
#include "kernel/rtnl_link.h"

#include <errno.h>

static void attach(const struct team_context *context)
{
	struct problem problem = {};
	int err = carrier_attach(context->carrier, &problem);

	if (err && err != -EALREADY)
		log_notice("%s", problem.text);
}

/* An event may be older than the word; the answer to a question is not. Errors of rtnl_link_get(). */
static int ask_carrier(const struct team_context *context, const struct link *link,
		       bool *ret_carrier)
{
	struct link now;
	int err = rtnl_link_get(context->observed->requests, link->ifindex, &now);

	*ret_carrier = !err && now.carrier;
	return err;
}

/*
 * A carrier that goes while we ask: before the bit was taken away, the second answer tells; after
 * that, the program has set it again.
 */
static void believe_kernel(__u32 *word, __u32 bit, const struct team_context *context,
			   const struct link *link)
{
	bool carrier;

	if (ask_carrier(context, link, &carrier) || !carrier)
		return; /* its event is on the way */
	__atomic_and_fetch(word, ~bit, __ATOMIC_ACQ_REL);
	if (!ask_carrier(context, link, &carrier) && !carrier)
		__atomic_or_fetch(word, bit, __ATOMIC_ACQ_REL);
}

static void check_word(const struct team *team, const struct team_context *context)
{
	__u32 *word = &datapath_state(team->datapath)->lost;
	__u32 lost = __atomic_load_n(word, __ATOMIC_ACQUIRE);

	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		const struct link *link =
			lost >> slot & 1 ? team_member_link(team, &context->observed->links, slot)
					 : NULL;

		if (link && link->carrier)
			believe_kernel(word, 1U << slot, context, link);
	}
}

void team_carrier_follow(const struct team *team, const struct team_context *context)
{
	int heir = failover_heir(&team->run);

	attach(context);
	if (!team->datapath)
		return;
	datapath_state(team->datapath)->heir = heir == FAILOVER_NO_PRIMARY ? 0 : (__u32)heir + 1;
	if (team->ifindex)
		check_word(team, context);
}
