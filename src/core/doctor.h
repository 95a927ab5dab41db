/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What would make a failover fail (SPEC H11), by what is configured and what is observed.
 *
 * A table of checks, one row and one small function each (core/doctor_guest.c, core/doctor_host.c,
 * core/doctor_nic.c).
 * Findings come worst first; of one severity in the order of the rows, the graver above, and of one
 * row in the order of the configuration. A check that cannot see what it needs finds nothing.
 */
#pragma once

#include "core/host_plan.h"
#include "model/finding.h"
#include "model/team.h"

/* A member as its team has it now. */
struct doctor_member {
	const struct member_config *config;
	const char *name;	 /* the interface's, else as configured */
	const struct link *link; /* NULL = there is no such device */
	enum member_state state;
	enum member_reason reason;
	bool drained;
	enum device_manager manager; /* who has its device in hand besides */
};

struct doctor_team {
	const struct team_config *config; /* an adopted bond's slaves are among its members */
	const struct link *bond;	  /* NULL = there is none */
	enum team_state state;
	const char *trouble; /* why the last step failed, "" = it did not */
	struct doctor_member members[TEAM_MEMBERS_MAX]; /* config->member_count of them */
};

/* Why the last step for a switch or an adapter failed. */
struct doctor_trouble {
	char object[HOST_OBJECT_SIZE]; /* "TeamDemoA", "web1/nicA" */
	char text[HOST_TEXT_SIZE];
};

/* A host's devices, by position in the configuration. */
struct doctor_host {
	const struct host_view *view;
	const struct host_steps *steps;	    /* what is not as wanted now */
	const uint32_t *reasons;	    /* H2, of each switch: bits of enum iov_reason */
	const int (*held)[VM_ADAPTERS_MAX]; /* the VF that each adapter has, -1 = none */
	const struct doctor_trouble *troubles;
	size_t trouble_count;
	const char *const
		*guest_troubles; /* why a VM's QEMU cannot be told of a link, "" = it can */
};

/* Pointers live as long as the examination. */
struct doctor_facts {
	const struct link_table *links;
	const struct link_address *addresses;
	size_t address_count;
	const struct doctor_team *teams;
	size_t team_count;
	const struct switch_list *switches;
	const struct vm_list *vms;
	const struct doctor_host *host; /* NULL: there is no switch, or they cannot be read */
	bool bridge_filter;	   /* what a bridge forwards passes the machine's packet filter */
	const char *files_trouble; /* why the files are not in force, "" = they are */
};

/* Appends to @findings. -ENOMEM. */
int doctor_examine(const struct doctor_facts *facts, struct finding_list *findings);
