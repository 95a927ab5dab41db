/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rtnetlink transport: requests with their answers, dumps, and events.
 *
 * A struct netlink belongs to one thread; a worker opens its own. It speaks for the network
 * namespace in which it was opened. Nothing but messages of the kernel itself (sender port 0)
 * is taken, and of answers only those to the request that is under way.
 */
#pragma once

#include "base/problem.h"

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_TIMEOUT_MS 5000 /* without any answer, a request is given up */

struct netlink;

/*
 * Takes one message; valid until it returns. Negative errno = refused.
 * @message is NULL where netlink_dump() begins (again): forget what was collected.
 */
typedef int (*netlink_handler)(const struct nlmsghdr *message, void *data);

/* A socket for requests. Errors of socket(), bind(), setsockopt(); -ENOMEM. */
int netlink_open(struct netlink **ret_netlink);

/*
 * A non-blocking socket that joins @groups (RTNLGRP_*), for netlink_read(). Join before the
 * first dump, so that no change falls between the two.
 */
int netlink_open_events(struct netlink **ret_netlink, const unsigned *groups, size_t count);

/* NULL is fine. */
void netlink_close(struct netlink *netlink);

static inline void netlink_closep(struct netlink **netlink)
{
	netlink_close(*netlink);
}

/* For poll(); stays owned by @netlink. */
int netlink_fd(const struct netlink *netlink);

/*
 * Send @request (NLM_F_REQUEST and NLM_F_ACK are added, the sequence is set) and wait for its
 * acknowledgement. Returns the kernel's error; @problem gets the sentence that the kernel gave
 * with it, else the errno's text. -ETIMEDOUT after NETLINK_TIMEOUT_MS.
 */
int netlink_request(struct netlink *netlink, struct nlmsghdr *request, struct problem *problem);

/* As netlink_request(), and @handler gets the answer that precedes the acknowledgement. */
int netlink_query(struct netlink *netlink, struct nlmsghdr *request, netlink_handler handler,
		  void *data);

/*
 * Send @request with NLM_F_DUMP and hand each message of the answer to @handler. A dump during
 * which the kernel's tables changed (NLM_F_DUMP_INTR) is inconsistent and is made anew: every
 * attempt, the first one too, begins with @handler(NULL, @data). -EAGAIN if the tables changed
 * under each attempt. An error of @handler is returned once the dump has been read to its end,
 * since the kernel begins no other one before.
 */
int netlink_dump(struct netlink *netlink, struct nlmsghdr *request, netlink_handler handler,
		 void *data);

/*
 * Hand the events that are there to @handler, without waiting; after a great many it returns
 * for the sake of its caller's other duties, and the descriptor is still readable.
 * -ENOBUFS: messages were lost, so what is known must be observed anew; those that remained are
 * older than that, and were thrown away. Else the first error of @handler, which does not keep
 * it from the rest.
 */
int netlink_read(struct netlink *netlink, netlink_handler handler, void *data);
