// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int buffer_add(struct buffer *buffer, const char *bytes, size_t length, size_t limit)
{
	size_t room = buffer->room ? buffer->room : BUFFER_READ_SIZE;
	char *larger;

	if (length > limit || buffer->length > limit - length)
		return -EMSGSIZE;
	while (room < buffer->length + length)
		room *= 2;
	if (room != buffer->room) {
		larger = realloc(buffer->bytes, room);
		if (!larger)
			return -ENOMEM;
		buffer->bytes = larger;
		buffer->room = room;
	}
	memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
	if (!length)
		return;
	buffer->length -= length;
	memmove(buffer->bytes, buffer->bytes + length, buffer->length);
	if (!buffer->length && buffer->room > BUFFER_READ_SIZE)
		buffer_free(buffer);
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){};
}
