/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread beside the loop, for work that takes seconds: making virtual functions, binding
 * drivers. A failover never waits for it. Jobs run one after the other, in the order in which they
 * were given.
 *
 * A job touches nothing of the daemon's but its own @data, which nobody else touches until its
 * `done`, or until worker_close() has returned.
 */
#pragma once

#include "base/problem.h"

#include <systemd/sd-event.h>

struct worker;

/* In the thread. Returns 0 or the negative errno that @problem explains. */
typedef int (*worker_job)(void *data, struct problem *problem);

/* In the loop, when the job is over. It may give more jobs; it may not close the worker. */
typedef void (*worker_done)(void *data, int err, const struct problem *problem);

/* The thread has the capabilities that the caller has now. */
int worker_open(sd_event *loop, struct worker **ret_worker);

int worker_do(struct worker *worker, worker_job job, worker_done done, void *data);

/*
 * Waits for the job that runs; those that have not begun never do. No `done` is called any more:
 * @data of all of them is the caller's again.
 */
void worker_close(struct worker *worker);
