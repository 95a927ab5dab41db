/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A netlink request on the stack. Inside kernel/ only. */
#pragma once

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
