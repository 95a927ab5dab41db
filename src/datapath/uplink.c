// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/uplink.h"

#include "datapath/carrier_key.h"

#include "datapath/uplink.skel.h"

#include <errno.h>

#include <bpf/bpf.h>

struct uplinks {
	struct uplink_bpf *programs;
	struct ring_buffer *reports;
	void (*reported)(void *data, int ifindex); /* of the uplinks_read() that is under way */
	void *data;
};

static int take_report(void *context, void *report, size_t size)
{
	const struct uplinks *uplinks = context;

	uplinks->reported(uplinks->data, (int)*(const __u32 *)report);
	return 0;
}

int uplinks_open(struct uplinks **ret_uplinks)
{
	struct uplinks *uplinks = calloc(1, sizeof(*uplinks));
	int err = -ENOMEM;

	if (!uplinks)
		return err;
	uplinks->programs = uplink_bpf__open_and_load();
	if (!uplinks->programs)
		err = -errno;
	else
		err = uplink_bpf__attach(uplinks->programs);
	if (!err) {
		uplinks->reports = ring_buffer__new(bpf_map__fd(uplinks->programs->maps.reports),
						    take_report, uplinks, NULL);
		err = uplinks->reports ? 0 : -errno;
	}
	if (err) {
		uplinks_close(uplinks);
		return err;
	}
	*ret_uplinks = uplinks;
	return 0;
}

void uplinks_close(struct uplinks *uplinks)
{
	if (!uplinks)
		return;
	ring_buffer__free(uplinks->reports);
	uplink_bpf__destroy(uplinks->programs);
	free(uplinks);
}

int uplinks_watch(struct uplinks *uplinks, uint64_t netns, int ifindex)
{
	const struct carrier_key key = {.netns = netns, .ifindex = (__u32)ifindex};
	const __u32 watched = 1;

	return bpf_map_update_elem(bpf_map__fd(uplinks->programs->maps.uplinks), &key, &watched,
				   BPF_ANY)
		       ? -errno
		       : 0;
}

void uplinks_forget(struct uplinks *uplinks, uint64_t netns, int ifindex)
{
	const struct carrier_key key = {.netns = netns, .ifindex = (__u32)ifindex};

	(void)bpf_map_delete_elem(bpf_map__fd(uplinks->programs->maps.uplinks), &key);
}

int uplinks_fd(const struct uplinks *uplinks)
{
	return ring_buffer__epoll_fd(uplinks->reports);
}

void uplinks_read(struct uplinks *uplinks, void (*reported)(void *data, int ifindex), void *data)
{
	uplinks->reported = reported;
	uplinks->data = data;
	(void)ring_buffer__consume(uplinks->reports);
}
