// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/handover.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/handover.h"
#include "daemon/announce.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "kernel/replay.h"
#include "kernel/rtnl_address.h"
#include "kernel/rtnl_link.h"
#include "kernel/rtnl_neighbour.h"
#include "kernel/rtnl_route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

static const uint8_t families[] = {AF_INET, AF_INET6};

struct handover *handover_new(void)
{
	struct handover *handover = calloc(1, sizeof(*handover));

	if (handover)
		handover->noted_ns = clock_boottime_ns();
	return handover;
}

void handover_free(struct handover *handover)
{
	if (!handover)
		return;
	for (unsigned int i = 0; i < handover->device_count; i++)
		record_list_done(&handover->devices[i].records);
	free(handover->devices);
	free(handover->moves);
	free(handover->taken);
	free(handover);
}

/* --- noting --- */

/* What one device has, as it is gathered. */
struct gathering {
	const struct team_context *context;
	const struct link *link;
	struct record_list *records;
	bool unprefixed[ARRAY_SIZE(families)]; /* some address asks for no connected route */
	struct problem *problem;
};

/* The kernel puts a new IPv6 address before the older ones, so the last is made first. */
static int note_addresses(struct gathering *gathering, unsigned int which)
{
	_cleanup_(record_list_done) struct record_list found = {};
	uint8_t family = families[which];
	int err = record_dump(gathering->context->observed->requests, RTM_GETADDR, family,
			      gathering->link->ifindex, &found);

	for (size_t i = 0; !err && i < found.count; i++) {
		size_t place = family == AF_INET6 ? found.count - 1 - i : i;
		struct link_address address;

		if (rtnl_address_decode(found.records[place], &address) ||
		    address.ifindex != gathering->link->ifindex ||
		    !handover_moves_address(&address))
			continue;
		if (address.flags & IFA_F_NOPREFIXROUTE)
			gathering->unprefixed[which] = true;
		err = record_list_add(gathering->records, found.records[place]);
	}
	return err;
}

static int admit_route(const struct gathering *gathering, const struct route *route)
{
	char text[INET6_ADDRSTRLEN];

	if (!route->nexthop_id)
		return 0;
	(void)inet_ntop(route->family, route->destination, text, sizeof(text));
	return problem_set(gathering->problem, -EOPNOTSUPP,
			   "the route %s/%u of %s uses the nexthop object %u, which cannot be made "
			   "again; replace it by a route with a gateway of its own",
			   text, route->prefix, gathering->link->name, route->nexthop_id);
}

static int note_routes(struct gathering *gathering, unsigned int which)
{
	_cleanup_(record_list_done) struct record_list found = {};
	int err = record_dump(gathering->context->observed->requests, RTM_GETROUTE, families[which],
			      gathering->link->ifindex, &found);

	for (unsigned int rank = 0; rank < HANDOVER_RANKS; rank++)
		for (size_t i = 0; !err && i < found.count; i++) {
			struct route route;

			if (rtnl_route_decode(found.records[i], &route) ||
			    handover_rank(&route) != rank ||
			    !handover_moves_route(&route, gathering->unprefixed[which]))
				continue;
			err = admit_route(gathering, &route);
			if (!err)
				err = record_list_add(gathering->records, found.records[i]);
		}
	return err;
}

/* Those that somebody has set for ever; others are learnt anew. */
static int note_neighbours(struct gathering *gathering, unsigned int which)
{
	_cleanup_(record_list_done) struct record_list found = {};
	int err = record_dump(gathering->context->observed->requests, RTM_GETNEIGH, families[which],
			      gathering->link->ifindex, &found);

	for (size_t i = 0; !err && i < found.count; i++) {
		struct link_neighbour neighbour;

		if (!rtnl_neighbour_decode(found.records[i], &neighbour) &&
		    neighbour.ifindex == gathering->link->ifindex &&
		    (neighbour.state & NUD_PERMANENT))
			err = record_list_add(gathering->records, found.records[i]);
	}
	return err;
}

static int gather(struct gathering *gathering)
{
	static int (*const steps[])(struct gathering * gathering, unsigned int which) = {
		note_addresses, note_routes, note_neighbours};
	int err = 0;

	for (size_t step = 0; step < ARRAY_SIZE(steps); step++)
		for (unsigned int which = 0; !err && which < ARRAY_SIZE(families); which++)
			err = steps[step](gathering, which);
	if (err)
		(void)problem_set(gathering->problem, err,
				  "cannot read the addresses and routes of %s: %s",
				  gathering->link->name, strerror(-err));
	return err;
}

static int find_device(const struct handover *handover, int ifindex)
{
	for (unsigned int i = 0; i < handover->device_count; i++)
		if (handover->devices[i].ifindex == ifindex)
			return (int)i;
	return -1;
}

int handover_note(struct handover *handover, const struct team_context *context,
		  const struct link *link, struct problem *problem)
{
	_cleanup_(record_list_done) struct record_list records = {};
	struct gathering gathering = {
		.context = context, .link = link, .records = &records, .problem = problem};
	int err;

	if (find_device(handover, link->ifindex) >= 0)
		return 0;
	err = gather(&gathering);
	if (err)
		return err;
	if (handover_add_device(handover, link->name, link->ifindex, &records))
		return problem_set(problem, -ENOMEM, "out of memory");
	return 0;
}

int handover_add_move(struct handover *handover, unsigned int device, const char *to)
{
	struct handover_move *moves =
		reallocarray(handover->moves, handover->move_count + 1, sizeof(*moves));
	int *taken;

	if (!moves)
		return -ENOMEM;
	handover->moves = moves;
	taken = reallocarray(handover->taken, handover->move_count + 1, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	handover->taken = taken;
	moves[handover->move_count] = (struct handover_move){.device = device};
	(void)text_copy(moves[handover->move_count].to, LINK_NAME_SIZE, to);
	taken[handover->move_count++] = handover->devices[device].ifindex;
	return 0;
}

int handover_add_device(struct handover *handover, const char *name, int ifindex,
			struct record_list *records)
{
	struct handover_device *devices =
		reallocarray(handover->devices, handover->device_count + 1, sizeof(*devices));

	if (!devices)
		return -ENOMEM;
	handover->devices = devices;
	devices[handover->device_count] =
		(struct handover_device){.ifindex = ifindex, .records = *records};
	(void)text_copy(devices[handover->device_count].name, LINK_NAME_SIZE, name);
	handover->device_count++;
	*records = (struct record_list){};
	return 0;
}

int handover_move(struct handover *handover, const struct team_context *context,
		  const struct link *from, const char *to, struct problem *problem)
{
	int device, err = handover_note(handover, context, from, problem);

	if (err)
		return err;
	device = find_device(handover, from->ifindex);
	if (!handover->devices[device].records.count)
		return 0;
	err = handover_admit(from, &context->observed->links, problem);
	if (err)
		return err;
	return handover_add_move(handover, (unsigned int)device, to)
		       ? problem_set(problem, -ENOMEM, "out of memory")
		       : 0;
}

int handover_move_last(struct handover *handover, const struct team_context *context,
		       const struct link *from, const char *to, struct problem *problem)
{
	unsigned int before = handover->move_count;
	int err = handover_move(handover, context, from, to, problem);

	if (!err && handover->move_count > before)
		handover->moves[before].given = true;
	return err;
}

/* --- moving --- */

static const struct handover_move *find_move(const struct handover *handover, int ifindex)
{
	for (unsigned int i = 0; handover && i < handover->move_count; i++)
		if (handover->devices[handover->moves[i].device].ifindex == ifindex)
			return &handover->moves[i];
	return NULL;
}

const int *handover_taken(const struct handover *handover, size_t *ret_count)
{
	*ret_count = handover ? handover->move_count : 0;
	return handover ? handover->taken : NULL;
}

/* The device as it is now: a team may have been made anew under its name. */
static const struct link *device_now(const struct handover_device *device,
				     const struct team_context *context)
{
	const struct link *link = link_by_index(&context->observed->links, device->ifindex);

	return link ? link : link_by_name(&context->observed->links, device->name);
}

static struct replay replay_to(const struct handover *handover,
			       const struct handover_device *device, const struct link *to)
{
	return (struct replay){
		.from = device->ifindex,
		.to = to->ifindex,
		.from_name = device->name,
		.to_name = to->name,
		.elapsed_s = (uint32_t)((clock_boottime_ns() - handover->noted_ns) / NS_PER_S),
		.advertised_max_s = HANDOVER_ADVERTISED_S,
	};
}

/* "the address 192.0.2.1/24", for a person. */
static void describe(const struct nlmsghdr *record, char *text, size_t size)
{
	char bytes[INET6_ADDRSTRLEN] = "?";
	struct link_address address;
	struct route route;

	(void)snprintf(text, size, "a neighbour");
	if (!rtnl_address_decode(record, &address)) {
		(void)inet_ntop(address.family, address.bytes, bytes, sizeof(bytes));
		(void)snprintf(text, size, "the address %s/%u", bytes, address.prefix);
	} else if (!rtnl_route_decode(record, &route)) {
		(void)inet_ntop(route.family, route.destination, bytes, sizeof(bytes));
		(void)snprintf(text, size, "the route to %s/%u", bytes, route.prefix);
	}
}

/* The first refusal ends it, unless @problem is NULL: then each is logged. */
static int put_records(const struct handover *handover, const struct handover_device *device,
		       const struct team_context *context, const struct link *to,
		       struct problem *problem)
{
	struct replay replay = replay_to(handover, device, to);
	char what[INET6_ADDRSTRLEN + 32];

	for (size_t i = 0; i < device->records.count; i++) {
		const struct nlmsghdr *record = device->records.records[i];
		struct problem refusal = {};
		int err = replay_add(context->observed->requests, record, &replay, &refusal);

		/* Twice: nobody asks for it again. */
		if (err && !problem)
			err = replay_add(context->observed->requests, record, &replay, &refusal);
		if (!err)
			continue;
		describe(record, what, sizeof(what));
		if (problem)
			return problem_set(problem, err, "%s of %s cannot be moved to %s: %s", what,
					   device->name, to->name, refusal.text);
		log_warning("%s of %s cannot be put back: %s", what, device->name, refusal.text);
	}
	return 0;
}

/* Is the record, put onto @to, something that @to had of its own before? */
static bool was_there(const struct handover *handover, const struct nlmsghdr *record,
		      const struct replay *replay)
{
	int place = find_device(handover, replay->to);

	for (size_t i = 0; place >= 0 && i < handover->devices[place].records.count; i++)
		if (replay_same(record, replay, handover->devices[place].records.records[i]))
			return true;
	return false;
}

/* In the other direction: routes before the addresses that they need. */
static void take_records(const struct handover *handover, const struct handover_device *device,
			 const struct team_context *context, const struct link *at)
{
	struct replay replay = replay_to(handover, device, at);

	for (size_t i = device->records.count; i-- > 0;) {
		const struct nlmsghdr *record = device->records.records[i];
		char what[INET6_ADDRSTRLEN + 32];
		struct problem refusal = {};

		if (at->ifindex != device->ifindex && was_there(handover, record, &replay))
			continue;
		/* Twice, as above: two devices would have the same. */
		if (!replay_delete(context->observed->requests, record, &replay, NULL) ||
		    !replay_delete(context->observed->requests, record, &replay, &refusal))
			continue;
		describe(record, what, sizeof(what));
		log_warning("%s cannot be taken off %s: %s", what, at->name, refusal.text);
	}
}

bool handover_moves(const struct handover *handover, int ifindex)
{
	return find_move(handover, ifindex) != NULL;
}

void handover_lift(const struct handover *handover, const struct team_context *context, int ifindex)
{
	const struct handover_move *move = find_move(handover, ifindex);
	const struct link *link = link_by_index(&context->observed->links, ifindex);

	if (move && link)
		take_records(handover, &handover->devices[move->device], context, link);
}

/* Peers may know the addresses at another MAC; where the link is not up yet, nothing is sent. */
static void announce(const struct team_context *context, const struct link *at)
{
	const struct link *active =
		link_by_index(&context->observed->links, at->bond.active_ifindex);

	const struct announcer announcer = {
		.observed = context->observed,
		.packet_fd = context->packet_fd,
		.team_ifindex = at->ifindex,
		.member = active ? active : at,
	};

	(void)announce_team(&announcer, ANNOUNCE_ALL);
}

static int land(const struct handover *handover, const struct handover_move *move,
		const struct team_context *context, struct problem *problem)
{
	const struct link *to = link_by_name(&context->observed->links, move->to);
	const struct handover_device *device = &handover->devices[move->device];
	int err = 0;

	if (!to)
		return problem_set(problem, -ENODEV, "%s is gone", move->to);
	if (!(to->flags & IFF_UP))
		err = rtnl_link_set_up(context->observed->requests, to->ifindex, true, problem);
	if (!err)
		err = put_records(handover, device, context, to, problem);
	if (err)
		return err;
	log_info("%s: has the addresses and routes of %s now", to->name, device->name);
	(void)observe_own(context->observed);
	to = link_by_name(&context->observed->links, move->to);
	if (to)
		announce(context, to);
	return 0;
}

int handover_land(const struct handover *handover, const struct team_context *context, int ifindex,
		  struct problem *problem)
{
	const struct handover_move *move = find_move(handover, ifindex);

	return move ? land(handover, move, context, problem) : 0;
}

int handover_give(const struct handover *handover, const struct team_context *context,
		  struct problem *problem)
{
	int err = 0;

	for (unsigned int i = 0; handover && !err && i < handover->move_count; i++) {
		const struct handover_move *move = &handover->moves[i];
		const struct handover_device *device = &handover->devices[move->device];
		const struct link *to = link_by_name(&context->observed->links, move->to);

		if (!move->given)
			continue;
		if (to && to->master)
			return problem_set(problem, -EBUSY,
					   "%s is still a part of %s, which waits for its VFs; "
					   "give "
					   "those back first: iov-weight=0",
					   to->name, device->name);
		handover_lift(handover, context, device->ifindex);
		err = land(handover, move, context, problem);
	}
	return err;
}

void handover_unland(const struct handover *handover, const struct team_context *context)
{
	for (unsigned int i = 0; handover && i < handover->move_count; i++) {
		const struct handover_move *move = &handover->moves[i];
		const struct link *to = link_by_name(&context->observed->links, move->to);

		if (to)
			take_records(handover, &handover->devices[move->device], context, to);
	}
	if (handover)
		(void)observe_own(context->observed);
}

/* One that was made anew would take another MAC with each port that has a lower one. */
static void pin_mac(const struct handover_device *device, const struct team_context *context,
		    const struct link *link)
{
	const struct mac mac = link->mac;

	if (strcmp(link->kind, "bridge") == 0 && link->ifindex != device->ifindex &&
	    device->records.count)
		(void)rtnl_link_set_mac(context->observed->requests, link->ifindex, &mac, NULL);
}

void handover_restore(const struct handover *handover, const struct team_context *context)
{
	for (unsigned int i = 0; handover && i < handover->device_count; i++) {
		const struct handover_device *device = &handover->devices[i];
		const struct link *link = device_now(device, context);

		if (!link) {
			log_warning("%s is gone; what it had cannot be put back", device->name);
			continue;
		}
		pin_mac(device, context, link);
		(void)put_records(handover, device, context, link, NULL);
	}
	if (handover)
		(void)observe_own(context->observed);
}
