// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/output.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MIN 40
#define LABEL_WIDTH 15
#define SHRUNK_MIN 8
#define SHRUNK_FAIR 12 /* the short reasons are whole */

static const char *const paint_codes[] = {
	[PAINT_NONE] = "",	    [PAINT_GOOD] = "\033[32m",	[PAINT_WARNING] = "\033[33m",
	[PAINT_BAD] = "\033[1;31m", [PAINT_STRONG] = "\033[1m", [PAINT_FAINT] = "\033[2m",
};
NAME_TABLE_COMPLETE(paint_codes, PAINT_COUNT);

void output_open(struct output *output, FILE *file)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = {};
	int fd = fileno(file);
	bool terminal = isatty(fd);

	*output = (struct output){.file = file, .width = WIDTH_DEFAULT};
	if (!terminal)
		return;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		output->width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
	output->colour = !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void output_clean(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
		/* C1 controls, two bytes in UTF-8: some terminals obey them. */
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			*c = c[1] = '?';
	}
}

/* Columns that UTF-8 text fills; names here have no wide characters. */
static int text_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

/* Cut @text to @width columns, the last of them an ellipsis. */
static void text_shorten(char *text, int width)
{
	int seen = 0;

	if (text_width(text) <= width)
		return;
	for (char *c = text; *c; c++) {
		if ((*c & 0xc0) != 0x80 && ++seen == width) {
			(void)strcpy(c, "…");
			return;
		}
	}
}

static void paint_on(const struct output *output, enum paint paint)
{
	if (output->colour)
		(void)fputs(paint_codes[paint], output->file);
}

static void paint_off(const struct output *output, enum paint paint)
{
	if (output->colour && paint != PAINT_NONE)
		(void)fputs("\033[0m", output->file);
}

void output_paint(const struct output *output, enum paint paint, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return;
	output_clean(text);
	paint_on(output, paint);
	(void)fputs(text, output->file);
	paint_off(output, paint);
}

/* Print words until the line is full, then go on below the first. */
static void print_wrapped(const struct output *output, char *text, int indent)
{
	int column = indent;
	char *rest = NULL;

	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		int width = text_width(word);

		if (column > indent && column + 1 + width > output->width) {
			(void)fprintf(output->file, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			(void)fputc(' ', output->file);
			column++;
		}
		(void)fputs(word, output->file);
		column += width;
	}
	(void)fputc('\n', output->file);
}

void output_fact(const struct output *output, const char *label, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		return;
	output_clean(text);
	output_paint(output, PAINT_FAINT, "  %-*s", LABEL_WIDTH, label);
	print_wrapped(output, text, LABEL_WIDTH + 2);
}

/* A table on its way: cells row by row, the width of each column, -1 where it is left out. */
struct layout {
	const struct column *columns;
	size_t count, rows;
	char (*cells)[CELL_SIZE];
	int widths[32];
};

static void cell_read(const struct column *column, const json_t *row, char *cell)
{
	const json_t *value = json_object_get(row, column->key);

	cell[0] = '\0';
	if (column->read)
		column->read(row, cell);
	else if (json_is_string(value))
		(void)snprintf(cell, CELL_SIZE, "%s", json_string_value(value));
	else if (json_is_integer(value))
		(void)snprintf(cell, CELL_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	output_clean(cell);
}

static int layout_fill(struct layout *layout, const json_t *rows)
{
	layout->rows = json_array_size(rows);
	layout->cells = calloc(layout->rows * layout->count + 1, sizeof(*layout->cells));
	if (!layout->cells)
		return -1;
	for (size_t i = 0; i < layout->rows * layout->count; i++)
		cell_read(&layout->columns[i % layout->count],
			  json_array_get(rows, i / layout->count), layout->cells[i]);
	return 0;
}

static void layout_measure(struct layout *layout)
{
	for (size_t c = 0; c < layout->count; c++) {
		const struct column *column = &layout->columns[c];
		int widest = 0;

		for (size_t r = 0; r < layout->rows; r++) {
			int width = text_width(layout->cells[r * layout->count + c]);

			widest = width > widest ? width : widest;
		}
		if (!widest && (column->flags & COLUMN_IF_ANY))
			widest = -1;
		else if (widest < text_width(column->heading))
			widest = text_width(column->heading);
		layout->widths[c] = widest;
	}
}

static int layout_width(const struct layout *layout)
{
	int width = 0;

	for (size_t c = 0; c < layout->count; c++)
		width += layout->widths[c] < 0 ? 0 : 2 + layout->widths[c];
	return width;
}

/* What columns may give by shrinking while they can still be read. */
static int layout_slack(const struct layout *layout)
{
	int slack = 0;

	for (size_t c = 0; c < layout->count; c++)
		if (layout->columns[c].flags & COLUMN_SHRINKS && layout->widths[c] > SHRUNK_FAIR)
			slack += layout->widths[c] - SHRUNK_FAIR;
	return slack;
}

/* Too wide: first the columns go that one can do without, the rightmost first; then one shrinks. */
static void layout_fit(struct layout *layout, int room)
{
	for (size_t c = layout->count; c-- > 0 && layout_width(layout) > room;)
		if (layout->columns[c].flags & COLUMN_OPTIONAL)
			layout->widths[c] = -1;
	for (size_t c = layout->count;
	     c-- > 0 && layout_width(layout) - layout_slack(layout) > room;)
		if (layout->columns[c].flags & COLUMN_SPARE)
			layout->widths[c] = -1;
	for (size_t c = 0; c < layout->count; c++) {
		int excess = layout_width(layout) - room;
		int width = layout->widths[c] - excess;

		if (excess <= 0 || width < SHRUNK_MIN ||
		    !(layout->columns[c].flags & COLUMN_SHRINKS))
			continue;
		layout->widths[c] = width;
		for (size_t r = 0; r < layout->rows; r++)
			text_shorten(layout->cells[r * layout->count + c], width);
	}
}

static void print_cell(const struct output *output, const struct column *column, int width,
		       const char *text, enum paint paint, int *spaces)
{
	int padding = width - text_width(text);

	/* Spaces wait until something follows them, so that no line ends in any. */
	*spaces += 2 + (column->flags & COLUMN_RIGHT ? padding : 0);
	if (*text) {
		(void)fprintf(output->file, "%*s", *spaces, "");
		*spaces = 0;
		output_paint(output, paint, "%s", text);
	}
	*spaces += column->flags & COLUMN_RIGHT ? 0 : padding;
}

/* @row -1 is the heading. */
static void print_row(const struct output *output, const struct layout *layout, long row)
{
	int spaces = 0;

	for (size_t c = 0; c < layout->count; c++) {
		const struct column *column = &layout->columns[c];
		const char *text = column->heading;
		enum paint paint = PAINT_FAINT;

		if (layout->widths[c] < 0)
			continue;
		if (row >= 0) {
			text = layout->cells[(size_t)row * layout->count + c];
			paint = column->paint ? column->paint(text) : PAINT_NONE;
		}
		print_cell(output, column, layout->widths[c], text, paint, &spaces);
	}
	(void)fputc('\n', output->file);
}

void output_table(const struct output *output, const struct column *columns, size_t count,
		  const json_t *rows)
{
	struct layout layout = {.columns = columns, .count = count};

	if (count > ARRAY_SIZE(layout.widths) || layout_fill(&layout, rows))
		return;
	layout_measure(&layout);
	layout_fit(&layout, output->width);
	for (long row = -1; row < (long)layout.rows; row++)
		print_row(output, &layout, row);
	free(layout.cells);
}

void output_json(const struct output *output, const json_t *document, bool compact)
{
	(void)json_dumpf(document, output->file, compact ? JSON_COMPACT : JSON_INDENT(2));
	(void)fputc('\n', output->file);
}
