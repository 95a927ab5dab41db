/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of a connection that are not a whole message yet, or that its socket has not taken yet. */
#pragma once

#include <stddef.h>

#define BUFFER_READ_SIZE 16384

struct buffer {
	char *bytes;
	size_t length, room;
};

/* -EMSGSIZE: it would hold more than @limit. */
int buffer_add(struct buffer *buffer, const char *bytes, size_t length, size_t limit);

/* The first @length bytes are done. What one large message took is given back with it. */
void buffer_consume(struct buffer *buffer, size_t length);

void buffer_free(struct buffer *buffer);
