/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `iovteam doctor` has found (SPEC H11): made by core/doctor, told by the daemon. */
#pragma once

#include <stdarg.h>

#include <stddef.h>

enum finding_severity {
	FINDING_FATAL,	 /* the loss of one link cuts off, or has done so already */
	FINDING_WARNING, /* a loss may go unseen, or something is not as it was configured */
	FINDING_NOTE,	 /* worth knowing */
	FINDING_SEVERITY_COUNT,
};
extern const char *const finding_severity_names[FINDING_SEVERITY_COUNT];

#define FINDING_SUBJECT_SIZE 80
#define FINDING_TEXT_SIZE 384

/* The texts are sentences without a full stop; a mend may be a command. */
struct finding {
	enum finding_severity severity;
	const char *check;		    /* a word for each kind of finding, for scripts */
	char subject[FINDING_SUBJECT_SIZE]; /* "team0", "web1/nicA", "TeamDemoA" */
	char what[FINDING_TEXT_SIZE];
	char evidence[FINDING_TEXT_SIZE]; /* how one can see it */
	char mend[FINDING_TEXT_SIZE];
};

struct finding_list {
	struct finding *findings;
	size_t count, room;
};

/* Append an empty one. NULL: no memory. */
struct finding *finding_list_add(struct finding_list *list);
void finding_list_done(struct finding_list *list);

/* Print into one of a finding's texts, behind what is there. */
void finding_say(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
