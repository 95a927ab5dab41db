// SPDX-License-Identifier: GPL-2.0-or-later
/* The roll call: it is answered, and not before a processor that others keep busy has run it. */
#include "daemon/clock.h"
#include "daemon/roll_call.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_US 10000000

struct world {
	sd_event *loop;
	struct roll_call *call;
	unsigned int answers;
	atomic_bool holds, let_go;
	pid_t holder;
};

static void answered(void *data)
{
	struct world *world = data;

	world->answers++;
}

static int make(void **state)
{
	static struct world world;

	world = (struct world){};
	*state = &world;
	return sd_event_new(&world.loop) < 0 ||
	       roll_call_open(world.loop, answered, &world, &world.call);
}

static int drop(void **state)
{
	struct world *world = *state;

	roll_call_close(world->call);
	sd_event_unref(world->loop);
	return 0;
}

static void wait_for_answers(struct world *world, unsigned int count)
{
	while (world->answers < count)
		assert_true(sd_event_run(world->loop, PATIENCE_US) > 0);
}

static void each_call_is_answered_once(void **state)
{
	struct world *world = *state;
	uint64_t begun_ns;

	assert_int_equal(roll_call_since(world->call, clock_now_ns()), 0);
	for (unsigned int i = 1; i <= 100; i++) {
		begun_ns = clock_now_ns();
		roll_call_start(world->call, begun_ns);
		roll_call_start(world->call, begun_ns + 1); /* one is under way */
		wait_for_answers(world, i);
		assert_int_equal(roll_call_since(world->call, clock_now_ns()), begun_ns);
	}
	assert_int_equal(sd_event_run(world->loop, 0), 0);
}

static void who_does_not_come_is_not_waited_for_longer(void **state)
{
	struct world *world = *state;
	uint64_t now_ns = clock_now_ns();

	roll_call_start(world->call, now_ns);
	assert_int_equal(roll_call_since(world->call, now_ns + 3 * NS_PER_S), 0);
	assert_int_equal(roll_call_since(world->call, now_ns + 4 * NS_PER_S),
			 now_ns + 4 * NS_PER_S);
	wait_for_answers(world, 1);
}

/* Nobody else runs at its processor. */
static void *hold(void *data)
{
	struct world *world = data;

	world->holder = gettid();
	atomic_store(&world->holds, true);
	while (!atomic_load(&world->let_go))
		;
	return NULL;
}

static bool hold_processor(struct world *world, int cpu, pthread_t *ret_thread)
{
	struct sched_param priority = {.sched_priority = 1};
	pthread_attr_t attributes;
	cpu_set_t one;
	int err;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setaffinity_np(&attributes, sizeof(one), &one);
	(void)pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
	(void)pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
	(void)pthread_attr_setschedparam(&attributes, &priority);
	err = pthread_create(ret_thread, &attributes, hold, world);
	(void)pthread_attr_destroy(&attributes);
	while (!err && !atomic_load(&world->holds))
		(void)sched_yield();
	return !err;
}

/* Is there a thread that may run at this processor only, besides the holder? */
static bool somebody_waits_for(int cpu, pid_t holder)
{
	DIR *threads = opendir("/proc/self/task");
	const struct dirent *entry;
	bool waits = false;

	assert_non_null(threads);
	while (!waits && (entry = readdir(threads))) {
		pid_t thread = atoi(entry->d_name);
		cpu_set_t set;

		waits = thread > 0 && thread != holder &&
			!sched_getaffinity(thread, sizeof(set), &set) && CPU_COUNT(&set) == 1 &&
			CPU_ISSET((size_t)cpu, &set);
	}
	(void)closedir(threads);
	return waits;
}

static void a_held_processor_is_waited_for(void **state)
{
	struct world *world = *state;
	cpu_set_t before, first;
	int cpus[2], count = 0;
	pthread_t holder;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	for (int cpu = 0; count < 2 && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &before))
			cpus[count++] = cpu;
	if (count < 2)
		skip(); /* then it cannot be held */
	CPU_ZERO(&first);
	CPU_SET((size_t)cpus[0], &first);
	assert_int_equal(sched_setaffinity(0, sizeof(first), &first), 0);
	if (!hold_processor(world, cpus[1], &holder))
		skip(); /* not permitted */
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	roll_call_start(world->call, clock_now_ns());
	while (!somebody_waits_for(cpus[1], world->holder))
		(void)sched_yield();
	(void)sd_event_run(world->loop, 0);
	count = (int)world->answers;
	atomic_store(&world->let_go, true);
	assert_int_equal(pthread_join(holder, NULL), 0);
	assert_int_equal(count, 0);
	wait_for_answers(world, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		TEST(each_call_is_answered_once),
		TEST(who_does_not_come_is_not_waited_for_longer),
		TEST(a_held_processor_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
