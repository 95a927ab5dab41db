// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/probing.h"

#include "base/cleanup.h"
#include "core/paths.h"
#include "core/probe.h"
#include "core/quirk.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/probe_ask.h"
#include "daemon/roll_call.h"
#include "kernel/frame.h"
#include "kernel/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define JITTER_PART 4	       /* RFC 5880, 6.8.7: up to a quarter less than the interval */
#define ANSWERS_AFTER_LOOKS 20 /* so long the program looks for answers after the last question */

struct probing {
	sd_event_source *timer; /* probes are sent, once we have looked */
	sd_event_source *due;	/* a probe is missing, and the next one is due */
	struct team *team;
	const struct team_context *context;
	struct probe_run run;
	uint64_t planned_ns;
	/*
	 * A packet socket for each member, -1 = none yet. A NIC that hangs keeps frames, and with them
	 * its socket's room, which others then still have.
	 */
	int sockets[PICK_SLOTS];
	uint64_t sent[PICK_SLOTS], lost[PICK_SLOTS];
	unsigned int quiet_looks; /* since the last question */
	unsigned int stalls;
};

/* --- who takes part --- */

static bool is_on(const struct link *link)
{
	return link && (link->flags & IFF_UP) && link->carrier;
}

static uint32_t members_of(const struct team *team, const struct link_table *links)
{
	const struct link *bond = link_by_index(links, team->ifindex);
	uint32_t members = 0;

	/* Who carries nothing sends nothing: its MAC is the other path's (T13). */
	for (unsigned int i = 0; bond && (bond->flags & IFF_UP) && i < team->run.count; i++)
		if (is_on(team_member_link(team, links, team->run.seats[i].slot)))
			members |= 1U << team->run.seats[i].slot;
	return members & ~paths_idle(&team->run);
}

static bool is_blind(const struct team *team, const struct link_table *links)
{
	for (unsigned int i = 0; i < team->run.count; i++) {
		const struct link *link = team_member_link(team, links, team->run.seats[i].slot);

		if (link && quirk_blind_carrier(link->driver))
			return true;
	}
	return false;
}

/* NULL: it shall probe; else why it does not. */
static const char *why_not(const struct team *team, const struct link_table *links)
{
	if (team->config.probe == PROBE_OFF)
		return "off, as configured";
	if (!team->datapath || !team->ifindex || paths_members(&team->run) < 2)
		return "off: it takes two members";
	if (team->config.probe == PROBE_AUTO && !is_blind(team, links))
		return "off: no member is a virtual function";
	return NULL;
}

/* --- sending --- */

static uint64_t random_number(void)
{
	uint64_t number = 0;

	/* Never blocks once the machine is up; a token of zero is refused by the receiver. */
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		return 0;
	return number;
}

static struct mac member_mac(const struct team *team, unsigned int slot)
{
	struct mac mac;

	memcpy(&mac, datapath_state(team->datapath)->member_macs[slot], sizeof(mac));
	return mac;
}

static int socket_of(struct probing *probing, unsigned int slot)
{
	if (probing->sockets[slot] < 0 && packet_open(&probing->sockets[slot]))
		return probing->context->packet_fd;
	return probing->sockets[slot];
}

/* The program knows a probe before it can arrive. */
static void announce_probe(struct probe_state *state, unsigned int slot, uint32_t sequence,
			   uint64_t token)
{
	struct probe_sent *sent = &state->sent[slot][sequence % PROBE_WINDOW];

	__atomic_store_n(&sent->sequence, 0, __ATOMIC_RELEASE);
	sent->token = token;
	sent->at_ns = clock_now_ns();
	__atomic_store_n(&sent->sequence, sequence, __ATOMIC_RELEASE);
}

static void send_probes(struct probing *probing, unsigned int slot, const struct link *from)
{
	struct probe_state *state = datapath_probes(probing->team->datapath);
	const struct link_table *links = &probing->context->observed->links;
	uint32_t targets = probe_targets(&probing->run, slot);
	uint32_t sequence = probe_send(&probing->run, slot, clock_now_ns());
	struct mac source = member_mac(probing->team, slot);
	uint64_t token = random_number();
	struct probe_frame probe = {
		.magic = htonl(PROBE_MAGIC),
		.version = PROBE_VERSION,
		.sender = (uint8_t)slot,
		.sequence = htonl(sequence),
		.session = state->session,
		.token = token,
	};

	announce_probe(state, slot, sequence, token);
	for (unsigned int to = 0; to < PICK_SLOTS; to++) {
		const struct link *link =
			targets >> to & 1 ? team_member_link(probing->team, links, (int)to) : NULL;
		uint8_t frame[FRAME_PROBE_SIZE];

		if (!link)
			continue;
		probe.receiver = (uint8_t)to;
		probing->sent[slot]++;
		(void)packet_send(socket_of(probing, slot), from->ifindex, frame,
				  frame_path_probe(frame, &source, &link->mac, &probe));
	}
}

static void send_all(struct probing *probing)
{
	const struct team *team = probing->team;
	const struct link_table *links = &probing->context->observed->links;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		const struct link *link = probing->run.members >> slot & 1
						  ? team_member_link(team, links, (int)slot)
						  : NULL;
		struct mac from;

		if (!link)
			continue;
		send_probes(probing, slot, link);
		if (!probing->run.asks)
			continue;
		from = member_mac(team, slot);
		probe_ask(team, probing->context, socket_of(probing, slot), link, &from,
			  probing->run.looks);
	}
}

/* --- looking --- */

static uint64_t heard_of(const struct probe_state *state, unsigned int sender)
{
	uint64_t heard = 0;

	for (unsigned int to = 0; to < PICK_SLOTS; to++)
		heard += state->pairs[to][sender].frames;
	return heard;
}

/* Before the next ones are sent: those of the look before are there, or lost. */
static void count_lost(struct probing *probing)
{
	const struct probe_state *state = datapath_probes(probing->team->datapath);

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		uint64_t heard = heard_of(state, slot);

		probing->lost[slot] = probing->sent[slot] > heard ? probing->sent[slot] - heard : 0;
	}
}

static void want_answers(struct probing *probing)
{
	struct probe_state *state = datapath_probes(probing->team->datapath);

	probing->quiet_looks = probing->run.asks ? 0 : probing->quiet_looks + 1;
	state->answers_wanted = probing->quiet_looks < ANSWERS_AFTER_LOOKS;
}

static void arm_at(sd_event_source *timer, uint64_t at_ns)
{
	(void)sd_event_source_set_time(timer, at_ns / NS_PER_US);
	(void)sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void arm(struct probing *probing)
{
	uint64_t interval_ns = probing->run.settings.interval_ns;
	uint64_t jitter_ns = random_number() % (interval_ns / JITTER_PART);

	probing->planned_ns = clock_now_ns() + interval_ns - jitter_ns;
	arm_at(probing->timer, probing->planned_ns);
}

/* For the next look, if that is not when the next probes are sent. */
static void arm_due(struct probing *probing, uint64_t now_ns)
{
	uint64_t at_ns = probe_look_at(&probing->run, now_ns);

	if (at_ns)
		arm_at(probing->due, at_ns + NS_PER_US); /* the timer knows microseconds only */
	else
		(void)sd_event_source_set_enabled(probing->due, SD_EVENT_OFF);
}

/* After each look. Returns @changed. */
static bool looked(struct probing *probing, bool changed, uint64_t now_ns)
{
	datapath_probes(probing->team->datapath)->memory.silent = probing->run.silent;
	if (probing->run.calls)
		roll_call_start(probing->context->roll_call, now_ns);
	return changed;
}

static void judge(struct probing *probing, uint64_t now_ns)
{
	struct probe_state *state = datapath_probes(probing->team->datapath);
	const struct link_table *links = &probing->context->observed->links;
	bool changed;

	probing->run.called_ns = roll_call_since(probing->context->roll_call, now_ns);
	changed = probe_judge(&probing->run, state, members_of(probing->team, links), now_ns);
	if (looked(probing, changed, now_ns))
		manager_wake(probing->context->manager);
}

static int on_due(sd_event_source *source, uint64_t at_us, void *data)
{
	struct probing *probing = data;
	const struct probe_state *state = datapath_probes(probing->team->datapath);
	uint64_t now_ns = clock_now_ns();

	/* Then the other timer is next, and knows how late we are. */
	if (now_ns >= probing->planned_ns)
		return 0;
	if (looked(probing, probe_look(&probing->run, state, now_ns), now_ns))
		manager_wake(probing->context->manager);
	arm_due(probing, now_ns);
	return 0;
}

/* The roll call that was under way is over. */
static bool judge_again(struct probing *probing, uint64_t since_ns, uint64_t now_ns)
{
	const struct probe_state *state = datapath_probes(probing->team->datapath);

	if (!probing->run.calls)
		return false;
	/* If it was too early for this one, there is another one. */
	return looked(probing, probe_called(&probing->run, state, since_ns, now_ns), now_ns);
}

void probing_called(void *data)
{
	const struct team_context *context = data;
	struct manager *manager = context->manager;
	uint64_t now_ns = clock_now_ns(), since_ns = roll_call_since(context->roll_call, now_ns);
	bool changed = false;

	for (unsigned int i = 0; i < manager->team_count; i++) {
		struct probing *probing = manager->teams[i]->probing;

		if (probing)
			changed |= judge_again(probing, since_ns, now_ns);
	}
	if (changed)
		manager_wake(manager);
}

/* --- life --- */

void probing_forget(struct team *team, int slot)
{
	struct probe_state *state = datapath_probes(team->datapath);
	struct probing *probing = team->probing;

	for (unsigned int other = 0; other < PICK_SLOTS; other++) {
		state->pairs[slot][other] = (struct probe_pair){};
		state->pairs[other][slot] = (struct probe_pair){};
	}
	state->ears[slot] = (struct probe_ear){};
	state->memory.silent &= ~(1U << slot);
	if (!probing)
		return;
	probing->sent[slot] = 0;
	probing->run.silent &= ~(1U << slot);
	probing->run.members &= ~(1U << slot);
	close_fd(&probing->sockets[slot]);
}

static void forget_the_gone(struct team *team)
{
	for (int slot = 0; slot < PICK_SLOTS; slot++)
		if (!team_run_seat(&team->run, slot))
			probing_forget(team, slot);
}

/* A new session: what an earlier one has sent is worth nothing, who has ever been heard is. */
static void begin_session(struct probing *probing)
{
	struct probe_state *state = datapath_probes(probing->team->datapath);

	state->session = 0;
	memset(state->sent, 0, sizeof(state->sent));
	for (unsigned int to = 0; to < PICK_SLOTS; to++)
		for (unsigned int from = 0; from < PICK_SLOTS; from++) {
			struct probe_pair *pair = &state->pairs[to][from];

			*pair = (struct probe_pair){.frames = pair->frames};
			probing->sent[from] += pair->frames;
		}
	probe_init(&probing->run, state->memory.silent);
	state->session = random_number();
}

void probing_free(struct probing *probing)
{
	if (!probing)
		return;
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		close_fd(&probing->sockets[slot]);
	sd_event_source_unref(probing->timer);
	sd_event_source_unref(probing->due);
	free(probing);
}

void probing_stop(struct team *team)
{
	struct probe_state *state = team->datapath ? datapath_probes(team->datapath) : NULL;

	if (state && (state->session || state->memory.silent)) {
		state->session = 0;
		state->answers_wanted = 0;
		state->memory.silent = 0;
	}
	probing_free(team->probing);
	team->probing = NULL;
}

static int on_time(sd_event_source *source, uint64_t at_us, void *data)
{
	struct probing *probing = data;
	uint64_t now_ns = clock_now_ns();

	if (why_not(probing->team, &probing->context->observed->links)) {
		probing_stop(probing->team);
		return 0;
	}
	if (now_ns > probing->planned_ns && probe_late(&probing->run, now_ns - probing->planned_ns))
		probing->stalls++;
	count_lost(probing);
	judge(probing, now_ns);
	want_answers(probing);
	send_all(probing);
	arm(probing);
	arm_due(probing, clock_now_ns());
	return 0;
}

static int add_timer(struct probing *probing, sd_event_time_handler_t on_expiry,
		     sd_event_source **ret_timer)
{
	sd_event *loop = probing->context->loop;
	int err = sd_event_add_time(loop, ret_timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_expiry,
				    probing);

	return err < 0 ? err
		       : sd_event_source_set_priority(*ret_timer, SD_EVENT_PRIORITY_IMPORTANT);
}

static int start(struct team *team, const struct team_context *context)
{
	struct probing *probing = calloc(1, sizeof(*probing));
	int err;

	if (!probing)
		return -ENOMEM;
	probing->team = team;
	probing->context = context;
	memset(probing->sockets, 0xff, sizeof(probing->sockets));
	err = add_timer(probing, on_time, &probing->timer);
	if (err >= 0)
		err = add_timer(probing, on_due, &probing->due);
	if (err < 0) {
		probing_free(probing);
		return err;
	}
	begin_session(probing);
	team->probing = probing;
	return 0;
}

void probing_follow(struct team *team, const struct team_context *context)
{
	const struct probe_settings settings = {
		.interval_ns = team->config.probe_interval_ms * NS_PER_MS,
		.multiplier = team->config.probe_multiplier,
		.addresses = *team->config.probe_addresses,
	};
	bool began = !team->probing;

	if (why_not(team, &context->observed->links)) {
		probing_stop(team);
		return;
	}
	if (began && start(team, context)) {
		log_warning("%s: out of memory, paths are not probed", team->config.name);
		return;
	}
	forget_the_gone(team);
	team->probing->run.settings = settings;
	(void)paths_table(&team->run, team->probing->run.others);
	if (began)
		arm(team->probing);
}

/* --- telling --- */

uint32_t probing_silent(const struct team *team)
{
	return team->probing ? team->probing->run.silent : 0;
}

struct probe_counts probing_counts(const struct team *team, int slot)
{
	const struct probe_state *state;
	struct probe_counts counts = {};

	if (!team->datapath || slot < 0)
		return counts;
	state = datapath_probes(team->datapath);
	counts.answers = state->ears[slot].answers;
	counts.refused = state->ears[slot].refused;
	for (unsigned int from = 0; from < PICK_SLOTS; from++)
		counts.heard += state->pairs[slot][from].frames;
	if (team->probing) {
		counts.sent = team->probing->sent[slot];
		counts.lost = team->probing->lost[slot];
	}
	return counts;
}

void probing_text(const struct team *team, const struct link_table *links, char *text, size_t size)
{
	const char *why = why_not(team, links);

	if (why)
		(void)snprintf(text, size, "%s", why);
	else
		(void)snprintf(text, size, "every %u ms, a path is lost after %u%s",
			       team->config.probe_interval_ms, team->config.probe_multiplier,
			       *team->config.probe_addresses ? ", addresses too" : "");
}

bool probing_unjoined(const struct team *team)
{
	uint32_t members = team->probing ? team->probing->run.members : 0;
	const struct probe_state *state;

	if (!team->datapath || team->probing == NULL || team->probing->run.looks < 2 * PROBE_WINDOW)
		return false;
	state = datapath_probes(team->datapath);
	for (unsigned int a = 0; a < PICK_SLOTS; a++) {
		uint32_t targets = probe_targets(&team->probing->run, a);
		bool joined = !targets || team->probing->run.others[a];

		for (unsigned int b = 0; b < PICK_SLOTS; b++)
			joined |= (targets >> b & 1) && probe_joined(state, a, b);
		if ((members >> a & 1) && !joined)
			return true;
	}
	return false;
}
