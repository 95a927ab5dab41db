// SPDX-License-Identifier: GPL-2.0-or-later
/* The worker: order, what a job hands back, a loop that goes on meanwhile, and the end. */
#include "daemon/worker.h"

#include "base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#define JOBS 100
#define PATIENCE_US 10000000

struct world {
	sd_event *loop;
	struct worker *worker;
	unsigned ran, told; /* the thread's, the loop's */
	pthread_t loop_thread;
};

struct task {
	struct world *world;
	unsigned number; /* in order */
	sem_t *begun, *go;
	bool over, again;
	int err;
	struct problem problem;
};

/* It must be the thread's turn, and no signal's. */
static int job(void *data, struct problem *problem)
{
	struct task *task = data;
	sigset_t blocked;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (pthread_equal(pthread_self(), task->world->loop_thread) ||
	    !sigismember(&blocked, SIGTERM) || task->world->ran++ != task->number)
		return problem_set(problem, -EINVAL, "not the turn of %u", task->number);
	if (task->begun)
		(void)sem_post(task->begun);
	if (task->go)
		(void)sem_wait(task->go);
	return task->number % 2 ? problem_set(problem, -EIO, "%u is odd", task->number) : 0;
}

static void done(void *data, int err, const struct problem *problem)
{
	struct task *task = data;

	assert_true(pthread_equal(pthread_self(), task->world->loop_thread));
	assert_int_equal(task->world->told++, task->number);
	task->over = true;
	task->err = err;
	assert_int_equal(problem->error, err);
	task->problem = *problem;
	if (!task->again)
		return;
	task->again = false;
	task->number = 1;
	assert_int_equal(worker_do(task->world->worker, job, done, task), 0);
}

static void run_until_told(struct world *world, unsigned count)
{
	while (world->told < count)
		assert_true(sd_event_run(world->loop, PATIENCE_US) > 0);
}

static int begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->loop_thread = pthread_self();
	assert_return_code(sd_event_new(&world->loop), 0);
	assert_int_equal(worker_open(world->loop, &world->worker), 0);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	worker_close(world->worker);
	sd_event_unref(world->loop);
	free(world);
	return 0;
}

static void test_order(void **state)
{
	struct world *world = *state;
	struct task tasks[JOBS] = {};

	for (unsigned i = 0; i < JOBS; i++) {
		tasks[i] = (struct task){.world = world, .number = i};
		assert_int_equal(worker_do(world->worker, job, done, &tasks[i]), 0);
	}
	run_until_told(world, JOBS);
	for (unsigned i = 0; i < JOBS; i++) {
		char text[64] = "";

		if (i % 2)
			(void)snprintf(text, sizeof(text), "%u is odd", i);
		assert_int_equal(tasks[i].err, i % 2 ? -EIO : 0);
		assert_string_equal(tasks[i].problem.text, text);
	}
}

static void test_more_from_done(void **state)
{
	struct world *world = *state;
	struct task task = {.world = world, .again = true};

	assert_int_equal(worker_do(world->worker, job, done, &task), 0);
	run_until_told(world, 2);
	assert_int_equal(task.err, -EIO);
}

static int count(sd_event_source *source, void *data)
{
	(*(unsigned *)data)++;
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* While a job waits, the loop has its other duties. */
static void test_loop_goes_on(void **state)
{
	struct world *world = *state;
	sem_t begun, go;
	struct task task = {.world = world, .begun = &begun, .go = &go};
	sd_event_source *other = NULL;
	unsigned turns = 0;

	assert_int_equal(sem_init(&begun, 0, 0), 0);
	assert_int_equal(sem_init(&go, 0, 0), 0);
	assert_return_code(sd_event_add_defer(world->loop, &other, count, &turns), 0);
	assert_int_equal(worker_do(world->worker, job, done, &task), 0);
	assert_int_equal(sem_wait(&begun), 0);
	while (turns < 10)
		assert_true(sd_event_run(world->loop, PATIENCE_US) > 0);
	assert_false(task.over);
	(void)sd_event_source_disable_unref(other);
	assert_int_equal(sem_post(&go), 0);
	run_until_told(world, 1);
	assert_int_equal(sem_destroy(&begun), 0);
	assert_int_equal(sem_destroy(&go), 0);
}

static void *release(void *data)
{
	(void)sem_post(data);
	return NULL;
}

/* The job that runs ends, the one behind it never begins, and nobody is told. */
static void test_close(void **state)
{
	struct world *world = *state;
	sem_t begun, go;
	struct task first = {.world = world, .begun = &begun, .go = &go};
	struct task second = {.world = world, .number = 1};
	pthread_t other;

	assert_int_equal(sem_init(&begun, 0, 0), 0);
	assert_int_equal(sem_init(&go, 0, 0), 0);
	assert_int_equal(worker_do(world->worker, job, done, &first), 0);
	assert_int_equal(worker_do(world->worker, job, done, &second), 0);
	assert_int_equal(sem_wait(&begun), 0);
	assert_int_equal(pthread_create(&other, NULL, release, &go), 0);
	worker_close(world->worker);
	world->worker = NULL;
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_true(world->ran == 1 || world->ran == 2); /* whoever was quicker */
	assert_int_equal(sd_event_run(world->loop, 0), 0);
	assert_false(first.over || second.over);
	assert_int_equal(sem_destroy(&begun), 0);
	assert_int_equal(sem_destroy(&go), 0);
}

static void test_close_idle(void **state)
{
	struct world *world = *state;

	worker_close(world->worker);
	worker_close(NULL);
	assert_int_equal(worker_open(world->loop, &world->worker), 0);
}

#define WORKER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER(test_order), WORKER(test_more_from_done), WORKER(test_loop_goes_on),
		WORKER(test_close), WORKER(test_close_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
