/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drivers that must be left alone for a while after their link is lost.
 *
 * Theory of operation. Changing bonding's active slave takes receive filters from the old slave.
 * A VF's driver asks its PF to do that, and if it is just then resetting a device whose PF does
 * not answer, it holds the lock of the mailbox with bottom halves off. The change waits for that
 * lock in the same way, on another CPU: with two CPUs the whole machine stands still. The datapath
 * needs no change of the active slave to move traffic, so this can wait: ours (daemon/team.c) and
 * bonding's own (its downdelay).
 *
 * The price: until then ARP and neighbour discovery leave on the lost member, that is not at all;
 * and with the daemon dead bonding fails over that much later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How long a lost member of this driver should rest, in milliseconds; 0 = it need not. */
uint32_t quirk_rest_ms(const char *driver);

/*
 * Drivers of virtual functions: their carrier is what the host's NIC makes of it, and stays when the
 * cable behind it is pulled unless the host says otherwise.
 */
bool quirk_blind_carrier(const char *driver);
