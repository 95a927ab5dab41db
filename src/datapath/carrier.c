// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/carrier.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "datapath/carrier_key.h"
#include "datapath/pins.h"
#include "model/steering.h"

#include "datapath/carrier.skel.h" /* uses the types of model/ */

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <bpf/bpf.h>

#define CARRIER_TEXT_SIZE 160

struct watched {
	struct carrier_key key;
	int state_fd;
	__u32 slot;
};

struct carrier {
	char pins[PATH_MAX];
	struct carrier_bpf *programs; /* NULL: not attached by us */
	bool refused;		      /* for good */
	char text[CARRIER_TEXT_SIZE];
	size_t count;
	struct watched watched[CARRIER_MEMBERS_MAX];
};

/* The way back first: a word that can only ever lose members would be worse than none. */
static const char *const pin_names[] = {"carrier_on", "carrier_off"};

void carrier_free(struct carrier *carrier)
{
	if (!carrier)
		return;
	carrier_bpf__destroy(carrier->programs);
	free(carrier);
}

const char *carrier_text(const struct carrier *carrier)
{
	return carrier->text;
}

/* --- who is watched --- */

static struct carrier_key key_of(uint64_t netns, int ifindex)
{
	return (struct carrier_key){.netns = netns, .ifindex = (__u32)ifindex};
}

static struct watched *find(struct carrier *carrier, const struct carrier_key *key)
{
	for (size_t i = 0; i < carrier->count; i++)
		if (!memcmp(&carrier->watched[i].key, key, sizeof(*key)))
			return &carrier->watched[i];
	return NULL;
}

/* The slot first: without the state the program finds nothing. */
static int enter(const struct carrier_bpf *programs, const struct watched *watched)
{
	if (bpf_map_update_elem(bpf_map__fd(programs->maps.slots), &watched->key, &watched->slot,
				BPF_ANY) ||
	    bpf_map_update_elem(bpf_map__fd(programs->maps.states), &watched->key,
				&watched->state_fd, BPF_ANY))
		return -errno;
	return 0;
}

/* The kernel waits for programs that run when a map in a map goes. */
static void leave(const struct carrier_bpf *programs, const struct carrier_key *key)
{
	(void)bpf_map_delete_elem(bpf_map__fd(programs->maps.states), key);
	(void)bpf_map_delete_elem(bpf_map__fd(programs->maps.slots), key);
}

void carrier_watch(struct carrier *carrier, uint64_t netns, int ifindex, int state_fd,
		   unsigned slot)
{
	const struct watched wanted = {
		.key = key_of(netns, ifindex), .state_fd = state_fd, .slot = slot};
	struct watched *known = find(carrier, &wanted.key);

	if (known && known->state_fd == state_fd && known->slot == slot)
		return;
	if (!known && carrier->count == CARRIER_MEMBERS_MAX)
		return;
	if (!known)
		known = &carrier->watched[carrier->count++];
	*known = wanted;
	/* Without its entry a member has what it had before: the kernel's events. */
	if (carrier->programs && enter(carrier->programs, known))
		leave(carrier->programs, &known->key);
}

void carrier_forget(struct carrier *carrier, uint64_t netns, int ifindex)
{
	const struct carrier_key key = key_of(netns, ifindex);
	struct watched *known = find(carrier, &key);

	if (carrier->programs) /* whose entry may be of an earlier run */
		leave(carrier->programs, &key);
	if (known)
		*known = carrier->watched[--carrier->count];
}

void carrier_let_go(struct carrier *carrier, int state_fd)
{
	for (size_t i = carrier->count; i-- > 0;)
		if (carrier->watched[i].state_fd == state_fd)
			carrier->watched[i] = carrier->watched[--carrier->count];
}

/* --- in the kernel --- */

static bool is_pinned(const struct carrier *carrier)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(pin_names); i++) {
		_cleanup_close_ int link = -1;

		if (pins_path(carrier->pins, pin_names[i], path))
			return false;
		link = bpf_obj_get(path);
		if (link < 0)
			return false;
	}
	return true;
}

static void unpin_all(const struct carrier *carrier)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(pin_names); i++)
		if (!pins_path(carrier->pins, pin_names[i], path))
			(void)unlink(path);
}

static int is_team(const char *name, void *data)
{
	return -EEXIST;
}

struct carrier *carrier_new(const char *pins)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));

	if (!carrier)
		return NULL;
	(void)snprintf(carrier->pins, sizeof(carrier->pins), "%s", pins);
	if (!pins_each(pins, is_team, NULL))
		unpin_all(carrier);
	(void)snprintf(carrier->text, sizeof(carrier->text), "idle");
	return carrier;
}

/* A link of a tracing program takes no other program; so a new link takes the pin of the old one. */
static int attach_one(const struct carrier *carrier, const struct bpf_program *program,
		      const char *name)
{
	_cleanup_close_ int link = bpf_raw_tracepoint_open(NULL, bpf_program__fd(program));
	char path[PATH_MAX], next_name[64], next[PATH_MAX];
	int err = link < 0 ? -errno : 0;

	(void)snprintf(next_name, sizeof(next_name), "%s_next", name);
	if (!err)
		err = pins_path(carrier->pins, name, path);
	if (!err)
		err = pins_path(carrier->pins, next_name, next);
	if (err)
		return err;
	(void)unlink(next); /* of one that has died in between */
	if (bpf_obj_pin(link, next) || rename(next, path)) {
		err = -errno;
		(void)unlink(next);
	}
	return err;
}

static int attach_all(const struct carrier *carrier, const struct carrier_bpf *programs)
{
	const struct bpf_program *const order[ARRAY_SIZE(pin_names)] = {
		programs->progs.carrier_on, programs->progs.carrier_off};
	int err = 0;

	for (size_t i = 0; !err && i < carrier->count; i++)
		err = enter(programs, &carrier->watched[i]);
	for (size_t i = 0; !err && i < ARRAY_SIZE(order); i++)
		err = attach_one(carrier, order[i], pin_names[i]);
	return err;
}

/* Any team's state is a pattern for all: they are of one build. */
static int load(const struct carrier *carrier, struct carrier_bpf **ret_programs)
{
	struct carrier_bpf *programs = carrier_bpf__open();
	int err;

	if (!programs)
		return -errno;
	err = bpf_map__set_inner_map_fd(programs->maps.states, carrier->watched[0].state_fd);
	if (!err)
		err = carrier_bpf__load(programs);
	if (err) {
		carrier_bpf__destroy(programs);
		return err;
	}
	*ret_programs = programs;
	return 0;
}

static int start(struct carrier *carrier)
{
	struct carrier_bpf *programs = NULL;
	int err = load(carrier, &programs);

	if (!err)
		err = attach_all(carrier, programs);
	if (err) {
		/* What an earlier daemon has left knows none of our members. */
		unpin_all(carrier);
		carrier_bpf__destroy(programs);
		return err;
	}
	carrier_bpf__destroy(carrier->programs);
	carrier->programs = programs;
	return 0;
}

void carrier_tidy(struct carrier *carrier)
{
	if (carrier->count)
		return;
	/* What we have not pinned may be another daemon's, of another namespace. */
	if (carrier->programs)
		unpin_all(carrier);
	carrier_bpf__destroy(carrier->programs);
	carrier->programs = NULL;
	carrier->refused = false;
	(void)snprintf(carrier->text, sizeof(carrier->text), "idle");
}

/* libbpf finds no types: the kernel has been built without, or an early init hides /sys. */
static const char *reason(int err, char *buffer, size_t size)
{
	return err == -ESRCH ? "the kernel does not describe its types (BTF)"
			     : pins_error_text(err, buffer, size);
}

int carrier_attach(struct carrier *carrier, struct problem *problem)
{
	char error[128], text[CARRIER_TEXT_SIZE];
	int err;

	if (!carrier->count)
		carrier_tidy(carrier);
	if (!carrier->count || carrier->refused || (carrier->programs && is_pinned(carrier)))
		return 0;
	err = start(carrier);
	carrier->refused = err && err != -ENOMEM;
	if (!err)
		(void)snprintf(text, sizeof(text), "attached");
	else
		(void)snprintf(text, sizeof(text), "not permitted: %s",
			       reason(err, error, sizeof(error)));
	if (strcmp(text, carrier->text) == 0)
		return err ? -EALREADY : 0;
	memcpy(carrier->text, text, sizeof(text));
	return err ? problem_set(problem, err,
				 "the carrier program is %s; a lost carrier is noticed by the "
				 "kernel's events",
				 text)
		   : 0;
}
