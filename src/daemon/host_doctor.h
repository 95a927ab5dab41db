/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor (H11) judges a host by. */
#pragma once

#include "core/doctor.h"
#include "daemon/host.h"

/* The facts, and what they point to. */
struct host_diagnosis {
	struct doctor_host facts;
	struct showing *of;
	struct doctor_trouble *troubles;
	uint32_t reasons[SWITCHES_MAX];
	const char *guest_troubles[VMS_MAX];
};

/* False: there is no switch, or the kernel could not be asked. Lives as long as @store. */
bool host_diagnose(struct host *host, const struct store *store, struct host_diagnosis *ret);
void host_diagnosis_done(struct host_diagnosis *diagnosis);
