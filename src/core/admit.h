/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices may be members, and which names are free (T1). Each refusal is one sentence. */
#pragma once

#include "base/problem.h"
#include "model/team.h"

/*
 * May @device be a member of the team whose interface is @team_ifindex (0: not made yet)?
 * @addresses are those of all devices. -EINVAL: never such a device; -EBUSY: it is in use.
 */
int admit_member(const struct link *device, int team_ifindex, const struct link_table *links,
		 const struct link_address *addresses, size_t address_count,
		 struct problem *problem);

/* Is @device free, or @owner's (its ifindex, 0: nobody's)? -EBUSY. */
int admit_master(const struct link *device, int owner, const struct link_table *links,
		 struct problem *problem);

/* May the team be made under this name: is there no interface that has it? -EEXIST. */
int admit_name(const char *name, const struct link_table *links, struct problem *problem);
