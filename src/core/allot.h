/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * H4: which adapters of a switch get a VF. The highest weight first, equal weights in order of
 * creation; who has one keeps it as long as its weight is above 0, so that no running VM loses its
 * VF to a heavier newcomer, unless @again.
 */
#pragma once

#include "model/adapter.h"

struct allot_claim {
	uint32_t weight; /* 0 = wants none */
	uint32_t serial;
	int held; /* index of the VF that it has, -1 = none */
	int got;  /* out: index of its VF, -1 = none */
};

/*
 * @usable: a bit per VF that may be given (up to 256 of them), in 64 bit words. Fills in got of
 * each claim; no VF is given twice.
 */
void allot_vfs(struct allot_claim *claims, size_t count, const uint64_t usable[4], bool again);
