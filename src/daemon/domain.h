/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One libvirt domain, kept as a VM's adapters want it: what is wanted is told once, and is made so
 * whenever libvirt can be reached, the domain starts or somebody changes it. Nothing here waits:
 * a process of its own speaks with libvirt (daemon/domain_wire.h), core/domain_plan.h decides.
 */
#pragma once

#include "base/problem.h"
#include "core/domain_plan.h"

#include <systemd/sd-event.h>

struct domain;

/*
 * @program speaks with libvirt, NULL: there is none. @changed is called in the loop when the domain
 * has begun or ceased to be there, to run, or to have something of ours; it may close.
 */
int domain_open(sd_event *loop, const char *program, const char *name, void (*changed)(void *data),
		void *data, struct domain **ret_domain);

/* All stays as it is. NULL is fine. */
void domain_close(struct domain *domain);

const char *domain_name(const struct domain *domain);

void domain_want(struct domain *domain, const struct domain_wishes *wishes);

/* What was wanted last … */
const struct domain_wishes *domain_wishes(const struct domain *domain);

/* … of that adapter, NULL: nothing. */
const struct domain_wish *domain_wish_of(const struct domain *domain, const struct mac *mac);

/* As libvirt has said last; NULL: it has not, or cannot be reached. */
const struct domain_view *domain_seen(const struct domain *domain);

/* The adapter's link is as wanted, and the domain runs. */
bool domain_told(const struct domain *domain, const struct mac *mac);

/* Why the adapter is not as wanted, by domain and libvirt; untouched if it is, or will be soon. */
void domain_explain(const struct domain *domain, const struct mac *mac, struct problem *problem);
