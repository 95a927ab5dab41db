/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the traffic recorder share. recorder.c tells how it works.
 */
#ifndef IOVTEAM_LAB_RECORDER_H
#define IOVTEAM_LAB_RECORDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL

enum {
	FLOWS_MAX = 4096,
	PAIRS_MAX = 8,
	ACTS_MAX = 256,
	ACT_NAME_SIZE = 32,
	RATE_MAX = 1000000,    /* packets per second */
	SIZE_MAX_BYTES = 8900, /* of one payload; fits a 9000 byte MTU */
	SEQ_MAX = 1 << 20, /* per flow and act; bounds what a forged packet can make us allocate */
	MACS_MAX = 64,
	MAC_SIZE = 6,
};

#define PACKET_MAGIC 0x696f7672U /* "iovr" */

/* The head of every payload, in network byte order; the rest of it is zeros. */
struct packet_head {
	uint32_t magic;
	uint16_t act;
	uint16_t flow;
	uint64_t seq;	  /* from 0, per flow and act */
	uint64_t sent_ns; /* sender's CLOCK_MONOTONIC, never 0 */
} __attribute__((packed));

/* The same in host byte order. */
struct packet {
	unsigned int act;
	unsigned int flow;
	uint64_t seq;
	uint64_t sent_ns;
};

/* One received packet; sent_ns is 0 for one that has not come. */
struct arrival {
	uint64_t sent_ns;     /* sender's clock */
	uint64_t received_ns; /* our CLOCK_MONOTONIC, taken by the kernel at reception */
};

/* Which source MAC a flow's frames came with: indices into struct watch's macs, -1 for none. */
struct flow_macs {
	int first;
	int last;
	uint32_t changes;
};

/* One flow within one act, both directions. */
struct flow_tally {
	uint32_t sent;	 /* by us; also the next sequence number */
	uint32_t unique; /* received by us, each counted once */
	uint32_t next;	 /* 1 + highest sequence number received */
	uint32_t capacity;
	struct arrival *arrivals; /* by sequence number */
	struct flow_macs macs;
};

struct act {
	char name[ACT_NAME_SIZE]; /* empty until our own "act" line has come */
	struct flow_tally *flows; /* NULL until the act is first used */

	/* what we sent */
	uint64_t refused;    /* due, but the kernel would not take it */
	uint64_t skipped;    /* due while we ourselves were stalled, and never tried */
	uint64_t sending_ns; /* time spent sending, pauses left out */

	/* what came */
	uint64_t received; /* with duplicates */
	uint64_t duplicated;
	uint64_t reordered;    /* came after a later one of the same flow */
	uint64_t socket_drops; /* at our own sockets while this act was the current one */
	uint64_t watch_frames;
};

struct address_pair {
	struct sockaddr_storage local, peer;
	socklen_t size;
};

struct options {
	struct address_pair pairs[PAIRS_MAX];
	unsigned int pairs_count;
	unsigned int flows;
	unsigned int port; /* of flow 0, at both ends; flow n uses port + n */
	unsigned int rate;
	unsigned int size;
	unsigned int limit_seconds;
	const char *watch;
};

struct sender {
	bool running;
	unsigned int flow; /* whose turn it is */
	uint64_t period_ns;
	uint64_t due_ns;	/* when the next packet is due */
	uint64_t not_before_ns; /* keeps bursts apart */
	uint64_t running_since_ns;
};

struct watch {
	int fd; /* -1 if nothing is watched */
	uint8_t macs[MACS_MAX][MAC_SIZE];
	unsigned int macs_count;
	uint64_t drops;
};

struct recorder {
	struct options options;
	int *sockets; /* by flow */
	struct act acts[ACTS_MAX];
	unsigned int current; /* act; 0 before the first */
	struct sender sender;
	struct watch watch;
	uint64_t malformed;	    /* not ours, of the wrong flow, or out of bounds */
	uint64_t socket_errors;	    /* ICMP errors that came back */
	uint64_t socket_drops;	    /* of all sockets, when last looked */
	uint64_t received;	    /* over all acts */
	int64_t realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

uint64_t recorder_now(void);

/* The tally that a packet or frame of @flow in @act belongs to; NULL only without memory. */
struct flow_tally *recorder_tally(struct recorder *r, unsigned int act, unsigned int flow);

/* Reads @size bytes as a packet of ours. Returns false if they are not one. */
bool packet_read(const struct recorder *r, const void *bytes, size_t size, struct packet *ret);

/*
 * recorder_options.c: fills in what the command line sets. On --help it prints and exits; on bad
 * usage it says why on stderr and returns a negative errno.
 */
int options_parse(struct options *o, int argc, char **argv);

/* recorder_socket.c: errors are negative errno. */
int sockets_open(struct recorder *r);
void sockets_receive(struct recorder *r, unsigned int flow);
void sockets_count_drops(struct recorder *r);

/* recorder_send.c */
void sender_start(struct recorder *r, uint64_t now_ns);
void sender_stop(struct recorder *r, uint64_t now_ns);
void sender_run(struct recorder *r, uint64_t now_ns);
uint64_t sender_next_ns(const struct recorder *r);

/* recorder_watch.c */
int watch_open(struct recorder *r);
void watch_read(struct recorder *r);
json_t *watch_report(struct recorder *r, const struct act *act);

/* recorder_report.c: a new reference, NULL without memory. */
json_t *report_make(struct recorder *r);

#endif
