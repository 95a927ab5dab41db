/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change that is taken back unless it is confirmed in time (C5): for whoever may cut himself
 * off. There is one at a time, and no other change meanwhile.
 *
 * What is needed to take it back is on disk before the change begins (daemon/journal), so neither
 * a daemon that dies nor a machine that is switched off leaves it half done or silently in force.
 */
#pragma once

#include "daemon/manager.h"

#include <jansson.h>

#define PENDING_SECONDS_MAX 3600

struct pending {
	struct manager *manager;
	char what[ACTION_TEXT_SIZE]; /* "the team team0 was made" */
	struct store before;	     /* what was wanted before the change */
	struct handover *handover;   /* what the devices had before it */
	json_t *journal;
	uint64_t until_us; /* of CLOCK_BOOTTIME */
	bool undone;	   /* all but the files is taken back; they are tried again */
	bool late;	   /* of an earlier run, whose files could not be put back at the start */
	sd_event_source *timer;
};

/*
 * Note everything that taking the change back needs, and write it down: @what in words; @files as
 * journal_file() makes them; @handover is what the change moves, and is consumed. @after is what
 * will be wanted. -EBUSY: the files in force are not known.
 */
int pending_prepare(struct manager *manager, const char *what, json_t *files,
		    struct handover *handover, const struct store *after,
		    struct pending **ret_pending, struct problem *problem);

/* The change is made: the time runs. */
int pending_start(struct pending *pending, unsigned int seconds, struct problem *problem);

/* The change is confirmed. A negative errno: it waits still. */
int pending_keep(struct pending *pending, struct problem *problem);

/* The change has not come about: forget it. */
void pending_drop(struct pending *pending);

/* This process ends: what is on disk says what to do at the next start. */
void pending_leave(struct manager *manager);

/*
 * Take it back now; what is done is appended to @actions. A negative errno: a file cannot be put
 * back yet. That is tried again, and the journal stays until it is done.
 */
int pending_take_back(struct pending *pending, struct action_list *actions,
		      struct problem *problem);

/* {"what": …, "seconds": …} for those who ask, NULL: nothing waits. */
json_t *pending_show(const struct manager *manager);

/*
 * What an earlier run has left unconfirmed, at a start. First the files, before they are read;
 * then what was moved, before anything is compared; last the rest. NULL everywhere: nothing, or a
 * file cannot be put back. That is @ret_late then, and pending_recover_end() makes it a change that
 * waits, and is tried again. A journal that cannot be read stays, and confirm_admit() refuses all changes.
 */
json_t *pending_recover_files(const char *directory, json_t **ret_late);
struct handover *pending_recover_begin(struct manager *manager, const json_t *journal);
void pending_recover_end(struct manager *manager, json_t *journal, struct handover *handover,
			 json_t *late);
