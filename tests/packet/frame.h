/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames as text, so that a table shows what is on the wire: hex digits, spaces as one likes, and
 * "xx" for a byte that the test varies. Adjacent string literals make a frame: TO_PEER FROM_A TCP4.
 * Checksums are zero: nothing under test looks at them.
 */
#pragma once

#include "base/mac.h"
#include "model/steering.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 4096

/* Members in slots 0, 1 and 2, and in the last one; the peer; somebody behind a bridge on the team. */
#define MAC_A "525400 00000a "
#define MAC_B "525400 00000b "
#define MAC_C "525400 00000c "
#define MAC_Z "525400 00001f "
#define MAC_PEER "525400 0000fe "
#define MAC_FOREIGN "525400 0000f0 "
#define MAC_BROADCAST "ffffff ffffff "
#define MAC_ZERO "000000 000000 "
#define MAC_MULTICAST4 "01005e 0000fb "
#define MAC_MULTICAST6 "333300 0000fb "

#define SLOT_A 0
#define SLOT_B 1
#define SLOT_C 2
#define SLOT_Z 31

#define IP4_FROM(protocol, fragment, source)                                                       \
	"0800 4500 0028 1234 " fragment " 40 " protocol " 0000 c00002" source " c0000202 "
#define IP4(protocol, fragment) IP4_FROM(protocol, fragment, "01")
#define DONT_FRAGMENT "4000"
#define FIRST_FRAGMENT "2000"
#define LATER_FRAGMENT "00b9"

/* The header alone, as it stands inside a tunnel. */
#define INNER_IP4(protocol, source)                                                                \
	"4500 0028 1234 4000 40 " protocol " 0000 c63364" source " c6336402 "

#define SOURCE6 "20010db8 00000000 00000000 00000001 "
#define PEER6 "20010db8 00000000 00000000 00000002 "
#define GROUP6 "ff020000 00000000 00000000 000000fb "
#define IP6_TO(next, target) "86dd 60000000 0020 " next " ff " SOURCE6 target
#define IP6(next) IP6_TO(next, PEER6)

#define PORTS(source) " " source " 01bb "
#define TCP(source) PORTS(source) "00000001 00000000 5010 2000 0000 0000 "
#define UDP(source) PORTS(source) "0014 0000 64617461 64617461 64617461 "
#define PAYLOAD "00112233 44556677 8899aabb ccddeeff 01234567 89abcdef "

#define TCP4 IP4("06", DONT_FRAGMENT) TCP("c001")
#define UDP4 IP4("11", DONT_FRAGMENT) UDP("c001")
#define TCP6 IP6("06") TCP("c001")
#define ICMP6(type) " " type " 00 0000 00000000 " PEER6 "0101 " MAC_A

/* An ARP packet, request (01) or reply (02). */
#define ARP(operation)                                                                             \
	"0806 0001 0800 06 04 00" operation " " MAC_A "c0000201 000000000000 c0000202 "
#define VLAN "8100 0064 "
#define QINQ "88a8 00c8 8100 0064 "

/* Bytes of @text in @frame (FRAME_MAX of them), @vary for each "xx". Returns how many. */
size_t frame_parse(const char *text, uint8_t vary, uint8_t *frame);

struct mac frame_mac(const char *text);

/* A state with the members above in their slots, A as primary, all of them usable. */
void frame_members(struct pick_state *state);

/* What the sending program makes of @frame's source when it chooses @slot, or PICK_NOBODY. */
void frame_leave(const struct pick_state *state, unsigned slot, uint8_t *frame);
