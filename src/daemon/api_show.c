// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_show.h"

#include "base/strings.h"
#include "core/deal.h"
#include "core/paths.h"
#include "core/plan.h"
#include "daemon/clock.h"
#include "daemon/json_text.h"
#include "daemon/probing.h"
#include "datapath/carrier.h"

#include <arpa/inet.h>
#include <stdio.h>

#define WINDOWS_MEMBERS 2 /* T2 */

/*
 * A member as it is shown: its own slot, that of its other path (T13), and the one that stands for
 * both. What is counted is the sum of both. -1: there is none, or there are no programs.
 */
struct shown {
	int slots[2];
	int front;
	const struct link *links[2]; /* NULL = not there */
	const struct link *link;     /* the front's */
};

static struct shown look_at(const struct manager *manager, const struct team *team,
			    const struct member_config *member)
{
	const struct note_team *notes = team->datapath ? datapath_notes(team->datapath) : NULL;
	const struct link_table *links = &manager->observed.links;
	const struct seats seats = {.links = links, .notes = notes, .bond_ifindex = team->ifindex};
	struct shown shown = {
		.slots = {plan_slot(notes, member->device), plan_other_slot(notes, member->device)},
		.links = {seat_device(&team->config, member, &seats)},
	};

	shown.links[1] = team_member_link(team, links, shown.slots[1]);
	shown.front = paths_front(&team->run, shown.slots[0]);
	shown.link = shown.links[shown.slots[1] >= 0 && shown.front == shown.slots[1]];
	return shown;
}

static json_int_t count_drops(const struct team *team, const struct shown *shown,
			      enum drop_cause cause)
{
	json_int_t sum = 0;

	for (int path = 0; path < 2; path++)
		if (shown->slots[path] >= 0)
			sum += (json_int_t)datapath_drops(team->datapath)
				       ->frames[shown->slots[path]][cause];
	return sum;
}

static json_t *show_drops(const struct team *team, const struct shown *shown)
{
	return json_pack("{s:I, s:I, s:I}", "reflected", count_drops(team, shown, DROP_REFLECTED),
			 "not_primary", count_drops(team, shown, DROP_NOT_PRIMARY),
			 "foreign_member", count_drops(team, shown, DROP_OTHER_MEMBER));
}

/* The member's own verdict; before it has ever joined, what can be seen of its device. */
static enum member_state member_state(const struct team *team, const struct link *link, int slot,
				      enum member_reason *ret_reason)
{
	if (slot >= 0)
		return member_run_state(&team->run, slot, ret_reason);
	*ret_reason = link ? REASON_UNKNOWN : REASON_NOT_PRESENT;
	return MEMBER_FAILED;
}

/* How long a member that is back is still held (T11), rounded up: 0 only if it is not. */
static json_int_t member_held_ms(const struct team *team, int slot)
{
	const struct health *health = slot >= 0 ? &team->run.health[slot] : NULL;
	uint64_t now_ns = clock_now_ns();

	if (!health || health->reason != REASON_WAITING_FOR_STABLE || health->stable_at_ns < now_ns)
		return 0;
	return (json_int_t)((health->stable_at_ns - now_ns) / NS_PER_MS + 1);
}

static void put(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

static void put_counters(json_t *object, const struct shown *shown)
{
	struct link_counters sum = {};

	for (int path = 0; path < 2; path++) {
		static const struct link_counters none;
		const struct link_counters *counters =
			shown->links[path] ? &shown->links[path]->counters : &none;

		sum.tx_packets += counters->tx_packets;
		sum.tx_bytes += counters->tx_bytes;
		sum.rx_packets += counters->rx_packets;
		sum.rx_bytes += counters->rx_bytes;
	}
	put(object, "tx_packets", json_integer((json_int_t)sum.tx_packets));
	put(object, "tx_bytes", json_integer((json_int_t)sum.tx_bytes));
	put(object, "rx_packets", json_integer((json_int_t)sum.rx_packets));
	put(object, "rx_bytes", json_integer((json_int_t)sum.rx_bytes));
}

static json_t *show_probes(const struct team *team, const struct shown *shown)
{
	struct probe_counts counts = {};

	for (int path = 0; path < 2; path++) {
		struct probe_counts one = probing_counts(team, shown->slots[path]);

		counts.sent += one.sent;
		counts.lost += one.lost;
		counts.heard += one.heard;
		counts.answers += one.answers;
		counts.refused += one.refused;
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)counts.sent, "lost",
			 (json_int_t)counts.lost, "heard", (json_int_t)counts.heard, "answers",
			 (json_int_t)counts.answers, "refused", (json_int_t)counts.refused);
}

static void put_datapath(json_t *object, const struct team *team, const struct shown *shown)
{
	json_int_t home = 0, held = 0, failures = 0;

	for (int path = 0; path < 2; path++) {
		unsigned int slot = (unsigned int)shown->slots[path];

		if (shown->slots[path] < 0)
			continue;
		home += deal_count(datapath_deal(team->datapath), slot);
		held += deal_held(datapath_deal(team->datapath), datapath_hold(team->datapath),
				  datapath_state(team->datapath), slot, clock_now_ns());
		failures += datapath_notes(team->datapath)->members[slot].failures;
	}
	put(object, "buckets", json_integer(home));
	put(object, "buckets_held", json_integer(held));
	put(object, "failures", json_integer(failures));
	put(object, "drops", show_drops(team, shown));
	put(object, "probes", show_probes(team, shown));
}

static json_t *show_path(const struct team *team, const struct shown *shown, int path)
{
	int slot = shown->slots[path];
	const struct link *link = shown->links[path];
	bool well = team->run.usable >> slot & 1;

	return json_pack("{s:o, s:s, s:s, s:b, s:s}", "name", json_text(link ? link->name : ""),
			 "path", member_path_names[team->paths[slot]], "bus_id",
			 link ? link->bus_id : "", "carries", well && slot == shown->front,
			 "reason", member_reason_names[team->run.health[slot].reason]);
}

/* T13. One path needs no list: it is the member. */
static json_t *show_paths(const struct team *team, const struct shown *shown)
{
	json_t *array = json_array();

	for (int path = 0; shown->slots[0] >= 0 && shown->slots[1] >= 0 && path < 2; path++)
		(void)json_array_append_new(array, show_path(team, shown, path));
	return array;
}

static void put_part(json_t *object, const struct team *team, const struct member_config *member,
		     const struct shown *shown)
{
	int slot = shown->slots[0];
	bool drained = slot >= 0 && datapath_notes(team->datapath)->members[slot].drained;
	enum member_path path = slot >= 0 ? team->paths[shown->front] : MEMBER_PATH_UNKNOWN;

	put(object, "role", json_string(member_role_names[member->role]));
	put(object, "weight", json_integer(member->weight));
	put(object, "path", json_string(member_path_names[path]));
	put(object, "paths", show_paths(team, shown));
	put(object, "drained", json_boolean(drained));
	put(object, "returns_in_ms", json_integer(member_held_ms(team, shown->front)));
}

static json_t *show_member(const struct manager *manager, const struct team *team,
			   const struct member_config *member)
{
	const struct shown shown = look_at(manager, team, member);
	const struct link *link = shown.link;
	enum member_reason reason;
	enum member_state state = member_state(team, link, shown.slots[0], &reason);
	char mac[MAC_TEXT_SIZE] = "";
	json_t *object;

	if (link)
		(void)mac_format(&link->mac, mac);
	object = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:b}", "device", member->device, "name",
			   json_text(link ? link->name : ""), "mac", mac, "bus_id",
			   link ? link->bus_id : "", "state", member_state_names[state], "reason",
			   member_reason_names[reason], "primary",
			   shown.front >= 0 && shown.front == team->run.primary);
	if (!object)
		return NULL;
	put_part(object, team, member, &shown);
	put_counters(object, &shown);
	put_datapath(object, team, &shown);
	return object;
}

static json_t *show_members(const struct manager *manager, const struct team *team)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < team->config.member_count; i++)
		(void)json_array_append_new(array,
					    show_member(manager, team, &team->config.members[i]));
	return array;
}

static json_t *show_addresses(const struct manager *manager, const struct team *team)
{
	json_t *array = json_array();

	for (size_t i = 0; i < manager->observed.address_count; i++) {
		const struct link_address *address = &manager->observed.addresses[i];
		char text[INET6_ADDRSTRLEN];

		if (!team->ifindex || address->ifindex != team->ifindex)
			continue;
		(void)inet_ntop(address->family, address->bytes, text, sizeof(text));
		(void)json_array_append_new(array, json_sprintf("%s/%u", text, address->prefix));
	}
	return array;
}

static json_t *show_settings(const struct team *team)
{
	json_t *object = json_object();
	char value[CONFIG_SETTING_SIZE];
	const char *key;

	for (size_t i = 0; !config_get(&team->config, i, &key, value, sizeof(value)); i++)
		put(object, key, json_string(value));
	return object;
}

static json_t *show_record(const struct team_record *record)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:i}", "cause", record->cause,
			 "member", json_text(record->member), "primary_before",
			 json_text(record->primary_before), "primary_after",
			 json_text(record->primary_after), "seen_us",
			 (json_int_t)(record->seen_ns / NS_PER_US), "decided_us",
			 (json_int_t)(record->decided_ns / NS_PER_US), "applied_us",
			 (json_int_t)(record->applied_ns / NS_PER_US), "buckets_moved",
			 (int)record->buckets_moved);
}

/* Oldest first. */
static json_t *show_records(const struct team *team)
{
	unsigned int first =
		team->record_count > TEAM_RECORDS ? team->record_count - TEAM_RECORDS : 0;
	json_t *array = json_array();

	for (unsigned int i = first; i < team->record_count; i++)
		(void)json_array_append_new(array, show_record(&team->records[i % TEAM_RECORDS]));
	return array;
}

/* T14: who stands by though the configuration does not say so. */
static void note_set_aside(const struct manager *manager, const struct team *team, json_t *array)
{
	for (unsigned int i = 0; i < team->run.count; i++) {
		const struct team_seat *seat = &team->run.seats[i];
		const struct link *link =
			team_member_link(team, &manager->observed.links, seat->slot);

		if (seat->set_aside)
			(void)json_array_append_new(
				array, json_sprintf("%s has no hardware below it and stands by; "
						    "mixed=weighted or mixed=equal gives it a "
						    "part of the traffic",
						    link ? link->name : "a member"));
	}
}

/* T13: who carries for the VF that is not there, or not well. */
static void note_spares(const struct manager *manager, const struct team *team, json_t *array)
{
	for (unsigned int i = 0; i < team->run.count; i++) {
		const struct team_seat *seat = &team->run.seats[i];
		const struct link *link =
			team_member_link(team, &manager->observed.links, seat->slot);

		if (seat->spare && link && paths_front(&team->run, seat->slot) == seat->slot)
			(void)json_array_append_new(
				array,
				json_sprintf("%s carries for the other path of its member, which "
					     "is %s",
					     link->name,
					     member_reason_names[team->run.health[seat->other - 1]
									 .reason]));
	}
}

/* Members that have never heard each other. */
static const char addresses_tell[] = "not all members hear each other: their switches are not "
				     "joined, and addresses alone tell of paths";
static const char nothing_tells[] = "not all members hear each other: their switches are not "
				    "joined; only probe-address can tell of their paths";

static json_t *show_notes(const struct manager *manager, const struct team *team)
{
	char text[STORE_ERROR_SIZE + 64], error[STORE_ERROR_SIZE];
	json_t *array = json_array();

	if (*team->trouble)
		(void)json_array_append_new(array, json_text(team->trouble));
	if (team->run.primary >= 0 && (team->run.barred >> team->run.primary & 1))
		(void)json_array_append_new(array, json_string("no member may have the team's MAC: "
							       "peers do not reach the primary; "
							       "the host must allow teaming"));
	note_set_aside(manager, team, array);
	note_spares(manager, team, array);
	if (probing_unjoined(team))
		(void)json_array_append_new(array, json_string(*team->config.probe_addresses
								       ? addresses_tell
								       : nothing_tells));
	if (!manager->store_valid) {
		store_error_text(&manager->store_error, error);
		(void)snprintf(text, sizeof(text), "the configuration is not in force: %s", error);
		(void)json_array_append_new(array, json_text(text));
	}
	if (team->config.member_count > WINDOWS_MEMBERS)
		(void)json_array_append_new(array, json_string("more than 2 members work; Windows "
							       "supports 2 inside a VM"));
	return array;
}

static const char *primary_name(const struct manager *manager, const struct team *team)
{
	const struct link *link =
		team_member_link(team, &manager->observed.links, team->run.primary);

	return link ? link->name : "";
}

json_t *show_team(const struct manager *manager, const struct team *team)
{
	const struct link *bond = link_by_index(&manager->observed.links, team->ifindex);
	char mac[MAC_TEXT_SIZE] = "", probing[96];

	probing_text(team, &manager->observed.links, probing, sizeof(probing));
	if (bond)
		(void)mac_format(&bond->mac, mac);
	return json_pack("{s:s, s:s, s:s, s:I, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o}", "name",
			 team->config.name, "state",
			 team_state_names[team_run_state(&team->run, team->config.member_count)],
			 "mac", mac, "mtu", (json_int_t)(bond ? bond->mtu : 0), "primary",
			 json_text(primary_name(manager, team)), "probing", probing, "addresses",
			 show_addresses(manager, team), "carrier_program",
			 carrier_text(manager->context.carrier), "settings", show_settings(team),
			 "members", show_members(manager, team), "failovers", show_records(team),
			 "notes", show_notes(manager, team));
}

/* After each turn of the loop, so a device is looked for by its name only if it must be. */
static void view_member(const struct manager *manager, const struct team *team,
			const struct member_config *member, struct event_member *view)
{
	int slot = team->datapath ? plan_slot(datapath_notes(team->datapath), member->device) : -1;
	const struct link *link =
		team_member_link(team, &manager->observed.links, paths_front(&team->run, slot));

	if (!link)
		link = member_link(member, &manager->observed.links);
	(void)text_copy(view->device, sizeof(view->device), member->device);
	(void)text_copy(view->name, sizeof(view->name), link ? link->name : member->device);
	view->state = member_state(team, link, slot, &view->reason);
}

void show_event_view(const struct manager *manager, const struct team *team,
		     struct event_view *ret_view)
{
	(void)text_copy(ret_view->team, sizeof(ret_view->team), team->config.name);
	(void)text_copy(ret_view->primary, sizeof(ret_view->primary), primary_name(manager, team));
	(void)text_copy(ret_view->trouble, sizeof(ret_view->trouble), team->trouble);
	ret_view->state = team_run_state(&team->run, team->config.member_count);
	ret_view->records = team->records;
	ret_view->record_count = team->record_count;
	ret_view->member_count = team->config.member_count;
	for (uint32_t i = 0; i < team->config.member_count; i++)
		view_member(manager, team, &team->config.members[i], &ret_view->members[i]);
}

json_t *show_actions(const struct action_list *list)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < list->count; i++) {
		const struct action *action = &list->actions[i];

		(void)json_array_append_new(
			array,
			json_pack("{s:s, s:s, s:s, s:o}", "team", action->team, "what",
				  action->word ? action->word : action_names[action->kind],
				  "device", action->device, "text", json_text(action->text)));
	}
	return array;
}
