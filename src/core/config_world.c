// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What only all files of a host together show. As in config_list.c, each is held against those
 * before it, so that the error names the later file.
 */
#include "core/config_host.h"

#include "core/config_private.h"

#include <errno.h>
#include <stdio.h>

#define SEEN_SLOTS 8192 /* a power of two, and twice what there can be */

_Static_assert(SEEN_SLOTS >= 2 * VMS_MAX * VM_ADAPTERS_MAX, "a free slot is always near");
_Static_assert(VMS_MAX *VM_ADAPTERS_MAX < UINT16_MAX, "a slot has a place and one");

/* --- switches --- */

/* Either may be the newcomer, so the sentences take no side. */
static int switch_against_team(const struct switch_config *sw, const struct team_config *team,
			       struct problem *problem)
{
	if (strcmp(sw->name, team->name) == 0)
		return problem_set(problem, -EEXIST, "%s cannot be both a switch and a team",
				   sw->name);
	for (uint32_t i = 0; i < team->member_count; i++) {
		if (strcmp(team->members[i].device, sw->nic) == 0)
			return problem_set(problem, -EBUSY,
					   "%s cannot be both the NIC of %s and a member of %s",
					   sw->nic, sw->name, team->name);
		if (strcmp(team->members[i].device, sw->name) == 0)
			return problem_set(problem, -EBUSY,
					   "%s cannot be both a switch and a member of %s",
					   sw->name, team->name);
	}
	return 0;
}

static int switch_against(const struct switch_config *sw, const struct switch_config *earlier,
			  struct problem *problem)
{
	if (strcmp(sw->name, earlier->name) == 0)
		return problem_set(problem, -EEXIST, "there is a switch %s already", sw->name);
	if (strcmp(sw->nic, earlier->nic) == 0)
		return problem_set(problem, -EBUSY, "%s is the NIC of %s already", sw->nic,
				   earlier->name);
	return 0;
}

static bool has_switch(const struct switch_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (strcmp(list->switches[i].name, name) == 0)
			return true;
	return false;
}

static int switch_check(const struct config_world *world, uint32_t place, struct problem *problem)
{
	const struct switch_config *sw = &world->switches->switches[place];
	int err = 0;

	for (uint32_t i = 0; !err && i < place; i++)
		err = switch_against(sw, &world->switches->switches[i], problem);
	for (uint32_t i = 0; !err && i < world->teams->count; i++)
		err = switch_against_team(sw, &world->teams->teams[i], problem);
	if (!err && has_switch(world->switches, sw->nic))
		err = problem_set(problem, -EINVAL,
				  "%s cannot be the NIC of %s: it is a switch itself", sw->nic,
				  sw->name);
	return err;
}

/* --- VMs --- */

static int vm_against(const struct vm_config *vm, const struct vm_config *earlier,
		      struct problem *problem)
{
	if (strcmp(vm->name, earlier->name) == 0)
		return problem_set(problem, -EEXIST, "there is a VM %s already", vm->name);
	if (*vm->netns && strcmp(vm->netns, earlier->netns) == 0)
		return problem_set(problem, -EBUSY, "the namespace %s is that of %s already",
				   vm->netns, earlier->name);
	if (*vm->qmp && strcmp(vm->qmp, earlier->qmp) == 0)
		return problem_set(problem, -EBUSY, "the socket %s is that of %s already", vm->qmp,
				   earlier->name);
	if (*vm->libvirt && strcmp(vm->libvirt, earlier->libvirt) == 0)
		return problem_set(problem, -EBUSY, "the domain %s is that of %s already",
				   vm->libvirt, earlier->name);
	return 0;
}

/* The adapters that have been looked at, by one of their values: there may be 4096. */
struct seen {
	size_t offset, size;	    /* of the value */
	uint16_t slots[SEEN_SLOTS]; /* an adapter's place among all, and one; 0 = free */
};

static const struct adapter_config *adapter_at(const struct vm_list *list, uint32_t place)
{
	return &list->vms[place / VM_ADAPTERS_MAX].adapters[place % VM_ADAPTERS_MAX];
}

/* Place of an earlier adapter with the same value, -1 if this is the first. */
static int seen_add(struct seen *seen, const struct vm_list *list, uint32_t place)
{
	const char *value = (const char *)adapter_at(list, place) + seen->offset;
	uint32_t slot = (uint32_t)config_hash(CONFIG_HASH_BEGIN, value, seen->size);

	for (slot %= SEEN_SLOTS; seen->slots[slot]; slot = (slot + 1) % SEEN_SLOTS) {
		uint32_t other = seen->slots[slot] - 1U;

		if (memcmp((const char *)adapter_at(list, other) + seen->offset, value,
			   seen->size) == 0)
			return (int)other;
	}
	seen->slots[slot] = (uint16_t)(place + 1);
	return -1;
}

struct adapters_seen {
	struct seen macs, ports;
};

static int adapter_check(const struct config_world *world, uint32_t place,
			 struct adapters_seen *seen, struct problem *problem)
{
	const struct adapter_config *adapter = adapter_at(world->vms, place);
	const char *vm = world->vms->vms[place / VM_ADAPTERS_MAX].name;
	char mac[MAC_TEXT_SIZE];
	int other;

	if (!has_switch(world->switches, adapter->switch_name))
		return problem_set(problem, -ENOENT,
				   "there is no switch %s, on which adapter %s of %s shall be",
				   adapter->switch_name, adapter->name, vm);
	other = seen_add(&seen->macs, world->vms, place);
	if (other >= 0)
		return problem_set(problem, -EBUSY,
				   "the MAC %s of adapter %s of %s is that of %s of %s already",
				   mac_format(&adapter->mac, mac), adapter->name, vm,
				   adapter_at(world->vms, (uint32_t)other)->name,
				   world->vms->vms[other / VM_ADAPTERS_MAX].name);
	other = *adapter->port ? seen_add(&seen->ports, world->vms, place) : -1;
	if (other >= 0)
		return problem_set(problem, -EBUSY,
				   "the port %s of adapter %s of %s is that of %s of %s already",
				   adapter->port, adapter->name, vm,
				   adapter_at(world->vms, (uint32_t)other)->name,
				   world->vms->vms[other / VM_ADAPTERS_MAX].name);
	return 0;
}

static int vm_check(const struct config_world *world, uint32_t place, struct adapters_seen *seen,
		    struct problem *problem)
{
	const struct vm_config *vm = &world->vms->vms[place];
	int err = 0;

	for (uint32_t i = 0; !err && i < place; i++)
		err = vm_against(vm, &world->vms->vms[i], problem);
	for (uint32_t i = 0; !err && i < vm->adapter_count; i++)
		err = adapter_check(world, place * VM_ADAPTERS_MAX + i, seen, problem);
	return err;
}

/* --- all --- */

static int teams_check(const struct config_world *world, struct config_error *ret_error)
{
	const char *names[TEAMS_MAX];

	for (uint32_t i = 0; i < world->teams->count; i++)
		names[i] = world->team_files[i];
	return config_check(world->teams, names, ret_error);
}

static void error_fill(struct config_error *error, const char (*files)[CONFIG_FILE_SIZE],
		       uint32_t place, const struct problem *problem)
{
	*error = (struct config_error){};
	(void)snprintf(error->file, sizeof(error->file), "%s", files[place]);
	(void)snprintf(error->text, sizeof(error->text), "%s", problem->text);
}

int config_world_check(const struct config_world *world, struct config_error *ret_error)
{
	struct adapters_seen seen = {
		.macs = {offsetof(struct adapter_config, mac), sizeof(struct mac), {}},
		.ports = {offsetof(struct adapter_config, port), LINK_NAME_SIZE, {}},
	};
	struct problem problem = {};
	int err = teams_check(world, ret_error);

	for (uint32_t i = 0; !err && i < world->switches->count; i++) {
		err = switch_check(world, i, &problem);
		if (err)
			error_fill(ret_error, world->switch_files, i, &problem);
	}
	for (uint32_t i = 0; !err && i < world->vms->count; i++) {
		err = vm_check(world, i, &seen, &problem);
		if (err)
			error_fill(ret_error, world->vm_files, i, &problem);
	}
	return err;
}
