// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/replay.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define CLOCK_TICKS 100 /* of a route's lifetime in a second: the kernel's USER_HZ */
#define GROWTH_MAX 4	/* a label can be this many times longer than a shorter one */

/* What becomes of an attribute; 0 = it is left out. */
enum rule {
	RULE_KEEP = 1,
	RULE_INDEX,	/* an ifindex */
	RULE_LEGS,	/* RTA_MULTIPATH */
	RULE_EXPIRES,	/* a route's time left, reported in RTA_CACHEINFO, is set by RTA_EXPIRES */
	RULE_LABEL,	/* IFA_LABEL */
	RULE_LIFETIMES, /* IFA_CACHEINFO */
	RULE_FLAGS,	/* IFA_FLAGS */
};

#define TYPES_MAX 32

static const uint8_t address_add[TYPES_MAX] = {
	[IFA_ADDRESS] = RULE_KEEP, [IFA_LOCAL] = RULE_KEEP,	  [IFA_BROADCAST] = RULE_KEEP,
	[IFA_ANYCAST] = RULE_KEEP, [IFA_RT_PRIORITY] = RULE_KEEP, [IFA_PROTO] = RULE_KEEP,
	[IFA_LABEL] = RULE_LABEL,  [IFA_FLAGS] = RULE_FLAGS,	  [IFA_CACHEINFO] = RULE_LIFETIMES,
};

static const uint8_t address_delete[TYPES_MAX] = {
	[IFA_ADDRESS] = RULE_KEEP,
	[IFA_LOCAL] = RULE_KEEP,
};

#define ROUTE_RULES                                                                                \
	[RTA_DST] = RULE_KEEP, [RTA_SRC] = RULE_KEEP, [RTA_GATEWAY] = RULE_KEEP,                   \
	[RTA_VIA] = RULE_KEEP, [RTA_PRIORITY] = RULE_KEEP, [RTA_PREFSRC] = RULE_KEEP,              \
	[RTA_METRICS] = RULE_KEEP, [RTA_FLOW] = RULE_KEEP, [RTA_TABLE] = RULE_KEEP,                \
	[RTA_MARK] = RULE_KEEP, [RTA_PREF] = RULE_KEEP, [RTA_ENCAP] = RULE_KEEP,                   \
	[RTA_ENCAP_TYPE] = RULE_KEEP, [RTA_TTL_PROPAGATE] = RULE_KEEP, [RTA_OIF] = RULE_INDEX,     \
	[RTA_MULTIPATH] = RULE_LEGS

static const uint8_t route_add[TYPES_MAX] = {ROUTE_RULES, [RTA_CACHEINFO] = RULE_EXPIRES};
static const uint8_t route_delete[TYPES_MAX] = {ROUTE_RULES};

static const uint8_t neighbour_both[TYPES_MAX] = {
	[NDA_DST] = RULE_KEEP,
	[NDA_LLADDR] = RULE_KEEP,
	[NDA_PROTOCOL] = RULE_KEEP,
	[NDA_FLAGS_EXT] = RULE_KEEP,
};

/* The kinds of records, with the requests that make and delete one. */
static const struct kind {
	uint16_t type, add, delete;
	size_t header;
	const uint8_t *add_rules, *delete_rules;
	uint16_t flags; /* of the request that makes it */
} kinds[] = {
	{RTM_NEWADDR, RTM_NEWADDR, RTM_DELADDR, sizeof(struct ifaddrmsg), address_add,
	 address_delete, NLM_F_CREATE | NLM_F_EXCL},
	/* Appended: other routes to the same destination keep their places. */
	{RTM_NEWROUTE, RTM_NEWROUTE, RTM_DELROUTE, sizeof(struct rtmsg), route_add, route_delete,
	 NLM_F_CREATE | NLM_F_APPEND},
	{RTM_NEWNEIGH, RTM_NEWNEIGH, RTM_DELNEIGH, sizeof(struct ndmsg), neighbour_both,
	 neighbour_both, NLM_F_CREATE | NLM_F_REPLACE},
};

/* A message that is written, and what of. */
struct draft {
	const struct replay *replay;
	bool add;
	uint8_t family;
	bool advertised; /* a route of RTPROT_RA */
	bool detect;	 /* an IPv6 address that has not passed its detection */
	bool over;	 /* its lifetime is */
	struct nlmsghdr *message;
};

static const struct kind *kind_of(const struct nlmsghdr *record)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == record->nlmsg_type &&
		    record->nlmsg_len >= MNL_NLMSG_HDRLEN + MNL_ALIGN(kinds[i].header))
			return &kinds[i];
	return NULL;
}

/* --- attributes --- */

static int replace_index(int ifindex, const struct replay *replay)
{
	return ifindex == replay->from ? replay->to : ifindex;
}

static void put_index(struct draft *draft, const struct nlattr *attribute)
{
	uint32_t ifindex;

	if (mnl_attr_get_payload_len(attribute) != sizeof(ifindex))
		return;
	ifindex = (uint32_t)replace_index((int)mnl_attr_get_u32(attribute), draft->replay);
	mnl_attr_put_u32(draft->message, mnl_attr_get_type(attribute), ifindex);
}

static void put_legs(struct draft *draft, const struct nlattr *attribute)
{
	uint8_t *at;
	size_t left = mnl_attr_get_payload_len(attribute);

	mnl_attr_put(draft->message, RTA_MULTIPATH, left, mnl_attr_get_payload(attribute));
	at = (uint8_t *)mnl_nlmsg_get_payload_tail(draft->message) - MNL_ALIGN(left);
	while (left >= sizeof(struct rtnexthop)) {
		struct rtnexthop *leg = (void *)at;
		size_t step = MNL_ALIGN(leg->rtnh_len);

		leg->rtnh_ifindex = replace_index(leg->rtnh_ifindex, draft->replay);
		leg->rtnh_flags &= RTNH_F_ONLINK;
		if (step < sizeof(*leg) || step >= left)
			break;
		at += step;
		left -= step;
	}
}

static uint32_t left_of(uint32_t lifetime, uint32_t elapsed)
{
	if (lifetime == UINT32_MAX) /* for ever */
		return lifetime;
	return lifetime > elapsed ? lifetime - elapsed : 0;
}

static void put_expires(struct draft *draft, const struct nlattr *attribute)
{
	struct rta_cacheinfo info;
	uint32_t seconds;

	if (mnl_attr_get_payload_len(attribute) < sizeof(info))
		return;
	memcpy(&info, mnl_attr_get_payload(attribute), sizeof(info));
	if (!info.rta_expires)
		return;
	seconds = info.rta_expires > 0 ? (uint32_t)info.rta_expires / CLOCK_TICKS : 0;
	seconds = left_of(seconds, draft->replay->elapsed_s);
	if (draft->advertised && seconds > draft->replay->advertised_max_s)
		seconds = draft->replay->advertised_max_s;
	draft->over = !seconds;
	mnl_attr_put_u32(draft->message, RTA_EXPIRES, seconds);
}

/* "ens4:1" becomes "team0:1"; a label that says nothing of the device stays. */
static void put_label(struct draft *draft, const struct nlattr *attribute)
{
	const struct replay *replay = draft->replay;
	size_t length = strlen(replay->from_name), room = mnl_attr_get_payload_len(attribute);
	const char *label = mnl_attr_get_payload(attribute), *rest = label + length;
	char text[2 * IFNAMSIZ];

	if (!room || strnlen(label, room) == room || room > IFNAMSIZ)
		return;
	if (strncmp(label, replay->from_name, length) == 0 && (!*rest || *rest == ':'))
		(void)snprintf(text, sizeof(text), "%s%s", replay->to_name, rest);
	else
		(void)snprintf(text, sizeof(text), "%s", label);
	mnl_attr_put_strz(draft->message, IFA_LABEL,
			  strlen(text) < IFNAMSIZ ? text : replay->to_name);
}

static void put_lifetimes(struct draft *draft, const struct nlattr *attribute)
{
	struct ifa_cacheinfo info;

	if (mnl_attr_get_payload_len(attribute) < sizeof(info))
		return;
	memcpy(&info, mnl_attr_get_payload(attribute), sizeof(info));
	info.ifa_valid = left_of(info.ifa_valid, draft->replay->elapsed_s);
	info.ifa_prefered = left_of(info.ifa_prefered, draft->replay->elapsed_s);
	draft->over = !info.ifa_valid;
	mnl_attr_put(draft->message, IFA_CACHEINFO, sizeof(info), &info);
}

/* Those that say how the address shall be; others say how it is. */
static uint32_t wanted_flags(const struct draft *draft, uint32_t flags)
{
	uint32_t kept = flags & (IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
				 IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN);

	return draft->family == AF_INET6 && !draft->detect ? kept | IFA_F_NODAD : kept;
}

static void put_flags(struct draft *draft, const struct nlattr *attribute)
{
	if (mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
		mnl_attr_put_u32(draft->message, IFA_FLAGS,
				 wanted_flags(draft, mnl_attr_get_u32(attribute)));
}

static void put_attribute(struct draft *draft, const struct nlattr *attribute, enum rule rule)
{
	switch (rule) {
	case RULE_KEEP:
		mnl_attr_put(draft->message, attribute->nla_type,
			     mnl_attr_get_payload_len(attribute), mnl_attr_get_payload(attribute));
		break;
	case RULE_INDEX:
		put_index(draft, attribute);
		break;
	case RULE_LEGS:
		put_legs(draft, attribute);
		break;
	case RULE_EXPIRES:
		put_expires(draft, attribute);
		break;
	case RULE_LABEL:
		put_label(draft, attribute);
		break;
	case RULE_LIFETIMES:
		put_lifetimes(draft, attribute);
		break;
	case RULE_FLAGS:
		put_flags(draft, attribute);
		break;
	}
}

/* --- messages --- */

static void put_header(struct draft *draft, const struct kind *kind, const void *header)
{
	void *put = mnl_nlmsg_put_extra_header(draft->message, kind->header);
	struct ifaddrmsg *address = put;
	struct rtmsg *route = put;
	struct ndmsg *neighbour = put;

	memcpy(put, header, kind->header);
	switch (kind->type) {
	case RTM_NEWADDR:
		draft->family = address->ifa_family;
		draft->detect = address->ifa_flags & IFA_F_TENTATIVE;
		address->ifa_index = (uint32_t)draft->replay->to;
		address->ifa_flags =
			draft->add ? (uint8_t)wanted_flags(draft, address->ifa_flags) : 0;
		break;
	case RTM_NEWROUTE:
		draft->family = route->rtm_family;
		draft->advertised = route->rtm_protocol == RTPROT_RA;
		route->rtm_flags &= RTNH_F_ONLINK;
		break;
	default:
		draft->family = neighbour->ndm_family;
		neighbour->ndm_ifindex = draft->replay->to;
		break;
	}
}

/* The request that makes or deletes the record, malloc'd; NULL: no memory, or no such kind. */
static struct nlmsghdr *draft_request(struct draft *draft, const struct nlmsghdr *record)
{
	const struct kind *kind = kind_of(record);
	const uint8_t *rules;
	const struct nlattr *attribute;

	if (!kind)
		return NULL;
	rules = draft->add ? kind->add_rules : kind->delete_rules;
	draft->message = calloc(GROWTH_MAX, record->nlmsg_len);
	if (!draft->message)
		return NULL;
	(void)mnl_nlmsg_put_header(draft->message);
	draft->message->nlmsg_type = draft->add ? kind->add : kind->delete;
	draft->message->nlmsg_flags = draft->add ? kind->flags : 0;
	put_header(draft, kind, mnl_nlmsg_get_payload(record));
	mnl_attr_for_each(attribute, record, kind->header)
	{
		uint16_t type = mnl_attr_get_type(attribute);

		if (type < TYPES_MAX && rules[type])
			put_attribute(draft, attribute, (enum rule)rules[type]);
	}
	return draft->message;
}

/*
 * Without the flag by which its detection was passed over: an address that was made as any other
 * looks as any other. The kernel does not detect anew then.
 */
static int clear_nodad(struct netlink *netlink, const struct nlmsghdr *record,
		       struct nlmsghdr *request)
{
	const struct ifaddrmsg *was = mnl_nlmsg_get_payload(record);
	struct ifaddrmsg *header = mnl_nlmsg_get_payload(request);
	struct nlattr *attribute;

	if (request->nlmsg_type != RTM_NEWADDR || header->ifa_family != AF_INET6 ||
	    (was->ifa_flags & IFA_F_NODAD) || !(header->ifa_flags & IFA_F_NODAD))
		return 0;
	header->ifa_flags &= (uint8_t)~IFA_F_NODAD;
	mnl_attr_for_each(attribute, request, sizeof(*header))
	{
		uint32_t *flags = mnl_attr_get_payload(attribute);

		if (mnl_attr_get_type(attribute) == IFA_FLAGS)
			*flags &= ~(uint32_t)IFA_F_NODAD;
	}
	request->nlmsg_flags = NLM_F_REPLACE;
	return netlink_request(netlink, request, NULL);
}

int replay_add(struct netlink *netlink, const struct nlmsghdr *record, const struct replay *replay,
	       struct problem *problem)
{
	struct draft draft = {.replay = replay, .add = true};
	_cleanup_free_ struct nlmsghdr *request = draft_request(&draft, record);
	struct problem refusal = {};
	int err;

	if (!request)
		return problem_set(problem, -ENOMEM, "out of memory");
	if (draft.over)
		return 0;
	err = netlink_request(netlink, request, &refusal);
	if (err == -EEXIST)
		return 0;
	if (err)
		return problem_set(problem, err, "%s", refusal.text);
	(void)clear_nodad(netlink, record, request);
	return 0;
}

int replay_delete(struct netlink *netlink, const struct nlmsghdr *record,
		  const struct replay *replay, struct problem *problem)
{
	struct draft draft = {.replay = replay};
	_cleanup_free_ struct nlmsghdr *request = draft_request(&draft, record);
	struct problem refusal = {};
	int err;

	if (!request)
		return problem_set(problem, -ENOMEM, "out of memory");
	err = netlink_request(netlink, request, &refusal);
	if (!err || err == -ESRCH || err == -EADDRNOTAVAIL || err == -ENOENT || err == -ENODEV)
		return 0;
	return problem_set(problem, err, "%s", refusal.text);
}

bool replay_same(const struct nlmsghdr *record, const struct replay *replay,
		 const struct nlmsghdr *other)
{
	const struct replay stay = {
		.from = replay->to,
		.to = replay->to,
		.from_name = replay->to_name,
		.to_name = replay->to_name,
	};
	struct draft ours = {.replay = replay}, theirs = {.replay = &stay};
	_cleanup_free_ struct nlmsghdr *a = draft_request(&ours, record);
	_cleanup_free_ struct nlmsghdr *b = draft_request(&theirs, other);

	return a && b && a->nlmsg_len == b->nlmsg_len && memcmp(a, b, a->nlmsg_len) == 0;
}
