/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs and maps of one team in the kernel.
 *
 * Everything is pinned under PINS/TEAM, so it outlives the daemon (T16): datapath_open() adopts
 * what it finds there, and the programs are replaced in place by those of this build. The maps
 * are mapped into this process: a store to the state is seen by the next frame.
 */
#pragma once

#include "base/problem.h"
#include "model/drop.h"
#include "model/note.h"
#include "model/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carrier;
struct datapath;

/*
 * Whether the kernel takes our programs; nothing stays of them. Once, before anything else: libbpf
 * finds out what the kernel can do at the first load, and never again. What it misses then for
 * want of memory, it would miss as long as the process lives.
 */
int datapath_try(struct problem *problem);

/*
 * Load programs and maps of team @team; nothing is attached yet. Maps of an earlier run are
 * adopted if they have this build's layout and belong to the network namespace @netns.
 * @carrier, which outlives it, watches the members from when they are attached; NULL: nobody does.
 * -EBUSY: they belong to another namespace. *@ret_adopted tells whether there were any.
 */
int datapath_open(const char *pins, const char *team, uint64_t netns, struct carrier *carrier,
		  struct datapath **ret_datapath, bool *ret_adopted, struct problem *problem);

/* Let go of it; the team goes on. */
void datapath_close(struct datapath *datapath);

/* Detach everything, unpin everything, close. */
void datapath_remove(struct datapath *datapath);

/* Attach to the team's interface, and to the device in @slot. Again: replaces the programs. */
int datapath_attach_team(struct datapath *datapath, int ifindex, struct problem *problem);
int datapath_attach_member(struct datapath *datapath, unsigned slot, int ifindex,
			   struct problem *problem);

/* Are the programs still where they were attached? */
bool datapath_team_attached(const struct datapath *datapath);
bool datapath_member_attached(struct datapath *datapath, unsigned slot);

void datapath_detach_member(struct datapath *datapath, unsigned slot);

/* Shared with the programs; see model/pick.h for who writes what. */
struct pick_state *datapath_state(struct datapath *datapath);
struct pick_deal *datapath_deal(struct datapath *datapath); /* PICK_BUCKETS of them */
const struct pick_hold *datapath_hold(const struct datapath *datapath);
const struct drop_counts *datapath_drops(const struct datapath *datapath);
struct note_team *datapath_notes(struct datapath *datapath);

struct probe_state *datapath_probes(struct datapath *datapath); /* model/probe.h */

/* The map of stations, for datapath/stations.h. */
int datapath_stations(const struct datapath *datapath);

/*
 * Ask the loaded sending program what it would do with @frame (T18). *@hash is given to it as
 * the flow's hash unless 0, and is what it used afterwards; *@ret_verdict as in model/steering.h.
 */
int datapath_ask(struct datapath *datapath, const void *frame, size_t length, uint32_t *hash,
		 uint32_t *ret_verdict);

/* Whether there is something of a team of this name under @pins. */
bool datapath_is_pinned(const char *pins, const char *team);

/*
 * Call @found for each team that has a directory under @pins. A negative result of it ends the
 * walk and is returned. 0 if @pins does not exist.
 */
int datapath_each(const char *pins, int (*found)(const char *team, void *data), void *data);
