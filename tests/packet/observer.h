/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What observer.bpf.c has seen of the last frame. */
#pragma once

#include <linux/types.h>

#define OBSERVER_MARK 5 /* the queue that marker records */

struct observed {
	__u64 frames;
	__u32 queue_mapping;
	__u32 length;
	__u8 header[14];
	__u8 pad[2];
};
