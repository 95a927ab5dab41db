// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two queues under one lock: what is to be done, and what is over. An eventfd tells the loop of the
 * latter. What a job leaves in its data, the loop sees, since both take the lock in between.
 */
#include "daemon/worker.h"

#include "base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>

struct job {
	struct job *next;
	worker_job job;
	worker_done done;
	void *data;
	int err;
	struct problem problem;
};

struct queue {
	struct job *first, *last;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock; /* of the three behind it */
	struct queue todo, over;
	bool stop;
	pthread_cond_t more; /* something to do, or to stop for */
	int wake;	     /* eventfd */
	sd_event_source *source;
};

static void queue_add(struct queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->last)
		queue->last->next = job;
	else
		queue->first = job;
	queue->last = job;
}

static struct job *queue_take(struct queue *queue)
{
	struct job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	if (!queue->first)
		queue->last = NULL;
	return job;
}

static void queue_free(struct queue *queue)
{
	struct job *job;

	while ((job = queue_take(queue)))
		free(job);
}

/* The next job; NULL when it is time to stop. */
static struct job *wait_for_job(struct worker *worker)
{
	struct job *job = NULL;

	(void)pthread_mutex_lock(&worker->lock);
	while (!worker->stop && !worker->todo.first)
		(void)pthread_cond_wait(&worker->more, &worker->lock);
	if (!worker->stop)
		job = queue_take(&worker->todo);
	(void)pthread_mutex_unlock(&worker->lock);
	return job;
}

static void *work(void *data)
{
	struct worker *worker = data;
	struct job *job;

	while ((job = wait_for_job(worker))) {
		job->err = job->job(job->data, &job->problem);
		(void)pthread_mutex_lock(&worker->lock);
		queue_add(&worker->over, job);
		(void)pthread_mutex_unlock(&worker->lock);
		(void)eventfd_write(worker->wake, 1);
	}
	return NULL;
}

static struct job *take_over(struct worker *worker)
{
	struct job *job;

	(void)pthread_mutex_lock(&worker->lock);
	job = queue_take(&worker->over);
	(void)pthread_mutex_unlock(&worker->lock);
	return job;
}

static int on_wake(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct worker *worker = data;
	struct job *job;
	eventfd_t count;

	(void)eventfd_read(fd, &count);
	while ((job = take_over(worker))) {
		job->done(job->data, job->err, &job->problem);
		free(job);
	}
	return 0;
}

/* Signals are the loop's. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&worker->thread, NULL, work, worker);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void worker_free(struct worker *worker)
{
	(void)sd_event_source_disable_unref(worker->source);
	close_fd(&worker->wake);
	queue_free(&worker->todo);
	queue_free(&worker->over);
	(void)pthread_cond_destroy(&worker->more);
	(void)pthread_mutex_destroy(&worker->lock);
	free(worker);
}

int worker_open(sd_event *loop, struct worker **ret_worker)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return -ENOMEM;
	(void)pthread_mutex_init(&worker->lock, NULL);
	(void)pthread_cond_init(&worker->more, NULL);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = worker->wake < 0 ? -errno
			       : sd_event_add_io(loop, &worker->source, worker->wake, EPOLLIN,
						 on_wake, worker);
	if (err >= 0)
		err = start_thread(worker);
	if (err < 0) {
		worker_free(worker);
		return err;
	}
	*ret_worker = worker;
	return 0;
}

int worker_do(struct worker *worker, worker_job job, worker_done done, void *data)
{
	struct job *new = malloc(sizeof(*new));

	if (!new)
		return -ENOMEM;
	*new = (struct job){.job = job, .done = done, .data = data};
	(void)pthread_mutex_lock(&worker->lock);
	queue_add(&worker->todo, new);
	(void)pthread_cond_signal(&worker->more);
	(void)pthread_mutex_unlock(&worker->lock);
	return 0;
}

void worker_close(struct worker *worker)
{
	if (!worker)
		return;
	(void)pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	(void)pthread_cond_signal(&worker->more);
	(void)pthread_mutex_unlock(&worker->lock);
	(void)pthread_join(worker->thread, NULL);
	worker_free(worker);
}
