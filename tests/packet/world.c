// SPDX-License-Identifier: GPL-2.0-or-later
#include "world.h"

#include "base/cleanup.h"
#include "datapath/attach.h"
#include "kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#define PINS "/sys/fs/bpf" /* in the mount namespace of this process, over the machine's own */
#define TCX_INGRESS 46	   /* linux/bpf.h of 6.6 and later */
#define TCX_EGRESS 47
#define PATIENCE_S 10
#define POLL_NS 1000000

static int home_netns = -1;

int world_check(void)
{
	if (home_netns >= 0)
		return 0;
	home_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home_netns < 0 || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 77;
	return 0;
}

void world_ip(const char *format, ...)
{
	char command[256] = "ip ";
	size_t used = strlen(command);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(command + used, sizeof(command) - used, format, arguments);
	va_end(arguments);
	if (system(command))
		fail_msg("%s", command);
}

/* Duplicate address detection and its like would stand between a test's frames. */
static void quiet_ipv6(void)
{
	static const char *const files[] = {"/proc/sys/net/ipv6/conf/all/disable_ipv6", "/proc/sys/"
											"net/ipv6/"
											"conf/"
											"default/"
											"disable_"
											"ipv6"};

	for (size_t i = 0; i < 2; i++) {
		_cleanup_close_ int fd = open(files[i], O_WRONLY | O_CLOEXEC);

		if (fd >= 0)
			assert_int_equal(write(fd, "1", 1), 1);
	}
}

int world_make(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(mount("bpf", PINS, "bpf", 0, NULL), 0);
	world->teams = PINS "/iovteam";
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(netns_cookie(&world->netns), 0);
	quiet_ipv6();
	world_ip("link set lo up");
	*state = world;
	return 0;
}

int world_veth(const char *name, const char *mac, const char *peer, unsigned queues)
{
	world_ip("link add name %s address %s numtxqueues %u mtu 9000 type veth peer name %s", name,
		 mac, queues, peer);
	world_ip("link set dev %s mtu 9000 up", peer);
	world_ip("link set dev %s up", name);
	return world_index(name);
}

int world_index(const char *name)
{
	return (int)if_nametoindex(name);
}

void world_flap_elsewhere(int ifindex)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(home >= 0);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	world_ip("link add name first index %d up type veth peer name second", ifindex);
	world_ip("link set second up");
	world_ip("link set second down");
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	assert_int_equal(close(home), 0);
}

static void remember(uint32_t *list, size_t *count, uint32_t id)
{
	for (size_t i = 0; i < *count; i++)
		if (list[i] == id)
			return;
	assert_true(*count < WORLD_SEEN);
	list[(*count)++] = id;
}

bool world_has_tcx(void)
{
	uint32_t count = 0;

	return !bpf_prog_query(world_index("lo"), (enum bpf_attach_type)TCX_INGRESS, 0, NULL, NULL,
			       &count) ||
	       errno == ENOENT;
}

int world_programs(struct world *world, int ifindex, bool ingress, uint32_t *ret_id)
{
	uint32_t ids[8] = {}, count = 8;

	if (!world_has_tcx())
		return 0;
	if (bpf_prog_query(ifindex, (enum bpf_attach_type)(ingress ? TCX_INGRESS : TCX_EGRESS), 0,
			   NULL, ids, &count))
		return errno == ENOENT ? 0 : -1;
	for (uint32_t i = 0; i < count; i++)
		remember(world->programs, &world->program_count, ids[i]);
	if (ret_id)
		*ret_id = ids[0];
	return (int)count;
}

uint32_t world_link(struct world *world, const char *team, const char *name, int *ret_ifindex)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", world->teams, team, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	remember(world->links, &world->link_count, info.id);
	if (ret_ifindex)
		*ret_ifindex = (int)info.xdp.ifindex; /* where tcx has it; see datapath/attach.c */
	return info.id;
}

static unsigned count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

bool world_has_pins(const struct world *world, const char *team)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", world->teams, team);
	return access(path, F_OK) == 0;
}

void world_wait(bool (*true_yet)(void *data), void *data)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	const time_t until = time(NULL) + PATIENCE_S;

	while (!true_yet(data)) {
		if (time(NULL) > until)
			fail_msg("waited %d s in vain", PATIENCE_S);
		(void)nanosleep(&pause, NULL);
	}
}

/* The kernel frees programs and links a moment after their last user has gone. */
static bool all_freed(void *data)
{
	const struct world *world = data;

	for (size_t i = 0; i < world->program_count; i++) {
		_cleanup_close_ int fd = bpf_prog_get_fd_by_id(world->programs[i]);

		if (fd >= 0)
			return false;
	}
	for (size_t i = 0; i < world->link_count; i++) {
		_cleanup_close_ int fd = bpf_link_get_fd_by_id(world->links[i]);

		if (fd >= 0)
			return false;
	}
	return true;
}

static void assert_devices_free(struct world *world)
{
	struct if_nameindex *devices = if_nameindex();

	assert_non_null(devices);
	for (struct if_nameindex *device = devices; device->if_index; device++) {
		int ifindex = (int)device->if_index;

		assert_int_equal(world_programs(world, ifindex, true, NULL), 0);
		assert_int_equal(world_programs(world, ifindex, false, NULL), 0);
		assert_false(attach_has_clsact(ifindex));
	}
	if_freenameindex(devices);
}

int world_end(void **state)
{
	struct world *world = *state;

	assert_int_equal(count_entries(world->teams), 0);
	assert_devices_free(world);
	world_wait(all_freed, world);
	assert_true(!rmdir(world->teams) || errno == ENOENT);
	assert_int_equal(umount(PINS), 0);
	/* Nothing but this process holds the namespace: leaving it ends it. */
	assert_int_equal(setns(home_netns, CLONE_NEWNET), 0);
	free(world);
	return 0;
}
