// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_explain.h"

#include "base/strings.h"
#include "daemon/api_error.h"
#include "daemon/flow.h"
#include "model/pick_why.h"

#include <string.h>

/* What the program's word means, as the end of a sentence that begins with the member. */
static const char *const why_texts[] = {
	[PICK_HOME] = "the flow's bucket has its home there",
	[PICK_HELD] = "its bucket's home is back, and takes it over when the flow pauses",
	[PICK_FALLBACK] = "its bucket's home is not usable, and this is its fallback",
	[PICK_UNUSABLE] = "neither its bucket's home nor the fallback is usable",
	[PICK_MULTICAST] = "broadcast and multicast leave on the primary",
	[PICK_ARP] = "ARP leaves on the primary",
	[PICK_DISCOVERY] = "IPv6 discovery leaves on the primary",
	[PICK_FOREIGN] = "the source is not the team's own MAC, and such frames leave on the "
			 "primary",
};
NAME_TABLE_COMPLETE(why_texts, PICK_WHY_COUNT);

static const char *slot_name(const struct manager *manager, const struct team *team, int slot)
{
	const struct link *link = team_member_link(team, &manager->observed.links, slot);

	if (link)
		return link->name;
	return slot >= 0 && slot < PICK_SLOTS ? datapath_notes(team->datapath)->members[slot].device
					      : "none";
}

static void answer(const struct manager *manager, struct team *team, uint32_t verdict,
		   uint32_t hash, struct varlink_reply *reply)
{
	uint32_t why = PICK_VERDICT_WHY(verdict), bucket = hash & (PICK_BUCKETS - 1);
	int slot = (int)PICK_VERDICT_SLOT(verdict);
	bool dealt = why <= PICK_UNUSABLE;
	const char *member;

	if (why >= PICK_WHY_COUNT)
		return api_error(reply, API_FAILED, "the program gave an unknown answer");
	member = slot_name(manager, team, slot == PICK_NOBODY ? team->run.primary : slot);
	reply->parameters =
		json_pack("{s:s, s:s, s:o}", "member", member, "why", pick_why_names[why], "text",
			  json_sprintf("%s: %s", member, why_texts[why]));
	if (!dealt)
		return;
	(void)json_object_set_new(reply->parameters, "hash", json_integer(hash));
	(void)json_object_set_new(reply->parameters, "bucket", json_integer(bucket));
	(void)json_object_set_new(
		reply->parameters, "home",
		json_string(slot_name(manager, team, datapath_deal(team->datapath)[bucket].home)));
}

void explain_flow(const struct manager *manager, struct team *team, const json_t *json,
		  struct varlink_reply *reply)
{
	const struct link *bond = link_by_index(&manager->observed.links, team->ifindex);
	uint8_t frame[FLOW_FRAME_SIZE];
	struct problem problem = {};
	uint32_t hash = 0, verdict;
	struct flow flow;
	int err;

	if (!bond || !team->datapath)
		return api_error(reply, API_FAILED, "%s has no interface now", team->config.name);
	if (flow_read(json, &bond->mac, &flow, &problem))
		return api_error(reply, API_REFUSED, "%s", problem.text);
	err = datapath_ask(team->datapath, frame, flow_frame(&flow, frame), &hash, &verdict);
	if (err)
		return api_error(reply, API_FAILED, "cannot run the program: %s", strerror(-err));
	answer(manager, team, verdict, hash, reply);
}
