// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/flow.h"

#include "base/cleanup.h"
#include "base/mac.h"
#include "base/strings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define WORDS_MAX 4 /* three are right, the fourth proves that there are too many */
#define FLOW_TEXT_SIZE 256

static const char *const port_protocols[] = {"tcp", "udp", "sctp"};

/* One end of a flow. */
struct flow_end {
	int family;    /* AF_INET, AF_INET6, or AF_PACKET for a MAC */
	uint32_t port; /* 0 = none */
	char address[INET6_ADDRSTRLEN];
};

/* An address alone, canonical into @end. */
static int address_parse(const char *text, struct flow_end *end)
{
	struct in6_addr bytes;
	struct mac mac;

	if (mac_parse(text, &mac) == 0) {
		end->family = AF_PACKET;
		(void)mac_format(&mac, end->address);
		return 0;
	}
	end->family = inet_pton(AF_INET, text, &bytes) == 1 ? AF_INET : AF_INET6;
	if (end->family == AF_INET6 && inet_pton(AF_INET6, text, &bytes) != 1)
		return -EINVAL;
	(void)inet_ntop(end->family, &bytes, end->address, sizeof(end->address));
	return 0;
}

/*
 * Cut "host:port", "[host]:port", "[host]" or "host" in place. A colon is a port's only behind
 * a bracket or when it is the only one: IPv6 addresses and MACs have several.
 */
static int end_split(char *text, char **ret_host, char **ret_port)
{
	char *close, *colon = strchr(text, ':');

	*ret_host = text;
	*ret_port = NULL;
	if (*text == '[') {
		close = strchr(text, ']');
		if (!close || (close[1] && close[1] != ':'))
			return -EINVAL;
		*close = '\0';
		*ret_host = text + 1;
		*ret_port = close[1] ? close + 2 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		*ret_port = colon + 1;
	}
	return 0;
}

static int end_parse(const char *word, struct flow_end *ret_end, struct problem *problem)
{
	char text[FLOW_TEXT_SIZE], *host, *port;
	struct flow_end end = {};
	int err = text_copy(text, sizeof(text), word);

	if (!err)
		err = end_split(text, &host, &port);
	if (!err)
		err = address_parse(host, &end);
	if (!err && *text == '[' && end.family != AF_INET6)
		err = -EINVAL;
	if (err)
		return problem_set(problem, -EINVAL,
				   "\"%s\" is not an address: write 10.0.0.1:443, "
				   "[2001:db8::1]:443, "
				   "10.0.0.1, 2001:db8::1 or a MAC",
				   word);
	if (port && number_parse(port, 1, 65535, &end.port))
		return problem_set(problem, -EINVAL,
				   "the port in \"%s\" is not a number of 1 to 65535", word);
	*ret_end = end;
	return 0;
}

/* What fits together: families, and ports with a protocol that has them. */
static int flow_check(const char *protocol, const struct flow_end *from, const struct flow_end *to,
		      struct problem *problem)
{
	if (from->family != to->family)
		return problem_set(problem, -EINVAL, "%s and %s are not of the same kind",
				   from->address, to->address);
	if (protocol && from->family == AF_PACKET)
		return problem_set(problem, -EINVAL, "%s is between IP addresses, not MACs",
				   protocol);
	if (!protocol && (from->port || to->port))
		return problem_set(problem, -EINVAL,
				   "addresses with ports need a protocol before them: tcp, udp or "
				   "sctp");
	if (protocol && !(from->port && to->port))
		return problem_set(problem, -EINVAL,
				   "%s needs a port with both addresses, such as 10.0.0.1:4711",
				   protocol);
	return 0;
}

static json_t *flow_pack(const char *protocol, const struct flow_end *from,
			 const struct flow_end *to)
{
	json_t *flow;

	if (!protocol)
		protocol = from->family == AF_PACKET ? "ethernet" : "ip";
	flow = json_pack("{s:s, s:s, s:s}", "source", from->address, "destination", to->address,
			 "protocol", protocol);
	if (from->port) {
		(void)json_object_set_new(flow, "source_port", json_integer(from->port));
		(void)json_object_set_new(flow, "destination_port", json_integer(to->port));
	}
	return flow;
}

/* Cut @text into at most WORDS_MAX words. */
static int words_split(char *text, char **words)
{
	int count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(text, " \t", &rest); word && count < WORDS_MAX;
	     word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	return count;
}

static int text_join(char *text, size_t size, char *const *words, int count)
{
	size_t used = 0;

	for (int i = 0; i < count; i++) {
		int length = snprintf(text + used, size - used, "%s ", words[i]);

		if (length < 0 || (size_t)length >= size - used)
			return -ENAMETOOLONG;
		used += (size_t)length;
	}
	return 0;
}

int flow_parse(char *const *words, int count, json_t **ret_flow, struct problem *problem)
{
	char text[FLOW_TEXT_SIZE], *parts[WORDS_MAX], **ends = parts;
	struct flow_end from, to;
	const char *protocol = NULL;
	int err;

	if (text_join(text, sizeof(text), words, count))
		return problem_set(problem, -EINVAL, "that is too long for a flow");
	count = words_split(text, parts);
	if (count == 3) {
		protocol = *ends++;
		if (name_lookup(port_protocols, ARRAY_SIZE(port_protocols), protocol) < 0)
			return problem_set(problem, -EINVAL,
					   "unknown protocol \"%s\"; write tcp, udp or sctp, or "
					   "leave it out",
					   protocol);
	} else if (count != 2) {
		return problem_set(problem, -EINVAL,
				   "a flow is [PROTOCOL] SOURCE DESTINATION, such as "
				   "tcp 10.0.0.1:4711 10.0.0.2:443");
	}
	err = end_parse(ends[0], &from, problem);
	if (!err)
		err = end_parse(ends[1], &to, problem);
	if (!err)
		err = flow_check(protocol, &from, &to, problem);
	if (!err)
		*ret_flow = flow_pack(protocol, &from, &to);
	return err;
}
