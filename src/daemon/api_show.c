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

static json_t *show_drops(const struct team *team, int slot)
{
	const __u64 *frames;

	if (!team->datapath || slot < 0)
		return json_pack("{s:i, s:i, s:i}", "reflected", 0, "not_primary", 0,
				 "foreign_member", 0);
	frames = datapath_drops(team->datapath)->frames[slot];
	return json_pack("{s:I, s:I, s:I}", "reflected", (json_int_t)frames[DROP_REFLECTED],
			 "not_primary", (json_int_t)frames[DROP_NOT_PRIMARY], "foreign_member",
			 (json_int_t)frames[DROP_OTHER_MEMBER]);
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

static void put_counters(json_t *object, const struct link *link)
{
	static const struct link_counters none;
	const struct link_counters *counters = link ? &link->counters : &none;

	put(object, "tx_packets", json_integer((json_int_t)counters->tx_packets));
	put(object, "tx_bytes", json_integer((json_int_t)counters->tx_bytes));
	put(object, "rx_packets", json_integer((json_int_t)counters->rx_packets));
	put(object, "rx_bytes", json_integer((json_int_t)counters->rx_bytes));
}

static json_t *show_probes(const struct team *team, int slot)
{
	struct probe_counts counts = probing_counts(team, slot);

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "sent", (json_int_t)counts.sent, "lost",
			 (json_int_t)counts.lost, "heard", (json_int_t)counts.heard, "answers",
			 (json_int_t)counts.answers, "refused", (json_int_t)counts.refused);
}

static void put_datapath(json_t *object, const struct team *team, int slot)
{
	bool loaded = team->datapath && slot >= 0;
	struct datapath *datapath = team->datapath;

	put(object, "buckets",
	    json_integer(loaded ? deal_count(datapath_deal(datapath), (unsigned int)slot) : 0));
	put(object, "buckets_held",
	    json_integer(loaded ? deal_held(datapath_deal(datapath), datapath_hold(datapath),
					    datapath_state(datapath), (unsigned int)slot,
					    clock_now_ns())
				: 0));
	put(object, "failures",
	    json_integer(loaded ? datapath_notes(datapath)->members[slot].failures : 0));
	put(object, "drops", show_drops(team, slot));
	put(object, "probes", show_probes(team, slot));
}

static void put_part(json_t *object, const struct team *team, const struct member_config *member,
		     int slot)
{
	bool drained = slot >= 0 && datapath_notes(team->datapath)->members[slot].drained;

	put(object, "role", json_string(member_role_names[member->role]));
	put(object, "weight", json_integer(member->weight));
	put(object, "path",
	    json_string(member_path_names[slot >= 0 ? team->paths[slot] : MEMBER_PATH_UNKNOWN]));
	put(object, "drained", json_boolean(drained));
	put(object, "returns_in_ms", json_integer(member_held_ms(team, slot)));
}

static json_t *show_member(const struct manager *manager, const struct team *team,
			   const struct member_config *member)
{
	const struct seats seats = {
		.links = &manager->observed.links,
		.notes = team->datapath ? datapath_notes(team->datapath) : NULL,
		.bond_ifindex = team->ifindex,
	};
	const struct link *link = seat_device(&team->config, member, &seats);
	int slot = team->datapath ? plan_slot(datapath_notes(team->datapath), member->device) : -1;
	enum member_reason reason;
	enum member_state state = member_state(team, link, slot, &reason);
	char mac[MAC_TEXT_SIZE] = "";
	json_t *object;

	if (link)
		(void)mac_format(&link->mac, mac);
	object = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:b}", "device", member->device, "name",
			   json_text(link ? link->name : ""), "mac", mac, "bus_id",
			   link ? link->bus_id : "", "state", member_state_names[state], "reason",
			   member_reason_names[reason], "primary",
			   slot >= 0 && slot == team->run.primary);
	if (!object)
		return NULL;
	put_part(object, team, member, slot);
	put_counters(object, link);
	put_datapath(object, team, slot);
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
	const struct link *link = team_member_link(team, &manager->observed.links, slot);

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
