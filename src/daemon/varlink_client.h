/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection of the Varlink server: bytes in, calls, bytes out. */
#pragma once

#include "daemon/varlink.h"

#include <stdint.h>
#include <sys/types.h>

#define VARLINK_MESSAGE_MAX (256 * 1024)     /* a request; larger ones end the connection */
#define VARLINK_OUTPUT_MAX (4 * 1024 * 1024) /* answers that a client has not read */

struct varlink_client;

typedef void (*varlink_gone)(void *data, struct varlink_client *client);

/*
 * Serve @fd, which it owns from now on, also on failure. @gone is called when the client leaves
 * by itself, before it is freed.
 */
int varlink_client_new(sd_event *loop, int fd, const struct varlink_interface *interface,
		       varlink_gone gone, void *data, struct varlink_client **ret_client);

void varlink_client_free(struct varlink_client *client);

/* Who it is, by the kernel's word. */
uid_t varlink_client_uid(const struct varlink_client *client);

/* Go on with its stream, if it has one and it is of @topic. It may be gone afterwards. */
void varlink_client_publish(struct varlink_client *client, const char *topic, json_t *parameters);
bool varlink_client_streams(const struct varlink_client *client);

/*
 * When it last said something: microseconds of the monotonic clock. Who streams has nothing to
 * say, and counts as later than all others.
 */
uint64_t varlink_client_used(const struct varlink_client *client);
