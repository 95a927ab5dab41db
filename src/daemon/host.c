// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/host_private.h"

#include "base/strings.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/worker.h"
#include "kernel/rtnl_bridge.h"
#include "kernel/rtnl_link.h"

#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 32  /* of planning and applying, at once … */
#define HELD_ROUNDS 16 /* … and those of a command in which removals are held back */
#define RETRY_FIRST_NS (1000 * NS_PER_MS)
#define RETRY_DOUBLINGS 5

/* --- what failed --- */

const struct host_trouble *host_trouble_of(const struct host *host, const char *object)
{
	for (size_t i = 0; i < host->trouble_count; i++)
		if (strcmp(host->troubles[i].object, object) == 0)
			return &host->troubles[i];
	return NULL;
}

static struct host_trouble *new_trouble(struct host *host, const char *object)
{
	struct host_trouble *troubles =
		reallocarray(host->troubles, host->trouble_count + 1, sizeof(*troubles));

	if (!troubles)
		return NULL;
	host->troubles = troubles;
	troubles += host->trouble_count++;
	*troubles = (struct host_trouble){.first_ns = clock_now_ns()};
	(void)text_copy(troubles->object, sizeof(troubles->object), object);
	return troubles;
}

/* Tried again ever more seldom: never at the pace of our own events. */
void host_note_trouble(struct host *host, const char *object, const char *text)
{
	struct host_trouble *trouble = (struct host_trouble *)host_trouble_of(host, object);
	unsigned int doublings;

	if (!trouble)
		trouble = new_trouble(host, object);
	if (!trouble)
		return;
	doublings = trouble->retries < RETRY_DOUBLINGS ? trouble->retries : RETRY_DOUBLINGS;
	if (strcmp(trouble->text, text) != 0)
		log_warning("%s: %s; it is tried again", object, text);
	(void)text_copy(trouble->text, sizeof(trouble->text), text);
	trouble->noted_ns = clock_now_ns();
	trouble->retry_ns = trouble->noted_ns + (RETRY_FIRST_NS << doublings);
	trouble->retries++;
}

static void forget_trouble(struct host *host, const char *object)
{
	struct host_trouble *trouble = (struct host_trouble *)host_trouble_of(host, object);

	if (trouble)
		*trouble = host->troubles[--host->trouble_count];
}

void host_retry_at_once(struct host *host)
{
	for (size_t i = 0; i < host->trouble_count; i++)
		host->troubles[i].retry_ns = 0;
}

/* What was due at @since_ns has had its turn, or nothing acts on it now: an event or a look will. */
static uint64_t next_retry(const struct host *host, uint64_t since_ns)
{
	uint64_t first = 0;

	for (size_t i = 0; i < host->trouble_count; i++) {
		uint64_t retry_ns = host->troubles[i].retry_ns;

		if (retry_ns > since_ns && (!first || retry_ns < first))
			first = retry_ns;
	}
	return first;
}

/* Of a NIC that is busy nothing is planned: whether its objects lack anything is not known. */
static bool is_busy(struct host *host, const struct store *store, const char *object)
{
	const struct adapter_config *adapter = host_adapter_of(store, object);
	const struct host_nic_memory *nic =
		host_nic_memory(host, adapter ? adapter->switch_name : object);

	return nic && nic->busy;
}

/*
 * Who lacks nothing that could be tried has no trouble any more, but for what this look itself has
 * met.
 */
static void settle_troubles(struct host *host, const struct store *store,
			    const struct host_steps *steps, uint64_t since_ns)
{
	for (size_t i = host->trouble_count; i-- > 0;) {
		const char *object = host->troubles[i].object;
		bool lacks = host->troubles[i].noted_ns >= since_ns || is_busy(host, store, object);

		for (size_t j = 0; j < steps->count; j++)
			lacks |= host_step_acts(&steps->steps[j]) &&
				 strcmp(steps->steps[j].object, object) == 0;
		if (!lacks)
			forget_trouble(host, object);
	}
}

/* --- comparing and applying --- */

static void add_action(struct action_list *actions, const struct host_step *step)
{
	struct action action = {
		.kind = step->kind == HOST_WAIT	    ? ACTION_WAIT
			: step->kind == HOST_REFUSE ? ACTION_REFUSE
						    : ACTION_HOST,
		.word = host_step_names[step->kind],
		.slot = -1,
		.ifindex = step->ifindex,
	};

	(void)text_copy(action.device, sizeof(action.device), step->object);
	(void)text_copy(action.text, sizeof(action.text), step->text);
	action_list_add(actions, &action);
}

/* @in_force: @store is, so that what is seen of it is noted. */
static int plan(struct host *host, const struct store *store, bool in_force,
		struct host_steps *steps, struct problem *problem)
{
	const struct host_config want = host_want(store);
	struct host_seen *seen = calloc(1, sizeof(*seen));
	int err = seen ? 0 : problem_set(problem, -ENOMEM, "out of memory");

	if (!err)
		err = host_observe(host, store, seen, problem);
	if (!err) {
		if (in_force) {
			host_end_reallot(host, store, seen);
			host_note_vfs(host, store, seen);
			host_note_filters(host, store, seen);
		}
		host_plan(&want, &seen->view, steps);
		if (in_force)
			host_note_given(host, store, seen);
		host_seen_done(seen);
	}
	if (!err && steps->incomplete)
		err = problem_set(problem, -ENOMEM, "out of memory");
	free(seen);
	return err;
}

void host_show_plan(struct host *host, const struct store *store, struct action_list *actions)
{
	struct host_steps steps = {};

	if (!host_has_work(host, store) || plan(host, store, false, &steps, NULL)) {
		host_steps_done(&steps);
		return;
	}
	for (size_t i = 0; i < steps.count; i++)
		add_action(actions, &steps.steps[i]);
	host_steps_done(&steps);
}

struct pass {
	struct host *host;
	const struct store *store, *before; /* NULL: no command asks for it */
	uint64_t begun_ns;
	struct action_list *actions;
	bool acted;
	bool held;		       /* removals wait */
	uint64_t since_ns;	       /* this round's begin */
	char failed[HOST_OBJECT_SIZE]; /* of this object no more steps are done in this round */
};

/* Of an object whose last step failed a moment ago nothing is tried now. */
static bool must_wait(const struct pass *pass, const struct host_step *step)
{
	const struct host_trouble *trouble = host_trouble_of(pass->host, step->object);

	if (strcmp(pass->failed, step->object) == 0)
		return true;
	return !pass->before && trouble && clock_now_ns() < trouble->retry_ns;
}

/* A command fails by what it changes, and by what was in order: not by what it finds broken. */
static bool must_succeed(const struct pass *pass, const struct host_step *step)
{
	const struct host_trouble *trouble = host_trouble_of(pass->host, step->object);

	if (!pass->before || step->upkeep)
		return false;
	return !trouble || trouble->first_ns >= pass->begun_ns ||
	       host_is_changed(pass->before, pass->store, step->object);
}

static int do_step(struct pass *pass, const struct host_step *step, struct problem *problem)
{
	struct problem mishap = {};
	int err;

	if (!host_step_acts(step) || must_wait(pass, step))
		return 0;
	log_info("%s: %s", step->object, step->text);
	add_action(pass->actions, step);
	err = host_apply(pass->host, step, &mishap);
	pass->host->stepped(pass->host->data);
	if (!err) {
		pass->acted = true;
		return 0;
	}
	(void)problem_set(&mishap, err, "%s", strerror(-err));
	host_give_up_reallot(pass->host, step);
	if (must_succeed(pass, step))
		return problem_set(problem, err, "%s", mishap.text);
	host_note_trouble(pass->host, step->object, mishap.text);
	(void)text_copy(pass->failed, sizeof(pass->failed), step->object);
	return 0;
}

/* For who has asked: what is still not as wanted once nothing more can be done. */
static void tell_waiting(struct pass *pass, const struct host_steps *steps)
{
	for (size_t i = 0; pass->before && i < steps->count; i++)
		if (!host_step_acts(&steps->steps[i]))
			add_action(pass->actions, &steps->steps[i]);
}

/* If nothing is held back, all turns are one. */
static int do_turn(struct pass *pass, const struct host_steps *steps, enum host_turn turn,
		   struct problem *problem)
{
	int err = 0;

	for (size_t i = 0; !err && i < steps->count; i++)
		if (!pass->held || steps->steps[i].turn == turn)
			err = do_step(pass, &steps->steps[i], problem);
	return err;
}

/* One look, and what follows from it. */
static int run_round(struct pass *pass, struct problem *problem)
{
	struct host_steps steps = {};
	int err;

	pass->since_ns = clock_now_ns();
	pass->acted = false;
	err = plan(pass->host, pass->store, true, &steps, problem);
	for (int turn = 0; !err && !pass->acted && turn < (pass->held ? HOST_TURN_COUNT : 1);
	     turn++)
		err = do_turn(pass, &steps, turn, problem);
	if (!err && !pass->acted)
		tell_waiting(pass, &steps);
	if (!err)
		settle_troubles(pass->host, pass->store, &steps, pass->since_ns);
	host_steps_done(&steps);
	return err;
}

/* Whom each look tells; and that something may have changed, for who compares. */
static void tell_all(struct host *host, const struct store *store)
{
	host_watch_uplinks(host, store);
	host_tell_guests(host, store);
	host->changes++;
}

/* Nothing is wanted, and nothing is there: what failed before is no trouble any more. */
static void rest(struct host *host, const struct store *store)
{
	static const struct host_steps none = {};

	settle_troubles(host, store, &none, clock_now_ns());
	tell_all(host, store);
}

int host_reconcile(struct host *host, const struct store *store, const struct store *before,
		   struct action_list *actions, uint64_t *ret_again_ns, struct problem *problem)
{
	struct pass pass = {
		.host = host,
		.store = store,
		.before = before,
		.begun_ns = clock_now_ns(),
		.actions = actions,
		.acted = true,
	};
	int err = 0;

	*ret_again_ns = 0;
	if (!host_has_work(host, store)) {
		rest(host, store);
		return 0;
	}
	for (int i = 0; !err && pass.acted && i < ROUNDS_MAX; i++) {
		pass.held = before && i < HELD_ROUNDS;
		err = run_round(&pass, problem);
	}
	if (!err)
		host_forget_nics(host, store);
	tell_all(host, store);
	*ret_again_ns = next_retry(host, pass.since_ns);
	return err;
}

/* --- the fast path --- */

struct update {
	struct host *host;
	struct host_view view; /* links, and VLANs once they were asked for */
	struct bridge_vlan *vlans;
	bool asked;
};

/* VLANs have no event that is listened to: the kernel is asked, once for all ports. */
static bool may_be_up(struct update *update, const struct vm_config *vm,
		      const struct adapter_config *adapter, const struct link *port)
{
	const struct host_guard *guard = host_guard_of(update->host, port->name);
	bool filtered = guard && guard->ifindex == port->ifindex && guard_attached(guard->guard);

	if (!update->asked)
		(void)rtnl_bridge_dump_vlans(update->host->context->observed->requests,
					     &update->vlans, &update->view.vlan_count);
	update->asked = true;
	update->view.vlans = update->vlans;
	return host_port_is_ready(vm, adapter, port, filtered ? &guard->rules : NULL,
				  &update->view);
}

static void update_adapter(struct update *update, const struct switch_config *sw,
			   const struct vm_config *vm, const struct adapter_config *adapter)
{
	struct observed *observed = update->host->context->observed;
	const struct link *port;
	bool up = !host_is_cut_off(adapter, sw, &observed->links);

	if (!*vm->netns || !adapter->allow_teaming)
		return;
	port = host_port_link(vm, adapter, &observed->links);
	if (port && port->master && up != !!(port->flags & IFF_UP) &&
	    (!up || may_be_up(update, vm, adapter, port)))
		(void)rtnl_link_set_up(observed->requests, port->ifindex, up, NULL);
}

void host_update(struct host *host, const struct store *store)
{
	struct update update = {.host = host, .view.links = &host->context->observed->links};

	for (uint32_t i = 0; i < store->vms.count; i++) {
		const struct vm_config *vm = &store->vms.vms[i];

		for (uint32_t j = 0; j < vm->adapter_count; j++) {
			const struct adapter_config *adapter = &vm->adapters[j];
			const struct switch_config *sw = switch_list_find(
				(struct switch_list *)&store->switches, adapter->switch_name);

			if (sw)
				update_adapter(&update, sw, vm, adapter);
		}
	}
	free(update.vlans);
	host_tell_guests(host, store);
	host->changes++;
}

/* --- life --- */

/* A filter that an earlier run has left is known by its pin; the rules in force are not. */
static int find_guard(const char *name, void *data)
{
	static const struct guard_rules none = {};
	struct host *host = data;
	struct problem problem = {};
	char port[LINK_NAME_SIZE];
	int err;

	if (text_copy(port, sizeof(port), name))
		return 0;
	for (char *c = port; *c; c++)
		if (*c == ':')
			*c = '.';
	err = host_take_guard(host, port, &none, &problem);
	if (err)
		log_warning("the filter of %s cannot be taken over: %s", port, problem.text);
	else
		host_guard_of(host, port)->was_up = true;
	return err == -ENOMEM ? err : 0;
}

int host_open(const struct team_context *context, const char *libvirt,
	      const struct host_listener *listener, struct host **ret_host, struct problem *problem)
{
	struct host *host = calloc(1, sizeof(*host));
	int err;

	if (!host)
		return problem_set(problem, -ENOMEM, "out of memory");
	host->context = context;
	host->libvirt = libvirt;
	host->changed = listener->changed;
	host->stepped = listener->stepped;
	host->data = listener->data;
	(void)snprintf(host->guard_pins, sizeof(host->guard_pins), "%s-guard", context->pins);
	err = worker_open(context->loop, &host->worker);
	if (!err)
		err = guard_each(host->guard_pins, find_guard, host);
	if (err) {
		host_close(host);
		return problem_set(problem, err, "cannot take over the ports' filters: %s",
				   strerror(-err));
	}
	*ret_host = host;
	return 0;
}

void host_close(struct host *host)
{
	if (!host)
		return;
	worker_close(host->worker);
	host_uplinks_done(host);
	host_guests_done(host);
	host_domains_done(host);
	for (size_t i = 0; i < host->guard_count; i++)
		guard_close(host->guards[i].guard);
	for (size_t i = 0; i < host->nic_count; i++)
		free(host->nics[i].put);
	free(host->guards);
	free(host->troubles);
	free(host->holdings);
	free(host->vfs);
	free(host->told);
	free(host);
}
