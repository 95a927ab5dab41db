// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/datapath.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "datapath/attach.h"
#include "datapath/carrier.h"
#include "datapath/carry.h"
#include "datapath/member.skel.h"
#include "datapath/pins.h"
#include "datapath/team.skel.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

struct datapath {
	char directory[PATH_MAX];
	int team_ifindex;
	struct carrier *carrier; /* may be NULL */
	struct team_bpf *team;
	struct member_bpf *members[PICK_SLOTS];
};

/* The maps that are pinned: those that hold state. Constants are of each load. */
static const char *const pinned_maps[] = {
	".data.state", ".data.deal",   ".data.hold", ".data.drops",
	".data.notes", ".data.probes", "stations",
};

static bool is_pinned_map(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return name_lookup(pinned_maps, ARRAY_SIZE(pinned_maps), name) >= 0;
}

static int member_pin_path(const struct datapath *datapath, unsigned slot, const char *direction,
			   char *path)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "member%u_%s", slot, direction);
	return pins_path(datapath->directory, name, path);
}

/* Where a map waits that will take the place of an earlier layout's. */
static int next_path(const char *path, char *next)
{
	int length = snprintf(next, PATH_MAX, "%s_next", path);

	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Whenever we die, there is a map under the pin that is whole. */
static int choose_place(char *path, struct bpf_map *map, bool may_carry)
{
	char next[PATH_MAX];
	int err;

	if (!may_carry || !carry_map(path, map)) {
		pins_discard_unfit(path, map);
		return bpf_map__set_pin_path(map, path);
	}
	err = next_path(path, next);
	if (err)
		return err;
	(void)unlink(next); /* of one that has died in between */
	return bpf_map__set_pin_path(map, next);
}

static int pin_maps(const struct datapath *datapath, struct bpf_object *object, bool may_carry)
{
	struct bpf_map *map;
	char path[PATH_MAX];
	int err;

	bpf_object__for_each_map(map, object)
	{
		if (!is_pinned_map(map))
			continue;
		err = pins_map_path(datapath->directory, map, path);
		if (err)
			return err;
		err = choose_place(path, map, may_carry);
		if (err)
			return err;
	}
	return 0;
}

/* The maps are whole now: those that wait beside an earlier one replace it. */
static int replace_maps(const struct datapath *datapath)
{
	struct bpf_map *map;
	char path[PATH_MAX], next[PATH_MAX];
	int err;

	bpf_object__for_each_map(map, datapath->team->obj)
	{
		if (!is_pinned_map(map))
			continue;
		err = pins_map_path(datapath->directory, map, path);
		if (!err)
			err = next_path(path, next);
		if (err)
			return err;
		if (rename(next, path) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int team_load(struct datapath *datapath)
{
	char state[PATH_MAX];
	int err;

	datapath->team = team_bpf__open();
	if (!datapath->team)
		return -errno;
	err = pins_map_path(datapath->directory, datapath->team->maps.data_state, state);
	if (!err)
		err = pin_maps(datapath, datapath->team->obj, carry_possible(state));
	if (!err)
		err = team_bpf__load(datapath->team);
	return err ? err : replace_maps(datapath);
}

/* What maps of another layout hold means something else. Fresh ones are zero already. */
static void clear_maps(struct datapath *datapath, uint64_t netns)
{
	const struct team_bpf *team = datapath->team;

	memset(team->data_deal, 0, sizeof(*team->data_deal));
	memset(team->data_hold, 0, sizeof(*team->data_hold));
	memset(team->data_drops, 0, sizeof(*team->data_drops));
	memset(team->data_notes, 0, sizeof(*team->data_notes));
	memset(team->data_probes, 0, sizeof(*team->data_probes));
	team->data_state->state = (struct pick_state){.layout = PICK_LAYOUT, .netns = netns};
}

/* Fresh maps are all zero; an adopted one must be of a layout that we know and our namespace. */
static int state_take(struct datapath *datapath, uint64_t netns, bool *ret_adopted)
{
	struct pick_state *state = datapath_state(datapath);
	bool adopted = state->layout >= PICK_LAYOUT_OLDEST && state->layout <= PICK_LAYOUT;

	if (adopted && state->netns != netns)
		return -EBUSY;
	if (!adopted)
		clear_maps(datapath, netns);
	state->layout = PICK_LAYOUT;
	*ret_adopted = adopted;
	return 0;
}

static int explain_open(int err, const char *directory, struct problem *problem)
{
	char text[128];

	switch (err) {
	case -EPERM:
		return problem_set(problem, err,
				   "loading BPF programs needs root (CAP_BPF and CAP_NET_ADMIN)");
	case -EACCES:
		return problem_set(problem, err,
				   "the kernel's verifier refuses the programs of %s; iovteamd "
				   "--verbose says why",
				   directory);
	case -EBUSY:
		return problem_set(problem, err,
				   "%s belongs to a team of another network namespace; "
				   "give each namespace a --bpffs of its own",
				   directory);
	default:
		return problem_set(problem, err, "cannot load the programs of %s: %s", directory,
				   pins_error_text(err, text, sizeof(text)));
	}
}

/*
 * libbpf asks the kernel once what it can, and takes a failure for a no: maps that are not mapped
 * into our memory would be used all the same.
 */
int datapath_try(struct problem *problem)
{
	struct team_bpf *team = team_bpf__open_and_load();
	int err = 0;

	if (!team)
		err = explain_open(-errno, "iovteamd", problem);
	else if (!team->data_state)
		err = explain_open(-ENOMEM, "iovteamd", problem);
	team_bpf__destroy(team);
	return err;
}

int datapath_open(const char *pins, const char *team, uint64_t netns, struct carrier *carrier,
		  struct datapath **ret_datapath, bool *ret_adopted, struct problem *problem)
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));
	bool made = false;
	int err;

	if (!datapath)
		return problem_set(problem, -ENOMEM, "out of memory");
	datapath->carrier = carrier;
	err = pins_make(pins, team, datapath->directory, &made);
	if (!err)
		err = team_load(datapath);
	if (!err)
		err = state_take(datapath, netns, ret_adopted);
	if (err) {
		err = explain_open(err, datapath->directory, problem);
		/* What an earlier run has left is not ours to take away. */
		if (made)
			pins_remove(datapath->directory);
		datapath_close(datapath);
		return err;
	}
	*ret_datapath = datapath;
	return 0;
}

static int state_fd(const struct datapath *datapath)
{
	return bpf_map__fd(datapath->team->maps.data_state);
}

void datapath_close(struct datapath *datapath)
{
	if (!datapath)
		return;
	if (datapath->carrier && datapath->team)
		carrier_let_go(datapath->carrier, state_fd(datapath));
	for (unsigned slot = 0; slot < PICK_SLOTS; slot++)
		member_bpf__destroy(datapath->members[slot]);
	team_bpf__destroy(datapath->team);
	free(datapath);
}

int datapath_attach_team(struct datapath *datapath, int ifindex, struct problem *problem)
{
	struct attach_hook hook = {.ifindex = ifindex};
	char path[PATH_MAX];
	int err = pins_path(datapath->directory, "team", path);

	if (err)
		return problem_set(problem, err, "the path of the pins is too long");
	hook.pin = path;
	err = attach_program(&hook, bpf_program__fd(datapath->team->progs.team_egress), problem);
	if (err)
		return err;
	datapath->team_ifindex = ifindex;
	datapath_state(datapath)->ifindex = (__u32)ifindex;
	return 0;
}

static int member_load(struct datapath *datapath, unsigned slot, struct problem *problem)
{
	struct member_bpf *member;
	char text[128];
	int err;

	if (datapath->members[slot])
		return 0;
	member = member_bpf__open();
	if (!member)
		return problem_set(problem, -errno, "cannot open the member's programs: %m");
	member->rodata->slot = slot;
	err = pin_maps(datapath, member->obj, false);
	if (!err)
		err = member_bpf__load(member);
	if (err) {
		member_bpf__destroy(member);
		return problem_set(problem, err, "cannot load the member's programs: %s",
				   pins_error_text(err, text, sizeof(text)));
	}
	datapath->members[slot] = member;
	return 0;
}

static int member_attach(struct datapath *datapath, unsigned slot, int ifindex, bool ingress,
			 struct problem *problem)
{
	const struct member_bpf *member = datapath->members[slot];
	struct attach_hook hook = {.ifindex = ifindex, .ingress = ingress};
	char path[PATH_MAX];
	int err = member_pin_path(datapath, slot, ingress ? "in" : "out", path);

	if (err)
		return problem_set(problem, err, "the path of the pins is too long");
	hook.pin = path;
	return attach_program(&hook,
			      bpf_program__fd(ingress ? member->progs.member_ingress
						      : member->progs.member_egress),
			      problem);
}

int datapath_attach_member(struct datapath *datapath, unsigned slot, int ifindex,
			   struct problem *problem)
{
	struct note_member *note = &datapath_notes(datapath)->members[slot];
	bool anew = (int)note->ifindex != ifindex;
	int err = member_load(datapath, slot, problem);

	if (err)
		return err;
	if (anew)
		note->clsact_before = attach_has_clsact(ifindex);
	note->ifindex = (__u32)ifindex;
	err = member_attach(datapath, slot, ifindex, true, problem);
	if (!err)
		err = member_attach(datapath, slot, ifindex, false, problem);
	/* A member that works goes on with the programs that it has. */
	if (err && anew)
		datapath_detach_member(datapath, slot);
	if (!err && datapath->carrier)
		carrier_watch(datapath->carrier, datapath_state(datapath)->netns, ifindex,
			      state_fd(datapath), slot);
	return err;
}

bool datapath_team_attached(const struct datapath *datapath)
{
	struct attach_hook hook = {.ifindex = datapath->team_ifindex};
	char path[PATH_MAX];

	hook.pin = path;
	return !pins_path(datapath->directory, "team", path) && attach_is_there(&hook);
}

bool datapath_member_attached(struct datapath *datapath, unsigned slot)
{
	struct attach_hook hook = {.ifindex = (int)datapath_notes(datapath)->members[slot].ifindex};
	char path[PATH_MAX];

	hook.pin = path;
	for (int ingress = 0; ingress < 2; ingress++) {
		hook.ingress = ingress;
		if (member_pin_path(datapath, slot, ingress ? "in" : "out", path) ||
		    !attach_is_there(&hook))
			return false;
	}
	return true;
}

/* Whoever gets the slot next begins without what was said of this one. */
static void unwatch(struct datapath *datapath, unsigned slot, int ifindex)
{
	struct pick_state *state = datapath_state(datapath);

	if (datapath->carrier)
		carrier_forget(datapath->carrier, state->netns, ifindex);
	(void)__atomic_and_fetch(&state->lost, ~(1U << slot), __ATOMIC_ACQ_REL);
}

void datapath_detach_member(struct datapath *datapath, unsigned slot)
{
	struct note_member *note = &datapath_notes(datapath)->members[slot];
	struct attach_hook hook = {.ifindex = (int)note->ifindex};
	char path[PATH_MAX];

	hook.pin = path;
	for (int ingress = 0; ingress < 2; ingress++) {
		hook.ingress = ingress;
		if (!member_pin_path(datapath, slot, ingress ? "in" : "out", path))
			attach_remove(&hook);
	}
	unwatch(datapath, slot, (int)note->ifindex);
	if (note->ifindex && !note->clsact_before)
		attach_drop_clsact((int)note->ifindex);
	note->ifindex = 0;
	member_bpf__destroy(datapath->members[slot]);
	datapath->members[slot] = NULL;
}

void datapath_remove(struct datapath *datapath)
{
	struct attach_hook hook = {.ifindex = (int)datapath_state(datapath)->ifindex};
	char path[PATH_MAX];

	for (unsigned slot = 0; slot < PICK_SLOTS; slot++)
		if (datapath_notes(datapath)->members[slot].ifindex)
			datapath_detach_member(datapath, slot);
	hook.pin = path;
	if (!pins_path(datapath->directory, "team", path))
		attach_remove(&hook);
	if (datapath->carrier)
		carrier_tidy(datapath->carrier);
	pins_remove(datapath->directory);
	datapath_close(datapath);
}

struct pick_state *datapath_state(struct datapath *datapath)
{
	return &datapath->team->data_state->state;
}

struct pick_deal *datapath_deal(struct datapath *datapath)
{
	return datapath->team->data_deal->deal;
}

const struct pick_hold *datapath_hold(const struct datapath *datapath)
{
	return datapath->team->data_hold->hold;
}

const struct drop_counts *datapath_drops(const struct datapath *datapath)
{
	return &datapath->team->data_drops->drops;
}

struct note_team *datapath_notes(struct datapath *datapath)
{
	return &datapath->team->data_notes->notes;
}

struct probe_state *datapath_probes(struct datapath *datapath)
{
	return &datapath->team->data_probes->probes;
}

int datapath_stations(const struct datapath *datapath)
{
	return bpf_map__fd(datapath->team->maps.stations);
}

int datapath_ask(struct datapath *datapath, const void *frame, size_t length, uint32_t *hash,
		 uint32_t *ret_verdict)
{
	struct __sk_buff context = {.cb = {0, *hash}};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (__u32)length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .ctx_out = &context,
		    .ctx_size_out = sizeof(context));

	if (bpf_prog_test_run_opts(bpf_program__fd(datapath->team->progs.team_egress), &run))
		return -errno;
	*ret_verdict = context.cb[0];
	*hash = context.cb[1];
	return 0;
}

bool datapath_is_pinned(const char *pins, const char *team)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", pins, team) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

int datapath_each(const char *pins, int (*found)(const char *team, void *data), void *data)
{
	return pins_each(pins, found, data);
}
