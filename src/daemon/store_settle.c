// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a command writes where drop-ins lie over the file (C1): a command changes what all of them
 * give together, but only the file is its own.
 *
 * What the command has changed is carried over to what the file alone says; the rest of the file
 * stays, and nothing of a drop-in gets into it. Then the drop-ins are read over the result. If that
 * gives what the command wants, its text is good; if not, a drop-in has the last word.
 */
#include "base/cleanup.h"
#include "daemon/store.h"
#include "daemon/store_read.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

static int error_problem(const struct config_error *error, int err, struct problem *problem)
{
	char text[STORE_ERROR_SIZE];

	store_error_text(error, text);
	return problem_set(problem, err, "%s", text);
}

/* What the file alone shall say. */
static int make_base(const char *directory, const char *file, const struct config_object *before,
		     const struct config_object *after, struct config_object *ret_base,
		     struct problem *problem)
{
	struct config_error error;
	int err;

	if (!before) {
		*ret_base = *after;
		return 0;
	}
	err = store_read_file(directory, file, ret_base, &error);
	if (err)
		return error_problem(&error, err, problem);
	return config_object_carry(before, after, ret_base, problem);
}

/* The last drop-in that sets what is in dispute: those behind it leave it as it is wanted. */
static int name_winner(const char *directory, const struct drop_ins *drop_ins,
		       const struct config_object *wanted, struct problem *problem)
{
	char name[DROP_IN_NAME_SIZE], dispute[128];
	struct config_error error;

	for (int i = drop_ins->names.count - 1; i >= 0; i--) {
		struct config_object got = *wanted;

		if (store_read_drop_ins(directory, drop_ins, i, &got, &error) ||
		    !config_object_dispute(wanted, &got, dispute, sizeof(dispute)))
			continue;
		drop_ins_name(drop_ins, i, name);
		return problem_set(problem, -EBUSY, "%s would win with %s; change it there", name,
				   dispute);
	}
	return problem_set(problem, -EBUSY, "the files of %s have changed meanwhile; try again",
			   wanted->name);
}

int store_admit_parts(const char *directory, const char *file, const struct config_object *before,
		      const struct config_object *after, struct problem *problem)
{
	_cleanup_(drop_ins_done) struct drop_ins drop_ins = {};
	char part[128], other[128], name[DROP_IN_NAME_SIZE];
	struct config_object base;
	struct config_error error;
	int err = store_read_file(directory, file, &base, &error);

	if (err)
		return error_problem(&error, err, problem);
	if (!config_object_lacks(before, after, &base, part, sizeof(part)))
		return 0;
	(void)drop_ins_list(directory, file, &drop_ins);
	for (int i = drop_ins.names.count - 1; i >= 0; i--) {
		struct config_object got = base;

		if (store_read_drop_ins(directory, &drop_ins, i, &got, &error) ||
		    (config_object_lacks(before, after, &got, other, sizeof(other)) &&
		     strcmp(part, other) == 0))
			continue;
		drop_ins_name(&drop_ins, i, name);
		return problem_set(problem, -EBUSY, "%s adds %s; change it there", name, part);
	}
	return problem_set(problem, -EBUSY, "the files of %s have changed meanwhile; try again",
			   after->name);
}

int store_settle(const char *directory, const char *file, const struct config_object *before,
		 struct config_object *after, char **ret_text, struct problem *problem)
{
	_cleanup_(drop_ins_done) struct drop_ins drop_ins = {};
	_cleanup_free_ char *text = NULL;
	struct config_object base, merged;
	struct config_error error;
	char dispute[128];
	int err = make_base(directory, file, before, after, &base, problem);

	if (!err)
		err = drop_ins_list(directory, file, &drop_ins);
	if (err)
		return problem_set(problem, err, "%s.d cannot be read: %s", file, strerror(-err));
	err = config_object_format(&base, &text, problem);
	if (err && drop_ins.names.count)
		(void)problem_prefix(problem, "without its drop-ins %s would be wrong", file);
	if (err)
		return err;
	merged = base;
	err = store_read_drop_ins(directory, &drop_ins, 0, &merged, &error);
	if (err)
		return error_problem(&error, err, problem);
	if (config_object_dispute(after, &merged, dispute, sizeof(dispute)))
		return name_winner(directory, &drop_ins, after, problem);
	*after = merged;
	*ret_text = steal_ptr(text);
	return 0;
}
