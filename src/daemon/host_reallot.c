// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * H4, "unless asked": the VFs of a NIC are dealt anew, the heaviest adapters first, whoever has one.
 * That is asked once. It is remembered of the NIC until each VF is where it belongs, since taking one
 * from a guest takes its time; a daemon that is restarted meanwhile leaves the others where they are.
 */
#include "daemon/host_private.h"

#include "base/cleanup.h"
#include "daemon/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who has which VF of one switch's NIC, and who shall. */
struct deal {
	const struct store *store;
	const struct switch_config *sw;
	const struct link *nic;
	int got[VMS_MAX][VM_ADAPTERS_MAX], held[VMS_MAX][VM_ADAPTERS_MAX];
};

static bool is_on(const struct deal *deal, uint32_t vm, uint32_t place)
{
	return strcmp(deal->store->vms.vms[vm].adapters[place].switch_name, deal->sw->name) == 0;
}

/* The adapter that has @vf in @of, "web1/nicA (iov-weight 10)"; false: none has. */
static bool holder_of(const struct deal *deal, int (*of)[VM_ADAPTERS_MAX], int vf, char *ret_text,
		      size_t size)
{
	for (uint32_t i = 0; i < deal->store->vms.count; i++)
		for (uint32_t j = 0; j < deal->store->vms.vms[i].adapter_count; j++) {
			const struct vm_config *vm = &deal->store->vms.vms[i];

			if (!is_on(deal, i, j) || of[i][j] != vf)
				continue;
			(void)snprintf(ret_text, size, "%s/%s (iov-weight %u)", vm->name,
				       vm->adapters[j].name, vm->adapters[j].iov_weight);
			return true;
		}
	return false;
}

static void say_move(struct deal *deal, int vf, struct action_list *actions)
{
	char from[HOST_TEXT_SIZE / 3], to[HOST_TEXT_SIZE / 3];
	bool was = holder_of(deal, deal->held, vf, from, sizeof(from));
	bool is = holder_of(deal, deal->got, vf, to, sizeof(to));
	struct action action = {.kind = ACTION_HOST,
				.word = "vf-reallot",
				.slot = -1,
				.ifindex = deal->nic->ifindex};

	if ((!was && !is) || (was && is && strcmp(from, to) == 0))
		return;
	(void)snprintf(action.device, sizeof(action.device), "%s", deal->sw->name);
	if (was && is)
		(void)snprintf(action.text, sizeof(action.text),
			       "VF %d of %s is taken from %s, which keeps its synthetic path, for "
			       "%s",
			       vf, deal->nic->name, from, to);
	else
		(void)snprintf(action.text, sizeof(action.text), "VF %d of %s is %s %s", vf,
			       deal->nic->name, was ? "taken from" : "for", was ? from : to);
	action_list_add(actions, &action);
}

static void deal_switch(const struct store *store, struct host_seen *seen, uint32_t place,
			struct deal *deal, struct action_list *actions)
{
	const struct host_config want = host_want(store);

	deal->store = store;
	deal->sw = &store->switches.switches[place];
	deal->nic = host_nic(deal->sw, seen->view.links);
	seen->nics[place].again = true;
	host_allot(&want, &seen->view, place, deal->got, deal->held);
	for (size_t vf = 0; vf < seen->nics[place].vfs.count && vf < HOST_VFS_MAX; vf++)
		say_move(deal, (int)vf, actions);
}

static int admit(struct host *host, const struct switch_config *sw, const struct host_seen *seen,
		 uint32_t place, struct problem *problem)
{
	if (!host_nic(sw, &host->context->observed->links))
		return problem_set(problem, -ENODEV, "there is no NIC %s", sw->nic);
	if (seen->nics[place].busy)
		return problem_set(problem, -EBUSY,
				   "VFs of %s are being made, given or taken; ask again when that "
				   "is done",
				   sw->name);
	if (!seen->nics[place].vfs.count)
		return problem_set(problem, -ENODEV,
				   "%s has no VFs to deal; iovteam switch show %s says why",
				   sw->nic, sw->name);
	return 0;
}

int host_reallot(struct host *host, const struct store *store, const char *sw, bool dry,
		 struct action_list *actions, struct problem *problem)
{
	const struct switch_config *config =
		switch_list_find((struct switch_list *)&store->switches, sw);
	_cleanup_free_ struct deal *deal = calloc(1, sizeof(*deal));
	_cleanup_free_ struct host_seen *seen = calloc(1, sizeof(*seen));
	uint32_t place = (uint32_t)(config - store->switches.switches);
	struct host_nic_memory *memory;
	int err;

	if (!deal || !seen)
		return problem_set(problem, -ENOMEM, "out of memory");
	err = host_observe(host, store, seen, problem);
	if (err)
		return err;
	err = admit(host, config, seen, place, problem);
	if (!err)
		deal_switch(store, seen, place, deal, actions);
	if (!err && !dry && actions->count) {
		memory = host_remember_nic(host, sw, deal->nic->ifindex);
		if (memory)
			memory->again = true;
		err = memory ? 0 : problem_set(problem, -ENOMEM, "out of memory");
	}
	host_seen_done(seen);
	if (!err && !dry)
		host->changed(host->data);
	return err;
}

void host_give_up_reallot(struct host *host, const struct host_step *step)
{
	struct host_nic_memory *memory = host_nic_memory(host, host_step_switch(step));

	if (!memory || !memory->again || step->kind < HOST_VF_MAC || step->kind > HOST_VF_MOVE)
		return;
	log_warning("%s: the VFs are not dealt any further; ask again when that is mended",
		    memory->sw);
	memory->again = false;
}

/* All that could be moved has been. */
void host_end_reallot(struct host *host, const struct store *store, const struct host_seen *seen)
{
	_cleanup_free_ struct deal *deal = calloc(1, sizeof(*deal));
	const struct host_config want = host_want(store);

	for (uint32_t i = 0; deal && i < store->switches.count; i++) {
		struct host_nic_memory *memory =
			host_nic_memory(host, store->switches.switches[i].name);

		if (!memory || !memory->again || seen->nics[i].busy)
			continue;
		host_allot(&want, &seen->view, i, deal->got, deal->held);
		memory->again = memcmp(deal->got, deal->held, sizeof(deal->got)) != 0;
	}
}
