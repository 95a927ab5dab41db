// SPDX-License-Identifier: GPL-2.0-or-later
/* What holds for teams, switches and VMs alike: compared, and changed as another was changed. */
#include "base/strings.h"
#include "core/config_private.h"

#include <stdio.h>

const char *const config_kind_names[] = {
	[CONFIG_TEAM] = "team",
	[CONFIG_SWITCH] = "switch",
	[CONFIG_VM] = "VM",
};
NAME_TABLE_COMPLETE(config_kind_names, CONFIG_KIND_COUNT);

const struct kind *const config_kinds[] = {
	[CONFIG_TEAM] = &team_kind,
	[CONFIG_SWITCH] = &switch_kind,
	[CONFIG_VM] = &vm_kind,
};
NAME_TABLE_COMPLETE(config_kinds, CONFIG_KIND_COUNT);

static bool difference(const struct kind *kind, const void *from, const void *to, char *text,
		       size_t size)
{
	*text = '\0';
	table_difference(kind->settings, from, to, "", text, size);
	if (kind->parts)
		parts_difference(kind->parts, from, to, text, size);
	return *text;
}

bool config_difference(const struct team_config *from, const struct team_config *to, char *text,
		       size_t size)
{
	return difference(&team_kind, from, to, text, size);
}

bool config_object_equal(const struct config_object *a, const struct config_object *b)
{
	const struct kind *kind = config_kinds[a->kind];

	return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
	       table_equal(kind->settings, &a->team, &b->team) &&
	       (!kind->parts || parts_equal(kind->parts, &a->team, &b->team));
}

bool config_object_difference(const struct config_object *from, const struct config_object *to,
			      char *text, size_t size)
{
	return difference(config_kinds[from->kind], &from->team, &to->team, text, size);
}

bool config_object_dispute(const struct config_object *wanted, const struct config_object *got,
			   char *text, size_t size)
{
	const struct parts *parts = config_kinds[wanted->kind]->parts;

	if (config_object_difference(wanted, got, text, size))
		return true;
	for (uint32_t i = 0; parts && i < parts_count(parts, &got->team); i++) {
		const char *part = parts_at(parts, &got->team, i);

		if (parts_place(parts, &wanted->team, part) < parts_count(parts, &wanted->team))
			continue;
		(void)snprintf(text, size, "[%s] %s", parts->section, part);
		return true;
	}
	return false;
}

bool config_object_lacks(const struct config_object *before, const struct config_object *after,
			 const struct config_object *object, char *text, size_t size)
{
	const struct parts *parts = config_kinds[object->kind]->parts;

	for (uint32_t i = 0; parts && i < parts_count(parts, &after->team); i++) {
		const char *part = parts_at(parts, &after->team, i);
		uint32_t was = parts_place(parts, &before->team, part);

		if (was == parts_count(parts, &before->team) ||
		    parts_place(parts, &object->team, part) < parts_count(parts, &object->team) ||
		    !table_differing(parts->settings, parts_at(parts, &before->team, was), part))
			continue;
		(void)snprintf(text, size, "[%s] %s", parts->section, part);
		return true;
	}
	return false;
}

/* The settings of the part named @name that changed from @before to @after, into @object. */
static int carry_part(const struct parts *parts, const void *before, const void *after,
		      void *object, const char *name, struct problem *problem)
{
	const void *shall = parts_at(parts, after, parts_place(parts, after, name));
	uint32_t was = parts_place(parts, before, name), rows = UINT32_MAX;
	uint32_t place = parts_place(parts, object, name);
	int err;

	if (was < parts_count(parts, before))
		rows = table_differing(parts->settings, parts_at(parts, before, was), shall);
	if (!rows)
		return 0;
	if (place == parts_count(parts, object)) {
		err = parts_add(parts, object, name, problem);
		if (err)
			return err;
		rows = UINT32_MAX;
	}
	table_copy(parts->settings, parts_at(parts, object, place), shall, rows);
	return 0;
}

static int carry_parts(const struct parts *parts, const void *before, const void *after,
		       void *object, struct problem *problem)
{
	int err = 0;

	for (uint32_t i = 0; i < parts_count(parts, before); i++) {
		const char *name = parts_at(parts, before, i);

		if (parts_place(parts, after, name) == parts_count(parts, after))
			(void)parts_remove(parts, object, name, NULL);
	}
	for (uint32_t i = 0; !err && i < parts_count(parts, after); i++)
		err = carry_part(parts, before, after, object, parts_at(parts, after, i), problem);
	return err;
}

int config_object_carry(const struct config_object *before, const struct config_object *after,
			struct config_object *object, struct problem *problem)
{
	const struct kind *kind = config_kinds[object->kind];

	table_copy(kind->settings, &object->team, &after->team,
		   table_differing(kind->settings, &before->team, &after->team));
	if (!kind->parts)
		return 0;
	return carry_parts(kind->parts, &before->team, &after->team, &object->team, problem);
}
