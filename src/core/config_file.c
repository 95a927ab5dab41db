// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One configuration file: text -> team and back.
 *
 * Theory of operation. libinih splits the lines. It is a lenient parser: it cuts long lines, takes
 * an indented line as more of the one before, ':' as '=', " ;" as a comment, ignores what follows
 * a section's ']', and does not tell two [Member] in a row apart. So our reader, which hands it
 * line by line, looks at each line first: it refuses those that libinih would fold in silence,
 * hands over comments as empty lines, and keeps count of lines and sections. The handler then sees
 * only "Key=Value", trimmed. The first fault ends the file: the reader returns no more lines.
 */
#include "base/cleanup.h"
#include "base/strings.h"
#include "core/config_private.h"

#include <errno.h>
#include <ini.h>

_Static_assert(CONFIG_LINE_BYTES_MAX <= INI_MAX_LINE - 3, "libinih takes a line in one piece");

enum section {
	SECTION_NONE, /* before the first */
	SECTION_TEAM,
	SECTION_MEMBER,
	SECTION_COUNT,
};

static const char *const section_names[] = {
	[SECTION_NONE] = "",
	[SECTION_TEAM] = "Team",
	[SECTION_MEMBER] = "Member",
};
NAME_TABLE_COMPLETE(section_names, SECTION_COUNT);

struct parser {
	const char *rest; /* of the text */
	size_t rest_size;
	unsigned int line;	     /* the one in hand, from 1 */
	enum section section;	     /* the one that the line belongs to */
	unsigned int section_line;   /* where it began */
	unsigned int team_line;	     /* where [Team] began, 0 = not yet */
	bool has_device;	     /* this [Member] has its Device */
	uint32_t seen;		     /* a bit per setting of the section */
	struct member_config member; /* settings of this [Member], until its end */
	struct team_config team;
	struct problem problem;
	unsigned int fault_line; /* of the problem */
};

static const char blanks[] = " \t";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int parser_refuse(struct parser *parser, unsigned int line, const char *sentence)
{
	parser->fault_line = line;
	return problem_set(&parser->problem, -EINVAL, "%s", sentence);
}

/* Bytes of the UTF-8 character at @text, 0 if there is none: RFC 3629, section 4. */
static size_t utf8_size(const unsigned char *text, size_t left)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t size;
	} forms[] = {
		{0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (text[0] < forms[i].first_low || text[0] > forms[i].first_high)
			continue;
		if (forms[i].size > left)
			return 0;
		if (forms[i].size > 1 &&
		    (text[1] < forms[i].second_low || text[1] > forms[i].second_high))
			return 0;
		for (size_t k = 2; k < forms[i].size; k++)
			if ((text[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].size;
	}
	return 0;
}

/* Why these bytes are not a line of text, NULL if they are. */
static const char *bytes_fault(const unsigned char *bytes, size_t size)
{
	size_t step;

	if (size > CONFIG_LINE_BYTES_MAX)
		return "the line is longer than 197 bytes";
	for (size_t at = 0; at < size; at += step) {
		if (bytes[at] == '\0')
			return "the line has a NUL byte";
		if ((bytes[at] < ' ' && bytes[at] != '\t') || bytes[at] == 0x7f)
			return "the line has a control character";
		step = utf8_size(bytes + at, size - at);
		if (step == 0)
			return "the line is not UTF-8";
	}
	return NULL;
}

static bool has_inline_comment(const char *line)
{
	for (const char *c = line; *c; c++)
		if ((*c == ' ' || *c == '\t') && (c[1] == ';' || c[1] == '#'))
			return true;
	return false;
}

/* Why libinih would not read this line, neither empty nor a comment, as it looks. */
static const char *line_fault(const char *line)
{
	size_t key = strspn(line, letters);

	if (*line == ' ' || *line == '\t')
		return "the line is indented";
	if (has_inline_comment(line))
		return "a comment needs a line of its own";
	if (*line == '[')
		return NULL;
	if (key == 0 || line[key + strspn(line + key, blanks)] != '=')
		return "the line is no [Section], no Key=Value and no # comment";
	return NULL;
}

/* A member that begins and ends without a device is as wrong as one with two. */
static int section_close(struct parser *parser)
{
	struct team_config *team = &parser->team;

	if (parser->section != SECTION_MEMBER)
		return 0;
	if (!parser->has_device)
		return parser_refuse(parser, parser->section_line, "[Member] has no Device");
	memcpy(parser->member.device, team->members[team->member_count - 1].device,
	       sizeof(parser->member.device));
	team->members[team->member_count - 1] = parser->member;
	return 0;
}

static int section_begin(struct parser *parser, enum section section)
{
	if (section_close(parser) < 0)
		return -EINVAL;
	if (section == SECTION_TEAM) {
		if (parser->team_line)
			return parser_refuse(parser, parser->line, "there is a second [Team]");
		parser->team_line = parser->line;
	}
	parser->section = section;
	parser->section_line = parser->line;
	parser->has_device = false;
	parser->seen = 0;
	config_member_defaults(&parser->member);
	return 0;
}

/* @line is "[…". */
static int section_open(struct parser *parser, const char *line)
{
	char name[CONFIG_LINE_BYTES_MAX + 1], shown[CONFIG_SHOWN_SIZE];
	size_t size = strcspn(line + 1, "]");
	const char *after = line + 1 + size;
	int section;

	if (*after != ']')
		return parser_refuse(parser, parser->line, "the section's name has no ']'");
	after++;
	if (after[strspn(after, blanks)])
		return parser_refuse(parser, parser->line, "text follows the section's ']'");
	memcpy(name, line + 1, size);
	name[size] = '\0';
	section = name_lookup(section_names, SECTION_COUNT, name);
	if (section > SECTION_NONE)
		return section_begin(parser, (enum section)section);
	parser->fault_line = parser->line;
	return problem_set(&parser->problem, -EINVAL,
			   "there is no section [%s]; there are [Team] and [Member]",
			   *name ? config_shown(name, shown) : "");
}

/* Look at a line before libinih does; make it empty where there is nothing to read. */
static int line_look(struct parser *parser, char *line)
{
	size_t indent = strspn(line, blanks);
	const char *fault;

	if (strchr("#;", line[indent])) { /* or its end */
		*line = '\0';
		return 0;
	}
	fault = line_fault(line);
	if (fault)
		return parser_refuse(parser, parser->line, fault);
	return *line == '[' ? section_open(parser, line) : 0;
}

/* Cut the next line off the text; its end may be "\n", "\r\n" or the text's. */
static const char *line_next(struct parser *parser, size_t *ret_size)
{
	const char *line = parser->rest, *end = memchr(line, '\n', parser->rest_size);
	size_t size = end ? (size_t)(end - line) : parser->rest_size;
	size_t used = end ? size + 1 : size;

	parser->rest += used;
	parser->rest_size -= used;
	parser->line++;
	if (end && size > 0 && line[size - 1] == '\r')
		size--;
	*ret_size = size;
	return line;
}

/* An ini_reader: like fgets(), from the text in memory. NULL ends the parsing. */
static char *line_read(char *to, int room, void *stream)
{
	struct parser *parser = stream;
	const char *line, *fault;
	size_t size;

	if (parser->problem.error || parser->rest_size == 0)
		return NULL;
	line = line_next(parser, &size);
	fault = bytes_fault((const unsigned char *)line, size);
	if (!fault && size + 2 > (size_t)room)
		fault = "the line is longer than libinih takes";
	if (fault) {
		(void)parser_refuse(parser, parser->line, fault);
		return NULL;
	}
	memcpy(to, line, size);
	to[size] = '\0';
	if (line_look(parser, to) < 0)
		return NULL;
	size = strlen(to);
	memcpy(to + size, "\n", 2);
	return to;
}

static int key_twice(struct parser *parser, const char *key)
{
	char shown[CONFIG_SHOWN_SIZE];

	return problem_set(&parser->problem, -EINVAL, "%s is set twice", config_shown(key, shown));
}

/* @index: the setting's number in its section, negative if there is none of this name. */
static int setting_once(struct parser *parser, int index, const char *key)
{
	if (index < 0)
		return 0;
	if (parser->seen >> index & 1)
		return key_twice(parser, key);
	parser->seen |= 1U << index;
	return 0;
}

static int team_key(struct parser *parser, const char *key, const char *value)
{
	if (strcmp(key, "Name") == 0) {
		if (*parser->team.name)
			return key_twice(parser, key);
		return config_name_set(&parser->team, value, &parser->problem);
	}
	if (setting_once(parser, config_setting_index(key), key))
		return -EINVAL;
	return config_set(&parser->team, key, value, &parser->problem);
}

static int member_key(struct parser *parser, const char *key, const char *value)
{
	if (strcmp(key, "Device") != 0) {
		if (setting_once(parser, config_member_setting_index(key), key))
			return -EINVAL;
		return config_member_set(&parser->member, key, value, &parser->problem);
	}
	if (parser->has_device)
		return key_twice(parser, key);
	parser->has_device = true;
	return config_member_add(&parser->team, value, &parser->problem);
}

/* An ini_handler: 0 is failure. The section is the parser's own, for [Member] may repeat. */
static int key_take(void *user, const char *section, const char *key, const char *value)
{
	struct parser *parser = user;

	(void)section;
	if (parser->problem.error)
		return 0;
	parser->fault_line = parser->line;
	switch (parser->section) {
	case SECTION_TEAM:
		return team_key(parser, key, value) == 0;
	case SECTION_MEMBER:
		return member_key(parser, key, value) == 0;
	case SECTION_NONE:
	case SECTION_COUNT:
		break;
	}
	(void)parser_refuse(parser, parser->line, "a setting stands before the first section");
	return 0;
}

/* What is missing shows at the end. */
static int text_close(struct parser *parser)
{
	if (section_close(parser) < 0)
		return -EINVAL;
	if (!parser->team_line)
		return parser_refuse(parser, 0, "there is no [Team]");
	if (!*parser->team.name)
		return parser_refuse(parser, parser->team_line, "[Team] has no Name");
	/* T21: an adopted team has the members that its bond has. */
	if (parser->team.member_count == 0 && !parser->team.adopt)
		return parser_refuse(parser, 0, "there is no [Member]; a team has 1 to 32");
	parser->fault_line = 0;
	return config_roles_check(&parser->team, &parser->problem);
}

static int text_parse(struct parser *parser)
{
	int unread = ini_parse_stream(line_read, parser, key_take, parser);

	if (parser->problem.error)
		return -EINVAL;
	if (unread == -2) { /* libinih built without INI_USE_STACK */
		parser->fault_line = 0;
		return problem_set(&parser->problem, -ENOMEM, "out of memory");
	}
	if (unread)
		return parser_refuse(parser, (unsigned int)unread, "libinih cannot read the line");
	return text_close(parser);
}

static void error_fill(struct config_error *error, const char *file, const struct parser *parser)
{
	*error = (struct config_error){.line = parser->fault_line};
	(void)snprintf(error->file, sizeof(error->file), "%s", file);
	(void)snprintf(error->text, sizeof(error->text), "%s", parser->problem.text);
}

int config_parse(const char *file, const char *text, size_t length, struct team_config *ret_team,
		 struct config_error *ret_error)
{
	struct parser parser = {.rest = text, .rest_size = length};
	int err;

	config_defaults(&parser.team);
	err = text_parse(&parser);
	if (err) {
		if (ret_error)
			error_fill(ret_error, file, &parser);
		return err;
	}
	*ret_team = parser.team;
	return 0;
}

static void setting_print(FILE *out, const char *key, const char *value, const char *usual)
{
	if (strcmp(value, usual) != 0)
		(void)fprintf(out, "%s=%s\n", key, value);
}

static void settings_print(FILE *out, const struct team_config *team)
{
	char value[CONFIG_SETTING_SIZE], usual[CONFIG_SETTING_SIZE];
	struct team_config defaults;
	const char *key;

	config_defaults(&defaults);
	for (size_t i = 0; config_get(team, i, &key, value, sizeof(value)) == 0; i++) {
		(void)config_get(&defaults, i, &key, usual, sizeof(usual));
		setting_print(out, key, value, usual);
	}
}

static void member_print(FILE *out, const struct member_config *member)
{
	char value[CONFIG_SETTING_SIZE], usual[CONFIG_SETTING_SIZE];
	struct member_config defaults;
	const char *key;

	config_member_defaults(&defaults);
	(void)fprintf(out, "\n[Member]\nDevice=%s\n", member->device);
	for (size_t i = 0; config_member_get(member, i, &key, value, sizeof(value)) == 0; i++) {
		(void)config_member_get(&defaults, i, &key, usual, sizeof(usual));
		setting_print(out, key, value, usual);
	}
}

static void team_print(FILE *out, const struct team_config *team)
{
	(void)fputs("# A team of iovteam, see iovteam.conf(5). \"iovteam team set\" and \"iovteam "
		    "member\" write\n# this file anew; comments of yours are lost then.\n",
		    out);
	(void)fprintf(out, "[Team]\nName=%s\n", team->name);
	settings_print(out, team);
	for (uint32_t i = 0; i < team->member_count; i++)
		member_print(out, &team->members[i]);
}

int config_format(const struct team_config *team, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	struct team_config again;
	size_t size = 0;
	int err;

	out = open_memstream(&text, &size);
	if (!out)
		return -ENOMEM;
	team_print(out, team);
	if (fflush(out) != 0 || ferror(out) || !text)
		return -ENOMEM;
	/* A file that would be refused at the next start must not be written. */
	err = config_parse("", text, size, &again, NULL);
	if (err)
		return err;
	if (!config_equal(team, &again))
		return -EINVAL;
	/* Closing may allocate once more, and says so in the pointer only. */
	(void)fclose(steal_ptr(out));
	if (!text)
		return -ENOMEM;
	*ret_text = steal_ptr(text);
	return 0;
}
