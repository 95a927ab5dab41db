/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One team in the daemon: its configuration, its datapath, and the fast path between an event
 * and the datapath's maps.
 *
 * Failing over has a fixed order: first the mask, which the next frame obeys; then the
 * announcements; then the fallbacks behind the table and the record. Bonding's active slave
 * comes last, apart (team_follow), since it can take a second: changing it programs the filters
 * of both NICs, and a lost one does not answer.
 */
#pragma once

#include "core/failover.h"
#include "daemon/groups.h"
#include "daemon/neighbours.h"
#include "daemon/observe.h"
#include "datapath/datapath.h"
#include "model/action.h"

#include <systemd/sd-event.h>

#define TEAM_RECORDS 16

struct announce_rounds;
struct manager;
struct probing;

/* What happened, when (T15). Times are nanoseconds of the monotonic clock. */
struct team_record {
	char cause[40]; /* a member_reason's name, or "joined", "returned", "switchover", … */
	char member[LINK_NAME_SIZE];
	char primary_before[LINK_NAME_SIZE];
	char primary_after[LINK_NAME_SIZE];
	uint64_t seen_ns;    /* the event was read */
	uint64_t decided_ns; /* the decision was made */
	uint64_t applied_ns; /* the datapath obeys, peers have been told */
	unsigned int buckets_moved;
};

struct team {
	struct team_config config;
	struct datapath *datapath; /* NULL until the programs are loaded */
	int ifindex;		   /* the bond's, 0 = it is not there */
	struct team_run run;
	enum member_path paths[PICK_SLOTS];	  /* T14, as last seen */
	uint32_t speeds[PICK_SLOTS];		  /* … Mbit/s, 0 = it has never told */
	struct team_record records[TEAM_RECORDS]; /* a ring */
	unsigned int record_count;		  /* ever made */
	bool rename_refused;		/* the kernel does not rename an interface that is up */
	char trouble[ACTION_TEXT_SIZE]; /* why the last step failed, "" = it did not */
	uint64_t retry_ns;		/* no step is tried before */
	unsigned int retries;
	bool untold;		   /* T8 `team`: the primary is new, its MAC and peers are not */
	unsigned int told_records; /* … and records from this number on are not complete */
	uint64_t mac_retry_ns;	   /* … and a driver that has refused is not asked again before */
	uint64_t drain_by_ns[PICK_SLOTS]; /* a drained member is retired then at the latest; 0 once
					   * it is back */
	struct groups groups; /* the new primary's, until bonding has given them to it */
	struct neighbours neighbours;
	uint64_t rest_until_ns; /* a lost member's filters are not touched before (core/quirk.h) */
	struct announce_rounds *rounds; /* NULL before the first failover */
	struct probing *probing;	/* NULL while members do not probe their paths */
};

struct carrier;
struct handover;
struct roll_call;

/* What the fast path needs of its surroundings. */
struct team_context {
	sd_event *loop;
	struct observed *observed;
	const struct handover *handover; /* of the change that is under way; mostly NULL */
	int packet_fd;
	const char *pins;
	uint64_t netns;
	struct manager *manager; /* to be woken when probes have given another verdict */
	struct carrier *carrier; /* the carrier program, of all teams */
	struct roll_call *roll_call;
};

/* Open what it needs, and observe everything. */
int team_context_open(struct team_context *context, struct observed *observed, sd_event *loop,
		      const char *pins, struct problem *problem);

/* When the teams are gone. What is observed is not closed. */
void team_context_close(struct team_context *context);

/* A team of this configuration, without a datapath. NULL: no memory. */
struct team *team_new(const struct team_config *config);

/* Let go; the kernel's side goes on. */
void team_free(struct team *team);

/* Take over what an earlier run has left in the kernel: programs are replaced, state is kept. */
int team_adopt(struct team *team, const struct team_context *context, struct problem *problem);

/* Deal buckets and write settings as the configuration, the members' slots and devices say. */
void team_settle(struct team *team, const struct link_table *links);

/*
 * Judge the members by what is observed, and fail over if need be. @seen_ns: when the event
 * came. Returns the time at which it must be done again, 0 = with the next event.
 */
uint64_t team_update(struct team *team, const struct team_context *context, uint64_t seen_ns);

/*
 * What follows a decision and may take its time: our primary becomes bonding's active slave, if
 * it is not; a standby or drained primary hands over, if there is a better one (T6, T20). Returns
 * the time at which it must be done again because a lost member rests, 0 = it need not.
 */
uint64_t team_follow(struct team *team, const struct team_context *context);

/* T20: make @member, by its slot, the primary, by the path that carries (T13), with nothing lost. */
int team_switchover(struct team *team, const struct team_context *context, int member,
		    struct problem *problem);

/* The slot of a member by its interface, either one, or as it is configured; -1 if there is none. */
int team_slot(const struct team *team, const struct link_table *links, const char *member);

/* The device in @slot as the kernel knows it, NULL if it is not there or not the team's. */
const struct link *team_member_link(const struct team *team, const struct link_table *links,
				    int slot);
