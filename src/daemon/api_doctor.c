// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_doctor.h"

#include "base/cleanup.h"
#include "core/doctor.h"
#include "core/plan.h"
#include "daemon/api_show.h"
#include "daemon/host_doctor.h"
#include "daemon/json_text.h"
#include "kernel/device_manager.h"
#include "kernel/forwarding.h"

static void read_member(const struct manager *manager, const struct team *team,
			const struct event_member *view, const struct member_config *config,
			struct doctor_member *ret_member)
{
	int slot = team->datapath ? plan_slot(datapath_notes(team->datapath), config->device) : -1;
	const struct link *link = link_by_name(&manager->observed.links, view->name);

	*ret_member = (struct doctor_member){
		.config = config,
		.name = view->name,
		.link = link,
		.state = view->state,
		.reason = view->reason,
		.drained = slot >= 0 && datapath_notes(team->datapath)->members[slot].drained,
		.manager = link ? device_manager_of("", link->ifindex) : DEVICE_MANAGER_NONE,
	};
}

/* Names and texts of @ret_team are in @view. */
static void read_team(const struct manager *manager, const struct team *team,
		      struct event_view *view, struct doctor_team *ret_team)
{
	show_event_view(manager, team, view);
	ret_team->config = &team->config;
	ret_team->bond = link_by_index(&manager->observed.links, team->ifindex);
	ret_team->state = view->state;
	ret_team->trouble = view->trouble;
	for (uint32_t i = 0; i < team->config.member_count; i++)
		read_member(manager, team, &view->members[i], &team->config.members[i],
			    &ret_team->members[i]);
}

static json_t *findings_json(const struct finding_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct finding *found = &list->findings[i];

		(void)json_array_append_new(
			array,
			json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "severity",
				  finding_severity_names[found->severity], "check", found->check,
				  "subject", json_text(found->subject), "what",
				  json_text(found->what), "evidence", json_text(found->evidence),
				  "mend", json_text(found->mend)));
	}
	return array;
}

json_t *doctor_findings(const struct manager *manager)
{
	_cleanup_free_ struct event_view *views = calloc(TEAMS_MAX, sizeof(*views));
	_cleanup_free_ struct doctor_team *teams = calloc(TEAMS_MAX, sizeof(*teams));
	_cleanup_(finding_list_done) struct finding_list findings = {};
	_cleanup_(host_diagnosis_done) struct host_diagnosis host = {};
	char files_trouble[FINDING_TEXT_SIZE] = "", error[STORE_ERROR_SIZE];
	struct doctor_facts facts = {
		.links = &manager->observed.links,
		.addresses = manager->observed.addresses,
		.address_count = manager->observed.address_count,
		.teams = teams,
		.team_count = manager->team_count,
		.switches = &manager->store.switches,
		.vms = &manager->store.vms,
		.bridge_filter = forwarding_filters_bridges(),
		.files_trouble = files_trouble,
	};

	if (!views || !teams)
		return NULL;
	for (unsigned int i = 0; i < manager->team_count; i++)
		read_team(manager, manager->teams[i], &views[i], &teams[i]);
	if (!manager->store_valid) {
		store_error_text(&manager->store_error, error);
		finding_say(files_trouble, "%s", error);
	}
	if (host_diagnose(manager->host, &manager->store, &host))
		facts.host = &host.facts;
	return doctor_examine(&facts, &findings) ? NULL : findings_json(&findings);
}
