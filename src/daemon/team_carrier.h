/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The carrier program beside the daemon (T17). It takes a member out and gives it back as the carrier
 * goes and comes; the daemon does the same later, with all that it knows. Each has a word of its own
 * (model/pick.h), so neither undoes what the other has done.
 */
#pragma once

#include "daemon/team.h"

/*
 * For the next loss: the program is attached if it is not, which is said once if it cannot be; and
 * it is told who is primary until the daemon has decided. And the kernel's word is taken back where
 * it is proven wrong: the program may have missed a carrier that has come, because somebody had
 * detached it. The proof is a question to the kernel, which may take its time.
 */
void team_carrier_follow(const struct team *team, const struct team_context *context);
