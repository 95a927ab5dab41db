/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The team as its administrator wants it (struct team_config: what a configuration file holds)
 * and the words for what it is (states and reasons, SPEC T15).
 */
#pragma once

#include "model/link.h"

#define TEAM_MEMBERS_MAX 32 /* T1; the limit of Windows' NIC Teaming, too */
#define TEAMS_MAX 256
#define MEMBER_DEVICE_SIZE 48
#define PROBE_ADDRESSES_MAX 2
#define PROBE_ADDRESSES_SIZE 96 /* two of IPv6, a comma and the end */

/* T3. How a frame is given to a bucket. */
enum distribution {
	DISTRIBUTION_TRANSPORT_PORTS, /* the kernel's flow hash */
	DISTRIBUTION_IP_ADDRESSES,    /* both IP addresses */
	DISTRIBUTION_MAC_ADDRESSES,   /* the destination's MAC, and the VLAN */
	DISTRIBUTION_COUNT,
};

/* T8. What MAC the team has. */
enum mac_policy {
	MAC_POLICY_MEMBER, /* the primary's; each member sends with its own */
	MAC_POLICY_TEAM, /* one for ever, which the primary takes over; the others have their own */
	MAC_POLICY_COUNT,
};

/* T12. Whether members probe their paths. */
enum probe_mode {
	PROBE_OFF,
	PROBE_ON,
	PROBE_AUTO, /* if the carrier of some member does not tell of its cable (core/quirk.h) */
	PROBE_MODE_COUNT,
};

/* T6. What a member is for. */
enum member_role {
	ROLE_ACTIVE,
	ROLE_STANDBY, /* carries nothing until an active member fails; at most one */
	MEMBER_ROLE_COUNT,
};

/* T14. What becomes of a team of which some members have hardware below them and others not. */
enum mixed_policy {
	MIXED_STANDBY,	/* those without stand by */
	MIXED_WEIGHTED, /* each has its part by its speed */
	MIXED_EQUAL,	/* they are members as any other, as in Windows */
	MIXED_POLICY_COUNT,
};

/* T14. What carries a member's frames. */
enum member_path {
	MEMBER_PATH_UNKNOWN,   /* veth and the like; or the device has not been seen yet */
	MEMBER_PATH_HARDWARE,  /* a NIC's function: a VF, or a whole NIC */
	MEMBER_PATH_SYNTHETIC, /* the host's software: virtio and the like */
	MEMBER_PATH_COUNT,
};

/* How a configuration names a device (T1). */
enum member_key {
	MEMBER_BY_NAME, /* ens4 */
	MEMBER_BY_MAC,	/* 52:54:00:12:34:56: the permanent MAC */
	MEMBER_BY_PATH, /* pci-0000:00:04.0 */
	MEMBER_KEY_COUNT,
};

/* T15, a team's state. */
enum team_state {
	TEAM_UP,       /* every member is in its wanted state */
	TEAM_DEGRADED, /* some member is not, traffic flows */
	TEAM_DOWN,     /* no member is usable */
	TEAM_STATE_COUNT,
};

/* T15, a member's state. */
enum member_state {
	MEMBER_ACTIVE,
	MEMBER_STANDBY, /* well, and carries nothing: by its role, or because it is drained */
	MEMBER_FAILED,
	MEMBER_STATE_COUNT,
};

/* T15, why a member is not in its wanted state. The words are those of Windows' FailureReason. */
enum member_reason {
	REASON_NONE,
	REASON_ADMINISTRATIVE_DECISION, /* set down, drained or standby: somebody wants it so */
	REASON_MEDIA_DISCONNECTED,	/* no carrier */
	REASON_PATH_UNRESPONSIVE,	/* there is a carrier, and nothing comes through (T12) */
	REASON_WAITING_FOR_STABLE,	/* carrier is back, the stable time runs (T11) */
	REASON_NOT_PRESENT,		/* no such device now */
	REASON_MAC_NOT_PERMITTED, /* it may not have the team's MAC (T8), and so not be primary */
	REASON_UNKNOWN,
	MEMBER_REASON_COUNT,
};

/* The words of a setting that is a choice of two; their places are its values. */
#define YES_NO_COUNT 2
extern const char *const yes_no_names[YES_NO_COUNT];
extern const char *const on_off_names[YES_NO_COUNT]; /* "off" is 0 */
extern const char *const distribution_names[DISTRIBUTION_COUNT];
extern const char *const mac_policy_names[MAC_POLICY_COUNT];
extern const char *const probe_mode_names[PROBE_MODE_COUNT];
extern const char *const member_role_names[MEMBER_ROLE_COUNT];
extern const char *const mixed_policy_names[MIXED_POLICY_COUNT];
extern const char *const member_path_names[MEMBER_PATH_COUNT];
extern const char *const team_state_names[TEAM_STATE_COUNT];
extern const char *const member_state_names[MEMBER_STATE_COUNT];
extern const char *const member_reason_names[MEMBER_REASON_COUNT];

struct member_config {
	char device[MEMBER_DEVICE_SIZE]; /* as written: a name, a MAC, or "pci-" and an address */
	uint32_t weight;		 /* T4: its part of the buckets, against the others' */
	enum member_role role;		 /* T6 */
};

struct team_config {
	char name[LINK_NAME_SIZE];
	uint32_t adopt; /* T21: 1 = somebody else makes the bond and its members */
	enum distribution distribution;
	enum mac_policy mac_policy;
	enum mixed_policy mixed;
	uint32_t stable_ms;   /* T11: carrier must hold this long before a member is used again */
	uint32_t hold_max_ms; /* T11: … and at most this long when it flaps, 0 = always stable_ms */
	uint32_t idle_ms;     /* T5: a bucket goes home after this long without a frame */
	uint32_t return_ms;   /* T5: … and at the latest this long after its member is back */
	uint32_t announce_count;       /* T10 */
	uint32_t announce_interval_ms; /* T10, a multiple of 100 */
	enum probe_mode probe;	       /* T12 */
	uint32_t probe_interval_ms;    /* T12: between two probes, at most */
	uint32_t probe_multiplier;     /* T12: … so many of which must be missed */
	char probe_addresses
		[PROBE_ADDRESSES_SIZE]; /* T12: IP addresses between commas, "" = none */
	uint32_t member_count;
	struct member_config members[TEAM_MEMBERS_MAX]; /* the first is the first primary */
};

/* All teams that are wanted, in the order of their files' names. */
struct team_list {
	uint32_t count;
	struct team_config teams[TEAMS_MAX];
};

/*
 * The MAC that @link had before anything gave it another one; zero where that is not known. igbvf
 * calls permanent what the device has when its NIC is reset, which may be another member's by then
 * (T8 `team`): a bond remembers what the device had when it joined.
 */
const struct mac *link_own_mac(const struct link *link);

/* What kind of name @device is; it says nothing about whether such a device exists. */
enum member_key member_key_of(const char *device);

/* Is @link one that a configuration calls @device? */
bool device_means(const char *device, const struct link *link);

/*
 * The first such device that no other such device has taken in (netvsc and net_failover do so with
 * a VF of their MAC); NULL when there is none.
 */
struct link *device_link(const char *device, const struct link_table *links);

/* Is @link one that @member names? */
bool member_means(const struct member_config *member, const struct link *link);

/* The device that @member names (the first of several), NULL when it is not there. Slaves keep their permanent MAC. */
struct link *member_link(const struct member_config *member, const struct link_table *links);

struct team_config *team_list_find(struct team_list *list, const char *name);
