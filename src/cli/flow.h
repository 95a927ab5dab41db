/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow as one writes it on the command line: "tcp 10.0.0.1:4711 10.0.0.2:443". */
#pragma once

#include "base/problem.h"

#include <jansson.h>

/*
 * Words (each may hold several, separated by spaces) to the Flow of the control interface:
 * protocol "tcp", "udp" or "sctp" with ports; "ip" for addresses alone; "ethernet" for MACs.
 * Addresses come out in their canonical form. -EINVAL with a sentence in @problem.
 */
int flow_parse(char *const *words, int count, json_t **ret_flow, struct problem *problem);
