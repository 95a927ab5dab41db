/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that wait to be confirmed (C5), as daemon/edit makes them, and the calls about them. */
#pragma once

#include "daemon/edit.h"
#include "daemon/pending.h"

/*
 * May a change begin, and within how many seconds will it be confirmed (0: it need not be)?
 * -EBUSY: another one waits, or one of an earlier run is not taken back yet.
 */
int confirm_admit(const struct manager *manager, const json_t *parameters,
		  unsigned int *ret_seconds, struct problem *problem);

/*
 * Write down how @edit is taken back, if it is to be confirmed; the edit's moves go to the
 * pending change then. @object is whose file it writes; NULL: files that were edited by hand.
 */
int confirm_prepare(struct edit *edit, const struct store_object *object,
		    struct pending **ret_pending);

/*
 * The change is made; @err is how it went. Wait for the confirmation, if there is to be one; a
 * change that could not be taken back later is taken back now. Consumes @pending, which may be
 * NULL, unless it waits. Returns @err, or why nothing can be waited for.
 */
int confirm_start(struct pending *pending, unsigned int seconds, int err, struct problem *problem);

/* A change that touches no file: done by the caller between confirm_begin() and confirm_end(). */
struct confirmation {
	struct pending *pending; /* NULL: none was asked for */
	unsigned int seconds;
};

int confirm_begin(struct manager *manager, const json_t *parameters, const char *what,
		  struct confirmation *ret_confirmation, struct problem *problem);

/* @err is how the change went. Returns it, or why no confirmation can be waited for. */
int confirm_end(const struct confirmation *confirmation, int err, struct problem *problem);

/* org.iovteam.Confirm and org.iovteam.Cancel. */
void call_confirm(void *data, json_t *parameters, struct varlink_reply *reply);
void call_cancel(void *data, json_t *parameters, struct varlink_reply *reply);
