// SPDX-License-Identifier: GPL-2.0-or-later
/* The meters' way into network namespaces. */
#include "meter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int netns_enter(const char *name, int *ret_back)
{
	char path[128];
	int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), there, err = 0;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", name);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (back < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		err = -errno;
	if (there >= 0)
		close(there);
	if (err && back >= 0)
		close(back);
	if (!err)
		*ret_back = back;
	return err;
}

void netns_leave(int back)
{
	if (setns(back, CLONE_NEWNET) < 0) {
		perror("setns");
		exit(EXIT_FAILURE);
	}
	close(back);
}
