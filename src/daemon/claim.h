/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon for each network namespace, whatever its socket, its files and its pins are: two would
 * take away what the other one makes, for as long as both live.
 *
 * The claim is a lock on a file of the namespace's inode number in /run/iovteam, which only root can
 * open. The kernel lets go of it when the daemon dies.
 */
#pragma once

struct claim {
	int fd; /* -1: there is none */
	char path[64];
};

/* Whose directory is not there can be no claim: -errno. -EBUSY: another daemon has it. */
int claim_take(struct claim *ret_claim);

void claim_drop(struct claim *claim);
