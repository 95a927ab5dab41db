// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The live view. Each interval asks Show again and shows the rates since the answer before. On
 * a terminal it redraws in place, and stays while the daemon restarts; elsewhere it prints a
 * block (or with --json a line) per interval and ends at the first failure.
 */
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/rates.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/units.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* A daemon that stalls is told of soon; it is asked again anyway. */
#define WATCH_TIMEOUT_MS 3000

struct watch {
	struct cli *cli;
	struct client client;
	bool live;
	json_t *now;	  /* the last answer, with rates */
	uint64_t now_ms;  /* when it came */
	json_t *failure;  /* why there is no newer one; NULL = there is */
	uint32_t samples; /* after the first */
	char *frame;	  /* what was drawn last */
	size_t frame_size;
};

static void show_rate(const json_t *member, const char *key, char *cell)
{
	const json_t *rate = json_object_get(member, key);

	if (rate)
		units_rate((uint64_t)json_integer_value(rate), cell);
	else
		(void)snprintf(cell, CELL_SIZE, "-");
}

static void show_tx_pps(const json_t *member, char *cell)
{
	show_rate(member, "tx_pps", cell);
}

static void show_tx_bps(const json_t *member, char *cell)
{
	show_rate(member, "tx_bps", cell);
}

static void show_rx_pps(const json_t *member, char *cell)
{
	show_rate(member, "rx_pps", cell);
}

static void show_rx_bps(const json_t *member, char *cell)
{
	show_rate(member, "rx_bps", cell);
}

static const struct column watch_columns[] = {
	{"MEMBER", .key = "name", .read = show_member_name},
	{"STATE", .key = "state", .paint = show_state_paint},
	{"REASON", .key = "reason", .flags = COLUMN_SHRINKS, .read = show_reason},
	{"BUCKETS", .key = "buckets_held", .flags = COLUMN_RIGHT},
	{"TX PPS", .key = "tx_pps", .flags = COLUMN_RIGHT | COLUMN_SPARE, .read = show_tx_pps},
	{"TX BPS", .key = "tx_bps", .flags = COLUMN_RIGHT, .read = show_tx_bps},
	{"RX PPS", .key = "rx_pps", .flags = COLUMN_RIGHT | COLUMN_SPARE, .read = show_rx_pps},
	{"RX BPS", .key = "rx_bps", .flags = COLUMN_RIGHT, .read = show_rx_bps},
	{"FAILURES", .key = "failures", .flags = COLUMN_RIGHT | COLUMN_OPTIONAL},
};

/* Times that a member was lost since the team was made. */
static json_int_t team_failures(const json_t *team)
{
	const json_t *member;
	json_int_t sum = 0;
	size_t i;

	json_array_foreach(json_object_get(team, "members"), i, member) sum +=
		json_integer_value(json_object_get(member, "failures"));
	return sum;
}

static void print_team(const struct output *out, const json_t *team)
{
	const json_t *last = show_last_change(team);
	const char *state = show_string(team, "state"), *primary = show_string(team, "primary");
	char ago[CELL_SIZE];

	output_paint(out, PAINT_STRONG, "%s", show_string(team, "name"));
	(void)fputs(" is ", out->file);
	output_paint(out, show_state_paint(state), "%s", state);
	output_paint(out, PAINT_NONE, ", primary %s, failures %" JSON_INTEGER_FORMAT,
		     *primary ? primary : "none", team_failures(team));
	(void)fputc('\n', out->file);
	if (last) {
		show_ago(json_integer_value(json_object_get(last, "seen_us")), ago);
		output_paint(out, PAINT_FAINT, "  last: %s %s%s", show_string(last, "member"),
			     show_string(last, "cause"), ago);
		(void)fputc('\n', out->file);
	}
	output_table(out, watch_columns, ARRAY_SIZE(watch_columns),
		     json_object_get(team, "members"));
}

static void print_title(const struct watch *watch, const struct output *out)
{
	time_t now = time(NULL);
	char clock[16] = "";
	struct tm local;

	if (localtime_r(&now, &local))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	output_paint(out, PAINT_FAINT, "%s, every %g s%s", clock, watch->cli->interval_ms / 1000.0,
		     watch->live ? "; q leaves" : "");
	(void)fputc('\n', out->file);
	if (watch->failure) {
		output_paint(out, PAINT_BAD, "%s", show_string(watch->failure, "message"));
		(void)fputs("\nWhat follows is old:\n", out->file);
	}
}

static void print_block(const struct watch *watch, const struct output *out)
{
	const json_t *teams = json_object_get(watch->now, "teams"), *team;
	size_t i;

	print_title(watch, out);
	if (!json_array_size(teams))
		(void)fputs(SHOW_NO_TEAMS, out->file);
	json_array_foreach(teams, i, team)
	{
		(void)fputc('\n', out->file);
		print_team(out, team);
	}
}

/* Build the frame apart, so that the screen never shows half of one. */
static void draw(struct watch *watch)
{
	struct output out;

	output_open(&out, stdout); /* the width may have changed */
	free_ptr(&watch->frame);
	out.file = open_memstream(&watch->frame, &watch->frame_size);
	if (!out.file)
		return;
	print_block(watch, &out);
	(void)fclose(out.file);
	terminal_draw(watch->frame, watch->frame_size);
}

/* Ask once; keeps what it has if that fails. -EINTR: the terminal wants something first. */
static int sample(struct watch *watch)
{
	json_auto_t *before = NULL, *failure = NULL;
	json_t *reply;
	int err =
		client_call(&watch->client, "Show", show_parameters(watch->cli), &reply, &failure);
	uint64_t now_ms = clock_ms();

	if (err == -EINTR)
		return err;
	json_decref(watch->failure);
	watch->failure = steal_ptr(failure);
	if (err)
		return err;
	before = watch->now;
	watch->now = reply;
	rates_add(reply, before, now_ms - watch->now_ms);
	watch->now_ms = now_ms;
	return 0;
}

static void print_sample(struct watch *watch)
{
	if (watch->live) {
		draw(watch);
	} else if (watch->cli->json) {
		output_json(&watch->cli->out, watch->now, true);
	} else {
		if (watch->samples > 1)
			(void)fputc('\n', stdout);
		print_block(watch, &watch->cli->out);
	}
	(void)fflush(stdout);
}

/* One tick: false when it is time to leave. */
static bool tick(struct watch *watch, uint64_t *next_ms)
{
	int err = sample(watch);

	if (err == -EINTR)
		return true;
	*next_ms += watch->cli->interval_ms;
	if (*next_ms < clock_ms()) /* stopped or stalled: do not run after what was missed */
		*next_ms = clock_ms() + watch->cli->interval_ms;
	if (err && !watch->live)
		return false;
	watch->samples += !err;
	print_sample(watch);
	return !ferror(stdout) && !(watch->cli->count && watch->samples >= watch->cli->count);
}

static void loop(struct watch *watch)
{
	uint64_t next_ms = watch->now_ms + watch->cli->interval_ms;

	if (watch->live)
		draw(watch);
	for (;;) {
		switch (terminal_wait(next_ms)) {
		case TERMINAL_TICK:
			if (!tick(watch, &next_ms))
				return;
			break;
		case TERMINAL_REDRAW:
			if (watch->live)
				draw(watch);
			break;
		case TERMINAL_LEAVE:
			return;
		}
	}
}

static int watch_run(struct watch *watch)
{
	int err = sample(watch);

	if (err == -EILSEQ)
		return cli_usage(watch->cli, "the command line is not valid UTF-8");
	if (err)
		return cli_fail(watch->cli, watch->failure);
	watch->client.cancel_fd = terminal_enter(watch->live);
	loop(watch);
	terminal_leave();
	/* The last view stays for reading when its screen is gone. */
	if (watch->live && watch->frame)
		(void)fwrite(watch->frame, 1, watch->frame_size, stdout);
	else if (watch->failure)
		return cli_fail(watch->cli, watch->failure);
	return OUTCOME_DONE;
}

int watch(struct cli *cli)
{
	struct watch watch = {
		.cli = cli,
		.live = !cli->json && isatty(STDOUT_FILENO),
		.client =
			{
				.socket = cli->socket,
				.timeout_ms = cli->timeout_ms ? cli->timeout_ms : WATCH_TIMEOUT_MS,
				.cancel_fd = -1,
			},
	};
	int outcome = watch_run(&watch);

	json_decref(watch.now);
	json_decref(watch.failure);
	free(watch.frame);
	return outcome;
}
