/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A member's two paths (T13): a VF, and the host's software beside it, of one MAC. Pure.
 *
 * Theory of operation. Each path has a slot and a health of its own, and is usable as any member is.
 * Of two usable paths the hardware carries, and the other one is idle: no bucket is at home there,
 * none falls back to it but its member's own, and it is not primary. So the loss of a path is the
 * loss of a slot, which the sending program obeys with the next frame, by the fallback that it has,
 * and the carrier program before the daemon has woken; the primary's heir is its own other path.
 * What is at home then moves to the other slot, in the table only: no bucket changes its member.
 * A path that returns waits for its stable time, and flows go back as they pause (T5), so that none
 * is reordered.
 */
#pragma once

#include "core/failover.h"

/*
 * Of the seats that are a member's two paths: which is the spare one, and that both count as the
 * better of the two for T14 (a member whose VF is away for a moment is no synthetic one). @seats in
 * any order; path, speed and other are given.
 */
void paths_arrange(struct team_seat *seats, unsigned int count);

/* Usable paths that carry nothing, since the member's other one does; a bit per slot. */
uint32_t paths_idle(const struct team_run *run);

/* The path that stands for the member of @slot: the one that carries, or would. */
int paths_front(const struct team_run *run, int slot);

/* The slot of the member's other path, -1 if it has one only. */
int paths_other(const struct team_run *run, int slot);

/* How many members have a seat. */
unsigned int paths_members(const struct team_run *run);

/* Slots of other paths by slot, plus one; 0 = none. PICK_SLOTS of them. Returns whether there are any. */
bool paths_table(const struct team_run *run, uint8_t *ret_others);
