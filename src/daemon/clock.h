/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The monotonic clock, the same that BPF programs read (bpf_ktime_get_ns). */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_US 1000ULL
#define NS_PER_S 1000000000ULL

static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/* For what has no event to wait for. The daemon does nothing else meanwhile. */
static inline void clock_pause_ms(unsigned int ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000,
				       .tv_nsec = (long)(ms % 1000 * NS_PER_MS)};

	(void)nanosleep(&pause, NULL);
}

/* As the monotonic clock, and runs on while the machine is suspended. */
static inline uint64_t clock_boottime_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}
