// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/team.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/config.h"
#include "core/deal.h"
#include "core/paths.h"
#include "core/plan.h"
#include "core/quirk.h"
#include "daemon/announce_rounds.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/probing.h"
#include "daemon/team_carrier.h"
#include "daemon/team_drain.h"
#include "daemon/team_mac.h"
#include "daemon/team_seats.h"
#include "kernel/rtnl_bond.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <net/if.h>

#define DRAIN_LOOK_NS (50 * NS_PER_MS)

_Static_assert((int)DISTRIBUTION_TRANSPORT_PORTS == PICK_BY_PORTS &&
		       (int)DISTRIBUTION_IP_ADDRESSES == PICK_BY_ADDRESSES &&
		       (int)DISTRIBUTION_MAC_ADDRESSES == PICK_BY_MACS,
	       "the programs and the configuration number distributions alike");

struct team *team_new(const struct team_config *config)
{
	struct team *team = calloc(1, sizeof(*team));

	if (!team)
		return NULL;
	team->config = *config;
	team_run_init(&team->run);
	return team;
}

void team_free(struct team *team)
{
	if (!team)
		return;
	probing_free(team->probing);
	announce_rounds_free(team->rounds);
	groups_drop(&team->groups);
	datapath_close(team->datapath);
	free(team);
}

const struct link *team_member_link(const struct team *team, const struct link_table *links,
				    int slot)
{
	const struct link *link;

	if (!team->datapath || slot < 0 || !team->ifindex)
		return NULL;
	link = link_by_index(links, (int)datapath_notes(team->datapath)->members[slot].ifindex);
	return link && link->master == team->ifindex ? link : NULL;
}

int team_slot(const struct team *team, const struct link_table *links, const char *member)
{
	const struct note_team *notes = team->datapath ? datapath_notes(team->datapath) : NULL;

	for (int slot = 0; notes && slot < PICK_SLOTS; slot++) {
		const struct link *link = team_member_link(team, links, slot);

		if (link && strcmp(link->name, member) == 0)
			return plan_slot(notes, notes->members[slot].device);
	}
	return plan_slot(notes, member);
}

/* The name that people know a member by: the interface's, else what the configuration says. */
static void name_member(const struct team *team, const struct link_table *links, int slot,
			char *name)
{
	const struct link *link = team_member_link(team, links, slot);
	const char *text = "";

	if (link)
		text = link->name;
	else if (team->datapath && slot >= 0)
		text = datapath_notes(team->datapath)->members[slot].device;
	(void)snprintf(name, LINK_NAME_SIZE, "%.*s", LINK_NAME_SIZE - 1, text);
}

/* T5: buckets of these slots that are away shall be home by then. */
static void set_return_by(struct team *team, uint32_t slots, uint64_t now_ns)
{
	struct pick_state *state = datapath_state(team->datapath);

	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (slots >> slot & 1)
			state->return_by[slot] =
				team->config.return_ms ? now_ns + team->config.return_ms * NS_PER_MS
						       : 0;
}

static void deal_behind(const struct team *team, struct pick_deal *deal)
{
	uint8_t others[PICK_SLOTS];
	uint32_t weights[PICK_SLOTS];

	team_run_fallbacks(&team->run, weights);
	deal_fallbacks(deal, weights);
	if (paths_table(&team->run, others))
		deal_path_fallbacks(deal, others, team->run.usable);
}

/* Dealt apart and then copied, entry by entry: no frame ever sees a bucket without a home. */
static void deal_anew(struct team *team)
{
	struct pick_deal *deal = datapath_deal(team->datapath), dealt[PICK_BUCKETS];
	struct pick_state *state = datapath_state(team->datapath);
	uint64_t now_ns = clock_now_ns();
	uint32_t weights[PICK_SLOTS];
	uint8_t others[PICK_SLOTS];

	memcpy(dealt, deal, sizeof(dealt));
	team_run_homes(&team->run, weights);
	if (paths_table(&team->run, others) && deal_path_homes(dealt, others, weights))
		state->dealt_ns = now_ns;
	if (deal_homes(dealt, weights)) {
		state->dealt_ns = now_ns;
		set_return_by(team, ~0U, now_ns);
	}
	deal_behind(team, dealt);
	for (unsigned int bucket = 0; bucket < PICK_BUCKETS; bucket++)
		deal[bucket] = dealt[bucket];
}

/* After a loss or a return. Homes move then only from one path of a member to its other one (T13). */
static void deal_after(struct team *team)
{
	uint8_t others[PICK_SLOTS];

	if (paths_table(&team->run, others))
		deal_anew(team);
	else
		deal_behind(team, datapath_deal(team->datapath));
}

void team_settle(struct team *team, const struct link_table *links)
{
	team_arrange(team, links);
	datapath_state(team->datapath)->idle_ns = team->config.idle_ms * NS_PER_MS;
	datapath_state(team->datapath)->return_ms = team->config.return_ms;
	datapath_state(team->datapath)->by = (enum pick_by)team->config.distribution;
	deal_anew(team);
}

/*
 * The members that the datapath uses are taken to be well, so that taking over changes nothing;
 * others must show it anew. The primary is the kernel's active slave, which may have changed
 * while nobody watched.
 */
static void adopt_health(struct team *team, const struct link_table *links)
{
	const struct pick_state *state = datapath_state(team->datapath);
	const struct link *bond = link_by_index(links, team->ifindex);

	for (unsigned int i = 0; i < team->run.count; i++) {
		uint8_t slot = team->run.seats[i].slot;
		const struct link *link = team_member_link(team, links, slot);
		bool used = state->usable >> slot & 1, drained = team->run.seats[i].drained;

		team->run.health[slot].reason = used || drained ? REASON_NONE : REASON_UNKNOWN;
		team->run.health[slot].was_lost = !used && !drained;
		if (drained)
			team_drain_begin(team, slot);
		if (drained && !used)
			team->run.retired |= 1U << slot;
		if (used)
			team->run.usable |= 1U << slot;
		if (bond && link && bond->bond.active_ifindex == link->ifindex)
			team->run.primary = slot;
	}
}

/* Put this build's programs in the place of the earlier ones; a device that has gone is skipped. */
static int adopt_programs(struct team *team, const struct link_table *links,
			  struct problem *problem)
{
	int err = datapath_attach_team(team->datapath, team->ifindex, problem);

	for (int slot = 0; !err && slot < PICK_SLOTS; slot++) {
		const struct link *link = team_member_link(team, links, slot);

		if (link)
			err = datapath_attach_member(team->datapath, (unsigned int)slot,
						     link->ifindex, problem);
	}
	return err;
}

/* A team of which no configuration is known has the members that it has. */
static void configure_from_notes(struct team *team)
{
	const struct note_team *notes = datapath_notes(team->datapath);

	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (*notes->members[slot].device)
			(void)config_member_add(&team->config, notes->members[slot].device, NULL);
}

/* The next try begins anew; until then the kernel's side goes on with what it has. */
static void let_go(struct team *team)
{
	datapath_close(team->datapath);
	team->datapath = NULL;
	team->ifindex = 0;
	team_run_init(&team->run);
}

int team_adopt(struct team *team, const struct team_context *context, struct problem *problem)
{
	const struct link *bond;
	bool adopted;
	int err;

	err = datapath_open(context->pins, team->config.name, context->netns, context->carrier,
			    &team->datapath, &adopted, problem);
	if (err)
		return err;
	/* Whatever it is called: somebody may have renamed it meanwhile. */
	bond = link_by_index(&context->observed->links,
			     (int)datapath_state(team->datapath)->ifindex);
	if (bond && strcmp(bond->kind, "bond") == 0)
		team->ifindex = bond->ifindex;
	if (!team->config.member_count || team->config.adopt)
		configure_from_notes(team);
	team_arrange(team, &context->observed->links);
	if (!team->ifindex)
		return 0;
	adopt_health(team, &context->observed->links);
	err = adopt_programs(team, &context->observed->links, problem);
	if (err)
		let_go(team);
	return err;
}

static void gather_facts(const struct team *team, const struct link_table *links,
			 struct health_facts *facts)
{
	for (unsigned int i = 0; i < team->run.count; i++) {
		uint8_t slot = team->run.seats[i].slot;
		const struct link *link = team_member_link(team, links, slot);

		facts[slot] = (struct health_facts){
			.present = link != NULL,
			.admin_up = link && (link->flags & IFF_UP),
			.carrier = link && link->carrier,
			.silent = probing_silent(team) >> slot & 1,
		};
	}
	team_mac_store(team, links);
}

static struct team_record *new_record(struct team *team, const struct link_table *links,
				      const char *cause, int slot, const struct decision *decision)
{
	struct team_record *record = &team->records[team->record_count++ % TEAM_RECORDS];

	*record = (struct team_record){};
	(void)text_copy(record->cause, sizeof(record->cause), cause);
	name_member(team, links, slot, record->member);
	name_member(team, links, decision->primary_before, record->primary_before);
	name_member(team, links, decision->primary, record->primary_after);
	return record;
}

static void log_record(const struct team *team, const struct team_record *record)
{
	log_notice("%s: %s %s, primary %s, %u buckets moved, %llu us after the event",
		   team->config.name, record->member, record->cause, record->primary_after,
		   record->buckets_moved,
		   (unsigned long long)((record->applied_ns - record->seen_ns) / NS_PER_US));
}

/* Times of one change, and how many buckets each member held before it. */
struct change {
	uint64_t seen_ns, decided_ns, applied_ns;
	unsigned int held[PICK_SLOTS];
};

static const char *cause_of(const struct team *team, int slot, bool lost)
{
	if (lost && health_is_well(&team->run.health[slot]))
		return "drained";
	if (lost)
		return member_reason_names[team->run.health[slot].reason];
	if (team->drain_by_ns[slot])
		return "restored";
	return team->run.health[slot].was_lost ? "returned" : "joined";
}

static void record_change(struct team *team, const struct link_table *links,
			  const struct decision *decision, const struct change *change)
{
	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		bool lost = decision->lost >> slot & 1;
		struct team_record *record;

		if (!lost && !(decision->returned >> slot & 1))
			continue;
		record = new_record(team, links, cause_of(team, slot, lost), slot, decision);
		record->seen_ns = change->seen_ns;
		record->decided_ns = change->decided_ns;
		record->applied_ns = change->applied_ns;
		record->buckets_moved = lost ? change->held[slot] : 0;
		if (lost && !health_is_well(&team->run.health[slot]))
			datapath_notes(team->datapath)->members[slot].failures++;
		if (!lost)
			team->drain_by_ns[slot] = 0;
		log_record(team, record);
	}
}

/* The mask: one store, which the next frame obeys. */
static void set_usable(struct team *team, const struct decision *decision, uint64_t now_ns)
{
	struct pick_state *state = datapath_state(team->datapath);

	set_return_by(team, decision->returned, now_ns);
	if (decision->primary != FAILOVER_NO_PRIMARY)
		__atomic_store_n(&state->primary, (__u32)decision->primary, __ATOMIC_RELEASE);
	__atomic_store_n(&state->usable, team->run.usable, __ATOMIC_RELEASE);
}

/* The sending program may have learnt from a late frame of before the change. */
static void correct_primary(struct team *team)
{
	struct pick_state *state = datapath_state(team->datapath);

	if (team->run.primary != FAILOVER_NO_PRIMARY && state->primary != (__u32)team->run.primary)
		__atomic_store_n(&state->primary, (__u32)team->run.primary, __ATOMIC_RELEASE);
}

/* Lost members of some drivers rest, before anybody touches their filters. */
static void set_rest(struct team *team, const struct link_table *links, uint32_t lost,
		     uint64_t now_ns)
{
	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		const struct link *link =
			lost >> slot & 1 ? team_member_link(team, links, slot) : NULL;
		uint64_t until_ns = link ? now_ns + quirk_rest_ms(link->driver) * NS_PER_MS : 0;

		if (until_ns > team->rest_until_ns)
			team->rest_until_ns = until_ns;
	}
}

/* At once, unless the primary must get the team's MAC first: that is team_follow()'s. */
static void tell_peers(struct team *team, const struct team_context *context)
{
	if (!team_mac_is_one(team, &context->observed->links))
		return announce_primary(team, context);
	if (!team->untold)
		team->told_records = team->record_count;
	team->untold = true;
}

/* T8 `team`: the primary gets its MAC after the mask, and may turn out to be another one. */
static void tell_late(struct team *team, const struct team_context *context)
{
	unsigned int record = team->untold ? team->told_records : team->record_count;

	if (!team_mac_follow(team, context))
		return;
	announce_primary(team, context);
	for (; record < team->record_count; record++) {
		struct team_record *late = &team->records[record % TEAM_RECORDS];

		name_member(team, &context->observed->links, team->run.primary,
			    late->primary_after);
		late->applied_ns = clock_now_ns();
	}
}

static void count_held(const struct team *team, const struct decision *decision,
		       struct change *change)
{
	struct pick_state before = *datapath_state(team->datapath);

	before.usable = team->run.usable | decision->lost;
	before.lost = 0; /* what the carrier program has moved already counts as well */
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (decision->lost >> slot & 1)
			change->held[slot] = deal_held(datapath_deal(team->datapath),
						       datapath_hold(team->datapath), &before, slot,
						       change->decided_ns);
}

/* While a member drains it is looked after now and then: no event tells that a flow has paused. */
static uint64_t next_look(const struct team *team, uint64_t deadline_ns, uint64_t now_ns)
{
	uint64_t look_ns = now_ns + DRAIN_LOOK_NS;

	for (unsigned int i = 0; i < team->run.count; i++) {
		const struct team_seat *seat = &team->run.seats[i];

		if (seat->drained && !(team->run.retired >> seat->slot & 1))
			return deadline_ns && deadline_ns < look_ns ? deadline_ns : look_ns;
	}
	return deadline_ns;
}

uint64_t team_update(struct team *team, const struct team_context *context, uint64_t seen_ns)
{
	struct health_facts facts[PICK_SLOTS] = {};
	struct change change = {.seen_ns = seen_ns};
	const struct health_holds holds = {
		.stable_ns = team->config.stable_ms * NS_PER_MS,
		.max_ns = team->config.hold_max_ms * NS_PER_MS,
	};
	struct decision decision;

	if (!team->datapath || !team->ifindex)
		return 0;
	probing_follow(team, context);
	gather_facts(team, &context->observed->links, facts);
	change.decided_ns = clock_now_ns();
	team_drain_end(team, change.decided_ns);
	failover_decide(&team->run, facts, &holds, change.decided_ns, &decision);
	decision.deadline_ns = next_look(team, decision.deadline_ns, change.decided_ns);
	if (!decision.lost && !decision.returned) {
		correct_primary(team);
		return decision.deadline_ns;
	}
	count_held(team, &decision, &change);
	set_usable(team, &decision, change.decided_ns);
	set_rest(team, &context->observed->links, decision.lost, change.decided_ns);
	if (decision.primary != decision.primary_before)
		tell_peers(team, context);
	change.applied_ns = clock_now_ns();
	deal_after(team);
	record_change(team, &context->observed->links, &decision, &change);
	return decision.deadline_ns;
}

uint64_t team_follow(struct team *team, const struct team_context *context)
{
	const struct link *bond = link_by_index(&context->observed->links, team->ifindex);
	bool rests = clock_now_ns() < team->rest_until_ns;
	struct problem problem = {};
	const struct link *link;
	int preferred;

	if (bond)
		neighbours_follow(&team->neighbours, context->observed, bond);
	tell_late(team, context);
	team_carrier_follow(team, context);
	link = team_member_link(team, &context->observed->links, team->run.primary);
	preferred = failover_preferred(&team->run);
	/* While it is down bonding looks at no carrier; it takes the slave when it is up again. */
	if (!bond || !(bond->flags & IFF_UP)) {
		groups_drop(&team->groups);
		return 0;
	}
	if (team->datapath && preferred != FAILOVER_NO_PRIMARY) {
		if (rests)
			return team->rest_until_ns;
		if (team_switchover(team, context, preferred, &problem))
			log_warning("%s: %s", team->config.name, problem.text);
		return 0;
	}
	if (!link || !(team->run.usable >> team->run.primary & 1) ||
	    bond->bond.active_ifindex == link->ifindex) {
		groups_drop(&team->groups);
		return 0;
	}
	groups_hold(&team->groups, team->ifindex, link->ifindex);
	if (rests)
		return team->rest_until_ns;
	if (rtnl_bond_set_active(context->observed->requests, team->ifindex, link->ifindex,
				 &problem))
		log_warning("%s: cannot make %s the active slave: %s", team->config.name,
			    link->name, problem.text);
	groups_drop(&team->groups);
	return 0;
}

int team_switchover(struct team *team, const struct team_context *context, int member,
		    struct problem *problem)
{
	int slot = paths_front(&team->run, member);
	const struct link *link = team_member_link(team, &context->observed->links, slot);
	struct decision decision = {.primary_before = team->run.primary, .primary = slot};
	uint64_t begin_ns = clock_now_ns();
	struct team_record *record;
	int err;

	if (!link || failover_switch(&team->run, slot))
		return problem_set(problem, -EBUSY,
				   "%s cannot be the primary: it is failed, standby or drained",
				   link ? link->name : "the member");
	if (decision.primary_before == slot)
		return 0;
	err = team_mac_take(team, context, slot, problem);
	if (err) {
		team->run.primary = decision.primary_before;
		return err;
	}
	groups_hold(&team->groups, team->ifindex, link->ifindex);
	__atomic_store_n(&datapath_state(team->datapath)->primary, (__u32)slot, __ATOMIC_RELEASE);
	err = rtnl_bond_set_active(context->observed->requests, team->ifindex, link->ifindex,
				   problem);
	groups_drop(&team->groups);
	if (err) {
		team->run.primary = decision.primary_before;
		datapath_state(team->datapath)->primary = (__u32)decision.primary_before;
		/* Bonding looks at carriers every miimon; ours came by event. */
		if (err == -EINVAL && problem)
			(void)snprintf(problem->text, sizeof(problem->text),
				       "bonding does not see the link of %s yet; try again in a "
				       "moment",
				       link->name);
		return err;
	}
	announce_primary(team, context);
	record = new_record(team, &context->observed->links, "switchover", slot, &decision);
	record->seen_ns = record->decided_ns = begin_ns;
	record->applied_ns = clock_now_ns();
	log_record(team, record);
	return 0;
}
