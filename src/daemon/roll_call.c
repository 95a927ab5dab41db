// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/roll_call.h"

#include "daemon/clock.h"
#include "daemon/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_NS (3 * NS_PER_S)
#define PAUSE_MS 2

struct roll_call {
	struct worker *worker;
	uint64_t begun_ns; /* of the one that is under way, 0 = there is none */
	uint64_t since_ns; /* the last one that is over was begun then */
	void (*answered)(void *data);
	void *data;
};

/* Is there once each of them runs us. */
static void visit_all(const cpu_set_t *all)
{
	cpu_set_t one;

	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(0, sizeof(one), &one); /* it may just have gone offline */
	}
}

/*
 * In the thread. Twice: where much is waiting the kernel takes it in by a thread of its own, which
 * may be behind us the first time. On a machine with more processors than the set holds none is
 * visited.
 */
static int call_roll(void *data, struct problem *problem)
{
	cpu_set_t all;

	/* The process's, not the thread's own: that is a processor's that was visited, if all goes wrong. */
	if (sched_getaffinity(getpid(), sizeof(all), &all) < 0)
		return 0;
	visit_all(&all);
	clock_pause_ms(PAUSE_MS);
	visit_all(&all);
	(void)sched_setaffinity(0, sizeof(all), &all);
	return 0;
}

static void take_answer(void *data, int err, const struct problem *problem)
{
	struct roll_call *call = data;

	call->since_ns = call->begun_ns;
	call->begun_ns = 0;
	call->answered(call->data);
}

int roll_call_open(sd_event *loop, void (*answered)(void *data), void *data,
		   struct roll_call **ret_call)
{
	struct roll_call *call = calloc(1, sizeof(*call));
	int err = call ? worker_open(loop, &call->worker) : -ENOMEM;

	if (err) {
		free(call);
		return err;
	}
	call->answered = answered;
	call->data = data;
	*ret_call = call;
	return 0;
}

void roll_call_close(struct roll_call *call)
{
	if (!call)
		return;
	worker_close(call->worker);
	free(call);
}

void roll_call_start(struct roll_call *call, uint64_t now_ns)
{
	if (call->begun_ns)
		return;
	call->begun_ns = now_ns;
	if (worker_do(call->worker, call_roll, take_answer, call)) { /* no memory: unknown */
		call->begun_ns = 0;
		call->since_ns = now_ns;
	}
}

uint64_t roll_call_since(const struct roll_call *call, uint64_t now_ns)
{
	bool overdue = call->begun_ns && now_ns - call->begun_ns > PATIENCE_NS;

	return overdue ? now_ns : call->since_ns;
}
