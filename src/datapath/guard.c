// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/guard.h"

#include "base/cleanup.h"
#include "datapath/attach.h"
#include "datapath/guard.skel.h" /* uses the types of model/ */
#include "datapath/pins.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <bpf/bpf.h>

struct guard {
	char directory[PATH_MAX];
	char pin[PATH_MAX]; /* of the link */
	struct guard_bpf *programs;
};

static struct guard_note *guard_note(const struct guard *guard)
{
	return &guard->programs->data_note->note;
}

static struct attach_hook guard_hook(const struct guard *guard)
{
	return (struct attach_hook){
		.ifindex = (int)guard_note(guard)->ifindex, .ingress = true, .pin = guard->pin};
}

static int pin_map(const struct guard *guard, struct bpf_map *map)
{
	char path[PATH_MAX];
	int err = pins_map_path(guard->directory, map, path);

	if (err)
		return err;
	pins_discard_unfit(path, map);
	return bpf_map__set_pin_path(map, path);
}

static int load(const struct guard *guard, const struct guard_rules *rules,
		struct guard_bpf **ret_programs)
{
	struct guard_bpf *programs = guard_bpf__open();
	int err;

	if (!programs)
		return -errno;
	programs->rodata->rules = *rules;
	err = pin_map(guard, programs->maps.counts);
	if (!err)
		err = pin_map(guard, programs->maps.data_note);
	if (!err)
		err = guard_bpf__load(programs);
	if (err) {
		guard_bpf__destroy(programs);
		return err;
	}
	*ret_programs = programs;
	return 0;
}

/* A new map is all zero; zero is no namespace's cookie. */
static int take_note(const struct guard *guard, uint64_t netns)
{
	struct guard_note *note = guard_note(guard);

	if (note->netns && note->netns != netns)
		return -EBUSY;
	note->netns = netns;
	return 0;
}

static int explain(int err, const struct guard *guard, struct problem *problem)
{
	char text[128];

	if (err == -EBUSY)
		return problem_set(problem, err,
				   "%s belongs to another network namespace; "
				   "give each namespace a --bpffs of its own",
				   guard->directory);
	return problem_set(problem, err, "cannot load the port filter %s: %s", guard->directory,
			   pins_error_text(err, text, sizeof(text)));
}

int guard_open(const char *pins, const char *name, uint64_t netns, const struct guard_rules *rules,
	       struct guard **ret_guard, struct problem *problem)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	bool made = false;
	int err;

	if (!guard)
		return problem_set(problem, -ENOMEM, "out of memory");
	err = pins_make(pins, name, guard->directory, &made);
	if (!err)
		err = pins_path(guard->directory, "port", guard->pin);
	if (!err)
		err = load(guard, rules, &guard->programs);
	if (!err)
		err = take_note(guard, netns);
	if (err) {
		err = explain(err, guard, problem);
		/* What an earlier run has left is not ours to take away. */
		if (made)
			pins_remove(guard->directory);
		guard_close(guard);
		return err;
	}
	*ret_guard = guard;
	return 0;
}

static void detach(struct guard *guard)
{
	struct attach_hook hook = guard_hook(guard);
	struct guard_note *note = guard_note(guard);

	attach_remove(&hook);
	if (note->ifindex && !note->clsact_before)
		attach_drop_clsact((int)note->ifindex);
	note->ifindex = 0;
}

int guard_attach(struct guard *guard, int ifindex, struct problem *problem)
{
	struct guard_note *note = guard_note(guard);
	bool anew = (int)note->ifindex != ifindex;
	struct attach_hook hook;
	int err;

	if (anew) {
		detach(guard);
		note->clsact_before = attach_has_clsact(ifindex);
		note->ifindex = (__u32)ifindex;
	}
	hook = guard_hook(guard);
	err = attach_program(&hook, bpf_program__fd(guard->programs->progs.guard_ingress), problem);
	/* A port that is guarded goes on with the program that it has. */
	if (err && anew)
		detach(guard);
	return err;
}

bool guard_attached(const struct guard *guard)
{
	struct attach_hook hook = guard_hook(guard);

	return hook.ifindex && attach_is_there(&hook);
}

int guard_set_rules(struct guard *guard, const struct guard_rules *rules, struct problem *problem)
{
	struct attach_hook hook = guard_hook(guard);
	struct guard_bpf *programs = NULL;
	struct problem refused = {};
	int err = load(guard, rules, &programs);

	if (err)
		return explain(err, guard, problem);
	/*
	 * Not asking whether it is there: if that could not be told, the old rules would stay. A
	 * port that is gone is guard_attach()'s to see to.
	 */
	if (hook.ifindex)
		err = attach_program(&hook, bpf_program__fd(programs->progs.guard_ingress),
				     &refused);
	if (err == -ENODEV)
		err = 0;
	if (err) {
		(void)problem_set(problem, err, "%s", refused.text);
		guard_bpf__destroy(programs);
		return err;
	}
	guard_bpf__destroy(guard->programs);
	guard->programs = programs;
	return 0;
}

int guard_read_counts(const struct guard *guard, struct guard_counts *ret_counts)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct guard_counts *each = NULL;
	struct guard_counts sum = {};
	__u32 only = 0;

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(bpf_map__fd(guard->programs->maps.counts), &only, each))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.passed += each[cpu].passed;
		sum.refused += each[cpu].refused;
		sum.passed_mate += each[cpu].passed_mate;
		sum.refused_group += each[cpu].refused_group;
	}
	*ret_counts = sum;
	return 0;
}

void guard_close(struct guard *guard)
{
	if (!guard)
		return;
	guard_bpf__destroy(guard->programs);
	free(guard);
}

void guard_remove(struct guard *guard)
{
	detach(guard);
	pins_remove(guard->directory);
	guard_close(guard);
}

int guard_each(const char *pins, int (*found)(const char *name, void *data), void *data)
{
	return pins_each(pins, found, data);
}
