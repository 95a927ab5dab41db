// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded into iovteamd: counts its allocations or its requests to the kernel, and fails those
 * that the driver wants failed. Calls of the C library to itself are out of reach, except for its
 * allocations; so fopen() and scandir() are requests of their own.
 *
 * Only requests are here that Linux can refuse. Setting or reading a timer and
 * waiting for events are none.
 */
#undef _FILE_OFFSET_BITS /* open() and open64() are two symbols here */

#include "fault.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static struct fault_control *control;
/* Our own work does not count. Not allocated when it is first used, which would be a point itself. */
static __thread bool busy __attribute__((tls_model("initial-exec")));

/* --- points --- */

static uint64_t hash_of(void *const *frames, int depth)
{
	uint64_t hash = 14695981039346656037ULL;

	for (int i = 0; i < depth; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * 1099511628211ULL;
	return hash;
}

static void write_stack(void *const *frames, int depth)
{
	Dl_info info;

	control->depth = (uint32_t)depth;
	for (int i = 0; i < depth; i++)
		if (dladdr(frames[i], &info) && info.dli_fname)
			(void)snprintf(control->stack[i], sizeof(control->stack[i]), "%s+%#tx",
				       info.dli_fname, (char *)frames[i] - (char *)info.dli_fbase);
}

static void note_site(uint32_t point)
{
	void *frames[FAULT_STACK_MAX];

	if (point <= FAULT_POINTS_MAX)
		control->sites[point - 1] = hash_of(frames, backtrace(frames, FAULT_STACK_MAX));
}

static void note_failure(const char *name)
{
	void *frames[FAULT_STACK_MAX];

	if (control->failed++)
		return;
	(void)snprintf(control->name, sizeof(control->name), "%s", name);
	write_stack(frames, backtrace(frames, FAULT_STACK_MAX));
}

/* Whether this one fails; errno is set then. */
static bool fails(enum fault_kind kind, const char *name)
{
	uint32_t point;
	bool failed;

	if (!control || busy || control->kind != kind ||
	    (*control->only && strcmp(control->only, name) != 0))
		return false;
	busy = true;
	point = __atomic_add_fetch(&control->seen, 1,
				   __ATOMIC_RELAXED); /* the worker has points, too */
	if (control->trace)
		note_site(point);
	failed = control->first && point >= control->first && point <= control->last;
	if (failed)
		note_failure(name);
	busy = false;
	if (failed && control->error == FAULT_KILLS)
		(void)kill(getpid(), SIGKILL);
	if (failed)
		errno = control->error;
	return failed;
}

/* --- allocations --- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static void *counted(void *block)
{
	if (block && control)
		(void)__atomic_add_fetch(&control->live, 1, __ATOMIC_RELAXED);
	return block;
}

void *malloc(size_t size)
{
	return fails(FAULT_ALLOCATION, "malloc") ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return fails(FAULT_ALLOCATION, "calloc") ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
	if (fails(FAULT_ALLOCATION, "realloc"))
		return NULL;
	return block ? __libc_realloc(block, size) : counted(__libc_realloc(block, size));
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	if (fails(FAULT_ALLOCATION, "posix_memalign"))
		return ENOMEM;
	*ret_block = counted(__libc_memalign(alignment, size));
	return *ret_block ? 0 : ENOMEM;
}

void free(void *block)
{
	if (block && control)
		(void)__atomic_sub_fetch(&control->live, 1, __ATOMIC_RELAXED);
	__libc_free(block);
}

/* --- requests --- */

static void *next(const char *name)
{
	void *found;

	busy = true;
	found = dlsym(RTLD_NEXT, name);
	busy = false;
	return found;
}

#define REQUEST(type, failure, name, parameters, arguments)                                        \
	type name parameters                                                                       \
	{                                                                                          \
		static type(*real) parameters;                                                     \
                                                                                                   \
		if (fails(FAULT_KERNEL, #name))                                                    \
			return failure;                                                            \
		if (!real)                                                                         \
			real = (type(*) parameters)next(#name);                                    \
		return real arguments;                                                             \
	}

REQUEST(int, -1, socket, (int domain, int type, int protocol), (domain, type, protocol))
REQUEST(int, -1, bind, (int fd, const struct sockaddr *address, socklen_t size),
	(fd, address, size))
REQUEST(int, -1, connect, (int fd, const struct sockaddr *address, socklen_t size),
	(fd, address, size))
REQUEST(int, -1, listen, (int fd, int backlog), (fd, backlog))
REQUEST(int, -1, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
	(fd, address, size, flags))
REQUEST(int, -1, getsockname, (int fd, struct sockaddr *address, socklen_t *size),
	(fd, address, size))
REQUEST(int, -1, setsockopt, (int fd, int level, int name, const void *value, socklen_t size),
	(fd, level, name, value, size))
REQUEST(int, -1, getsockopt, (int fd, int level, int name, void *value, socklen_t *size),
	(fd, level, name, value, size))
REQUEST(ssize_t, -1, send, (int fd, const void *bytes, size_t length, int flags),
	(fd, bytes, length, flags))
REQUEST(ssize_t, -1, sendto,
	(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address,
	 socklen_t size),
	(fd, bytes, length, flags, address, size))
REQUEST(ssize_t, -1, sendmsg, (int fd, const struct msghdr *message, int flags),
	(fd, message, flags))
REQUEST(ssize_t, -1, recv, (int fd, void *bytes, size_t length, int flags),
	(fd, bytes, length, flags))
REQUEST(ssize_t, -1, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
REQUEST(ssize_t, -1, write, (int fd, const void *bytes, size_t length), (fd, bytes, length))
REQUEST(int, -1, fsync, (int fd), (fd))
REQUEST(int, -1, rename, (const char *from, const char *to), (from, to))
REQUEST(int, -1, unlink, (const char *path), (path))
REQUEST(int, -1, unlinkat, (int directory, const char *path, int flags), (directory, path, flags))
REQUEST(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
REQUEST(int, -1, rmdir, (const char *path), (path))
REQUEST(int, -1, chmod, (const char *path, mode_t mode), (path, mode))
REQUEST(int, -1, chown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid))
REQUEST(ssize_t, -1, readlink, (const char *path, char *buffer, size_t size), (path, buffer, size))
REQUEST(int, -1, statfs, (const char *path, struct statfs *fs), (path, fs))
REQUEST(int, -1, statfs64, (const char *path, struct statfs64 *fs), (path, fs))
REQUEST(int, -1, mount,
	(const char *source, const char *target, const char *type, unsigned long flags,
	 const void *data),
	(source, target, type, flags, data))
REQUEST(FILE *, NULL, fopen, (const char *path, const char *mode), (path, mode))
REQUEST(FILE *, NULL, fopen64, (const char *path, const char *mode), (path, mode))
REQUEST(DIR *, NULL, opendir, (const char *path), (path))
REQUEST(int, -1, scandir64,
	(const char *path, struct dirent64 ***ret_entries,
	 int (*filter)(const struct dirent64 *entry),
	 int (*compare)(const struct dirent64 **a, const struct dirent64 **b)),
	(path, ret_entries, filter, compare))
REQUEST(void *, MAP_FAILED, mmap64,
	(void *address, size_t length, int protection, int flags, int fd, off64_t offset),
	(address, length, protection, flags, fd, offset))
REQUEST(int, -1, epoll_create1, (int flags), (flags))
REQUEST(int, -1, epoll_ctl, (int fd, int operation, int of, struct epoll_event *event),
	(fd, operation, of, event))
REQUEST(int, -1, signalfd, (int fd, const sigset_t *signals, int flags), (fd, signals, flags))
REQUEST(int, -1, timerfd_create, (int clock, int flags), (clock, flags))
REQUEST(int, -1, eventfd, (unsigned int count, int flags), (count, flags))
REQUEST(int, -1, access, (const char *path, int mode), (path, mode))

/* An error number, and not errno. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *data),
		   void *data)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (fails(FAULT_KERNEL, "pthread_create"))
		return errno;
	if (!real)
		real = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
				void *))next("pthread_create");
	return real(thread, attributes, run, data);
}

static bool is_ours(const void *caller)
{
	Dl_info program, here;

	return dladdr((const void *)getauxval(AT_ENTRY), &program) && dladdr(caller, &here) &&
	       program.dli_fbase == here.dli_fbase;
}

/* The program's own, of files and sysfs: libsystemd reads timers and signals. */
ssize_t read(int fd, void *bytes, size_t length)
{
	static ssize_t (*real)(int fd, void *bytes, size_t length);

	if (control && control->kind == FAULT_KERNEL && is_ours(__builtin_return_address(0)) &&
	    fails(FAULT_KERNEL, "read"))
		return -1;
	if (!real)
		real = (ssize_t(*)(int, void *, size_t))next("read");
	return real(fd, bytes, length);
}

/* Like REQUEST, for the two that take a mode if they make a file. */
#define OPEN(name, parameters, ...)                                                                \
	int name parameters                                                                        \
	{                                                                                          \
		static int(*real) parameters;                                                      \
		mode_t mode = 0;                                                                   \
		va_list rest;                                                                      \
                                                                                                   \
		if (fails(FAULT_KERNEL, #name))                                                    \
			return -1;                                                                 \
		va_start(rest, flags);                                                             \
		if (flags & O_CREAT)                                                               \
			mode = va_arg(rest, mode_t);                                               \
		va_end(rest);                                                                      \
		if (!real)                                                                         \
			real = (int(*) parameters)next(#name);                                     \
		return real(__VA_ARGS__, flags, mode);                                             \
	}

OPEN(open, (const char *path, int flags, ...), path)
OPEN(open64, (const char *path, int flags, ...), path)
OPEN(openat, (int directory, const char *path, int flags, ...), directory, path)
OPEN(openat64, (int directory, const char *path, int flags, ...), directory, path)

/* What it takes is a pointer, or a number as wide as one. */
int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int fd, unsigned long request, ...);
	va_list rest;
	void *what;

	if (fails(FAULT_KERNEL, "ioctl"))
		return -1;
	va_start(rest, request);
	what = va_arg(rest, void *);
	va_end(rest);
	if (!real)
		real = (int (*)(int, unsigned long, ...))next("ioctl");
	return real(fd, request, what);
}

#define BPF_COMMAND_NAME(number)                                                                   \
	case number:                                                                               \
		return "bpf " #number

/* enum bpf_cmd of linux/bpf.h: a number is enough to look it up. */
static const char *bpf_name(long command)
{
	switch (command) {
		BPF_COMMAND_NAME(0);  /* BPF_MAP_CREATE */
		BPF_COMMAND_NAME(5);  /* BPF_PROG_LOAD */
		BPF_COMMAND_NAME(6);  /* BPF_OBJ_PIN */
		BPF_COMMAND_NAME(7);  /* BPF_OBJ_GET */
		BPF_COMMAND_NAME(10); /* BPF_PROG_TEST_RUN */
		BPF_COMMAND_NAME(15); /* BPF_OBJ_GET_INFO_BY_FD */
		BPF_COMMAND_NAME(18); /* BPF_BTF_LOAD */
		BPF_COMMAND_NAME(28); /* BPF_LINK_CREATE */
		BPF_COMMAND_NAME(29); /* BPF_LINK_UPDATE */
		BPF_COMMAND_NAME(34); /* BPF_LINK_DETACH */
	default:
		return "bpf";
	}
}

/* libbpf's way to bpf(2). Other numbers are the C library's and libsystemd's own affairs. */
long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	long arguments[6];
	va_list rest;

	va_start(rest, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(rest, long);
	va_end(rest);
	if (number == SYS_bpf && fails(FAULT_KERNEL, bpf_name(arguments[0])))
		return -1;
	if (!real)
		real = (long (*)(long, ...))next("syscall");
	return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}

/* --- the shared file --- */

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv(FAULT_FILE_VARIABLE);
	struct fault_control *mapped;
	void *frame[1];
	int fd;

	busy = true;
	(void)backtrace(frame, 1); /* the first call loads a library */
	fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd >= 0) {
		mapped = mmap64(NULL, sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (mapped != MAP_FAILED)
			control = mapped;
		(void)close(fd);
	}
	busy = false;
}
