// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * selection-meter - what the choice of a member costs alone, in this machine's own kernel
 *
 * The sending program of a team of two members runs on one TCP segment again and again
 * (BPF_PROG_TEST_RUN); its flow is at home. The kernel computes a frame's hash once and then knows
 * it, as it does of what its own sockets send. Nothing is attached anywhere. A program that does
 * nothing is run as well: so much of it is the kernel's way into a program and back.
 */
#include "selection.h"

#include "model/drop.h"
#include "model/note.h"
#include "model/probe.h"
#include "model/steering.h"

#include "datapath/team.skel.h" /* uses the types of model/ */

#include <string.h>

#include <bpf/bpf.h>

#define LOOPBACK 1 /* the device that a test run is of */

static const uint8_t member_macs[SELECTION_MEMBERS][6] = {{2, 0, 0, 0, 0, 0xa},
							  {2, 0, 0, 0, 0, 0xb}};

static void team_make(struct team_bpf *team)
{
	struct pick_state *state = &team->data_state->state;

	*state = (struct pick_state){.layout = PICK_LAYOUT,
				     .ifindex = LOOPBACK,
				     .usable = (1U << SELECTION_MEMBERS) - 1,
				     .idle_ns = 1000000000};
	memcpy(state->team_mac, member_macs[0], sizeof(state->team_mac));
	for (size_t slot = 0; slot < SELECTION_MEMBERS; slot++)
		memcpy(state->member_macs[slot], member_macs[slot], sizeof(member_macs[slot]));
	for (size_t bucket = 0; bucket < PICK_BUCKETS; bucket++)
		team->data_deal->deal[bucket] =
			(struct pick_deal){.home = bucket % SELECTION_MEMBERS,
					   .fallback = (bucket + 1) % SELECTION_MEMBERS};
}

static int empty_load(void)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "empty", "GPL", nothing, 2, NULL);
}

static int run(void *data)
{
	const int *program = data;

	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = selection_frame,
		    .data_size_in = SELECTION_FRAME_LENGTH, .repeat = SELECTION_REPEAT);

	return bpf_prog_test_run_opts(*program, &options);
}

int main(void)
{
	struct team_bpf *team = team_bpf__open_and_load();
	int empty = empty_load(), program, err;

	if (!team || empty < 0) {
		perror("selection-meter: loading the programs");
		return EXIT_FAILURE;
	}
	team_make(team);
	program = bpf_program__fd(team->progs.team_egress);
	err = selection_measure("iovteam", run, &program);
	if (!err)
		err = selection_measure("empty", run, &empty);
	if (err)
		fprintf(stderr, "selection-meter: %s\n", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
