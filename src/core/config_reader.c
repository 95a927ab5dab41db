// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lines of a configuration file.
 *
 * Theory of operation. libinih splits the lines. It is a lenient parser: it cuts long lines, takes
 * an indented line as more of the one before, ':' as '=', " ;" as a comment, ignores what follows
 * a section's ']', and does not tell two [Member] in a row apart. So our reader, which hands it
 * line by line, looks at each line first: it refuses those that libinih would fold in silence,
 * hands over comments as empty lines, and keeps count of lines and sections. The handler then sees
 * only "Key=Value", trimmed. The first fault ends the file: the reader returns no more lines.
 */
#include "core/config_reader.h"

#include "base/strings.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

_Static_assert(CONFIG_LINE_BYTES_MAX <= INI_MAX_LINE - 3, "libinih takes a line in one piece");

static const char blanks[] = " \t";
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

int config_reader_refuse(struct config_reader *reader, unsigned int line, const char *sentence)
{
	reader->fault_line = line;
	return problem_set(&reader->problem, -EINVAL, "%s", sentence);
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

/* @line is "[…". */
static int section_open(struct config_reader *reader, const char *line)
{
	char name[CONFIG_LINE_BYTES_MAX + 1];
	size_t size = strcspn(line + 1, "]");
	const char *after = line + 1 + size;

	if (*after != ']')
		return config_reader_refuse(reader, reader->line, "the section's name has no ']'");
	after++;
	if (after[strspn(after, blanks)])
		return config_reader_refuse(reader, reader->line, "text follows the section's ']'");
	memcpy(name, line + 1, size);
	name[size] = '\0';
	reader->in_section = true;
	reader->fault_line = reader->line;
	return reader->calls->section(reader, name);
}

/* Look at a line before libinih does; make it empty where there is nothing to read. */
static int line_look(struct config_reader *reader, char *line)
{
	size_t indent = strspn(line, blanks);
	const char *fault;

	if (strchr("#;", line[indent])) { /* or its end */
		*line = '\0';
		return 0;
	}
	fault = line_fault(line);
	if (fault)
		return config_reader_refuse(reader, reader->line, fault);
	return *line == '[' ? section_open(reader, line) : 0;
}

/* Cut the next line off the text; its end may be "\n", "\r\n" or the text's. */
static const char *line_next(struct config_reader *reader, size_t *ret_size)
{
	const char *line = reader->rest, *end = memchr(line, '\n', reader->rest_size);
	size_t size = end ? (size_t)(end - line) : reader->rest_size;
	size_t used = end ? size + 1 : size;

	reader->rest += used;
	reader->rest_size -= used;
	reader->line++;
	if (end && size > 0 && line[size - 1] == '\r')
		size--;
	*ret_size = size;
	return line;
}

/* An ini_reader: like fgets(), from the text in memory. NULL ends the parsing. */
static char *line_read(char *to, int room, void *stream)
{
	struct config_reader *reader = stream;
	const char *line, *fault;
	size_t size;

	if (reader->problem.error || reader->rest_size == 0)
		return NULL;
	line = line_next(reader, &size);
	fault = bytes_fault((const unsigned char *)line, size);
	if (!fault && size + 2 > (size_t)room)
		fault = "the line is longer than libinih takes";
	if (fault) {
		(void)config_reader_refuse(reader, reader->line, fault);
		return NULL;
	}
	memcpy(to, line, size);
	to[size] = '\0';
	if (line_look(reader, to) < 0)
		return NULL;
	size = strlen(to);
	memcpy(to + size, "\n", 2);
	return to;
}

/* An ini_handler: 0 is failure. The section is the caller's own, for [Member] may repeat. */
static int key_take(void *user, const char *section, const char *key, const char *value)
{
	struct config_reader *reader = user;

	(void)section;
	if (reader->problem.error)
		return 0;
	reader->fault_line = reader->line;
	if (reader->in_section)
		return reader->calls->key(reader, key, value) == 0;
	(void)config_reader_refuse(reader, reader->line,
				   "a setting stands before the first section");
	return 0;
}

static int text_read(struct config_reader *reader)
{
	int unread = ini_parse_stream(line_read, reader, key_take, reader);

	if (reader->problem.error)
		return -EINVAL;
	reader->fault_line = 0;
	if (unread == -2) /* libinih built without INI_USE_STACK */
		return problem_set(&reader->problem, -ENOMEM, "out of memory");
	if (unread)
		return config_reader_refuse(reader, (unsigned int)unread,
					    "libinih cannot read the line");
	return reader->calls->end(reader);
}

int config_read(const char *file, const char *text, size_t length, const struct config_calls *calls,
		void *data, struct config_error *ret_error)
{
	struct config_reader reader = {
		.calls = calls, .data = data, .rest = text, .rest_size = length};
	int err = text_read(&reader);

	if (!err || !ret_error)
		return err;
	*ret_error = (struct config_error){.line = reader.fault_line};
	(void)snprintf(ret_error->file, sizeof(ret_error->file), "%s", file);
	(void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", reader.problem.text);
	return err;
}
