/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which members have lost their path though they have a carrier (T12). Pure.
 *
 * Theory of operation. Members send each other probes; what has come stands in struct probe_state.
 * The core counts for each direction between two members how many probes in a row were due and have
 * not come. Below a bound (the multiplier, and more where the network has lost single ones before)
 * the one hears the other. Members that hear each other, by whatever way, are a group. More than one
 * group means that some path is dead. Whose, is told by what is known of each group:
 *
 *	it receives	somebody outside is heard, or a member of another group
 *	it sends	a member of another group hears it
 *	both		somebody outside has answered its question
 *
 * A group that does less than the best is silent. Of equals the strictly largest wins, but nobody is
 * given up who gets answers. So with two members and no evidence nothing happens, and the last one
 * is never given up: who loses, loses against somebody. What members of a group hear of each other
 * is no evidence for it: a NIC passes frames between its VFs while its cable is pulled.
 *
 * A direction counts only when both have been heard before: physical switches that are not joined
 * tell nothing. Such members are judged by answers alone, if there are addresses to ask.
 *
 * Two paths (T13). Of a member's two paths the one that carries takes part, and also the better one
 * while the spare carries for it: what it hears then shows that it is back. Both have one MAC, so what
 * comes for one of them by either way is heard by the member. They send each other nothing and count
 * once. When one goes silent, so does the other, which has not been tried, until it is shown to
 * work.
 *
 * Time. A probe is due some time after it was sent, as a TCP would wait for an acknowledgement (RFC
 * 6298): the mean delay and four times its variation, of the slowest path at each look. Time in
 * which the daemon did not run does not count, and after a long such time all is counted anew. The
 * core looks each time before probes are sent, and once one is missing also when the next one is due,
 * so that no verdict waits for the next ones to be sent.
 *
 * Standing processors. A virtual machine's processors stand still now and then, each by itself: then
 * probes have come and nobody has taken them in. So whom a look finds silent who was not is only
 * suspected, until every processor has run since that look: the core asks for that (calls), and is
 * told (called_ns).
 */
#pragma once

#include "model/probe.h"

#include <stdbool.h>
#include <stdint.h>

/* Team mates on each side of a member, in the order of slots, that it sends probes to. */
#define PROBE_REACH 2

struct probe_settings {
	uint64_t interval_ns;
	uint32_t multiplier;
	bool addresses; /* some are configured, and asked by each member */
};

/* Single losses before, in one direction. */
struct probe_track {
	uint32_t base;	   /* probes up to this one do not count */
	uint32_t newest;   /* as of the last look */
	uint32_t unsteady; /* probes more that must be missed */
};

struct probe_run {
	struct probe_settings settings;
	uint32_t members;      /* who takes part, a bit per slot */
	uint32_t silent;       /* who has lost the path */
	bool asks;	       /* neighbours should be asked now */
	bool doubts;	       /* one is missing: probe_look_at() */
	uint32_t suspected;    /* they will be silent, too, if all processors have run since … */
	uint64_t suspected_ns; /* … this look, the first one that has found all of them so */
	uint64_t called_ns;    /* since when all have run */
	bool calls;	       /* that should be found out anew */
	uint8_t others[PICK_SLOTS]; /* T13: slot + 1 of the same member's other path, 0 = none */
	uint64_t due_ns;	    /* how old a probe must be to be missed */
	uint64_t delay_ns;	    /* mean, and mean deviation */
	uint64_t delay_varies_ns;
	uint64_t stood_ns; /* time that does not count */
	uint64_t looked_ns;
	uint32_t looks;
	uint32_t sequences[PICK_SLOTS];	  /* the last one sent */
	uint32_t answer_gaps[PICK_SLOTS]; /* looks since the last answer */
	uint32_t asked_looks;		  /* so many in a row there was something to answer */
	uint32_t answer_unsteady[PICK_SLOTS];
	uint64_t sent_ns[PICK_SLOTS][PROBE_WINDOW];	   /* less what did not count then */
	struct probe_track tracks[PICK_SLOTS][PICK_SLOTS]; /* [receiver][sender] */
};

/* Anew, with what an earlier daemon has decided. */
void probe_init(struct probe_run *run, uint32_t silent);

/* Whom a member sends to, a bit per slot. */
uint32_t probe_targets(const struct probe_run *run, unsigned int slot);

/* Probes of @slot are about to be sent at @now_ns; returns their sequence, from 1. */
uint32_t probe_send(struct probe_run *run, unsigned int slot, uint64_t now_ns);

/*
 * The daemon was to look now, and is @late_ns late. Call before probe_judge(). Returns whether that
 * was so long that what was counted is void.
 */
bool probe_late(struct probe_run *run, uint64_t late_ns);

/*
 * Look: @members take part now (a device that is up and has a carrier). Updates run->silent, and
 * whether neighbours are to be asked. Returns whether run->silent has changed. @state is as the
 * program has written it; the delays in it are taken out.
 */
bool probe_judge(struct probe_run *run, struct probe_state *state, uint32_t members,
		 uint64_t now_ns);

/* When to look once more before the next probes are sent, 0 = need not be: the next one is due. */
uint64_t probe_look_at(const struct probe_run *run, uint64_t now_ns);

/* Do so. Returns whether run->silent has changed. */
bool probe_look(struct probe_run *run, const struct probe_state *state, uint64_t now_ns);

/*
 * All processors have run since @since_ns, so that what had come then stands in @state: look again
 * at who is suspected. Returns whether run->silent has changed.
 */
bool probe_called(struct probe_run *run, const struct probe_state *state, uint64_t since_ns,
		  uint64_t now_ns);

/* Have the two heard each other, ever? */
bool probe_joined(const struct probe_state *state, unsigned int a, unsigned int b);
