// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/manager.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/adopt.h"
#include "core/plan.h"
#include "daemon/adopt.h"
#include "daemon/apply.h"
#include "daemon/clock.h"
#include "daemon/handover.h"
#include "daemon/log.h"
#include "daemon/pending.h"
#include "daemon/team_seats.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define US_PER_MS 1000ULL
#define RECONCILE_DELAY_US (20 * US_PER_MS) /* one comparison for a burst of events */
#define OBSERVE_RETRY_US (100 * US_PER_MS)
#define LOOK_US (5000 * US_PER_MS) /* … and one now and then, for what has no event */
#define RETRY_FIRST_NS (1000 * NS_PER_MS)
#define RETRY_DOUBLINGS 5 /* at most every 32 s */

struct team *manager_team(const struct manager *manager, const char *name)
{
	for (unsigned int i = 0; i < manager->team_count; i++)
		if (strcmp(manager->teams[i]->config.name, name) == 0)
			return manager->teams[i];
	return NULL;
}

static void arm(sd_event_source *source, uint64_t at_us)
{
	(void)sd_event_source_set_time(source, at_us);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void schedule_reconcile(struct manager *manager, uint64_t at_us)
{
	uint64_t planned;

	if (sd_event_source_get_enabled(manager->reconcile, NULL) > 0 &&
	    sd_event_source_get_time(manager->reconcile, &planned) >= 0 && planned <= at_us)
		return;
	arm(manager->reconcile, at_us);
}

/* The earlier of two times, of which 0 is none. */
static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* The fast path of all teams, then what may take its time; arms the earliest deadline. */
static void update_teams(struct manager *manager, uint64_t seen_ns)
{
	uint64_t first = 0;

	for (unsigned int i = 0; i < manager->team_count; i++)
		first = earlier(team_update(manager->teams[i], &manager->context, seen_ns), first);
	for (unsigned int i = 0; i < manager->team_count; i++)
		first = earlier(team_follow(manager->teams[i], &manager->context), first);
	if (first)
		arm(manager->deadline, first / NS_PER_US + 1);
	else
		(void)sd_event_source_set_enabled(manager->deadline, SD_EVENT_OFF);
}

void manager_wake(struct manager *manager)
{
	update_teams(manager, clock_now_ns());
}

/* --- comparing and applying --- */

/* A long change does not return to the loop, which tells that we live once it runs (main.c). */
static void tell_watchdog(const struct manager *manager)
{
	if (sd_event_get_watchdog(manager->loop) > 0)
		(void)sd_notify(0, "WATCHDOG=1");
}

static bool is_wanted(const struct team_list *list, const char *name)
{
	return team_list_find((struct team_list *)list, name) != NULL;
}

static void drop_team(struct manager *manager, unsigned int index)
{
	team_free(manager->teams[index]);
	manager->teams[index] = manager->teams[--manager->team_count];
}

static int remove_unwanted(struct manager *manager, struct action_list *done,
			   struct problem *problem)
{
	int err = 0;

	for (unsigned int i = manager->team_count; !err && i-- > 0;) {
		struct team *team = manager->teams[i];

		if (is_wanted(&manager->store.list, team->config.name))
			continue;
		plan_removal(team->config.name, adopt_is_adopted(team), done);
		log_info("%s: the team is removed", team->config.name);
		err = apply_removal(team, &manager->context, problem);
		tell_watchdog(manager);
		if (!err)
			drop_team(manager, i);
	}
	return err;
}

/* The team's object, made if there is none. NULL: no memory, or as many as there can be must go first. */
static struct team *take_team(struct manager *manager, const struct team_config *want)
{
	struct team *team = manager_team(manager, want->name);

	if (!team && manager->team_count < TEAMS_MAX) {
		team = team_new(want);
		if (team)
			manager->teams[manager->team_count++] = team;
	}
	if (team)
		adopt_expand(want, &manager->observed.links, &team->config);
	return team;
}

/*
 * Of a team that could not be taken over at the start, or whose removal has left something, there
 * are pins. Whatever is made beside them would disturb what still works.
 */
static int take_over(struct manager *manager, struct team *team, struct problem *problem)
{
	int err;

	if (team->datapath || !datapath_is_pinned(manager->context.pins, team->config.name))
		return 0;
	err = team_adopt(team, &manager->context, problem);
	if (!err)
		log_info("%s: taken over as it runs", team->config.name);
	return err;
}

/*
 * What cannot be put right is a @mishap, and the rest goes on; without @strict a device that cannot
 * join is one, too: it must not keep those behind it waiting.
 */
static int apply_list(struct manager *manager, struct team *team, const struct action_list *list,
		      bool strict, struct action_list *done, struct problem *mishap,
		      struct problem *problem)
{
	bool acted = false;
	int err = list->incomplete ? problem_set(problem, -ENOMEM, "out of memory") : 0;

	for (unsigned int i = 0; !err && i < list->count; i++) {
		const struct action *action = &list->actions[i];
		bool may_fail =
			action_is_upkeep(action) || (!strict && action->kind == ACTION_JOIN);
		int failed = 0;

		if (action_acts(action)) {
			log_info("%s: %s", team->config.name, action->text);
			failed = apply_action(team, &manager->context, action,
					      may_fail ? mishap : problem);
			tell_watchdog(manager);
			acted = true;
		}
		if (!failed)
			action_list_add(done, action);
		else if (!may_fail)
			err = failed;
	}
	if (acted && team->datapath)
		team_settle(team, &manager->observed.links);
	if (acted)
		manager_wake(manager); /* other teams' links may be lost meanwhile */
	return err;
}

/* Steps that failed are tried again, ever more seldom: never at the pace of our own events. */
static void note_trouble(struct manager *manager, struct team *team, const struct problem *problem)
{
	unsigned int doublings;

	if (!team) { /* there was no memory for it */
		schedule_reconcile(manager, (clock_now_ns() + RETRY_FIRST_NS) / NS_PER_US);
		return;
	}
	doublings = team->retries < RETRY_DOUBLINGS ? team->retries : RETRY_DOUBLINGS;
	if (strcmp(team->trouble, problem->text) != 0)
		log_warning("%s: %s; it is tried again", team->config.name, problem->text);
	(void)text_copy(team->trouble, sizeof(team->trouble), problem->text);
	team->retry_ns = clock_now_ns() + (RETRY_FIRST_NS << doublings);
	team->retries++;
	schedule_reconcile(manager, team->retry_ns / NS_PER_US);
}

/* What cannot be a member or be adopted now is the team's trouble as well, until that changes. */
static void note_refusals(struct team *team, const struct action_list *list)
{
	*team->trouble = '\0';
	team->retries = 0;
	for (unsigned int i = 0; i < list->count; i++) {
		const struct action *action = &list->actions[i];
		bool bond_missing = action->kind == ACTION_WAIT && !*action->device;

		if (action->kind == ACTION_REFUSE || bond_missing)
			(void)text_copy(team->trouble, sizeof(team->trouble), action->text);
	}
}

/* For who has asked: a step that failed, but not the whole of what was asked. */
static void tell_trouble(const char *team, const struct problem *problem, struct action_list *done)
{
	struct action action = {.kind = ACTION_WAIT, .slot = -1};

	(void)text_copy(action.team, sizeof(action.team), team);
	(void)text_copy(action.text, sizeof(action.text), problem->text);
	action_list_add(done, &action);
}

static int reconcile_team(struct manager *manager, const struct team_config *want, bool strict,
			  struct action_list *done, struct problem *problem)
{
	_cleanup_(action_list_done) struct action_list list = {};
	struct team *team = manager_team(manager, want->name);
	struct team_config before = team ? team->config : (struct team_config){};
	const struct team_config *running = team ? &before : NULL;
	struct problem mishap = {};
	int err;

	team = take_team(manager, want);
	if (!team)
		return problem_set(problem, -ENOMEM, "out of memory");
	err = take_over(manager, team, problem);
	if (err)
		return err;
	manager_plan_team(manager, want, running, &list);
	err = apply_list(manager, team, &list, strict, done, &mishap, problem);
	if (!err && *mishap.text) {
		note_trouble(manager, team, &mishap);
		tell_trouble(want->name, &mishap, done);
	} else if (!err) {
		note_refusals(team, &list);
	}
	return err;
}

/* Another device than the one that a step has failed for must not wait for that one. */
static void retry_at_once(struct manager *manager)
{
	for (unsigned int i = 0; i < manager->team_count; i++)
		manager->teams[i]->retry_ns = 0;
	host_retry_at_once(manager->host);
}

/* What the kernel tells, to the teams at once; what cannot be read now is read again soon. */
static int read_events(struct manager *manager, uint64_t seen_ns)
{
	struct observe_changes changes = {};
	int err = observe_read(&manager->observed, &changes);

	if (err)
		log_warning("reading the kernel's events: %s", strerror(-err));
	if (changes.links)
		update_teams(manager, seen_ns);
	if (changes.links && manager->store_valid)
		host_update(manager->host, &manager->store);
	if (changes.devices)
		retry_at_once(manager);
	if (err)
		schedule_reconcile(manager, seen_ns / NS_PER_US + OBSERVE_RETRY_US);
	else if (changes.links || changes.addresses)
		schedule_reconcile(manager, seen_ns / NS_PER_US + RECONCILE_DELAY_US);
	return err;
}

/* What no step of the plan tells of: members' paths (T14); with @all settings, or their order. */
static void settle_all(struct manager *manager, bool all)
{
	const struct link_table *links = &manager->observed.links;

	for (unsigned int i = 0; i < manager->team_count; i++)
		if (manager->teams[i]->datapath &&
		    (team_look_at_paths(manager->teams[i], links) || all))
			team_settle(manager->teams[i], links);
}

/* Files that are wrong wait for a reload; those that could not be read at the start do not. */
static bool read_again(struct manager *manager)
{
	if (!manager->store_error.unread)
		return false;
	manager->store_valid =
		!store_load(manager->store.directory, &manager->store, &manager->store_error);
	if (manager->store_valid)
		log_info("the configuration could be read now");
	return manager->store_valid;
}

static int reconcile_host(struct manager *manager, const struct store *before,
			  struct action_list *done, struct problem *problem)
{
	uint64_t again_ns;
	int err = host_reconcile(manager->host, &manager->store, before, done, &again_ns, problem);

	if (again_ns)
		schedule_reconcile(manager, again_ns / NS_PER_US);
	return err;
}

static void on_host_changed(void *data)
{
	schedule_reconcile(data, clock_now_ns() / NS_PER_US);
}

/* Each step has read events, which may be the teams': no failover waits for the last step. */
static void on_host_stepped(void *data)
{
	tell_watchdog(data);
	manager_wake(data);
}

/* As much as can be, but for what failed a moment ago; what fails is tried again. */
static void apply_possible(struct manager *manager, bool settle, struct action_list *done)
{
	uint64_t now_ns = clock_now_ns();
	struct problem left = {};

	if (remove_unwanted(manager, done, &left))
		log_warning("%s; it is tried again", left.text);
	for (uint32_t i = 0; i < manager->store.list.count; i++) {
		const struct team_config *want = &manager->store.list.teams[i];
		const struct team *team = manager_team(manager, want->name);
		struct problem problem = {};

		if (team && now_ns < team->retry_ns) {
			schedule_reconcile(manager, team->retry_ns / NS_PER_US);
			continue;
		}
		if (reconcile_team(manager, want, false, done, &problem))
			note_trouble(manager, manager_team(manager, want->name), &problem);
	}
	settle_all(manager, settle);
	update_teams(manager, now_ns);
	left = (struct problem){};
	if (reconcile_host(manager, NULL, done, &left))
		log_warning("%s; it is tried again", left.text);
}

/* Everything that is not as wanted. */
static int on_reconcile(sd_event_source *source, uint64_t at_us, void *data)
{
	_cleanup_(action_list_done) struct action_list done = {};
	struct manager *manager = data;
	uint64_t now_ns = clock_now_ns();
	bool read;

	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	schedule_reconcile(manager, now_ns / NS_PER_US + LOOK_US);
	if (manager->observed.stale && read_events(manager, now_ns))
		return 0;
	read = !manager->store_valid && read_again(manager);
	if (!manager->store_valid)
		return 0;
	for (unsigned int i = 0; i < manager->team_count; i++)
		team_look_at_silent(manager->teams[i], &manager->observed);
	apply_possible(manager, read, &done);
	return 0;
}

/* A team whose last step has failed, and that is wanted as it was @before. */
static bool is_left_broken(const struct manager *manager, const struct store *before,
			   const char *name)
{
	const struct store_object object = {CONFIG_TEAM, name};
	const struct team *team = manager_team(manager, name);
	struct config_object was, is;

	return team && team->retries && store_get(before, object, &was) &&
	       store_get(&manager->store, object, &is) && config_object_equal(&was, &is);
}

/* A command fails by a team that it changes, or that was in order: not by one that it finds broken. */
static int apply_team(struct manager *manager, const struct store *before,
		      const struct team_config *want, struct action_list *done,
		      struct problem *problem)
{
	struct problem left = {};

	if (!is_left_broken(manager, before, want->name))
		return reconcile_team(manager, want, true, done, problem);
	if (reconcile_team(manager, want, false, done, &left)) {
		note_trouble(manager, manager_team(manager, want->name), &left);
		tell_trouble(want->name, &left, done);
	}
	return 0;
}

static int apply_store(struct manager *manager, const struct store *before,
		       struct action_list *done, struct problem *problem)
{
	int err = remove_unwanted(manager, done, problem);

	for (uint32_t i = 0; !err && i < manager->store.list.count; i++)
		err = apply_team(manager, before, &manager->store.list.teams[i], done, problem);
	settle_all(manager, true);
	update_teams(manager, clock_now_ns());
	return err ? err : reconcile_host(manager, before, done, problem);
}

void manager_go_back(struct manager *manager, const struct store *before,
		     const struct handover *handover, struct action_list *actions)
{
	manager->context.handover = NULL;
	handover_unland(handover, &manager->context);
	/* What runs came from files that could not be read: an empty state would remove it. */
	if (!before->unknown) {
		store_copy(&manager->store, before);
		/* Twice: what is left for later takes devices down, and with them what is put back. */
		for (int i = 0; i < 2; i++) {
			retry_at_once(manager);
			apply_possible(manager, true, actions);
		}
	}
	handover_restore(handover, &manager->context);
	update_teams(manager, clock_now_ns()); /* it has read events */
}

int manager_apply(struct manager *manager, const struct store *store, struct action_list *actions,
		  struct problem *problem)
{
	_cleanup_(store_freep) struct store *before = store_new();
	_cleanup_(action_list_done) struct action_list undone = {};
	int err;

	if (!before)
		return problem_set(problem, -ENOMEM, "out of memory");
	store_copy(before, &manager->store);
	store_copy(&manager->store, store);
	manager->store_valid = true;
	err = apply_store(manager, before, actions, problem);
	if (!err)
		err = handover_give(manager->context.handover, &manager->context, problem);
	update_teams(manager, clock_now_ns());
	if (!err) {
		manager->applied++;
		return 0;
	}
	log_warning("%s; going back to the configuration before", problem->text);
	manager_go_back(manager, before, manager->context.handover, &undone);
	return err;
}

/* --- events --- */

static int on_netlink(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	(void)read_events(data, clock_now_ns());
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t at_us, void *data)
{
	update_teams(data, clock_now_ns());
	return 0;
}

static int listen_events(struct manager *manager)
{
	int err =
		sd_event_add_io(manager->loop, &manager->events,
				netlink_fd(manager->observed.events), EPOLLIN, on_netlink, manager);

	if (err >= 0)
		err = sd_event_source_set_priority(manager->events, SD_EVENT_PRIORITY_IMPORTANT);
	if (err >= 0)
		err = sd_event_add_time(manager->loop, &manager->deadline, CLOCK_MONOTONIC, 0, 1,
					on_deadline, manager);
	if (err >= 0)
		err = sd_event_source_set_priority(manager->deadline, SD_EVENT_PRIORITY_IMPORTANT);
	if (err >= 0)
		err = sd_event_source_set_enabled(manager->deadline, SD_EVENT_OFF);
	if (err >= 0)
		err = sd_event_add_time(manager->loop, &manager->reconcile, CLOCK_MONOTONIC, 0, 1,
					on_reconcile, manager);
	return err < 0 ? err : 0;
}

/* --- life --- */

/* A team that an earlier run has left: known by its pins, whatever the configuration says. */
static int adopt_team(const char *name, void *data)
{
	struct manager *manager = data;
	const struct team_config *want = team_list_find(&manager->store.list, name);
	struct team_config unwanted;
	struct problem problem = {};
	struct team *team;

	if (manager->team_count == TEAMS_MAX)
		return 0;
	config_defaults(&unwanted);
	if (!want && text_copy(unwanted.name, sizeof(unwanted.name), name))
		return 0;
	team = team_new(want ? want : &unwanted);
	if (!team)
		return -ENOMEM;
	if (team_adopt(team, &manager->context, &problem)) {
		log_warning("%s: %s", name, problem.text);
		team_free(team);
		return 0;
	}
	log_info("%s: taken over as it runs", name);
	manager->teams[manager->team_count++] = team;
	return 0;
}

static void load_store(struct manager *manager, const char *config)
{
	manager->store.directory = config;
	manager->store_valid = !store_load(config, &manager->store, &manager->store_error);
	manager->store.unknown = !manager->store_valid;
	if (!manager->store_valid)
		log_error("%s/%s:%u: %s; nothing is changed until this is mended (iovteam reload)",
			  config, manager->store_error.file, manager->store_error.line,
			  manager->store_error.text);
}

int manager_start(struct manager *manager, const char *config, const char *pins,
		  struct problem *problem)
{
	struct handover *unconfirmed_devices;
	json_t *unconfirmed, *late = NULL;
	int err = datapath_try(problem);

	if (!err)
		err = team_context_open(&manager->context, &manager->observed, manager->loop, pins,
					problem);
	if (err)
		return err;
	manager->context.manager = manager;
	unconfirmed = pending_recover_files(config, &late);
	load_store(manager, config);
	err = datapath_each(pins, adopt_team, manager);
	if (err)
		return problem_set(problem, err, "cannot read %s: %s", pins, strerror(-err));
	/* After the teams, which wait for nothing: it loads a program for each filter. */
	err = host_open(&manager->context, manager->libvirt,
			&(struct host_listener){on_host_changed, on_host_stepped, manager},
			&manager->host, problem);
	if (err)
		return err;
	err = listen_events(manager);
	if (err)
		return problem_set(problem, err, "cannot listen: %s", strerror(-err));
	if (manager->store_valid)
		settle_all(manager, true);
	unconfirmed_devices = pending_recover_begin(manager, unconfirmed);
	(void)on_reconcile(manager->reconcile, 0, manager);
	if (unconfirmed) { /* once more, as in manager_go_back() */
		retry_at_once(manager);
		(void)on_reconcile(manager->reconcile, 0, manager);
	}
	pending_recover_end(manager, unconfirmed, unconfirmed_devices, late);
	return 0;
}

void manager_stop(struct manager *manager)
{
	pending_leave(manager);
	sd_event_source_unref(manager->events);
	sd_event_source_unref(manager->deadline);
	sd_event_source_unref(manager->reconcile);
	while (manager->team_count)
		drop_team(manager, manager->team_count - 1);
	host_close(manager->host);
	observe_close(&manager->observed);
	team_context_close(&manager->context);
}
