// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorder's report: all acts as one JSON object.
 *
 * Silences are found here and not on arrival: sockets are read in no strict order of time,
 * while the kernel's time stamps, sorted, are exact.
 *
 * "outage" says when packets were being lost, in the sender's clock: of every hole in a flow's
 * numbers the sender's times of its first and last packet are known to within a period of that
 * flow, because sending is even, from the packets that came before and after it. Over many flows
 * the earliest and the latest of these enclose the outage closely.
 */
#include "recorder.h"

#include <stdlib.h>

struct silence {
	uint64_t length_ns;
	uint64_t from_ns; /* the reception before it */
};

struct outage {
	uint64_t holes; /* missing packets that a later one followed */
	uint64_t first_ns, last_ns;
};

static int compare_times(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts @times. */
static struct silence silence_longest(uint64_t *times, size_t count)
{
	struct silence longest = {0};

	qsort(times, count, sizeof(*times), compare_times);
	for (size_t i = 1; i < count; i++) {
		uint64_t length = times[i] - times[i - 1];

		if (length > longest.length_ns)
			longest = (struct silence){.length_ns = length, .from_ns = times[i - 1]};
	}
	return longest;
}

/* Returns how many times it wrote: tally->unique. */
static size_t reception_times(const struct flow_tally *tally, uint64_t *times)
{
	size_t count = 0;

	for (uint32_t seq = 0; seq < tally->next; seq++)
		if (tally->arrivals[seq].sent_ns)
			times[count++] = tally->arrivals[seq].received_ns;
	return count;
}

static void hole_add(struct outage *outage, const struct arrival *before, uint64_t missing,
		     const struct arrival *after)
{
	uint64_t step = (after->sent_ns - before->sent_ns) / (missing + 1);

	if (!outage->last_ns || before->sent_ns + step < outage->first_ns)
		outage->first_ns = before->sent_ns + step;
	if (after->sent_ns - step > outage->last_ns)
		outage->last_ns = after->sent_ns - step;
}

static void outage_add_flow(struct outage *outage, const struct flow_tally *tally)
{
	const struct arrival *before = NULL;
	uint64_t missing = 0;

	for (uint32_t seq = 0; seq < tally->next; seq++) {
		const struct arrival *arrival = &tally->arrivals[seq];

		if (!arrival->sent_ns) {
			missing++;
			continue;
		}
		outage->holes += missing;
		if (missing && before)
			hole_add(outage, before, missing, arrival);
		before = arrival;
		missing = 0;
	}
}

/*
 * The shortest way that a packet took, in our clock less the sender's: with the other end's for the
 * other direction it tells how far the two clocks are apart, half the difference of the two.
 */
static int64_t delay_shortest(int64_t shortest, const struct flow_tally *tally)
{
	for (uint32_t seq = 0; seq < tally->next; seq++) {
		const struct arrival *arrival = &tally->arrivals[seq];
		int64_t delay = (int64_t)(arrival->received_ns - arrival->sent_ns);

		if (arrival->sent_ns && delay < shortest)
			shortest = delay;
	}
	return shortest;
}

static double to_ms(uint64_t ns)
{
	return (double)ns / NSEC_PER_MSEC;
}

static json_t *sent_report(const struct recorder *r, const struct act *act, uint64_t sent)
{
	uint64_t offered = sent + act->refused;
	double pps = act->sending_ns ? (double)offered * NSEC_PER_SEC / act->sending_ns : 0;

	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:f, s:f}", "rate", (int)r->options.rate,
			 "offered", (json_int_t)offered, "sent", (json_int_t)sent, "refused",
			 (json_int_t)act->refused, "skipped", (json_int_t)act->skipped,
			 "offered_pps", pps, "sending_ms", to_ms(act->sending_ns));
}

/* @times has room for every packet of the act. */
static json_t *received_report(const struct recorder *r, const struct act *act, uint64_t *times)
{
	struct silence flow_longest = {0}, all;
	struct outage outage = {0};
	int64_t delay = INT64_MAX;
	size_t unique = 0;

	for (unsigned int f = 0; f < r->options.flows; f++) {
		size_t count = reception_times(&act->flows[f], times + unique);
		struct silence own = silence_longest(times + unique, count);

		if (own.length_ns > flow_longest.length_ns)
			flow_longest = own;
		outage_add_flow(&outage, &act->flows[f]);
		delay = delay_shortest(delay, &act->flows[f]);
		unique += count;
	}
	all = silence_longest(times, unique);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:f, s:I, s:I, s:I, s:I, s:I}",
			 "received", (json_int_t)act->received, "unique", (json_int_t)unique,
			 "duplicated", (json_int_t)act->duplicated, "reordered",
			 (json_int_t)act->reordered, "holes", (json_int_t)outage.holes, "gap_ms",
			 to_ms(all.length_ns), "gap_from_ns", (json_int_t)all.from_ns,
			 "flow_gap_ms", to_ms(flow_longest.length_ns), "flow_gap_from_ns",
			 (json_int_t)flow_longest.from_ns, "outage_first_ns",
			 (json_int_t)outage.first_ns, "outage_last_ns", (json_int_t)outage.last_ns,
			 "socket_drops", (json_int_t)act->socket_drops);
}

static json_t *act_report(struct recorder *r, unsigned int number, uint64_t *times)
{
	const struct act *act = &r->acts[number];
	json_t *sent = json_array(), *unique = json_array(), *json;
	uint64_t sent_total = 0;

	for (unsigned int f = 0; f < r->options.flows; f++) {
		json_array_append_new(sent, json_integer(act->flows[f].sent));
		json_array_append_new(unique, json_integer(act->flows[f].unique));
		sent_total += act->flows[f].sent;
	}
	json = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o}", "act", (int)number, "name", act->name,
			 "sent", sent_report(r, act, sent_total), "received",
			 received_report(r, act, times), "flows_sent", sent, "flows_unique",
			 unique);
	if (json && r->watch.fd >= 0)
		json_object_set_new(json, "watch", watch_report(r, act));
	return json;
}

static size_t unique_most(const struct recorder *r)
{
	size_t most = 0;

	for (unsigned int a = 1; a < ACTS_MAX; a++) {
		size_t unique = 0;

		for (unsigned int f = 0; r->acts[a].flows && f < r->options.flows; f++)
			unique += r->acts[a].flows[f].unique;
		if (unique > most)
			most = unique;
	}
	return most;
}

json_t *report_make(struct recorder *r)
{
	uint64_t *times = calloc(unique_most(r) + 1, sizeof(*times));
	json_t *acts = json_array();

	if (!times)
		return NULL;
	for (unsigned int a = 1; a < ACTS_MAX; a++)
		if (r->acts[a].flows)
			json_array_append_new(acts, act_report(r, a, times));
	free(times);
	return json_pack("{s:i, s:o, s:I, s:I, s:I}", "flows", (int)r->options.flows, "acts", acts,
			 "malformed", (json_int_t)r->malformed, "socket_errors",
			 (json_int_t)r->socket_errors, "now_ns", (json_int_t)recorder_now());
}
