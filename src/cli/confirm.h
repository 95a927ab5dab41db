/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --confirm, --take-addresses and --give-addresses mean for a call, and what is said of it. */
#pragma once

#include "cli/cli.h"

/* The options that were given, into the parameters of a change. */
void confirm_put_options(const struct cli *cli, json_t *parameters);

/* After a change with --confirm: how to keep it, and how long there is to do so. */
void confirm_print_how(const struct cli *cli);

/* Of the answer of Show: the change that waits, if one does. */
void confirm_print_pending(const struct output *out, const json_t *reply);
