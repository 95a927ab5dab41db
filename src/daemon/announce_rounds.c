// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/announce_rounds.h"

#include "daemon/announce.h"
#include "daemon/clock.h"
#include "daemon/team_mac.h"

#include <stdlib.h>
#include <systemd/sd-event.h>

#define WAITS_MAX 50 /* rounds */

struct announce_rounds {
	sd_event_source *timer;
	const struct team *team;
	const struct team_context *context;
	unsigned int left, waited;
};

static void announce_now(const struct team *team, const struct team_context *context,
			 enum announce_part part)
{
	const struct link *link =
		team_member_link(team, &context->observed->links, team->run.primary);
	struct link member;
	struct announcer announcer = {
		.observed = context->observed,
		.datapath = team->datapath,
		.packet_fd = context->packet_fd,
		.team_ifindex = team->ifindex,
		.member = &member,
	};

	if (!link)
		return;
	member = *link;
	if (team_mac_is_one(team, &context->observed->links)) /* it has been told, not observed */
		member.mac = link_by_index(&context->observed->links, team->ifindex)->mac;
	(void)announce_team(&announcer, part);
}

static void arm(const struct announce_rounds *rounds)
{
	uint64_t at_us = clock_now_ns() / NS_PER_US +
			 rounds->team->config.announce_interval_ms * (NS_PER_MS / NS_PER_US);

	(void)sd_event_source_set_time(rounds->timer, at_us);
	(void)sd_event_source_set_enabled(rounds->timer,
					  rounds->left ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/*
 * Bonding changes over later where the lost NIC must rest (core/quirk.h), and the receive filters
 * with it: until then nobody could be answered. One that never does so is not waited for.
 */
static bool must_wait(struct announce_rounds *rounds)
{
	const struct link_table *links = &rounds->context->observed->links;
	const struct link *bond = link_by_index(links, rounds->team->ifindex);
	const struct link *link = team_member_link(rounds->team, links, rounds->team->run.primary);

	return bond && link && bond->bond.active_ifindex != link->ifindex &&
	       rounds->waited++ < WAITS_MAX;
}

static int on_round(sd_event_source *source, uint64_t at_us, void *data)
{
	struct announce_rounds *rounds = data;

	if (!must_wait(rounds)) {
		announce_now(rounds->team, rounds->context, ANNOUNCE_REST);
		rounds->left--;
	}
	arm(rounds);
	return 0;
}

static struct announce_rounds *rounds_new(const struct team *team,
					  const struct team_context *context)
{
	struct announce_rounds *rounds = calloc(1, sizeof(*rounds));

	if (!rounds)
		return NULL;
	rounds->team = team;
	rounds->context = context;
	if (sd_event_add_time(context->loop, &rounds->timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
			      on_round, rounds) < 0) {
		free(rounds);
		return NULL;
	}
	return rounds;
}

void announce_primary(struct team *team, const struct team_context *context)
{
	if (!team->config.announce_count)
		return;
	announce_now(team, context, ANNOUNCE_ALL);
	if (!team->rounds)
		team->rounds = rounds_new(team, context);
	if (!team->rounds) /* no memory for it: once is what it gets */
		return;
	team->rounds->left = team->config.announce_count;
	team->rounds->waited = 0;
	arm(team->rounds);
}

void announce_rounds_free(struct announce_rounds *rounds)
{
	if (!rounds)
		return;
	sd_event_source_unref(rounds->timer);
	free(rounds);
}
