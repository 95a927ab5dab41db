/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of the daemon: switches, adapters and VFs (SPEC H). It observes what the kernel
 * has of them, lets core/host_plan decide, and carries that out.
 *
 * What is here outlives no restart and need not: what it was is read back from the devices. Slow
 * steps (making VFs, changing a VF's driver) go to a worker; the plan leaves that NIC's VFs alone
 * meanwhile, and goes on when it is done.
 */
#pragma once

#include "core/host_plan.h"
#include "daemon/store.h"
#include "daemon/team.h"

#include <jansson.h>

struct host;

/*
 * What it tells the rest of the daemon. Changed: a slow step is done, or a guest has answered, so
 * compare again. Stepped: a step of many is done; what cannot wait for the last is done now.
 */
struct host_listener {
	void (*changed)(void *data), (*stepped)(void *data);
	void *data;
};

/*
 * @libvirt is the program that speaks with libvirt, NULL: there is none. Errors of the kernel's;
 * the problem says which.
 */
int host_open(const struct team_context *context, const char *libvirt,
	      const struct host_listener *listener, struct host **ret_host,
	      struct problem *problem);

/* Let go; all goes on in the kernel. NULL is fine. */
void host_close(struct host *host);

/*
 * H5 b, the fast path: links have changed. Adapters whose uplink is lost are disconnected, those
 * whose uplink is back are connected if their port is in order, before anything is compared.
 */
void host_update(struct host *host, const struct store *store);

/*
 * Make all as @store says. What was done is appended to @actions. With @before, a command changes
 * that to @store: what cannot be done now is appended, too, and the first step that fails is the
 * error, unless it is upkeep, or of an object that had failed before and that the command leaves as
 * it is. What else fails is tried again ever more seldom.
 * Returns 0 or the error; *ret_again_ns is when something is to be tried again, 0 = never.
 */
int host_reconcile(struct host *host, const struct store *store, const struct store *before,
		   struct action_list *actions, uint64_t *ret_again_ns, struct problem *problem);

/* What would be done first to reach @store. Nothing is done. */
void host_show_plan(struct host *host, const struct store *store, struct action_list *actions);

/*
 * May a command go from @before to @after? What is new must be possible now: a missing NIC is
 * refused where @commanded (NULL: nothing in particular) is its switch. The sentence begins with the
 * file of what is refused, unless that is @commanded.
 */
int host_check(struct host *host, const struct store *before, const struct store *after,
	       const struct store_object *commanded, struct problem *problem);

/*
 * H4: deal the VFs of the switch @sw, which is there, anew; whoever has one that is ours may lose it
 * to a heavier adapter. What that means is appended to @actions; unless @dry, the next comparison
 * begins it. -EBUSY: its VFs are being changed; -ENODEV: it has none.
 */
int host_reallot(struct host *host, const struct store *store, const char *sw, bool dry,
		 struct action_list *actions, struct problem *problem);

/* Takes ownership of @event: "event", "team" "", and what belongs to it. */
typedef void (*host_event_found)(void *data, json_t *event);

/* T20: call @found for each change since the last call. */
void host_tell_changes(struct host *host, const struct store *store, host_event_found found,
		       void *data);

/* Another device has come: what failed for want of it need not wait. */
void host_retry_at_once(struct host *host);
