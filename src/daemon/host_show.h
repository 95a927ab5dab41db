/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches, adapters and VFs as JSON (org.iovteam.varlink: Switch, Vm, Vf). */
#pragma once

#include "daemon/host.h"

#include <jansson.h>

/* Arrays; @name "" = all. NULL: the kernel could not be asked, @problem says why. */
json_t *host_show_switches(struct host *host, const struct store *store, const char *name,
			   struct problem *problem);
json_t *host_show_vms(struct host *host, const struct store *store, const char *name,
		      const char *adapter, struct problem *problem);
json_t *host_show_vfs(struct host *host, const struct store *store, const char *sw,
		      struct problem *problem);
