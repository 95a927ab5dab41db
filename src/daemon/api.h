/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of org.iovteam.varlink on the manager. */
#pragma once

#include "daemon/manager.h"
#include "daemon/varlink.h"

/* The interface, its methods bound to @manager. */
struct varlink_interface api_interface(struct manager *manager);
