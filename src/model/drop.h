/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a member's receiving program refuses, counted by cause and slot (T9, T15). */
#pragma once

#include "model/steering.h"

enum drop_cause {
	DROP_REFLECTED, /* our own frame, come back from a switch or the NIC */
	DROP_NOT_PRIMARY, /* broadcast, multicast or foreign unicast on a member that is not the primary */
	DROP_OTHER_MEMBER, /* flooded to the primary, but another member has received it as its own */
	DROP_CAUSE_COUNT,
};

struct drop_counts {
	__u64 frames[PICK_SLOTS][DROP_CAUSE_COUNT];
};
