// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One configuration file: text -> team, switch or VM, and back.
 *
 * Theory of operation. A kind (struct kind) says which sections a file may have: one of its own,
 * and one that repeats for each of its parts. The first section of a file decides. The keys of a
 * part are kept apart until its section ends, since its name may come last; then those that were
 * set are put over what the part is by default, or in a drop-in over what it was.
 */
#include "base/cleanup.h"
#include "base/strings.h"
#include "core/config_private.h"
#include "core/config_reader.h"

#include <errno.h>

#define NO_PART UINT32_MAX

union part {
	struct member_config member;
	struct adapter_config adapter;
};

struct parser {
	const struct kind *kind; /* NULL until the first section */
	bool over;		 /* a drop-in, which changes what is there */
	bool in_part;
	bool named;		 /* the kind's own section has its Name */
	unsigned int own_line;	 /* where that section began, 0 = not yet */
	unsigned int begin_line; /* where the section in hand began */
	uint32_t place;		 /* of this section's part, NO_PART = its name has not come */
	uint32_t places;	 /* a bit per part that has had a section */
	uint32_t seen;		 /* a bit per setting of the section */
	union part part;	 /* settings of the part, until its section's end */
	struct config_object object;
};

_Static_assert(TEAM_MEMBERS_MAX <= 32 && VM_ADAPTERS_MAX <= 32, "parser.places has a bit for each");

/* --- sections --- */

/* A part that begins and ends without a name is as wrong as one with two. */
static int section_close(struct config_reader *reader)
{
	struct parser *parser = reader->data;
	const struct parts *parts = parser->in_part ? parser->kind->parts : NULL;
	const char *missing;
	void *part;

	if (!parts)
		return 0;
	reader->fault_line = parser->begin_line;
	if (parser->place == NO_PART)
		return problem_set(&reader->problem, -EINVAL, "[%s] has no %s", parts->section,
				   parts->key);
	part = parts_at(parts, &parser->object.team, parser->place);
	table_copy(parts->settings, part, &parser->part, parser->seen);
	missing = table_missing(parts->settings, part);
	if (missing)
		return problem_set(&reader->problem, -EINVAL, "[%s] has no %s", parts->section,
				   missing);
	return 0;
}

static int section_begin(struct config_reader *reader, bool is_part)
{
	struct parser *parser = reader->data;

	if (section_close(reader) < 0)
		return -EINVAL;
	reader->fault_line = reader->line;
	if (!is_part && parser->own_line)
		return problem_set(&reader->problem, -EINVAL, "there is a second [%s]",
				   parser->kind->section);
	if (!is_part)
		parser->own_line = reader->line;
	parser->in_part = is_part;
	parser->begin_line = reader->line;
	parser->place = NO_PART;
	parser->seen = 0;
	return 0;
}

static bool has_section(const struct kind *kind, const char *name)
{
	return strcmp(name, kind->section) == 0 ||
	       (kind->parts && strcmp(name, kind->parts->section) == 0);
}

static const struct kind *kind_with(const char *section)
{
	for (size_t i = 0; i < CONFIG_KIND_COUNT; i++)
		if (has_section(config_kinds[i], section))
			return config_kinds[i];
	return NULL;
}

/* "[Team] and [Member]". */
static const char *list_sections(const struct kind *kind, char *text, size_t size)
{
	(void)snprintf(text, size, "[%s]%s%s%s", kind->section, kind->parts ? " and [" : "",
		       kind->parts ? kind->parts->section : "", kind->parts ? "]" : "");
	return text;
}

static int section_unknown(struct config_reader *reader, const char *name)
{
	const struct parser *parser = reader->data;
	char shown[CONFIG_SHOWN_SIZE], known[64];

	(void)config_shown(name, shown);
	if (!parser->kind)
		return problem_set(&reader->problem, -EINVAL,
				   "there is no section [%s]; a file begins with [Team], [Switch] "
				   "or [VM]",
				   *name ? shown : "");
	list_sections(parser->kind, known, sizeof(known));
	if (kind_with(name))
		return problem_set(&reader->problem, -EINVAL,
				   "[%s] has no place beside [%s]; here may be %s", name,
				   parser->kind->section, known);
	return problem_set(&reader->problem, -EINVAL, "there is no section [%s]; there %s %s",
			   *name ? shown : "", parser->kind->parts ? "are" : "is", known);
}

static void choose_kind(struct parser *parser, const struct kind *kind)
{
	parser->kind = kind;
	parser->object = (struct config_object){};
	for (size_t i = 0; i < CONFIG_KIND_COUNT; i++)
		if (config_kinds[i] == kind)
			parser->object.kind = (enum config_kind)i;
	table_defaults(kind->settings, &parser->object.team);
}

static int on_section(struct config_reader *reader, const char *name)
{
	struct parser *parser = reader->data;
	const struct kind *kind = parser->kind ? parser->kind : kind_with(name);

	if (!kind || !has_section(kind, name))
		return section_unknown(reader, name);
	if (!parser->kind)
		choose_kind(parser, kind);
	return section_begin(reader, strcmp(name, kind->section) != 0);
}

/* --- keys --- */

static int key_twice(struct config_reader *reader, const char *key)
{
	char shown[CONFIG_SHOWN_SIZE];

	return problem_set(&reader->problem, -EINVAL, "%s is set twice", config_shown(key, shown));
}

static int setting_take(struct config_reader *reader, const struct table *table, void *object,
			const char *key, const char *value)
{
	struct parser *parser = reader->data;
	int index = table_index(table, key);

	if (index >= 0) {
		if (parser->seen >> index & 1)
			return key_twice(reader, key);
		parser->seen |= 1U << index;
	}
	return table_set(table, object, key, value, &reader->problem);
}

static int name_take(struct config_reader *reader, const char *key, const char *value)
{
	struct parser *parser = reader->data;

	if (parser->over)
		return problem_set(&reader->problem, -EINVAL, "a drop-in changes no Name");
	if (parser->named)
		return key_twice(reader, key);
	parser->named = true;
	return parser->kind->name_set(&parser->object.team, value, &reader->problem);
}

/* A drop-in's section may mean a part that is there, but no two sections of a file mean the same. */
static int part_take(struct config_reader *reader, const char *key, const char *value)
{
	struct parser *parser = reader->data;
	const struct parts *parts = parser->kind->parts;
	void *object = &parser->object.team;
	char spelled[PARTS_NAME_SIZE];
	bool is_there;
	int err;

	if (parser->place != NO_PART)
		return key_twice(reader, key);
	err = parts->spell(value, spelled, &reader->problem);
	if (err)
		return err;
	parser->place = parts_place(parts, object, spelled);
	is_there = parser->over && parser->place < parts_count(parts, object) &&
		   !(parser->places >> parser->place & 1);
	if (!is_there)
		err = parts_add(parts, object, value, &reader->problem);
	if (!err)
		parser->places |= 1U << parser->place;
	return err;
}

static int on_key(struct config_reader *reader, const char *key, const char *value)
{
	struct parser *parser = reader->data;
	const struct kind *kind = parser->kind;

	if (!parser->in_part && strcmp(key, "Name") == 0)
		return name_take(reader, key, value);
	if (!parser->in_part)
		return setting_take(reader, kind->settings, &parser->object.team, key, value);
	if (strcmp(key, kind->parts->key) == 0)
		return part_take(reader, key, value);
	return setting_take(reader, kind->parts->settings, &parser->part, key, value);
}

/* --- the text --- */

/* A drop-in needs none of this: what it is put over has all. */
static int own_section_check(struct config_reader *reader)
{
	const struct parser *parser = reader->data;
	const struct kind *kind = parser->kind;
	const char *missing;

	if (!kind)
		return config_reader_refuse(reader, 0, "there is no [Team], [Switch] or [VM]");
	if (!parser->own_line)
		return problem_set(&reader->problem, -EINVAL, "there is no [%s]", kind->section);
	missing = parser->named ? table_missing(kind->settings, &parser->object.team) : "Name";
	if (!missing)
		return 0;
	reader->fault_line = parser->own_line;
	return problem_set(&reader->problem, -EINVAL, "[%s] has no %s", kind->section, missing);
}

/* What is missing shows at the end. */
static int on_end(struct config_reader *reader)
{
	struct parser *parser = reader->data;

	if (section_close(reader) < 0)
		return -EINVAL;
	reader->fault_line = 0;
	if (!parser->over && own_section_check(reader) < 0)
		return -EINVAL;
	if (!parser->kind->finish)
		return 0;
	return parser->kind->finish(&parser->object.team, &reader->problem);
}

static int parser_run(struct parser *parser, const char *file, const char *text, size_t length,
		      struct config_error *ret_error)
{
	static const struct config_calls calls = {on_section, on_key, on_end};

	return config_read(file, text, length, &calls, parser, ret_error);
}

int config_object_parse(const char *file, const char *text, size_t length,
			struct config_object *ret_object, struct config_error *ret_error)
{
	struct parser parser = {};
	int err = parser_run(&parser, file, text, length, ret_error);

	if (!err)
		*ret_object = parser.object;
	return err;
}

int config_object_merge(const char *file, const char *text, size_t length,
			struct config_object *object, struct config_error *ret_error)
{
	struct parser parser = {
		.kind = config_kinds[object->kind], .over = true, .object = *object};
	int err = parser_run(&parser, file, text, length, ret_error);

	if (!err)
		*object = parser.object;
	return err;
}

int config_parse(const char *file, const char *text, size_t length, struct team_config *ret_team,
		 struct config_error *ret_error)
{
	struct parser parser = {};
	int err;

	choose_kind(&parser, &team_kind);
	err = parser_run(&parser, file, text, length, ret_error);
	if (!err)
		*ret_team = parser.object.team;
	return err;
}

/* --- text again --- */

/* @usual: as @object by default, all zero before. */
static void settings_print(FILE *out, const struct table *table, const void *object, void *usual)
{
	char value[CONFIG_SETTING_SIZE];
	uint32_t rows;
	const char *key;

	table_defaults(table, usual);
	rows = table_differing(table, object, usual);
	for (size_t i = 0; table_get(table, object, i, &key, value, sizeof(value)) == 0; i++)
		if (rows >> i & 1)
			(void)fprintf(out, "%s=%s\n", key, value);
}

static void object_print(FILE *out, const struct config_object *object)
{
	const struct kind *kind = config_kinds[object->kind];
	const struct parts *parts = kind->parts;

	(void)fprintf(out, "%s[%s]\nName=%s\n", kind->comment, kind->section, object->name);
	settings_print(out, kind->settings, &object->team, &(struct config_object){}.team);
	for (uint32_t i = 0; parts && i < parts_count(parts, &object->team); i++) {
		const char *part = parts_at(parts, &object->team, i);

		(void)fprintf(out, "\n[%s]\n%s=%s\n", parts->section, parts->key, part);
		settings_print(out, parts->settings, part, &(union part){});
	}
}

/* A file that would be refused at the next start must not be written. */
static int read_back(const struct config_object *object, const char *text, size_t size,
		     struct problem *problem)
{
	struct config_object again;
	struct config_error error;
	int err = config_object_parse("", text, size, &again, &error);

	if (err)
		return problem_set(problem, err, "%s", error.text);
	if (!config_object_equal(object, &again))
		return problem_set(problem, -EINVAL, "it would not be read as it is");
	return 0;
}

int config_object_format(const struct config_object *object, char **ret_text,
			 struct problem *problem)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	size_t size = 0;
	int err;

	out = open_memstream(&text, &size);
	if (!out)
		return problem_set(problem, -ENOMEM, "out of memory");
	object_print(out, object);
	if (fflush(out) != 0 || ferror(out) || !text)
		return problem_set(problem, -ENOMEM, "out of memory");
	err = read_back(object, text, size, problem);
	if (err)
		return err;
	/* Closing may allocate once more, and says so in the pointer only. */
	(void)fclose(steal_ptr(out));
	if (!text)
		return problem_set(problem, -ENOMEM, "out of memory");
	*ret_text = steal_ptr(text);
	return 0;
}

int config_format(const struct team_config *team, char **ret_text)
{
	struct config_object object = {.kind = CONFIG_TEAM, .team = *team};

	return config_object_format(&object, ret_text, NULL);
}
