// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/frame.h"

#include <arpa/inet.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>

#define OPTION_SOURCE_ADDRESS 1 /* ND_OPT_SOURCE_LL_ADDR, … */
#define OPTION_TARGET_ADDRESS 2 /* ND_OPT_TARGET_LL_ADDR, which the uapi headers lack */
#define SOLICIT_TYPE 135	/* NDISC_NEIGHBOUR_SOLICITATION, … */
#define ADVERT_TYPE 136		/* NDISC_NEIGHBOUR_ADVERTISEMENT, likewise */

struct arp_frame {
	struct ethhdr ethernet;
	struct arphdr arp;
	struct mac sender;
	uint8_t sender_address[4];
	struct mac target;
	uint8_t target_address[4];
} __attribute__((packed));

struct advert {
	struct icmp6hdr icmp;
	uint8_t target[16];
	uint8_t option_type;
	uint8_t option_length; /* in units of 8 bytes */
	struct mac option_mac;
} __attribute__((packed));

/* Solicitations and advertisements have the same form. */
struct advert_frame {
	struct ethhdr ethernet;
	struct ipv6hdr ip;
	struct advert advert;
} __attribute__((packed));

_Static_assert(sizeof(struct arp_frame) == FRAME_ARP_SIZE, "ARP over Ethernet");
_Static_assert(sizeof(struct arp_frame) == FRAME_LEARN_SIZE, "reverse ARP has the same form");
_Static_assert(ETH_HLEN + sizeof(struct probe_frame) == FRAME_PROBE_SIZE, "a probe");
_Static_assert(sizeof(struct advert_frame) == FRAME_ADVERT_SIZE, "advertisement over Ethernet");

static struct ethhdr ethernet_header(const struct mac *from, const struct mac *to, uint16_t type)
{
	struct ethhdr header = {.h_proto = htons(type)};

	memcpy(header.h_source, from, sizeof(header.h_source));
	memcpy(header.h_dest, to, sizeof(header.h_dest));
	return header;
}

size_t frame_arp_announce(uint8_t *buffer, const struct mac *from, const struct mac *to,
			  const uint8_t address[4])
{
	struct arp_frame frame = {
		.ethernet = ethernet_header(from, to, ETH_P_ARP),
		.arp =
			{
				.ar_hrd = htons(ARPHRD_ETHER),
				.ar_pro = htons(ETH_P_IP),
				.ar_hln = ETH_ALEN,
				.ar_pln = 4,
				.ar_op = htons(ARPOP_REQUEST),
			},
		.sender = *from,
	};

	memcpy(frame.sender_address, address, sizeof(frame.sender_address));
	memcpy(frame.target_address, address, sizeof(frame.target_address));
	memcpy(buffer, &frame, sizeof(frame));
	return sizeof(frame);
}

size_t frame_learn(uint8_t *buffer, const struct mac *station)
{
	static const struct mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct arp_frame frame = {
		.ethernet = ethernet_header(station, &everybody, ETH_P_RARP),
		.arp =
			{
				.ar_hrd = htons(ARPHRD_ETHER),
				.ar_pro = htons(ETH_P_IP),
				.ar_hln = ETH_ALEN,
				.ar_pln = 4,
				.ar_op = htons(ARPOP_RREQUEST),
			},
		.sender = *station,
		.target = *station,
	};

	memcpy(buffer, &frame, sizeof(frame));
	return sizeof(frame);
}

/* The sum of big-endian words in 32 bits, which no frame of ours overflows. */
static uint32_t sum_words(uint32_t sum, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	return sum;
}

/* Of the pseudo header of RFC 8200 (addresses, length, protocol) and the message. */
static uint16_t advert_checksum(const struct advert_frame *frame)
{
	uint32_t sum = sizeof(frame->advert) + IPPROTO_ICMPV6;

	sum = sum_words(sum, &frame->ip.saddr, sizeof(frame->ip.saddr));
	sum = sum_words(sum, &frame->ip.daddr, sizeof(frame->ip.daddr));
	sum = sum_words(sum, &frame->advert, sizeof(frame->advert));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

size_t frame_neighbour_advert(uint8_t *buffer, const struct mac *from, const struct mac *to,
			      const uint8_t address[16], const uint8_t to_address[16], bool router)
{
	struct advert_frame frame = {
		.ethernet = ethernet_header(from, to, ETH_P_IPV6),
		.ip =
			{
				.version = 6,
				.payload_len = htons(sizeof(frame.advert)),
				.nexthdr = IPPROTO_ICMPV6,
				.hop_limit =
					255, /* receivers drop any other: it came over no router */
			},
		.advert =
			{
				.icmp = {.icmp6_type = ADVERT_TYPE,
					 .icmp6_override = 1,
					 .icmp6_router = router},
				.option_type = OPTION_TARGET_ADDRESS,
				.option_length = 1,
				.option_mac = *from,
			},
	};

	memcpy(&frame.ip.saddr, address, sizeof(frame.ip.saddr));
	memcpy(&frame.ip.daddr, to_address, sizeof(frame.ip.daddr));
	memcpy(frame.advert.target, address, sizeof(frame.advert.target));
	frame.advert.icmp.icmp6_cksum = advert_checksum(&frame);
	memcpy(buffer, &frame, sizeof(frame));
	return sizeof(frame);
}

size_t frame_arp_probe(uint8_t *buffer, const struct mac *from, const struct mac *to,
		       const uint8_t address[4])
{
	static const uint8_t nobody[4];
	struct arp_frame frame;
	size_t size = frame_arp_announce((uint8_t *)&frame, from, to, address);

	memcpy(frame.sender_address, nobody, sizeof(nobody));
	memcpy(buffer, &frame, size);
	return size;
}

/* RFC 4291, 2.7.1, and RFC 2464, 7: the group, and its MAC. */
static void solicited_group(const uint8_t address[16], uint8_t group[16], struct mac *ret_mac)
{
	static const uint8_t prefix[13] = {0xff, 0x02, [11] = 1, [12] = 0xff};

	memcpy(group, prefix, sizeof(prefix));
	memcpy(group + sizeof(prefix), address + sizeof(prefix), 3);
	*ret_mac = (struct mac){{0x33, 0x33, 0xff, address[13], address[14], address[15]}};
}

size_t frame_neighbour_solicit(uint8_t *buffer, const struct mac *from, const struct mac *to,
			       const uint8_t source[16], const uint8_t address[16])
{
	struct advert_frame frame;
	uint8_t group[16];
	struct mac mac;
	size_t size;

	solicited_group(address, group, &mac);
	size = frame_neighbour_advert((uint8_t *)&frame, from, to ? to : &mac, source,
				      to ? address : group, false);
	memcpy(frame.advert.target, address, sizeof(frame.advert.target));
	frame.advert.icmp = (struct icmp6hdr){.icmp6_type = SOLICIT_TYPE};
	frame.advert.option_type = OPTION_SOURCE_ADDRESS;
	frame.advert.icmp.icmp6_cksum = advert_checksum(&frame);
	memcpy(buffer, &frame, size);
	return size;
}

size_t frame_path_probe(uint8_t *buffer, const struct mac *from, const struct mac *to,
			const struct probe_frame *probe)
{
	struct ethhdr header = ethernet_header(from, to, PROBE_ETHERTYPE);

	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + sizeof(header), probe, sizeof(*probe));
	return sizeof(header) + sizeof(*probe);
}

size_t frame_tag(uint8_t *buffer, size_t length, uint16_t vlan_id)
{
	const size_t addresses = 2 * ETH_ALEN;
	const uint16_t tag[2] = {htons(ETH_P_8021Q), htons(vlan_id)};

	memmove(buffer + addresses + sizeof(tag), buffer + addresses, length - addresses);
	memcpy(buffer + addresses, tag, sizeof(tag));
	return length + sizeof(tag);
}
