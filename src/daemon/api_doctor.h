/* SPDX-License-Identifier: GPL-2.0-or-later */
/* H11: facts of the manager for core/doctor, and its findings as JSON. */
#pragma once

#include "daemon/manager.h"

#include <jansson.h>

/* The findings, worst first. NULL: no memory. */
json_t *doctor_findings(const struct manager *manager);
