// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps that take seconds, on the worker. The NIC is busy from when such a step is begun until it
 * is done; whether it has brought what it should, the next look says.
 */
#include "daemon/host_private.h"

#include "base/strings.h"
#include "daemon/log.h"
#include "daemon/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VFIO_DRIVER "vfio-pci"

struct slow_job {
	struct host *host;
	enum host_step_kind kind;
	char sw[SWITCH_NAME_SIZE];
	int nic; /* its ifindex */
	char object[HOST_OBJECT_SIZE];
	char device[MEMBER_DEVICE_SIZE];
	uint32_t number;
	bool for_switch; /* one that is there; with one that goes its VFs go, used or not */
	uint32_t vf;	 /* of HOST_VFS_MAKE how many there were */
	struct mac mac;	 /* that the VF has */
	bool gives_back; /* VFs are the NIC's own again: not ours, which get no driver by themselves */
	bool has_autoprobe, autoprobe; /* whether its own do, if it is known */
	char text[HOST_TEXT_SIZE];
};

/* All VFs go first: since this was planned somebody may have begun to use one. */
static int make_vfs(const struct slow_job *job, struct problem *problem)
{
	int err = 0;

	if (job->for_switch && sriov_in_use(HOST_SYSFS, job->device))
		return problem_set(problem, -EBUSY, "VFs of %s are in use", job->device);
	if (job->gives_back && job->has_autoprobe)
		err = sriov_set_autoprobe(HOST_SYSFS, job->device, job->autoprobe, problem);
	if (!err)
		err = sriov_set_count(HOST_SYSFS, job->device, job->number,
				      job->gives_back && job->autoprobe, problem);
	if (err == -EBUSY && !job->gives_back && job->has_autoprobe)
		(void)sriov_set_autoprobe(HOST_SYSFS, job->device, job->autoprobe, NULL);
	return err;
}

/* In the worker's thread: nothing of the host's may be touched here. */
static int run_job(void *data, struct problem *problem)
{
	const struct slow_job *job = data;

	if (job->kind == HOST_VFS_MAKE)
		return make_vfs(job, problem);
	if (job->kind == HOST_VF_UNBIND)
		return sriov_unbind(HOST_SYSFS, job->device, problem);
	return sriov_bind(HOST_SYSFS, job->device, job->number ? VFIO_DRIVER : "", problem);
}

/* Until it is given or reset, its MAC is nobody's. */
static void note_taken(const struct slow_job *job, struct host_nic_memory *nic)
{
	if (nic->ifindex == job->nic && job->vf < HOST_VFS_MAX && !mac_is_zero(&job->mac))
		nic->ours[job->vf / 64] |= 1ULL << (job->vf % 64);
}

/* What was noted for it would make VFs ours that are not, or ours nobody's. */
static void undo_mark(const struct slow_job *job)
{
	const struct link *bridge = link_by_name(&job->host->context->observed->links, job->sw);
	char text[LINK_ALIAS_SIZE];
	struct host_mark mark;

	if (bridge && host_mark_read(bridge, &mark) &&
	    host_mark_undo_making(&mark, job->vf, job->number))
		(void)host_set_mark(job->host, bridge->ifindex, host_mark_switch(&mark, text),
				    NULL);
}

/* The next time that VFs are made it may be another. */
static void forget_autoprobe(const struct slow_job *job)
{
	const struct link *bridge = link_by_name(&job->host->context->observed->links, job->sw);
	char text[LINK_ALIAS_SIZE];
	struct host_mark mark;

	if (!bridge || !host_mark_read(bridge, &mark) || mark.nic != job->nic || mark.made_vfs)
		return;
	mark.has_autoprobe = false;
	(void)host_set_mark(job->host, bridge->ifindex, host_mark_switch(&mark, text), NULL);
}

static void end_job(void *data, int err, const struct problem *problem)
{
	struct slow_job *job = data;
	struct host_nic_memory *nic = host_nic_memory(job->host, job->sw);

	if (err)
		log_warning("%s: %s", job->object, problem->text);
	else
		log_info("%s: done: %s", job->object, job->text);
	if (nic) { /* always: what is busy is not forgotten */
		nic->busy--;
		nic->making -= job->kind == HOST_VFS_MAKE;
	}
	if (nic && !err && job->kind == HOST_VF_UNBIND)
		note_taken(job, nic);
	if (!err && job->gives_back && job->has_autoprobe)
		forget_autoprobe(job);
	if (nic && job->kind == HOST_VFS_MAKE && nic->ifindex == job->nic && err != -EBUSY) {
		nic->refused_count = err ? job->number : 0;
		nic->refused_errno = err;
		(void)text_copy(nic->refused_text, sizeof(nic->refused_text),
				err ? problem->text : "");
	} else if (err) {
		if (nic && job->kind != HOST_VFS_MAKE)
			nic->again = false; /* as of a step that has failed at once */
		if (err == -EBUSY && nic && nic->ifindex == job->nic && job->for_switch &&
		    job->kind == HOST_VFS_MAKE)
			undo_mark(job);
		host_note_trouble(job->host, job->object, problem->text);
	}
	job->host->changed(job->host->data);
	free(job);
}

/*
 * Ours get their drivers from us. How it was is noted before the first are made, and is so again
 * before the NIC is given back.
 */
static int note_autoprobe(struct slow_job *job, const struct host_step *step,
			  struct problem *problem)
{
	const struct link *bridge = link_by_name(&job->host->context->observed->links, job->sw);
	char text[LINK_ALIAS_SIZE];
	struct host_mark mark;
	int err = 0;

	if (step->kind != HOST_VFS_MAKE || !bridge || !host_mark_read(bridge, &mark) ||
	    mark.nic != step->ifindex)
		return 0;
	job->gives_back = !step->sw || !mark.made_vfs;
	if (!job->gives_back && !mark.has_autoprobe &&
	    !sriov_autoprobe(HOST_SYSFS, step->device, &mark.autoprobe)) {
		mark.has_autoprobe = true;
		err = host_set_mark(job->host, bridge->ifindex, host_mark_switch(&mark, text),
				    problem);
	}
	job->has_autoprobe = mark.has_autoprobe;
	job->autoprobe = mark.autoprobe;
	return err;
}

int host_begin(struct host *host, const struct host_step *step, struct problem *problem)
{
	const char *sw = host_step_switch(step);
	struct host_nic_memory *nic = host_remember_nic(host, sw, step->ifindex);
	struct slow_job *job = nic ? calloc(1, sizeof(*job)) : NULL;
	int err = job ? 0 : -ENOMEM;

	if (!err) {
		*job = (struct slow_job){.host = host,
					 .kind = step->kind,
					 .nic = step->ifindex,
					 .number = step->number,
					 .for_switch = step->sw,
					 .vf = step->vf,
					 .mac = step->mac};
		(void)text_copy(job->sw, sizeof(job->sw), sw);
		(void)text_copy(job->object, sizeof(job->object), step->object);
		(void)text_copy(job->device, sizeof(job->device), step->device);
		(void)text_copy(job->text, sizeof(job->text), step->text);
		err = note_autoprobe(job, step, problem);
	}
	if (!err)
		err = worker_do(host->worker, run_job, end_job, job);
	if (err) {
		free(job);
		return problem_set(problem, err, "out of memory");
	}
	nic->busy++;
	nic->making += step->kind == HOST_VFS_MAKE;
	return 0;
}
