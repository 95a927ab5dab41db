/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operator's own session, which a change may cut off (C5). */
#pragma once

#include "cli/cli.h"

/*
 * Say so on stderr, if @method with @parameters changes the device through which the ssh session of
 * this process comes in and nobody would take it back. Nothing is refused.
 */
void session_warn(const struct cli *cli, const char *method, const json_t *parameters);
