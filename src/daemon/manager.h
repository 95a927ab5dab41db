/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observe, decide, apply (C2): holds what is observed and what is wanted, and makes them equal.
 *
 * Events of the kernel reach the teams at once (the fast path, daemon/team.h); comparing
 * everything with the configuration follows a moment later, once for many events.
 */
#pragma once

#include "daemon/host.h"
#include "daemon/store.h"
#include "daemon/team.h"

#include <systemd/sd-event.h>

struct events;
struct pending;

struct manager {
	sd_event *loop;
	sd_event_source *events;    /* netlink */
	sd_event_source *deadline;  /* the next stable time's end */
	sd_event_source *reconcile; /* compare and apply */
	struct observed observed;
	struct team_context context;
	struct store store; /* what is wanted */
	bool store_valid;   /* false: the files do not parse; nothing is changed until they do */
	struct config_error store_error;
	unsigned int applied; /* configurations, since the start */
	const char *libvirt;  /* the program that speaks with it, NULL: there is none */
	struct host *host;
	struct events *monitors; /* who is told of changes */
	struct pending *pending; /* a change that waits to be confirmed, mostly NULL */
	struct team *teams[TEAMS_MAX];
	unsigned int team_count;
};

/* Observe, adopt what an earlier run has left, apply the configuration, and listen. */
int manager_start(struct manager *manager, const char *config, const char *pins,
		  struct problem *problem);

/* Stop listening; the teams go on in the kernel. */
void manager_stop(struct manager *manager);

struct team *manager_team(const struct manager *manager, const char *name);

/* Append what would be done to reach @list from what is observed; nothing is done. */
void manager_plan(const struct manager *manager, const struct team_list *list,
		  struct action_list *actions);

/* Of one team; @running: the settings that it has had until now, NULL if there is none. */
void manager_plan_team(const struct manager *manager, const struct team_config *want,
		       const struct team_config *running, struct action_list *actions);

/* Something was done by hand: look at the teams again, and arm their deadlines. */
void manager_wake(struct manager *manager);

/*
 * Make @store the wanted state and apply it; on failure go back to the one before. What was done
 * is appended to @actions.
 */
int manager_apply(struct manager *manager, const struct store *store, struct action_list *actions,
		  struct problem *problem);

/* Make @before the wanted state again, with the addresses and routes that @handover has noted. */
void manager_go_back(struct manager *manager, const struct store *before,
		     const struct handover *handover, struct action_list *actions);
