/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership helpers: a variable marked with one of these releases what it holds
 * when it goes out of scope; steal_ptr() and steal_fd() hand ownership on.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(free_ptr)
#define _cleanup_close_ _cleanup_(close_fd)
#define _cleanup_fclose_ _cleanup_(close_file)

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static inline void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
	*f = NULL;
}

#define steal_ptr(p)                                                                               \
	({                                                                                         \
		__auto_type _p = (p);                                                              \
		(p) = NULL;                                                                        \
		_p;                                                                                \
	})

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
