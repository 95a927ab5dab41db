// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recorder's report: all acts as one JSON object.
 *
 * Silences are found here and not on arrival: sockets are read in no strict order of time,
 * while the kernel's time stamps, sorted, are exact.
 *
 * "outage" says when packets were being lost, in the sender's clock. Flows take strict turns, so
 * the packets that came before and after a lost one in the order of sending, of whatever flow,
 * were sent just before and after it: no clock of ours and no even pace is needed.
 */
#include "recorder.h"

#include <stdlib.h>

enum {
	SILENCES = 8, /* how many of a direction are told, the longest */
};

struct silence {
	uint64_t length_ns;
	uint64_t from_ns; /* the reception before it */
};

struct outage {
	uint64_t holes;	   /* missing packets that a later one followed */
	uint64_t first_ns; /* the last one that came before the first of them was sent */
	uint64_t last_ns;  /* the first one that came after the last of them was sent */
};

static int compare_times(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts @times. Returns the longest time between two of them. */
static uint64_t gap_longest(uint64_t *times, size_t count)
{
	uint64_t longest = 0;

	qsort(times, count, sizeof(*times), compare_times);
	for (size_t i = 1; i < count; i++)
		if (times[i] - times[i - 1] > longest)
			longest = times[i] - times[i - 1];
	return longest;
}

/* The longest silences between @times, which are sorted, as [from_ns, length_ns] each. */
static json_t *silences_report(const uint64_t *times, size_t count)
{
	struct silence longest[SILENCES] = {0}, *shortest = longest;
	json_t *json = json_array();

	for (size_t i = 1; i < count; i++) {
		uint64_t length = times[i] - times[i - 1];

		if (length <= shortest->length_ns)
			continue;
		*shortest = (struct silence){.length_ns = length, .from_ns = times[i - 1]};
		for (size_t k = 0; k < SILENCES; k++)
			if (longest[k].length_ns < shortest->length_ns)
				shortest = &longest[k];
	}
	for (size_t k = 0; k < SILENCES && longest[k].length_ns; k++)
		json_array_append_new(json, json_pack("[I, I]", (json_int_t)longest[k].from_ns,
						      (json_int_t)longest[k].length_ns));
	return json;
}

/* The arrival of a packet; NULL if it has not come. */
static const struct arrival *arrival_of(const struct flow_tally *tally, uint32_t seq)
{
	return seq < tally->next && tally->arrivals[seq].sent_ns ? &tally->arrivals[seq] : NULL;
}

/* One more than the highest sequence number that came in any flow. */
static uint32_t seq_end(const struct recorder *r, const struct act *act)
{
	uint32_t end = 0;

	for (unsigned int f = 0; f < r->options.flows; f++)
		if (act->flows[f].next > end)
			end = act->flows[f].next;
	return end;
}

/* Returns how many times it wrote: tally->unique. */
static size_t reception_times(const struct flow_tally *tally, uint64_t *times)
{
	size_t count = 0;

	for (uint32_t seq = 0; seq < tally->next; seq++)
		if (arrival_of(tally, seq))
			times[count++] = tally->arrivals[seq].received_ns;
	return count;
}

static void outage_end(struct outage *outage, uint64_t missing, const struct arrival *before,
		       const struct arrival *after)
{
	if (!outage->holes)
		outage->first_ns = before ? before->sent_ns : after->sent_ns;
	outage->last_ns = after->sent_ns;
	outage->holes += missing;
}

/* Walks over the act's packets in the order of sending. */
static struct outage outage_find(const struct recorder *r, const struct act *act)
{
	const struct arrival *before = NULL;
	struct outage outage = {0};
	uint64_t missing = 0;

	for (uint32_t seq = 0; seq < seq_end(r, act); seq++) {
		for (unsigned int f = 0; f < r->options.flows; f++) {
			const struct arrival *arrival = arrival_of(&act->flows[f], seq);

			if (!arrival) {
				missing++;
				continue;
			}
			if (missing)
				outage_end(&outage, missing, before, arrival);
			before = arrival;
			missing = 0;
		}
	}
	return outage;
}

/*
 * The shortest way that a packet took, in our clock less the sender's: with the other end's for the
 * other direction it tells how far the two clocks are apart, half the difference of the two.
 */
static int64_t delay_shortest(int64_t shortest, const struct flow_tally *tally)
{
	for (uint32_t seq = 0; seq < tally->next; seq++) {
		const struct arrival *arrival = arrival_of(tally, seq);
		int64_t delay;

		if (!arrival)
			continue;
		delay = (int64_t)(arrival->received_ns - arrival->sent_ns);
		if (delay < shortest)
			shortest = delay;
	}
	return shortest;
}

static void put(json_t *object, const char *key, int64_t value)
{
	json_object_set_new(object, key, json_integer(value));
}

static void put_ms(json_t *object, const char *key, uint64_t ns)
{
	json_object_set_new(object, key, json_real((double)ns / NSEC_PER_MSEC));
}

static json_t *sent_report(const struct recorder *r, const struct act *act, uint64_t sent)
{
	uint64_t offered = sent + act->refused;
	double pps = act->sending_ns ? (double)offered * NSEC_PER_SEC / act->sending_ns : 0;
	json_t *json = json_object();

	put(json, "rate", r->options.rate);
	put(json, "offered", offered);
	put(json, "sent", sent);
	put(json, "refused", act->refused);
	put(json, "skipped", act->skipped);
	put_ms(json, "sending_ms", act->sending_ns);
	json_object_set_new(json, "offered_pps", json_real(pps));
	return json;
}

/* @times has room for every packet of the act. */
static json_t *received_report(const struct recorder *r, const struct act *act, uint64_t *times)
{
	struct outage outage = outage_find(r, act);
	int64_t delay = INT64_MAX;
	json_t *json = json_object();
	uint64_t flow_gap = 0, gap;
	size_t unique = 0;

	for (unsigned int f = 0; f < r->options.flows; f++) {
		size_t count = reception_times(&act->flows[f], times + unique);

		gap = gap_longest(times + unique, count);
		if (gap > flow_gap)
			flow_gap = gap;
		delay = delay_shortest(delay, &act->flows[f]);
		unique += count;
	}
	gap = gap_longest(times, unique);
	put(json, "received", act->received);
	put(json, "unique", unique);
	put(json, "duplicated", act->duplicated);
	put(json, "reordered", act->reordered);
	put(json, "holes", outage.holes);
	put(json, "outage_first_ns", outage.first_ns);
	put(json, "outage_last_ns", outage.last_ns);
	put_ms(json, "gap_ms", gap);
	json_object_set_new(json, "silences", silences_report(times, unique));
	put_ms(json, "flow_gap_ms", flow_gap);
	put(json, "delay_min_ns", unique ? delay : 0);
	put(json, "socket_drops", act->socket_drops);
	return json;
}

static json_t *act_report(struct recorder *r, unsigned int number, uint64_t *times)
{
	const struct act *act = &r->acts[number];
	json_t *sent = json_array(), *unique = json_array();
	json_t *json = json_object();
	uint64_t sent_total = 0;

	for (unsigned int f = 0; f < r->options.flows; f++) {
		json_array_append_new(sent, json_integer(act->flows[f].sent));
		json_array_append_new(unique, json_integer(act->flows[f].unique));
		sent_total += act->flows[f].sent;
	}
	put(json, "act", number);
	json_object_set_new(json, "name", json_string(act->name));
	json_object_set_new(json, "sent", sent_report(r, act, sent_total));
	json_object_set_new(json, "received", received_report(r, act, times));
	json_object_set_new(json, "flows_sent", sent);
	json_object_set_new(json, "flows_unique", unique);
	if (r->watch.fd >= 0)
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
	json_t *json = json_object(), *acts = json_array();

	if (!times)
		return NULL;
	for (unsigned int a = 1; a < ACTS_MAX; a++)
		if (r->acts[a].flows)
			json_array_append_new(acts, act_report(r, a, times));
	free(times);
	put(json, "flows", r->options.flows);
	json_object_set_new(json, "acts", acts);
	put(json, "malformed", r->malformed);
	put(json, "socket_errors", r->socket_errors);
	put(json, "now_ns", recorder_now());
	return json;
}
