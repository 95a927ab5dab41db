// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/flow.h"

#include "base/strings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <string.h>

#define PROTOCOL_NO_PORTS 253 /* RFC 3692: for experiments; the kernel sees no ports in it */

static const struct protocol {
	const char *name;
	uint8_t number;
	bool ports;
} protocols[] = {
	{"tcp", IPPROTO_TCP, true},
	{"udp", IPPROTO_UDP, true},
	{"sctp", IPPROTO_SCTP, true},
	{"ip", PROTOCOL_NO_PORTS, false},
};

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	return NULL;
}

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static int read_port(const json_t *json, const char *key, uint16_t *ret_port)
{
	json_int_t port = json_integer_value(json_object_get(json, key));

	if (port < 1 || port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

/* RFC 1112 and RFC 2464: the group's MAC; any unicast MAC serves for a host. */
static struct mac destination_mac(const struct flow *flow)
{
	const uint8_t *to = flow->destination;
	struct mac mac = {{0x02, 0, 0, 0, 0, 1}};

	if (flow->family == AF_INET && to[0] >= 224 && to[0] < 240)
		mac = (struct mac){{0x01, 0x00, 0x5e, to[1] & 0x7f, to[2], to[3]}};
	else if (flow->family == AF_INET && !memcmp(to, "\xff\xff\xff\xff", 4))
		mac = (struct mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	else if (flow->family == AF_INET6 && to[0] == 0xff)
		mac = (struct mac){{0x33, 0x33, to[12], to[13], to[14], to[15]}};
	return mac;
}

static int read_addresses(const json_t *json, struct flow *flow, struct problem *problem)
{
	const char *from = text_of(json, "source"), *to = text_of(json, "destination");

	flow->family = strchr(from, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(flow->family, from, flow->source) != 1)
		return problem_set(problem, -EINVAL, "\"%s\" is not an IP address", from);
	if (inet_pton(flow->family, to, flow->destination) != 1)
		return problem_set(problem, -EINVAL,
				   "\"%s\" is not an address of the same family as %s", to, from);
	flow->destination_mac = destination_mac(flow);
	return 0;
}

static int read_macs(const json_t *json, struct flow *flow, struct problem *problem)
{
	if (mac_parse(text_of(json, "source"), &flow->source_mac) ||
	    mac_parse(text_of(json, "destination"), &flow->destination_mac))
		return problem_set(problem, -EINVAL,
				   "a flow of the protocol ethernet is between MACs");
	return 0;
}

int flow_read(const json_t *json, const struct mac *team_mac, struct flow *ret_flow,
	      struct problem *problem)
{
	const char *name = text_of(json, "protocol");
	const struct protocol *protocol = find_protocol(name);
	struct flow flow = {.source_mac = *team_mac};
	int err;

	if (strcmp(name, "ethernet") == 0) {
		err = read_macs(json, &flow, problem);
	} else if (!protocol) {
		err = problem_set(problem, -EINVAL,
				  "\"%s\" is no protocol known here: tcp, udp, sctp, ip or "
				  "ethernet",
				  name);
	} else {
		flow.protocol = protocol->number;
		err = read_addresses(json, &flow, problem);
	}
	if (!err && protocol && protocol->ports &&
	    (read_port(json, "source_port", &flow.source_port) ||
	     read_port(json, "destination_port", &flow.destination_port)))
		err = problem_set(problem, -EINVAL, "%s needs two ports of 1 to 65535", name);
	if (!err)
		*ret_flow = flow;
	return err;
}

static size_t put_ipv4(const struct flow *flow, uint8_t *buffer)
{
	struct iphdr header = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = flow->protocol,
		.tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
	};

	memcpy(&header.saddr, flow->source, sizeof(header.saddr));
	memcpy(&header.daddr, flow->destination, sizeof(header.daddr));
	memcpy(buffer, &header, sizeof(header));
	return sizeof(header);
}

static size_t put_ipv6(const struct flow *flow, uint8_t *buffer)
{
	struct ipv6hdr header = {
		.version = 6,
		.hop_limit = 64,
		.nexthdr = flow->protocol,
		.payload_len = htons(sizeof(struct tcphdr)),
	};

	memcpy(&header.saddr, flow->source, sizeof(header.saddr));
	memcpy(&header.daddr, flow->destination, sizeof(header.daddr));
	memcpy(buffer, &header, sizeof(header));
	return sizeof(header);
}

size_t flow_frame(const struct flow *flow, uint8_t *buffer)
{
	uint16_t type = flow->family == AF_INET	   ? ETH_P_IP
			: flow->family == AF_INET6 ? ETH_P_IPV6
						   : ETH_P_802_EX1;
	struct ethhdr ethernet = {.h_proto = htons(type)};
	struct tcphdr transport = {
		.source = htons(flow->source_port),
		.dest = htons(flow->destination_port),
		.doff = sizeof(transport) / 4,
	};
	size_t length = sizeof(ethernet);

	memcpy(ethernet.h_source, flow->source_mac.bytes, ETH_ALEN);
	memcpy(ethernet.h_dest, flow->destination_mac.bytes, ETH_ALEN);
	memcpy(buffer, &ethernet, sizeof(ethernet));
	if (flow->family == AF_INET)
		length += put_ipv4(flow, buffer + length);
	else if (flow->family == AF_INET6)
		length += put_ipv6(flow, buffer + length);
	memcpy(buffer + length, &transport, sizeof(transport));
	return length + sizeof(transport);
}
