/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrying out what core/handover decides: addresses, routes and static neighbours of devices
 * are noted, moved to another device in the course of a change, and put back if it fails or is
 * not confirmed (T1, C5).
 *
 * Two things are noted. A device's own records are what it shall have when all is put back: a
 * change takes devices down, and the kernel forgets then. A move says where the records of a
 * device shall go. To undo is to take away what has been moved (unland), to go back to the
 * configuration before, and to put every device's records back (restore). Each of these steps
 * finds nothing to do where nothing was changed, so they can be taken after any failure, and
 * again after the daemon's death: what was moved and what was not need not be remembered.
 */
#pragma once

#include "daemon/team.h"
#include "kernel/record.h"

struct handover_device {
	char name[LINK_NAME_SIZE];
	int ifindex; /* when it was noted; a team that was made anew has another one */
	struct record_list records; /* in the order in which they can be made */
};

struct handover_move {
	unsigned int device;	 /* of the list below */
	char to[LINK_NAME_SIZE]; /* the interface that gets what it has */
	bool given;		 /* by handover_give(); else it lands as the device joins @to */
};

struct handover {
	struct handover_device *devices;
	struct handover_move *moves;
	unsigned int device_count, move_count;
	int *taken;	   /* the moved devices' ifindexes, as many as there are moves */
	uint64_t noted_ns; /* of CLOCK_BOOTTIME: lifetimes run on during a suspend */
};

/* NULL: no memory. */
struct handover *handover_new(void);
void handover_free(struct handover *handover);

static inline void handover_freep(struct handover **handover)
{
	handover_free(*handover);
}

/* What the two below do, from a journal: @records is consumed. -ENOMEM. */
int handover_add_device(struct handover *handover, const char *name, int ifindex,
			struct record_list *records);
int handover_add_move(struct handover *handover, unsigned int device, const char *to);

/*
 * Note what @link has, once for each device. -EOPNOTSUPP: it has a route that cannot be made
 * again.
 */
int handover_note(struct handover *handover, const struct team_context *context,
		  const struct link *link, struct problem *problem);

/*
 * Note @from and that what it has goes to the interface @to. Nothing to move is fine, and then
 * there is no move. Refusals of handover_admit() and handover_note().
 */
int handover_move(struct handover *handover, const struct team_context *context,
		  const struct link *from, const char *to, struct problem *problem);

/* The same of a device whose member @to gets it: not before all else of the change is done. */
int handover_move_last(struct handover *handover, const struct team_context *context,
		       const struct link *from, const char *to, struct problem *problem);

/* The devices that something moves from. @handover may be NULL, here and below. */
const int *handover_taken(const struct handover *handover, size_t *ret_count);

/* Does what the device has go elsewhere? */
bool handover_moves(const struct handover *handover, int ifindex);

/* Around a device's joining: what it has is taken off it, and made on the team. */
void handover_lift(const struct handover *handover, const struct team_context *context,
		   int ifindex);
int handover_land(const struct handover *handover, const struct team_context *context, int ifindex,
		  struct problem *problem);

/*
 * What a team has that is there no longer, or shall have it no longer, is made on its member: the
 * moves of handover_move_last().
 */
int handover_give(const struct handover *handover, const struct team_context *context,
		  struct problem *problem);

void handover_unland(const struct handover *handover, const struct team_context *context);
void handover_restore(const struct handover *handover, const struct team_context *context);
