// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/claim.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define DIRECTORY "/run/iovteam"

/* Whoever had it may have removed the file just before we have locked it. */
static bool is_still_there(int fd, const char *path)
{
	struct stat ours, there;

	return !fstat(fd, &ours) && !stat(path, &there) && ours.st_ino == there.st_ino;
}

static int lock(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -1;

	do {
		close_fd(&fd);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB))
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
	} while (!is_still_there(fd, path));
	*ret_fd = steal_fd(&fd);
	return 0;
}

int claim_take(struct claim *ret_claim)
{
	struct stat namespace;

	ret_claim->fd = -1;
	if (stat("/proc/self/ns/net", &namespace))
		return -errno;
	if (mkdir(DIRECTORY, 0755) && errno != EEXIST)
		return -errno;
	(void)snprintf(ret_claim->path, sizeof(ret_claim->path), DIRECTORY "/netns-%ju.lock",
		       (uintmax_t) namespace.st_ino);
	return lock(ret_claim->path, &ret_claim->fd);
}

void claim_drop(struct claim *claim)
{
	if (claim->fd < 0)
		return;
	(void)unlink(claim->path);
	close_fd(&claim->fd);
}
