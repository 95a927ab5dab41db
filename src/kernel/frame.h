/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that tell neighbours and switches behind which MAC an address is. Pure functions; no
 * VLAN tag, no padding to the least length of Ethernet (drivers do that).
 */
#pragma once

#include "base/mac.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_ARP_SIZE 42
#define FRAME_ADVERT_SIZE 86
#define FRAME_SIZE_MAX FRAME_ADVERT_SIZE

/*
 * A gratuitous ARP request (RFC 5227, "announcement"): sender and target are the IPv4 @address,
 * the sender's MAC is @from. In a frame to @to, a neighbour or broadcast. Returns its length.
 */
size_t frame_arp_announce(uint8_t *buffer, const struct mac *from, const struct mac *to,
			  const uint8_t address[4]);

/*
 * An unsolicited neighbour advertisement (RFC 4861, 7.2.6): @address is behind @from, override
 * what you know. To @to_address (a neighbour, or all nodes ff02::1) in a frame to @to. The
 * router flag is not set: for a host's addresses only, a neighbour would take a router off its
 * list. Returns its length.
 */
size_t frame_neighbour_advert(uint8_t *buffer, const struct mac *from, const struct mac *to,
			      const uint8_t address[16], const uint8_t to_address[16]);
