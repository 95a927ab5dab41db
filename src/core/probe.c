// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/probe.h"

#define UNSTEADY_MAX 16	     /* probes more to be missed, at most */
#define UNSTEADY_LOOKS 16    /* in so many looks one of them is forgotten */
#define DUE_MAX_INTERVALS 32 /* no delay is waited for longer */
#define SILENT_ASK_LOOKS 20  /* who is silent is asked about at each such look */

void probe_init(struct probe_run *run, uint32_t silent)
{
	*run = (struct probe_run){.silent = silent};
}

bool probe_joined(const struct probe_state *state, unsigned int a, unsigned int b)
{
	return state->pairs[a][b].frames && state->pairs[b][a].frames;
}

static bool has(uint32_t slots, unsigned int slot)
{
	return slots >> slot & 1;
}

/* As a bit; 0 if it has none. */
static uint32_t other_path(const struct probe_run *run, unsigned int slot)
{
	return run->others[slot] ? 1U << (run->others[slot] - 1) : 0;
}

/* The next member after @slot (@step 1) or before it (-1), in a circle. */
static unsigned int next_member(uint32_t members, unsigned int slot, int step)
{
	do {
		slot = (slot + PICK_SLOTS + (unsigned int)step) % PICK_SLOTS;
	} while (!has(members, slot));
	return slot;
}

uint32_t probe_targets(const struct probe_run *run, unsigned int slot)
{
	uint32_t targets = 0;

	if (!has(run->members, slot))
		return 0;
	for (int step = -1; step <= 1; step += 2) {
		unsigned int at = slot;

		for (int i = 0; i < PROBE_REACH; i++) {
			at = next_member(run->members, at, step);
			targets |= 1U << at;
		}
	}
	return targets & ~(1U << slot) & ~other_path(run, slot);
}

uint32_t probe_send(struct probe_run *run, unsigned int slot, uint64_t now_ns)
{
	uint32_t sequence = ++run->sequences[slot];

	run->sent_ns[slot][sequence % PROBE_WINDOW] = now_ns - run->stood_ns;
	return sequence;
}

static void count_anew(struct probe_run *run)
{
	for (unsigned int to = 0; to < PICK_SLOTS; to++) {
		for (unsigned int from = 0; from < PICK_SLOTS; from++)
			run->tracks[to][from].base = run->sequences[from];
		run->answer_gaps[to] = 0;
	}
}

bool probe_late(struct probe_run *run, uint64_t late_ns)
{
	run->stood_ns += late_ns;
	if (late_ns < run->settings.interval_ns * run->settings.multiplier)
		return false;
	count_anew(run);
	return true;
}

/* --- what has come --- */

/* Gaps that were no outage make it more patient; it forgets them slowly. */
static void follow_track(const struct probe_run *run, struct probe_track *track, uint32_t newest)
{
	uint32_t from = track->newest > track->base ? track->newest : track->base;
	uint32_t gap = newest > from ? newest - from - 1 : 0;

	if (gap && gap < run->settings.multiplier + track->unsteady)
		track->unsteady += gap;
	if (track->unsteady > UNSTEADY_MAX)
		track->unsteady = UNSTEADY_MAX;
	if (track->unsteady && run->looks % UNSTEADY_LOOKS == 0)
		track->unsteady--;
	track->newest = newest;
}

/* What waited while the path was dead, and came when it was back, says nothing of delays. */
static void take_delay(struct probe_pair *pair, bool was_dead, uint64_t *longest_ns)
{
	if (!was_dead && pair->delay_ns > *longest_ns)
		*longest_ns = pair->delay_ns;
	pair->delay_ns = 0;
}

/*
 * RFC 6298, 2: the mean of what is measured, and how much it varies, with its gains of 1/8 and 1/4.
 * A single late probe is the multiplier's to bear, and is forgotten within some ten looks.
 */
static void follow_delay(struct probe_run *run, uint64_t measured_ns)
{
	uint64_t off_ns = measured_ns > run->delay_ns ? measured_ns - run->delay_ns
						      : run->delay_ns - measured_ns;

	if (!run->delay_ns) {
		run->delay_ns = measured_ns;
		run->delay_varies_ns = measured_ns / 2;
		return;
	}
	run->delay_varies_ns += off_ns / 4 - run->delay_varies_ns / 4;
	run->delay_ns += measured_ns / 8 - run->delay_ns / 8;
}

static void set_due(struct probe_run *run)
{
	uint64_t least = run->settings.interval_ns * 3 / 4;
	uint64_t most = run->settings.interval_ns * DUE_MAX_INTERVALS;

	run->due_ns = run->delay_ns + 4 * run->delay_varies_ns;
	if (run->due_ns < least)
		run->due_ns = least;
	if (run->due_ns > most)
		run->due_ns = most;
}

/* What it hears; also by the other path of its member, unless that is on trial beside it (T13). */
static struct probe_ear ear_of(const struct probe_run *run, const struct probe_state *state,
			       unsigned int slot)
{
	struct probe_ear ear = state->ears[slot];
	const struct probe_ear *other;

	if (!run->others[slot] || has(run->members, run->others[slot] - 1U))
		return ear;
	other = &state->ears[run->others[slot] - 1];
	if (other->outside_ns > ear.outside_ns)
		ear.outside_ns = other->outside_ns;
	if (other->answered_ns > ear.answered_ns)
		ear.answered_ns = other->answered_ns;
	return ear;
}

static void follow_answers(struct probe_run *run, const struct probe_state *state,
			   unsigned int slot)
{
	uint32_t *gap = &run->answer_gaps[slot], *unsteady = &run->answer_unsteady[slot];

	if (ear_of(run, state, slot).answered_ns < run->looked_ns) {
		*gap += *gap < UINT32_MAX;
	} else {
		if (*gap < run->settings.multiplier + *unsteady)
			*unsteady += *gap;
		if (*unsteady > UNSTEADY_MAX)
			*unsteady = UNSTEADY_MAX;
		*gap = 0;
	}
	if (*unsteady && run->looks % UNSTEADY_LOOKS == 0)
		--*unsteady;
}

static void follow(struct probe_run *run, struct probe_state *state)
{
	uint64_t longest_ns = 0;

	for (unsigned int to = 0; to < PICK_SLOTS; to++) {
		if (!has(run->members, to))
			continue;
		for (unsigned int from = 0; from < PICK_SLOTS; from++) {
			if (!has(run->members, from) || from == to)
				continue;
			follow_track(run, &run->tracks[to][from], state->pairs[to][from].newest);
			take_delay(&state->pairs[to][from],
				   has(run->silent, to) || has(run->silent, from), &longest_ns);
		}
		follow_answers(run, state, to);
	}
	if (longest_ns)
		follow_delay(run, longest_ns);
	set_due(run);
}

/* --- who hears whom --- */

/* Probes in a row that were due and have not come; *@ret_first_ns: when the first of them was sent. */
static uint32_t missed(const struct probe_run *run, const struct probe_state *state,
		       unsigned int to, unsigned int from, uint64_t now_ns, uint64_t *ret_first_ns)
{
	const struct probe_track *track = &run->tracks[to][from];
	uint32_t newest = state->pairs[to][from].newest, last = run->sequences[from], count = 0;
	uint32_t first = (newest > track->base ? newest : track->base) + 1;

	if (last >= PROBE_WINDOW && first <= last - PROBE_WINDOW)
		first = last - PROBE_WINDOW + 1;
	for (uint32_t sequence = first; sequence <= last; sequence++)
		if (run->sent_ns[from][sequence % PROBE_WINDOW] + run->due_ns <=
		    now_ns - run->stood_ns)
			count++;
	*ret_first_ns = run->sent_ns[from][first % PROBE_WINDOW] + run->stood_ns;
	return count;
}

/* What is known of the members at one look; words with a bit for each slot. */
struct look {
	uint32_t judged;	      /* have a team mate that they can hear */
	uint32_t joined[PICK_SLOTS];  /* with whom they have ever heard each other */
	uint32_t hears[PICK_SLOTS];   /* by receiver, both ways */
	uint32_t one_way[PICK_SLOTS]; /* by receiver, from there only */
	uint32_t doubted;	      /* of whom or by whom a probe is missing */
	uint64_t since_ns;	      /* evidence before is from before the path was lost */
	uint64_t now_ns;
};

/* Does it hear the other one? Of who is silent that must be shown, of others the contrary. */
static bool hears(const struct probe_run *run, const struct probe_state *state, unsigned int to,
		  unsigned int from, struct look *look)
{
	const struct probe_track *track = &run->tracks[to][from];
	uint64_t first_ns;
	uint32_t count = missed(run, state, to, from, look->now_ns, &first_ns);

	if (count)
		look->doubted |= 1U << from | 1U << to;
	if (count < run->settings.multiplier + track->unsteady)
		return !((run->silent >> from | run->silent >> to) & 1) ||
		       state->pairs[to][from].newest > track->base;
	if (first_ns + run->due_ns < look->since_ns)
		look->since_ns = first_ns + run->due_ns;
	return false;
}

static void look_around(const struct probe_run *run, const struct probe_state *state,
			struct look *look)
{
	for (unsigned int a = 0; a < PICK_SLOTS; a++) {
		uint32_t targets = probe_targets(run, a);

		for (unsigned int b = a + 1; b < PICK_SLOTS; b++) {
			bool there, back;

			if (!has(targets, b) || !probe_joined(state, a, b))
				continue;
			look->judged |= 1U << a | 1U << b;
			look->joined[a] |= 1U << b;
			look->joined[b] |= 1U << a;
			there = hears(run, state, b, a, look);
			back = hears(run, state, a, b, look);
			if (there && back) {
				look->hears[a] |= 1U << b;
				look->hears[b] |= 1U << a;
			} else if (there) {
				look->one_way[b] |= 1U << a;
			} else if (back) {
				look->one_way[a] |= 1U << b;
			}
		}
	}
}

/* Whoever is connected with @slot; @links by slot. */
static uint32_t connected(const uint32_t *links, unsigned int slot)
{
	uint32_t group = 1U << slot, before;

	do {
		before = group;
		for (unsigned int i = 0; i < PICK_SLOTS; i++)
			if (has(before, i))
				group |= links[i];
	} while (group != before);
	return group;
}

static uint32_t group_of(const struct look *look, unsigned int slot)
{
	return connected(look->hears, slot);
}

/* Members of one network; others are at switches that are not joined to theirs, so far as is known. */
static uint32_t part_of(const struct look *look, unsigned int slot)
{
	return connected(look->joined, slot);
}

/* What is known of a group. */
struct standing {
	unsigned int level; /* it receives, and it sends: one each */
	unsigned int size;
	bool answered, was_silent;
};

static struct standing standing_of(const struct probe_run *run, const struct probe_state *state,
				   const struct look *look, uint32_t group)
{
	bool receives = false, sends = false, answered = false;
	unsigned int twice = 0; /* paths whose other one is here, too */

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		struct probe_ear ear = ear_of(run, state, slot);

		sends |= (look->one_way[slot] & group & ~(has(group, slot) ? group : 0)) != 0;
		if (!has(group, slot))
			continue;
		receives |= ear.outside_ns >= look->since_ns || (look->one_way[slot] & ~group);
		answered |= ear.answered_ns >= look->since_ns;
		twice += (group & other_path(run, slot)) != 0;
	}
	return (struct standing){
		.level = answered ? 2 : (unsigned int)receives + sends,
		.size = (unsigned int)__builtin_popcount(group) - twice / 2,
		.answered = answered,
		.was_silent = !(group & ~run->silent),
	};
}

/* --- who is silent --- */

/* The best level in a part, and the size of the largest group of it; 0 if two are so large. */
struct best {
	unsigned int level, size;
};

static struct best best_group(const struct probe_run *run, const struct probe_state *state,
			      const struct look *look, uint32_t part, bool silent_too)
{
	struct best best = {};

	while (part) {
		uint32_t group = group_of(look, (unsigned int)__builtin_ctz(part));
		struct standing standing = standing_of(run, state, look, group);

		part &= ~group;
		if (standing.was_silent && !silent_too)
			continue;
		if (standing.level == best.level && standing.size == best.size)
			best.size = 0;
		else if (standing.level > best.level ||
			 (standing.level == best.level && standing.size > best.size))
			best = (struct best){standing.level, standing.size};
	}
	return best;
}

static bool loses(const struct standing *standing, const struct best *best)
{
	if (standing->level != best->level)
		return standing->level < best->level;
	return !standing->answered && standing->size < best->size;
}

/*
 * Who was silent is so until a member that is not hears it (then it is of that one's group), or
 * somebody outside answers it, or more is known of it than of those that are not.
 */
static uint32_t judge_part(const struct probe_run *run, const struct probe_state *state,
			   const struct look *look, uint32_t part)
{
	struct best best = best_group(run, state, look, part, true);
	struct best other = best_group(run, state, look, part, false);
	uint32_t silent = 0;

	while (part) {
		uint32_t group = group_of(look, (unsigned int)__builtin_ctz(part));
		struct standing standing = standing_of(run, state, look, group);

		part &= ~group;
		if (standing.was_silent ? !standing.answered && standing.level <= other.level
					: loses(&standing, &best))
			silent |= group;
	}
	return silent;
}

/*
 * Of another part probes tell nothing: neither who has lost the outside, nor who are more. One that is
 * silent as a whole is so by answers, and comes back by them.
 */
static uint32_t judge_groups(const struct probe_run *run, const struct probe_state *state,
			     const struct look *look)
{
	uint32_t left = look->judged, silent = 0;

	while (left) {
		uint32_t part = part_of(look, (unsigned int)__builtin_ctz(left));

		if (part & ~run->silent)
			silent |= judge_part(run, state, look, part);
		left &= ~part;
	}
	return silent;
}

/* An answer that was not asked for is not missed. */
static uint32_t least_gap(const struct probe_run *run, uint32_t members)
{
	uint32_t least = run->asked_looks;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (has(members, slot) && run->answer_gaps[slot] < least)
			least = run->answer_gaps[slot];
	return least;
}

static uint32_t most_unsteady(const struct probe_run *run, uint32_t members)
{
	uint32_t most = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (has(members, slot) && run->answer_unsteady[slot] > most)
			most = run->answer_unsteady[slot];
	return most;
}

/*
 * Parts that are not joined, of one member or several: by answers alone. When an address answers
 * nobody any more all miss it alike, so it takes another part that has missed less.
 */
static uint32_t judge_answers(const struct probe_run *run, const struct look *look)
{
	uint32_t left = run->members, least = least_gap(run, left), silent = 0;

	while (left) {
		uint32_t part = part_of(look, (unsigned int)__builtin_ctz(left));

		if (least_gap(run, part) - least >=
		    run->settings.multiplier + most_unsteady(run, part))
			silent |= part;
		left &= ~part;
	}
	return silent;
}

/* Is there more than one part, so that only answers can tell of them? */
static bool is_parted(const struct probe_run *run, const struct look *look)
{
	return run->members &&
	       run->members & ~part_of(look, (unsigned int)__builtin_ctz(run->members));
}

/* Evidence of the last moments only: as long as it takes to miss enough, and a little. */
static uint64_t oldest_evidence(const struct probe_run *run, uint64_t now_ns)
{
	uint64_t span = run->settings.interval_ns * (run->settings.multiplier + 1) + run->due_ns;

	return now_ns > span ? now_ns - span : 0;
}

static void look_at(struct probe_run *run, const struct probe_state *state, uint64_t now_ns,
		    struct look *look)
{
	uint64_t oldest = oldest_evidence(run, now_ns);

	*look = (struct look){.since_ns = now_ns, .now_ns = now_ns};
	look_around(run, state, look);
	if (look->since_ns < oldest)
		look->since_ns = oldest;
}

/*
 * A member that comes begins with the next probe. Of answers it has missed no less than the others,
 * or it would be the better one of a network where nobody answers.
 */
static void take_members(struct probe_run *run, uint32_t members)
{
	uint32_t new = members & ~run->members, stay = members & run->members;
	uint32_t gap = stay ? least_gap(run, stay) : 0;

	run->members = members;
	for (unsigned int to = 0; new &&to < PICK_SLOTS; to++)
		for (unsigned int from = 0; from < PICK_SLOTS; from++)
			if (has(new, to) || has(new, from))
				run->tracks[to][from].base = run->sequences[from];
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (has(new, slot))
			run->answer_gaps[slot] = gap;
}

/*
 * T13: the other path of one that has gone silent has not been tried. It is taken to be silent, too,
 * until it takes part and is heard, or somebody outside answers.
 */
static uint32_t untried(const struct probe_run *run, const struct look *look, uint32_t silent)
{
	uint32_t untried = 0;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++) {
		if (!other_path(run, slot))
			continue;
		if (!has(run->members, slot) && (silent & other_path(run, slot)))
			untried |= 1U << slot;
		if (has(run->members & run->silent & ~look->judged, slot) && run->answer_gaps[slot])
			untried |= 1U << slot;
	}
	return untried;
}

/* Those of the newly silent of whom it is certain; the others are suspected. */
static uint32_t certain(struct probe_run *run, uint32_t new, uint64_t now_ns)
{
	if (new & ~run->suspected)
		run->suspected_ns = now_ns;
	run->suspected = new;
	run->calls = new && run->called_ns < run->suspected_ns;
	return run->calls ? 0 : new;
}

uint64_t probe_look_at(const struct probe_run *run, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (unsigned int slot = 0; run->doubts && slot < PICK_SLOTS; slot++) {
		uint32_t sequence = run->sequences[slot], left = PROBE_WINDOW;

		/* From the newest one back to the first that is due. */
		for (; has(run->members, slot) && sequence && left; sequence--, left--) {
			uint64_t due_ns = run->sent_ns[slot][sequence % PROBE_WINDOW] +
					  run->stood_ns + run->due_ns;

			if (due_ns <= now_ns)
				break;
			if (due_ns < next_ns)
				next_ns = due_ns;
		}
	}
	return next_ns == UINT64_MAX ? 0 : next_ns;
}

static bool decide(struct probe_run *run, const struct probe_state *state, uint64_t now_ns)
{
	uint32_t before = run->silent, silent = 0;
	struct look look;

	look_at(run, state, now_ns, &look);
	silent = judge_groups(run, state, &look);
	if (run->settings.addresses)
		silent |= judge_answers(run, &look);
	silent |= untried(run, &look, silent);
	/* Nobody is better than the last one. */
	if (!(run->members & ~silent))
		silent = 0;
	silent = (silent & before) | certain(run, silent & ~before, now_ns);
	run->silent = silent;
	run->doubts = look.doubted & ~silent;
	run->asks = run->doubts || (silent && run->looks % SILENT_ASK_LOOKS == 0) ||
		    (run->settings.addresses &&
		     ((run->members & ~look.judged) || is_parted(run, &look)));
	return silent != before;
}

bool probe_judge(struct probe_run *run, struct probe_state *state, uint32_t members,
		 uint64_t now_ns)
{
	bool changed;

	run->asked_looks = run->asks ? run->asked_looks + 1 : 0;
	take_members(run, members);
	run->looks++;
	follow(run, state);
	changed = decide(run, state, now_ns);
	run->looked_ns = now_ns;
	return changed;
}

bool probe_look(struct probe_run *run, const struct probe_state *state, uint64_t now_ns)
{
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		if (ear_of(run, state, slot).answered_ns >= run->looked_ns)
			run->answer_gaps[slot] = 0;
	return decide(run, state, now_ns);
}

bool probe_called(struct probe_run *run, const struct probe_state *state, uint64_t since_ns,
		  uint64_t now_ns)
{
	run->called_ns = since_ns;
	return probe_look(run, state, now_ns);
}
