// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What only all files together show (SPEC T1: a member of two teams is refused).
 *
 * Each team is held against those before it, so that the error names the later file: the one that
 * was probably added last. Devices are compared as they are spelled; that two spellings mean one
 * device is seen when the devices are there (core/plan).
 */
#include "core/config_private.h"

#include <errno.h>
#include <stdio.h>

static bool team_has_member(const struct team_config *team, const char *device)
{
	for (uint32_t i = 0; i < team->member_count; i++)
		if (strcmp(team->members[i].device, device) == 0)
			return true;
	return false;
}

/* A device of @team that @other has, too; NULL if they share none. */
static const char *team_shared_member(const struct team_config *team,
				      const struct team_config *other)
{
	for (uint32_t i = 0; i < team->member_count; i++)
		if (team_has_member(other, team->members[i].device))
			return team->members[i].device;
	return NULL;
}

/* The two may be one and the same: a team is no member of itself either. */
static int team_nested(const struct team_config *team, const struct team_config *member,
		       struct problem *problem)
{
	if (!team_has_member(team, member->name))
		return 0;
	return problem_set(problem, -EINVAL, "%s cannot be a member of %s: it is a team itself",
			   member->name, team->name);
}

static int team_against(const struct team_config *team, const struct team_config *earlier,
			struct problem *problem)
{
	const char *shared = team_shared_member(team, earlier);
	int err;

	if (strcmp(team->name, earlier->name) == 0)
		return problem_set(problem, -EEXIST, "there is a team %s already", team->name);
	if (shared)
		return problem_set(problem, -EBUSY, "%s is a member of %s already", shared,
				   earlier->name);
	err = team_nested(team, earlier, problem);
	return err ? err : team_nested(earlier, team, problem);
}

static int team_check(const struct team_list *list, uint32_t index, struct problem *problem)
{
	const struct team_config *team = &list->teams[index];

	for (uint32_t i = 0; i < index; i++) {
		int err = team_against(team, &list->teams[i], problem);

		if (err)
			return err;
	}
	if (config_roles_check(team, problem))
		return -EINVAL;
	return team_nested(team, team, problem);
}

static void error_fill(struct config_error *error, const char *file, const char *name,
		       const struct problem *problem)
{
	*error = (struct config_error){};
	if (file)
		(void)snprintf(error->file, sizeof(error->file), "%s", file);
	else
		(void)snprintf(error->file, sizeof(error->file), "%s.conf", name);
	(void)snprintf(error->text, sizeof(error->text), "%s", problem->text);
}

int config_check(const struct team_list *list, const char *const *files,
		 struct config_error *ret_error)
{
	struct problem problem = {};

	for (uint32_t i = 0; i < list->count; i++) {
		int err = team_check(list, i, &problem);

		if (!err)
			continue;
		if (ret_error)
			error_fill(ret_error, files ? files[i] : NULL, list->teams[i].name,
				   &problem);
		return err;
	}
	return 0;
}
