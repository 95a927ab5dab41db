/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between core/host_plan.c and core/host_vf.c. */
#pragma once

#include "core/host_plan.h"

/* One plan that is being made. */
struct host_planning {
	const struct host_config *want;
	const struct host_view *view;
	struct host_steps *list;
	char (*ports)[LINK_NAME_SIZE]; /* of all adapters, sorted */
	size_t port_count;
};

/* Append @step with its sentence; it is the caller's to say whose it is. */
__attribute__((format(printf, 3, 4))) void host_say(const struct host_planning *plan,
						    struct host_step step, const char *format, ...);

/* A step of an adapter or of a switch. */
struct host_step host_adapter_step(enum host_step_kind kind, const struct vm_config *vm,
				   const struct adapter_config *adapter);
struct host_step host_switch_step(enum host_step_kind kind, const struct switch_config *sw);

/* Take back the VFs of a switch that goes. False: none is out any more. */
bool host_plan_leaving(const struct host_planning *plan, const struct link *bridge);

/* VFs, and the NIC's filter, of the switch at position @sw. */
void host_plan_vfs(const struct host_planning *plan, uint32_t sw);
