// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In the place of datapath/uplink.c, for kernels that permit no tracing: what a driver has reported
 * is written into a FIFO ($IOVTEAM_TEST_REPORTS), a device's number as an int.
 */
#include "datapath/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define WATCHED_MAX 8

struct uplinks {
	int fifo;
	int watched[WATCHED_MAX]; /* 0 = a free place */
};

int uplinks_open(struct uplinks **ret_uplinks)
{
	struct uplinks *uplinks = calloc(1, sizeof(*uplinks));

	if (!uplinks)
		return -ENOMEM;
	/* For both, so that it has no end. */
	uplinks->fifo = open(getenv("IOVTEAM_TEST_REPORTS"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (uplinks->fifo < 0) {
		free(uplinks);
		return -ENOENT;
	}
	*ret_uplinks = uplinks;
	return 0;
}

void uplinks_close(struct uplinks *uplinks)
{
	if (!uplinks)
		return;
	(void)close(uplinks->fifo);
	free(uplinks);
}

static int *place_of(struct uplinks *uplinks, int ifindex)
{
	for (int i = 0; i < WATCHED_MAX; i++)
		if (uplinks->watched[i] == ifindex)
			return &uplinks->watched[i];
	return NULL;
}

int uplinks_watch(struct uplinks *uplinks, uint64_t netns, int ifindex)
{
	int *place = place_of(uplinks, 0);

	if (!place)
		return -E2BIG;
	*place = ifindex;
	return 0;
}

void uplinks_forget(struct uplinks *uplinks, uint64_t netns, int ifindex)
{
	int *place = place_of(uplinks, ifindex);

	if (place)
		*place = 0;
}

int uplinks_fd(const struct uplinks *uplinks)
{
	return uplinks->fifo;
}

void uplinks_read(struct uplinks *uplinks, void (*reported)(void *data, int ifindex), void *data)
{
	int ifindex;

	while (read(uplinks->fifo, &ifindex, sizeof(ifindex)) == sizeof(ifindex))
		if (ifindex && place_of(uplinks, ifindex))
			reported(data, ifindex);
}
