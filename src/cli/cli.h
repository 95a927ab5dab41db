/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all commands share: the command line as it was read, the table that commands stand in,
 * and the ways in which a command ends (C4: 0 done, 1 failed, 2 wrong usage).
 */
#pragma once

#include "cli/output.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum outcome {
	OUTCOME_DONE = 0,
	OUTCOME_FAILED = 1,
	OUTCOME_USAGE = 2,
};

/* Options that only some commands take; the others (--json, --help, …) go with each. */
enum command_option {
	OPTION_MEMBER = 1 << 0,
	OPTION_TO = 1 << 1,
	OPTION_INTERVAL = 1 << 2,
	OPTION_COUNT = 1 << 3,
	OPTION_CONFIRM = 1 << 4,
	OPTION_TAKE = 1 << 5,
	OPTION_GIVE = 1 << 6,
	OPTION_NIC = 1 << 7,
	OPTION_IOV = 1 << 8,
	OPTION_SWITCH = 1 << 9,
	OPTION_WEIGHT = 1 << 10,
	OPTION_MAC = 1 << 11,
	OPTION_VLAN = 1 << 12,
	OPTION_NAMESPACE = 1 << 13,
	OPTION_QMP = 1 << 14,
	OPTION_LIBVIRT = 1 << 15,
	OPTION_PLAN = 1 << 16,
};

struct cli;

struct command {
	const char *noun;
	const char *verb;	     /* NULL: the noun stands alone ("plan") */
	int (*run)(struct cli *cli); /* returns an enum outcome */
	unsigned options;	     /* enum command_option that it takes */
	unsigned options_needed;     /* … and cannot do without */
	int words_min, words_max;    /* words after noun and verb, -1 = any number */
	const char *synopsis;	     /* those words and options */
	const char *summary;	     /* one line */
	const char *detail;	     /* what --help teaches, with examples */
};

/* The command line. Strings are those of argv. */
struct cli {
	const struct command *command; /* NULL until it is known */
	const char *noun;	       /* as far as it is known to exist */
	struct output out;
	bool json, help, version;
	const char *socket;
	uint32_t timeout_ms;  /* 0 = as long as the kind of call deserves */
	uint32_t interval_ms; /* between the views of "watch" */
	uint32_t count;	      /* views of "watch", events; 0 = until told to leave */
	uint32_t confirm;     /* seconds after which a change is taken back */
	const char *to;
	const char *give; /* who gets the team's addresses */
	json_t *members;  /* of --member, in their order: device and settings */
	json_t *settings; /* of options that are settings (--vlan), by the file's keys */
	unsigned given;	  /* enum command_option */
	char **words;	  /* after noun and verb */
	int word_count;
};

/* One sentence and the way to --help. Returns OUTCOME_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Say why it failed: @failure as client_call() gives it. Returns OUTCOME_FAILED. */
int cli_fail(const struct cli *cli, const json_t *failure);

/*
 * Ask the daemon; @parameters are consumed. On success *ret_reply belongs to the caller. A
 * failure has been reported already, and its outcome is returned.
 */
int cli_ask(const struct cli *cli, const char *method, json_t *parameters, json_t **ret_reply);

/* As cli_ask() for calls that change something; says what was done. */
int cli_change(const struct cli *cli, const char *method, json_t *parameters);

/* The commands, one function each. */
int team_add(struct cli *cli);
int team_adopt(struct cli *cli);
int team_remove(struct cli *cli);
int team_set(struct cli *cli);
int team_show(struct cli *cli);
int team_switchover(struct cli *cli);
int member_add(struct cli *cli);
int member_remove(struct cli *cli);
int member_set(struct cli *cli);
int member_drain(struct cli *cli);
int member_restore(struct cli *cli);
int member_show(struct cli *cli);
int switch_add(struct cli *cli);
int switch_set(struct cli *cli);
int switch_remove(struct cli *cli);
int switch_show(struct cli *cli);
int adapter_add(struct cli *cli);
int adapter_set(struct cli *cli);
int adapter_remove(struct cli *cli);
int adapter_show(struct cli *cli);
int vf_show(struct cli *cli);
int vf_reallot(struct cli *cli);
int doctor(struct cli *cli);
int explain(struct cli *cli);
int plan(struct cli *cli);
int reload(struct cli *cli);
int confirm(struct cli *cli);
int cancel(struct cli *cli);
int watch(struct cli *cli);
int events(struct cli *cli);
