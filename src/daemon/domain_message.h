/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iovteam-libvirt (src/libvirt/main.c) says, read with bounds; and what it is asked. */
#pragma once

#include "base/problem.h"
#include "core/domain_plan.h"

#include <jansson.h>

struct domain_message {
	bool lost; /* it has lost libvirt, and ends */
	bool done; /* the answer to @id */
	json_int_t id;
	char text[sizeof((struct problem){}.text)]; /* why lost, or why not done; "" = done */
	struct domain_view view;		    /* unless lost */
};

/* -EPROTO: it is none; -E2BIG: the domain has more than DOMAIN_CARDS_MAX cards; -ENOMEM. */
int domain_message_read(const char *text, size_t length, struct domain_message *ret_message);

/* The request as text, which the caller frees. NULL: no memory. */
char *domain_request_look(uint32_t id);
char *domain_request(uint32_t id, const struct domain_step *step);
