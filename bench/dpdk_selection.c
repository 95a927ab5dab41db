// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What DPDK's bonding driver needs to choose a member: its own function for layer34, which hashes
 * the headers of a burst of frames and takes the remainder. It is in the static library, though
 * not in the interface; the environment (huge pages, ports) is not needed for it, and not there.
 * bench/selection.py builds this, beside the project's build.
 */
#include "selection.h"

#include <string.h>

#include <rte_mbuf.h>

#define BURST 32

void burst_xmit_l34_hash(struct rte_mbuf **frames, uint16_t count, uint16_t members,
			 uint16_t *ret_chosen);

static struct rte_mbuf mbufs[BURST], *frames[BURST];
static uint8_t data[BURST][2048];

static void frames_make(void)
{
	for (int i = 0; i < BURST; i++) {
		memcpy(data[i], selection_frame, SELECTION_FRAME_LENGTH);
		data[i][SELECTION_PORT_AT + 1] = (uint8_t)i; /* each a flow of its own */
		mbufs[i].buf_addr = data[i];
		mbufs[i].data_len = mbufs[i].pkt_len = SELECTION_FRAME_LENGTH;
		mbufs[i].nb_segs = 1;
		frames[i] = &mbufs[i];
	}
}

static int run(void *unused)
{
	uint16_t chosen[BURST];

	(void)unused;
	for (int i = 0; i < SELECTION_REPEAT / BURST; i++)
		burst_xmit_l34_hash(frames, BURST, SELECTION_MEMBERS, chosen);
	return 0;
}

int main(void)
{
	frames_make();
	return selection_measure("dpdk", run, NULL);
}
