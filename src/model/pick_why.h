/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program's reasons by name. */
#pragma once

#include "model/steering.h"

extern const char *const pick_why_names[PICK_WHY_COUNT];
