// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In the place of src/datapath: maps that nobody else sees, programs that are attached by saying
 * so. A question is answered by the header that the programs are made of.
 */
#include "daemon/clock.h"
#include "datapath/carrier.h"
#include "datapath/datapath.h"
#include "datapath/socket_find.h"
#include "datapath/stations.h"
#include "datapath/uplink.h"

#define PICK_NOW() clock_now_ns()
#include "model/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct datapath {
	struct pick_state state;
	struct pick_deal deal[PICK_BUCKETS];
	struct pick_hold hold[PICK_BUCKETS];
	struct drop_counts drops;
	struct note_team notes;
	struct probe_state probes;
	bool attached;
	uint32_t attached_members;
};

int datapath_try(struct problem *problem)
{
	return 0;
}

struct carrier *carrier_new(const char *pins)
{
	return calloc(1, 1);
}

void carrier_free(struct carrier *carrier)
{
	free(carrier);
}

int carrier_attach(struct carrier *carrier, struct problem *problem)
{
	return 0;
}

const char *carrier_text(const struct carrier *carrier)
{
	return "idle";
}

/* No tracing is permitted, so nobody asks for more. */
int uplinks_open(struct uplinks **ret_uplinks)
{
	return -EPERM;
}

void uplinks_close(struct uplinks *uplinks)
{
}

int uplinks_watch(struct uplinks *uplinks, uint64_t netns, int ifindex)
{
	return -EPERM;
}

void uplinks_forget(struct uplinks *uplinks, uint64_t netns, int ifindex)
{
}

int uplinks_fd(const struct uplinks *uplinks)
{
	return -1;
}

void uplinks_read(struct uplinks *uplinks, void (*reported)(void *data, int ifindex), void *data)
{
}

bool datapath_is_pinned(const char *pins, const char *team)
{
	return false;
}

int datapath_open(const char *pins, const char *team, uint64_t netns, struct carrier *carrier,
		  struct datapath **ret_datapath, bool *ret_adopted, struct problem *problem)
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));

	if (!datapath)
		return -ENOMEM;
	datapath->state.layout = PICK_LAYOUT;
	datapath->state.netns = netns;
	memset(datapath->deal, PICK_NOBODY, sizeof(datapath->deal));
	*ret_datapath = datapath;
	*ret_adopted = false;
	return 0;
}

void datapath_close(struct datapath *datapath)
{
	free(datapath);
}

void datapath_remove(struct datapath *datapath)
{
	free(datapath);
}

int datapath_attach_team(struct datapath *datapath, int ifindex, struct problem *problem)
{
	datapath->state.ifindex = (uint32_t)ifindex;
	datapath->attached = true;
	return 0;
}

int datapath_attach_member(struct datapath *datapath, unsigned slot, int ifindex,
			   struct problem *problem)
{
	datapath->notes.members[slot].ifindex = (uint32_t)ifindex;
	datapath->attached_members |= 1U << slot;
	return 0;
}

bool datapath_team_attached(const struct datapath *datapath)
{
	return datapath->attached;
}

bool datapath_member_attached(struct datapath *datapath, unsigned slot)
{
	return datapath->attached_members >> slot & 1;
}

void datapath_detach_member(struct datapath *datapath, unsigned slot)
{
	datapath->notes.members[slot].ifindex = 0;
	datapath->attached_members &= ~(1U << slot);
}

struct pick_state *datapath_state(struct datapath *datapath)
{
	return &datapath->state;
}

struct pick_deal *datapath_deal(struct datapath *datapath)
{
	return datapath->deal;
}

const struct pick_hold *datapath_hold(const struct datapath *datapath)
{
	return datapath->hold;
}

const struct drop_counts *datapath_drops(const struct datapath *datapath)
{
	return &datapath->drops;
}

struct note_team *datapath_notes(struct datapath *datapath)
{
	return &datapath->notes;
}

struct probe_state *datapath_probes(struct datapath *datapath)
{
	return &datapath->probes;
}

int datapath_ask(struct datapath *datapath, const void *frame, size_t length, uint32_t *hash,
		 uint32_t *ret_verdict)
{
	const uint8_t *bytes = frame;
	struct pick_hold copy;
	uint32_t why = 0;
	uint8_t slot;

	for (size_t i = 0; i < length; i++) /* a sanitizer sees whether the frame is all written */
		*hash = *hash * 31 + bytes[i];
	copy = datapath->hold[pick_bucket(*hash)];
	slot = pick_slot(&datapath->state, &datapath->deal[pick_bucket(*hash)], &copy, &why);
	*ret_verdict = PICK_VERDICT(why, slot);
	return 0;
}

int datapath_each(const char *pins, int (*found)(const char *team, void *data), void *data)
{
	return 0;
}

/* Nobody is on top of the team. */
int datapath_stations(const struct datapath *datapath)
{
	return -1;
}

int stations_take(int map, uint64_t since_ns, uint64_t flooded_ns, struct station_key **ret_keys,
		  size_t *ret_count)
{
	return -ENOENT;
}

int socket_find(const struct socket_entry *wanted, uint32_t *ret_hash)
{
	return -ENOENT;
}
