/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the meters share. meter.c tells how failover-meter works, cost_meter.c how
 * cost-meter does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS 1000000ULL
#define NS_PER_US 1000ULL
#define NS_PER_S 1000000000ULL

enum {
	METER_FLOWS_MAX = 64,
	METER_MEMBERS_MAX = 32,
	METER_TICKS_MAX = 1 << 15, /* of one cycle */
};

/* Directions are the guest's. */
enum way {
	WAY_OUT,
	WAY_IN,
	WAY_COUNT
};

struct meter_end {
	const char *netns, *address;
};

/* What became of the packets of some ticks, one direction. */
struct toll {
	uint64_t lost;	     /* packets */
	uint64_t disturbed;  /* flows that have lost some */
	uint64_t silence_ns; /* the longest of any flow: meter_traffic.c */
};

/* What came in another way than it was sent, since traffic_begin(), one direction. */
struct disorder {
	uint64_t duplicated; /* packets that came once more */
	uint64_t reordered;  /* packets that came after a later one of their flow */
};

/* ---- meter_traffic.c: the packets ---- */

struct traffic;

/* Sockets at both ends, and the thread that sends and receives; -errno. */
int traffic_open(const struct meter_end *guest, const struct meter_end *peer, unsigned int flows,
		 uint64_t tick_ns, struct traffic **ret_traffic);
void traffic_close(struct traffic *traffic);

/* Begin to send, numbered from tick 0; what was counted before is forgotten. */
void traffic_begin(struct traffic *traffic);
void traffic_pause(struct traffic *traffic);

/* The tick that is sent next. */
unsigned int traffic_tick(struct traffic *traffic);

/* Did everything that was sent from @from_ns to @until_ns ago arrive, in both directions? */
bool traffic_flows(struct traffic *traffic, uint64_t from_ns, uint64_t until_ns);

/* What ticks @from to @to have suffered in one direction. */
struct toll traffic_toll(struct traffic *traffic, enum way way, unsigned int from, unsigned int to);

struct disorder traffic_disorder(struct traffic *traffic, enum way way);

/* Ticks that were due while the meter itself was stalled, since traffic_begin(). */
uint64_t traffic_skipped(struct traffic *traffic);

/* ---- meter_link.c: the links ---- */

struct links;

/* @members: "guest's device:switch's port"; @bond is the guest's, "" = none. -errno. */
int links_open(const char *guest_netns, const char *switch_netns, const char *bond,
	       const char *const *members, unsigned int count, struct links **ret_links);
void links_close(struct links *links);

/* Set the switch's end of a cable down or up; -errno. */
int links_plug(struct links *links, unsigned int member, bool plugged);

/* Does bonding see the link of every member? */
bool links_well(struct links *links);

/* Which member has sent the most packets since links_mark()? */
void links_mark(struct links *links);
unsigned int links_busiest(struct links *links);

/* The bond's active slave; -1 if the bond has none. */
int links_active(struct links *links);

/* ---- meter.c ---- */

uint64_t meter_now(void);

/* ---- meter_options.c ---- */

/* "NETNS,ADDRESS", which is cut in two; -EINVAL. */
int meter_end_parse(char *text, struct meter_end *ret_end);

/* A number from @low to @high; -EINVAL. */
int meter_number_parse(const char *text, unsigned int low, unsigned int high, unsigned int *ret);

/* ---- meter_netns.c ---- */

/* Go to a network namespace; the thread's own is in @ret_back. */
int netns_enter(const char *name, int *ret_back);
void netns_leave(int back);
