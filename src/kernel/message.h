/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A netlink request on the stack. Inside kernel/ only. */
#pragma once

#include "base/problem.h"

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the largest request here, the creation of a bond (below 200 bytes), many times. */
#define MESSAGE_SIZE 1024

struct message {
	_Alignas(8) union {
		struct nlmsghdr header;
		uint8_t bytes[MESSAGE_SIZE];
	};
};

/* Begin with a zeroed family header of @size bytes, and return that. */
void *message_start(struct message *message, uint16_t type, uint16_t flags, size_t size);

/* Begin a request about a device; 0 = one that is not there yet. */
void message_start_link(struct message *message, uint16_t type, uint16_t flags, int ifindex);

/* Can a new device have this name? Of "" the kernel would make one up. -EINVAL. */
int message_check_name(const char *name, struct problem *problem);

/* Where the attributes of a kind of device are: IFLA_LINKINFO { @kind_type, @data_type { … } }. */
struct message_kind {
	struct nlattr *info, *data;
};

struct message_kind message_kind_start(struct message *message, uint16_t kind_type,
				       const char *kind, uint16_t data_type);
void message_kind_end(struct message *message, const struct message_kind *kind);
