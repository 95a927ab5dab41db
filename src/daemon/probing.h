/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probing the paths of a team's members (T12): sends probes from a timer, reads what the receiving
 * programs have heard, and has core/probe.h decide. docs/probing.md describes it.
 *
 * The timer has the priority of the kernel's events, ahead of clients and of slow work.
 */
#pragma once

#include "daemon/team.h"

/* What a member has sent and heard. */
struct probe_counts {
	uint64_t sent;	  /* probes */
	uint64_t lost;	  /* … that their receivers have not taken */
	uint64_t heard;	  /* of others */
	uint64_t answers; /* to its questions */
	uint64_t refused;
};

/* Start, go on or stop as the team's configuration and members are now. */
void probing_follow(struct team *team, const struct team_context *context);
/* Before the team's datapath goes, which has what is heard. */
void probing_stop(struct team *team);
void probing_free(struct probing *probing);

/* Whoever sits in @slot next has none of what was heard of the one before, nor his verdict. */
void probing_forget(struct team *team, int slot);

/* All processors have run, for the teams of a struct team_context (daemon/roll_call.h). */
void probing_called(void *context);

/* The slots whose path does not respond. */
uint32_t probing_silent(const struct team *team);

struct probe_counts probing_counts(const struct team *team, int slot);

/* For people: "every 50 ms", or why not; never longer than @size. */
void probing_text(const struct team *team, const struct link_table *links, char *text, size_t size);

/* A member that takes part and that no other one has ever heard both ways; false if there is none. */
bool probing_unjoined(const struct team *team);
