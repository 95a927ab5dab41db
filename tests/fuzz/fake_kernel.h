/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel to be asked and refused, in the place of src/kernel/netlink.c, packet.c and netns.c:
 * some devices, and bonding as far as the daemon uses it. Requests are the bytes that the
 * daemon's own encoders make, answers and events go through its own decoders.
 */
#pragma once

#include <stdbool.h>

/* The devices anew: ens4 to ens7, a bridge with its port, one with an address, one of odd name. */
void fake_kernel_reset(void);

/* The request number @number from now is refused; 0: none. */
void fake_kernel_refuse(unsigned number);

/* Whether the device ens@number (4 to 7) has its carrier; an event tells. */
void fake_kernel_carrier(unsigned number, bool carrier);
