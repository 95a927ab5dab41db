/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow that somebody asks about (T18), and a frame as it would leave through the team. */
#pragma once

#include "base/mac.h"
#include "base/problem.h"

#include <jansson.h>
#include <stdint.h>

#define FLOW_FRAME_SIZE 128

struct flow {
	uint8_t family;				/* AF_INET, AF_INET6; 0 = MACs only */
	uint8_t protocol;			/* IPPROTO_TCP, … */
	uint16_t source_port, destination_port; /* host order, 0 = none */
	uint8_t source[16], destination[16];
	struct mac source_mac, destination_mac; /* of the frame */
};

/*
 * Read the parameters of a question; @team_mac becomes the source of flows between addresses.
 * -EINVAL with a sentence.
 */
int flow_read(const json_t *json, const struct mac *team_mac, struct flow *ret_flow,
	      struct problem *problem);

/* A frame of this flow; @buffer holds FLOW_FRAME_SIZE. Returns its length. */
size_t flow_frame(const struct flow *flow, uint8_t *buffer);
