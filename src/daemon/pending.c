// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/pending.h"

#include "base/cleanup.h"
#include "core/seat.h"
#include "daemon/clock.h"
#include "daemon/handover.h"
#include "daemon/journal.h"
#include "daemon/json_text.h"
#include "daemon/log.h"
#include "daemon/team_drain.h"

#include <errno.h>
#include <string.h>

#define US_PER_S 1000000ULL

/* A timer of systemd may be late by this; nobody counts on it to be exact. */
#define TIMER_ACCURACY_US 100000

/* Until a file that could not be put back is tried again. */
#define AGAIN_US (5 * US_PER_S)

static void pending_free(struct pending *pending)
{
	if (!pending)
		return;
	sd_event_source_unref(pending->timer);
	handover_free(pending->handover);
	json_decref(pending->journal);
	free(pending);
}

static void pending_freep(struct pending **pending)
{
	pending_free(*pending);
}

/* --- preparing --- */

static int note_slaves(struct manager *manager, const struct team *team, struct handover *handover,
		       struct problem *problem)
{
	const struct link_table *links = &manager->observed.links;
	int err = 0;

	for (size_t i = 0; !err && i < links->count; i++)
		if (links->links[i].ifindex == team->ifindex ||
		    links->links[i].master == team->ifindex)
			err = handover_note(handover, &manager->context, &links->links[i], problem);
	return err;
}

static int note_wanted(struct manager *manager, const struct team_config *want,
		       struct handover *handover, struct problem *problem)
{
	const struct seats seats = {.links = &manager->observed.links};
	int err = 0;

	for (uint32_t i = 0; !err && i < want->member_count; i++) {
		const struct member_config *member = &want->members[i];
		const struct link *link = member_link(member, seats.links);
		const struct link *other = seat_other(want, member, &seats);

		if (link)
			err = handover_note(handover, &manager->context, link, problem);
		if (!err && other)
			err = handover_note(handover, &manager->context, other, problem);
	}
	return err;
}

/* Teams, their members, and those who will be: whatever may be taken down. */
static int note_devices(struct manager *manager, const struct store *after,
			struct handover *handover, struct problem *problem)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < manager->team_count; i++)
		if (manager->teams[i]->ifindex)
			err = note_slaves(manager, manager->teams[i], handover, problem);
	for (uint32_t i = 0; !err && i < after->list.count; i++)
		err = note_wanted(manager, &after->list.teams[i], handover, problem);
	return err;
}

/* Who was primary and who was drained, by the names of the configuration: no file has that. */
static json_t *show_team_run(const struct team *team)
{
	const struct note_member *members = datapath_notes(team->datapath)->members;
	json_t *drained = json_array();

	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (members[slot].drained)
			(void)json_array_append_new(drained, json_text(members[slot].device));
	return json_pack("{s:o, s:o}", "primary",
			 json_text(team->run.primary >= 0 ? members[team->run.primary].device : ""),
			 "drained", drained);
}

static json_t *show_runs(const struct manager *manager)
{
	json_t *runs = json_object();

	for (unsigned int i = 0; i < manager->team_count; i++)
		if (manager->teams[i]->datapath)
			(void)json_object_set_new(runs, manager->teams[i]->config.name,
						  show_team_run(manager->teams[i]));
	return runs;
}

int pending_prepare(struct manager *manager, const char *what, json_t *files,
		    struct handover *handover, const struct store *after,
		    struct pending **ret_pending, struct problem *problem)
{
	_cleanup_(pending_freep) struct pending *pending = calloc(1, sizeof(*pending));
	json_auto_t *kept = files;
	int err;

	if (!pending || !handover || !files) {
		handover_free(handover);
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	pending->manager = manager;
	store_copy(&pending->before, &manager->store);
	pending->handover = handover;
	(void)snprintf(pending->what, sizeof(pending->what), "%s", what);
	if (!manager->store_valid)
		return problem_set(problem, -EBUSY,
				   "the configuration in force is not known, so nothing can be "
				   "taken back; leave out --confirm");
	err = note_devices(manager, after, handover, problem);
	if (err)
		return err;
	pending->journal = journal_make(what, json_incref(kept), handover);
	if (!pending->journal)
		return problem_set(problem, -ENOMEM, "out of memory");
	(void)json_object_set_new(pending->journal, "runs", show_runs(manager));
	err = journal_write(manager->store.directory, pending->journal, problem);
	if (!err)
		*ret_pending = steal_ptr(pending);
	return err;
}

/* --- waiting --- */

static int on_timeout(sd_event_source *source, uint64_t at_us, void *data)
{
	_cleanup_(action_list_done) struct action_list actions = {};
	struct pending *pending = data;
	struct problem problem = {};

	if (!pending->undone && !pending->late)
		log_warning("nobody has confirmed: %s", pending->what);
	if (pending_take_back(pending, &actions, &problem))
		log_warning("%s; it is tried again", problem.text);
	return 0;
}

int pending_start(struct pending *pending, unsigned int seconds, struct problem *problem)
{
	struct manager *manager = pending->manager;
	int err;

	pending->until_us = clock_boottime_ns() / NS_PER_US + seconds * US_PER_S;
	err = sd_event_add_time(manager->loop, &pending->timer, CLOCK_BOOTTIME, pending->until_us,
				TIMER_ACCURACY_US, on_timeout, pending);
	if (err < 0)
		return problem_set(problem, err, "cannot set a timer: %s", strerror(-err));
	manager->pending = pending;
	log_notice("%s; taken back in %u s unless confirmed", pending->what, seconds);
	return 0;
}

static void forget(struct pending *pending)
{
	if (pending->manager->pending == pending)
		pending->manager->pending = NULL;
	pending_free(pending);
}

int pending_keep(struct pending *pending, struct problem *problem)
{
	struct problem left = {};
	int err;

	if (pending->undone)
		return problem_set(problem, -EBUSY, "%s, and that is being taken back already",
				   pending->what);
	err = journal_remove(pending->manager->store.directory, &left);
	if (err)
		return problem_set(problem, err, "%s; the change waits still", left.text);
	forget(pending);
	return 0;
}

/* What it tells of is taken back, and would be once more. */
static void drop_journal(const struct manager *manager)
{
	struct problem problem = {};

	if (journal_remove(manager->store.directory, &problem))
		log_error("%s; remove it before the next start or change", problem.text);
}

void pending_drop(struct pending *pending)
{
	if (!pending)
		return;
	drop_journal(pending->manager);
	forget(pending);
}

void pending_leave(struct manager *manager)
{
	pending_free(manager->pending);
	manager->pending = NULL;
}

json_t *pending_show(const struct manager *manager)
{
	const struct pending *pending = manager->pending;
	uint64_t now_us = clock_boottime_ns() / NS_PER_US;

	if (!pending)
		return NULL;
	return json_pack(
		"{s:s, s:I}", "what", pending->what, "seconds",
		(json_int_t)(pending->until_us > now_us
				     ? (pending->until_us - now_us + US_PER_S - 1) / US_PER_S
				     : 0));
}

/* --- taking back --- */

static bool has_text(const json_t *array, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

static void restore_drained(struct manager *manager, struct team *team, const json_t *drained)
{
	const struct note_member *members = datapath_notes(team->datapath)->members;

	for (int slot = 0; slot < PICK_SLOTS; slot++) {
		bool wanted = *members[slot].device && has_text(drained, members[slot].device);

		if (wanted && !members[slot].drained)
			(void)team_drain(team, &manager->context, slot, NULL);
		else if (!wanted && members[slot].drained)
			team_restore(team, &manager->context, slot);
	}
}

/* As far as the former primary can be it now: it must be well. */
static void restore_primary(struct manager *manager, struct team *team, const json_t *primary)
{
	const char *member = json_string_value(primary);
	int slot = member ? team_slot(team, &manager->observed.links, member) : -1;

	if (slot >= 0 && slot != team->run.primary)
		(void)team_switchover(team, &manager->context, slot, NULL);
}

static void restore_runs(struct manager *manager, const json_t *journal)
{
	const char *name;
	const json_t *run;

	json_object_foreach(json_object_get(journal, "runs"), name, run)
	{
		struct team *team = manager_team(manager, name);

		if (!team || !team->datapath)
			continue;
		restore_drained(manager, team, json_object_get(run, "drained"));
		restore_primary(manager, team, json_object_get(run, "primary"));
	}
	manager_wake(manager);
}

/* Without a timer it is the next start's, and no change may begin until then. */
static void try_again(struct pending *pending)
{
	int err = -ENOENT;

	pending->until_us = clock_boottime_ns() / NS_PER_US + AGAIN_US;
	if (pending->timer)
		err = sd_event_source_set_time(pending->timer, pending->until_us);
	if (err >= 0)
		err = sd_event_source_set_enabled(pending->timer, SD_EVENT_ONESHOT);
	if (err < 0)
		forget(pending);
}

/* The files first: what was in force before they say alone. */
static int take_back_late(struct pending *pending, struct action_list *actions,
			  struct problem *problem)
{
	struct manager *manager = pending->manager;
	const char *directory = manager->store.directory;
	struct config_error error;
	int err = journal_restore_files(directory, pending->journal, problem);

	if (!err) {
		err = store_load(directory, &pending->before, &error);
		if (err)
			(void)problem_set(problem, err, "%s/%s:%u: %s", directory, error.file,
					  error.line, error.text);
	}
	if (err) {
		try_again(pending);
		return err;
	}
	manager_go_back(manager, &pending->before, pending->handover, actions);
	restore_runs(manager, pending->journal);
	log_notice("taken back: %s", pending->what);
	pending_drop(pending);
	return 0;
}

int pending_take_back(struct pending *pending, struct action_list *actions, struct problem *problem)
{
	struct manager *manager = pending->manager;
	int err;

	if (pending->late)
		return take_back_late(pending, actions, problem);
	if (!pending->undone) {
		manager_go_back(manager, &pending->before, pending->handover, actions);
		restore_runs(manager, pending->journal);
		pending->undone = true;
	}
	err = journal_restore_files(manager->store.directory, pending->journal, problem);
	if (err) {
		try_again(pending);
		return err;
	}
	log_notice("taken back: %s", pending->what);
	pending_drop(pending);
	return 0;
}

/* --- after a restart --- */

json_t *pending_recover_files(const char *directory, json_t **ret_late)
{
	json_auto_t *journal = journal_read(directory);
	struct problem problem = {};
	const char *what;

	if (!journal)
		return NULL;
	what = json_string_value(json_object_get(journal, "what"));
	if (journal_restore_files(directory, journal, &problem)) {
		log_error("%s; not confirmed, and it is tried again to take this back: %s",
			  problem.text, what);
		*ret_late = json_incref(journal);
		return NULL;
	}
	log_warning("not confirmed before this start, and taken back now: %s", what);
	return json_incref(journal);
}

/* Without memory or a timer it is the next start's, and no change may begin until then. */
static void begin_late(struct manager *manager, json_t *journal)
{
	struct pending *pending = journal ? calloc(1, sizeof(*pending)) : NULL;
	int err = pending ? 0 : -ENOMEM;

	if (!journal)
		return;
	if (pending) {
		*pending = (struct pending){
			.manager = manager, .journal = json_incref(journal), .late = true};
		(void)snprintf(pending->what, sizeof(pending->what), "%s",
			       json_string_value(json_object_get(journal, "what")));
		pending->handover = journal_handover(journal);
		pending->until_us = clock_boottime_ns() / NS_PER_US + AGAIN_US;
		err = sd_event_add_time(manager->loop, &pending->timer, CLOCK_BOOTTIME,
					pending->until_us, TIMER_ACCURACY_US, on_timeout, pending);
	}
	if (err < 0)
		pending_free(pending);
	else
		manager->pending = pending;
	json_decref(journal);
}

struct handover *pending_recover_begin(struct manager *manager, const json_t *journal)
{
	struct handover *handover = journal ? journal_handover(journal) : NULL;

	/* Twice: a want of memory passes, and what is not put back now never is. */
	if (journal && !handover)
		handover = journal_handover(journal);
	handover_unland(handover, &manager->context);
	return handover;
}

void pending_recover_end(struct manager *manager, json_t *journal, struct handover *handover,
			 json_t *late)
{
	begin_late(manager, late);
	if (!journal)
		return;
	handover_restore(handover, &manager->context);
	restore_runs(manager, journal);
	drop_journal(manager);
	handover_free(handover);
	json_decref(journal);
}
