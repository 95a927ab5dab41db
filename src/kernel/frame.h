/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that tell neighbours and switches behind which MAC an address is. Pure functions; no
 * padding to the least length of Ethernet (drivers do that).
 */
#pragma once

#include "base/mac.h"
#include "model/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_ARP_SIZE 42
#define FRAME_ADVERT_SIZE 86
#define FRAME_LEARN_SIZE 42
#define FRAME_PROBE_SIZE 42
#define FRAME_TAG_SIZE 4
#define FRAME_SIZE_MAX (FRAME_ADVERT_SIZE + 2 * FRAME_TAG_SIZE)

/*
 * A gratuitous ARP request (RFC 5227, "announcement"): sender and target are the IPv4 @address,
 * the sender's MAC is @from. In a frame to @to, a neighbour or broadcast. Returns its length.
 */
size_t frame_arp_announce(uint8_t *buffer, const struct mac *from, const struct mac *to,
			  const uint8_t address[4]);

/*
 * An unsolicited neighbour advertisement (RFC 4861, 7.2.6): @address is behind @from, override
 * what you know. To @to_address (a neighbour, or all nodes ff02::1) in a frame to @to. @router:
 * this host forwards IPv6; a neighbour takes a router that says otherwise off its list. Returns
 * its length.
 */
size_t frame_neighbour_advert(uint8_t *buffer, const struct mac *from, const struct mac *to,
			      const uint8_t address[16], const uint8_t to_address[16], bool router);

/*
 * A broadcast from @station, which says nothing but that it is here: switches learn the port. A
 * reverse ARP request (RFC 903), as QEMU, ESX and Open vSwitch send it, which nobody answers.
 * Returns its length.
 */
size_t frame_learn(uint8_t *buffer, const struct mac *station);

/*
 * Who has the IPv4 @address? With no sender's address, so that nobody learns one (RFC 5227, "probe");
 * who has it answers to @from all the same. Returns its length.
 */
size_t frame_arp_probe(uint8_t *buffer, const struct mac *from, const struct mac *to,
		       const uint8_t address[4]);

/*
 * Who has the IPv6 @address (RFC 4861, 7.2.2)? From @source, which is behind @from; to @address itself
 * in a frame to @to, or if that is NULL to the group of those who may have it. Returns its length.
 */
size_t frame_neighbour_solicit(uint8_t *buffer, const struct mac *from, const struct mac *to,
			       const uint8_t source[16], const uint8_t address[16]);

/* A path probe (model/probe.h). Returns its length. */
size_t frame_path_probe(uint8_t *buffer, const struct mac *from, const struct mac *to,
			const struct probe_frame *probe);

/* Put an 802.1Q tag into a frame of @length bytes; @buffer has room. Returns the new length. */
size_t frame_tag(uint8_t *buffer, size_t length, uint16_t vlan_id);
