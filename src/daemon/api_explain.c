// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_explain.h"

#include "base/strings.h"
#include "daemon/api_error.h"
#include "daemon/flow.h"
#include "daemon/json_text.h"
#include "datapath/socket_find.h"
#include "model/pick_why.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* What the program's word means, as a sentence. */
static const char *const why_texts[] = {
	[PICK_HOME] = "the flow's bucket has its home there",
	[PICK_HELD] = "the bucket's home is back, and takes it over when the flow pauses",
	[PICK_FALLBACK] = "the bucket's home is not usable, and this is its fallback",
	[PICK_UNUSABLE] = "neither the bucket's home nor its fallback is usable",
	[PICK_MULTICAST] = "broadcast and multicast leave on the primary",
	[PICK_ARP] = "ARP leaves on the primary",
	[PICK_DISCOVERY] = "IPv6 discovery leaves on the primary",
	[PICK_FOREIGN] = "the source is not the team's own MAC; such frames leave on the primary",
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

/* What else than the kernel's flow hash a flow is dealt by. */
static const char *const hash_sources[] = {
	[DISTRIBUTION_TRANSPORT_PORTS] = NULL,
	[DISTRIBUTION_IP_ADDRESSES] = "of both IP addresses",
	[DISTRIBUTION_MAC_ADDRESSES] = "of the neighbour's MAC and the VLAN",
};
NAME_TABLE_COMPLETE(hash_sources, DISTRIBUTION_COUNT);

/* Whose hash the flow has, and the hash if it is a socket's; else 0. */
static const char *find_hash(const struct team *team, const struct flow *flow, uint32_t *ret_hash)
{
	bool ip = flow->family;
	struct socket_entry wanted = {
		.family = flow->family,
		.protocol = flow->protocol,
		.source_port = flow->source_port,
		.destination_port = flow->destination_port,
	};

	*ret_hash = 0;
	if (hash_sources[team->config.distribution])
		return hash_sources[ip ? team->config.distribution : DISTRIBUTION_MAC_ADDRESSES];
	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return "of the frame";
	memcpy(wanted.source6, flow->source, sizeof(wanted.source6));
	memcpy(wanted.destination6, flow->destination, sizeof(wanted.destination6));
	memcpy(&wanted.source4, flow->source, sizeof(wanted.source4));
	memcpy(&wanted.destination4, flow->destination, sizeof(wanted.destination4));
	switch (socket_find(&wanted, ret_hash)) {
	case 0:
		return "of this host's socket";
	case -ENOENT:
		return "of the frame: no connected socket here has this flow";
	}
	return "of the frame: this kernel does not show the hashes of its sockets";
}

static void answer(const struct manager *manager, struct team *team, uint32_t verdict,
		   uint32_t hash, const char *source, struct varlink_reply *reply)
{
	uint32_t why = PICK_VERDICT_WHY(verdict), bucket = hash & (PICK_BUCKETS - 1);
	int slot = (int)PICK_VERDICT_SLOT(verdict);
	const char *member;
	json_t *parameters;

	if (why >= PICK_WHY_COUNT)
		return api_error(reply, API_FAILED, "the program gave an unknown answer");
	member = slot_name(manager, team, slot == PICK_NOBODY ? team->run.primary : slot);
	parameters = json_pack("{s:o, s:s, s:s}", "member", json_text(member), "why",
			       pick_why_names[why], "text", why_texts[why]);
	if (why <= PICK_UNUSABLE) {
		const struct pick_deal *deal = &datapath_deal(team->datapath)[bucket];

		(void)json_object_update_new(
			parameters,
			json_pack("{s:I, s:o, s:I, s:s}", "bucket", (json_int_t)bucket, "home",
				  json_text(slot_name(manager, team, deal->home)), "hash",
				  (json_int_t)hash, "hash_source", source));
	}
	reply->parameters = parameters;
}

/* T3 `mac-addresses`: an address says nothing unless its neighbour is known. */
static int find_neighbour(const struct manager *manager, const struct team *team, struct flow *flow,
			  struct problem *problem)
{
	const struct observed *observed = &manager->observed;
	size_t known = observed->neighbour_count < OBSERVE_NEIGHBOURS ? observed->neighbour_count
								      : OBSERVE_NEIGHBOURS;

	if (team->config.distribution != DISTRIBUTION_MAC_ADDRESSES || !flow->family ||
	    flow->destination_mac.bytes[0] & 1)
		return 0;
	for (size_t i = 0; i < known; i++) {
		const struct link_neighbour *neighbour = &observed->neighbours[i];

		if (neighbour->ifindex == team->ifindex && neighbour->family == flow->family &&
		    !memcmp(neighbour->bytes, flow->destination,
			    flow->family == AF_INET ? 4 : 16)) {
			flow->destination_mac = neighbour->mac;
			return 0;
		}
	}
	return problem_set(problem, -ENOENT,
			   "flows of %s are dealt by the neighbour's MAC, and this address is no "
			   "neighbour's that is known; ask with MACs instead of addresses",
			   team->config.name);
}

void explain_flow(const struct manager *manager, struct team *team, const json_t *json,
		  struct varlink_reply *reply)
{
	const struct link *bond = link_by_index(&manager->observed.links, team->ifindex);
	uint8_t frame[FLOW_FRAME_SIZE];
	struct problem problem = {};
	uint32_t hash, verdict;
	const char *source;
	struct flow flow;
	int err;

	if (!bond || !team->datapath)
		return api_error(reply, API_FAILED, "%s has no interface now", team->config.name);
	if (flow_read(json, &bond->mac, &flow, &problem))
		return api_error(reply, API_REFUSED, "%s", problem.text);
	if (find_neighbour(manager, team, &flow, &problem))
		return api_error(reply, API_REFUSED, "%s", problem.text);
	source = find_hash(team, &flow, &hash);
	err = datapath_ask(team->datapath, frame, flow_frame(&flow, frame), &hash, &verdict);
	if (err)
		return api_error(reply, API_FAILED, "cannot run the program: %s", strerror(-err));
	answer(manager, team, verdict, hash, source, reply);
}
