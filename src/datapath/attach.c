// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/attach.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* linux/bpf.h of 6.6 and later; libbpf passes attach types it does not know through. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS 47
#define ATTACH_FIRST (1U << 3) /* BPF_F_BEFORE without a relative: before all others */

/* First in line, beside classifiers of others at the same priority: the handle is ours alone. */
#define CLSACT_PRIORITY 1
#define CLSACT_HANDLE 0x696f7674 /* "iovt" */

static enum bpf_attach_type tcx_type(const struct attach_hook *hook)
{
	return (enum bpf_attach_type)(hook->ingress ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS);
}

/*
 * The device of a pinned tcx link; 0 when the device is gone. struct bpf_link_info of libbpf 1.1
 * has no member for tcx; its first word, the ifindex, lies where xdp's does.
 */
static int tcx_ifindex(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &size))
		return 0;
	return (int)info.xdp.ifindex;
}

/* It is kept by its pin alone, so without that it goes. Twice: nobody comes back to look. */
static void unpin(const char *pin)
{
	if (unlink(pin) && errno != ENOENT)
		(void)unlink(pin);
}

/* -ENOENT: there is no link for this device to update. */
static int tcx_update(const struct attach_hook *hook, int program_fd)
{
	_cleanup_close_ int link = bpf_obj_get(hook->pin);

	if (link < 0)
		return -errno;
	if (tcx_ifindex(link) == hook->ifindex)
		return bpf_link_update(link, program_fd, NULL) ? -errno : 0;
	unpin(hook->pin);
	return -ENOENT;
}

static int tcx_create(const struct attach_hook *hook, int program_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = ATTACH_FIRST);
	_cleanup_close_ int link = -1;

	link = bpf_link_create(program_fd, hook->ifindex, tcx_type(hook), &options);
	if (link < 0)
		return -errno;
	return bpf_obj_pin(link, hook->pin) ? -errno : 0;
}

static int clsact_attach(const struct attach_hook *hook, int program_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = hook->ifindex,
		    .attach_point = hook->ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .handle = CLSACT_HANDLE,
		    .priority = CLSACT_PRIORITY, .flags = BPF_TC_F_REPLACE);
	int err = bpf_tc_hook_create(&where);

	if (err && err != -EEXIST)
		return err;
	return bpf_tc_attach(&where, &options);
}

static void clsact_remove(const struct attach_hook *hook)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = hook->ifindex,
		    .attach_point = hook->ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);

	(void)bpf_tc_detach(&where, &options);
}

static bool clsact_is_there(const struct attach_hook *hook)
{
	LIBBPF_OPTS(bpf_tc_hook, where, .ifindex = hook->ifindex,
		    .attach_point = hook->ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = CLSACT_HANDLE, .priority = CLSACT_PRIORITY);

	return attach_has_clsact(hook->ifindex) && bpf_tc_query(&where, &options) == 0;
}

bool attach_is_there(const struct attach_hook *hook)
{
	_cleanup_close_ int link = bpf_obj_get(hook->pin);

	return link >= 0 ? tcx_ifindex(link) == hook->ifindex : clsact_is_there(hook);
}

int attach_program(const struct attach_hook *hook, int program_fd, struct problem *problem)
{
	int err = tcx_update(hook, program_fd);

	if (err == -ENOENT)
		err = tcx_create(hook, program_fd);
	if (err == -EINVAL) /* a kernel without tcx does not know the attach type */
		err = clsact_attach(hook, program_fd);
	if (err)
		return problem_set(problem, err, "cannot attach the %s program: %s",
				   hook->ingress ? "receiving" : "sending", strerror(-err));
	return 0;
}

void attach_remove(const struct attach_hook *hook)
{
	_cleanup_close_ int link = bpf_obj_get(hook->pin);

	if (link < 0 && errno == ENOENT) {
		if (hook->ifindex)
			clsact_remove(hook);
		return;
	}
	/* Without its pin the link goes with its last descriptor; detaching does not wait for that. */
	if (link >= 0)
		(void)bpf_link_detach(link);
	unpin(hook->pin);
}
