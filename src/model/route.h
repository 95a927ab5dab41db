/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A route as the kernel reports it (RTM_NEWROUTE), reduced to what moving it needs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct route {
	uint8_t family;	  /* AF_INET or AF_INET6 */
	uint8_t type;	  /* RTN_* */
	uint8_t protocol; /* RTPROT_*: who made it */
	uint8_t prefix;
	uint32_t table;
	uint32_t nexthop_id;	 /* of a nexthop object, 0 = none */
	uint8_t destination[16]; /* network order; zero for a default route */
	bool gateway;		 /* some leg has one */
	bool cached;		 /* not of the table: an answer that the kernel remembers */
};
