/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a test runs: a network namespace and a BPF file system of its own, in a mount namespace of
 * the process. Nobody else sees them, and they end with the process whatever becomes of it.
 * world_end() asserts that the test has left nothing: no pin, no program at any device, no clsact
 * qdisc, and none of the programs and links that world_programs() and world_link() have told of.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_SEEN 64

struct world {
	const char *teams; /* a directory for datapath_open() */
	uint64_t netns;
	uint32_t programs[WORLD_SEEN], links[WORLD_SEEN];
	size_t program_count, link_count;
};

int world_make(void **state);
int world_end(void **state);

/* 77, "skipped" to meson, if this process may not do all that; else 0. */
int world_check(void);

/* `ip` with these arguments; it must succeed. */
void world_ip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A veth pair with @queues transmit queues on its first end, both ends up; the first's ifindex. */
int world_veth(const char *name, const char *mac, const char *peer, unsigned queues);

/* The ifindex of a device, 0 if there is none. */
int world_index(const char *name);

/* A device of that number loses its carrier in another namespace. */
void world_flap_elsewhere(int ifindex);

/* Kernels without it have classifiers in its place. */
bool world_has_tcx(void);

/* How many tcx programs are at a device's hook; *@ret_id is the first. -1: no such device. */
int world_programs(struct world *world, int ifindex, bool ingress, uint32_t *ret_id);

/* The link pinned as TEAM/NAME: its id and its device, 0 if there is no such pin. */
uint32_t world_link(struct world *world, const char *team, const char *name, int *ret_ifindex);

/* Is anything pinned under this team's name? */
bool world_has_pins(const struct world *world, const char *team);

/* Call @true_yet until it is true; after some seconds the test has failed. */
void world_wait(bool (*true_yet)(void *data), void *data);
