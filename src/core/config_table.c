// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/config_table.h"

#include "base/mac.h"
#include "base/strings.h"
#include "core/config_private.h"

#include <errno.h>
#include <stdio.h>

_Static_assert(PARTS_NAME_SIZE >= MEMBER_DEVICE_SIZE, "a member's name is the longest");

static const void *place_of(const struct setting *setting, const void *object)
{
	return (const char *)object + setting->offset;
}

static size_t setting_size(const struct setting *setting)
{
	switch (setting->type) {
	case SETTING_WORD:
	case SETTING_NUMBER:
		break;
	case SETTING_TEXT:
		return setting->size;
	case SETTING_MAC:
		return sizeof(struct mac);
	}
	return sizeof(uint32_t);
}

static uint32_t setting_value(const struct setting *setting, const void *object)
{
	uint32_t value;

	memcpy(&value, place_of(setting, object), sizeof(value));
	return value;
}

static void setting_copy(const struct setting *setting, void *to, const void *from)
{
	memcpy((char *)to + setting->offset, place_of(setting, from), setting_size(setting));
}

static bool setting_equal(const struct setting *setting, const void *a, const void *b)
{
	if (setting->type == SETTING_TEXT)
		return strcmp(place_of(setting, a), place_of(setting, b)) == 0;
	return memcmp(place_of(setting, a), place_of(setting, b), setting_size(setting)) == 0;
}

/* The value as text; @buffer holds CONFIG_SETTING_SIZE and may be used. */
static const char *setting_text(const struct setting *setting, const void *object, char *buffer)
{
	uint32_t value;

	if (setting->type == SETTING_TEXT)
		return place_of(setting, object);
	if (setting->type == SETTING_MAC) {
		struct mac mac;

		memcpy(&mac, place_of(setting, object), sizeof(mac));
		return mac_is_zero(&mac) ? "" : mac_format(&mac, buffer);
	}
	value = setting_value(setting, object);
	if (setting->type == SETTING_WORD)
		return value < setting->word_count ? setting->words[value] : "?";
	(void)snprintf(buffer, CONFIG_SETTING_SIZE, "%u", value);
	return buffer;
}

void table_defaults(const struct table *table, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];

		if (row->type == SETTING_WORD || row->type == SETTING_NUMBER)
			memcpy((char *)object + row->offset, &row->usual, sizeof(row->usual));
	}
}

uint32_t table_differing(const struct table *table, const void *a, const void *b)
{
	uint32_t rows = 0;

	for (size_t i = 0; i < table->count; i++)
		if (!setting_equal(&table->rows[i], a, b))
			rows |= 1U << i;
	return rows;
}

bool table_equal(const struct table *table, const void *a, const void *b)
{
	return !table_differing(table, a, b);
}

void table_copy(const struct table *table, void *to, const void *from, uint32_t rows)
{
	for (size_t i = 0; i < table->count; i++)
		if (rows >> i & 1)
			setting_copy(&table->rows[i], to, from);
}

int table_index(const struct table *table, const char *key)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->rows[i].key, key) == 0)
			return (int)i;
	return -ENOENT;
}

/* -EINVAL: not a number; -ERANGE: out of range. */
static int number_store(const struct setting *setting, char *place, const char *text)
{
	uint32_t value;
	int err = number_parse(text, setting->low, setting->high, &value);

	if (!err && value % setting->step)
		err = -ERANGE;
	if (!err)
		memcpy(place, &value, sizeof(value));
	return err;
}

static int word_store(const struct setting *setting, char *place, const char *text)
{
	int word = name_lookup(setting->words, setting->word_count, text);
	uint32_t value = (uint32_t)word;

	if (word < 0)
		return word;
	memcpy(place, &value, sizeof(value));
	return 0;
}

/* Its fault() has passed it. */
static int text_store(const struct setting *setting, char *place, const char *text)
{
	/* No byte of what was there stays behind the end. */
	memset(place, 0, setting->size);
	(void)text_copy(place, setting->size, text);
	if (setting->spell)
		setting->spell(place);
	return 0;
}

static int setting_store(const struct setting *setting, void *object, const char *text)
{
	char *place = (char *)object + setting->offset;

	switch (setting->type) {
	case SETTING_WORD:
		return word_store(setting, place, text);
	case SETTING_NUMBER:
		return number_store(setting, place, text);
	case SETTING_TEXT:
		return text_store(setting, place, text);
	case SETTING_MAC:
		break;
	}
	return mac_parse(text, (struct mac *)place);
}

void text_append(char *text, size_t size, const char *before, const char *word)
{
	size_t used = strlen(text);

	(void)snprintf(text + used, size - used, "%s%s", before, word);
}

/* "0 to 600000 milliseconds", "one of a, b". */
static void setting_range(const struct setting *setting, char *text, size_t size)
{
	char buffer[CONFIG_SETTING_SIZE];

	*text = '\0';
	if (setting->type == SETTING_WORD) {
		for (uint32_t i = 0; i < setting->word_count; i++)
			text_append(text, size, i ? ", " : "one of ", setting->words[i]);
		return;
	}
	(void)snprintf(text, size, "%u to %u%s%s", setting->low, setting->high,
		       *setting->unit ? " " : "", setting->unit);
	if (setting->step > 1) {
		(void)snprintf(buffer, sizeof(buffer), "%u", setting->step);
		text_append(text, size, ", a multiple of ", buffer);
	}
}

static int setting_unknown(const struct table *table, const char *key, struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE], known[192] = "";

	for (size_t i = 0; i < table->count; i++)
		text_append(known, sizeof(known), i ? ", " : "", table->rows[i].key);
	return problem_set(problem, -ENOENT, "there is no setting %s; %s %s",
			   config_shown(key, shown), table->list, known);
}

static const char *setting_fault(const struct setting *setting, const char *value)
{
	if (!setting->fault || (setting->type == SETTING_TEXT && !setting->needed && !*value))
		return NULL;
	return setting->fault(value);
}

int table_set(const struct table *table, void *object, const char *key, const char *value,
	      struct problem *problem)
{
	char shown[CONFIG_SHOWN_SIZE], range[128];
	const struct setting *setting;
	int err, index = table_index(table, key);
	const char *fault;

	if (index < 0)
		return setting_unknown(table, key, problem);
	setting = &table->rows[index];
	fault = setting_fault(setting, value);
	if (fault)
		return problem_set(problem, -EINVAL, "%s cannot be %s: %s", setting->key,
				   config_shown(value, shown), fault);
	err = setting_store(setting, object, value);
	if (!err)
		return 0;
	setting_range(setting, range, sizeof(range));
	return problem_set(problem, err, "%s cannot be %s: it takes %s", setting->key,
			   config_shown(value, shown), range);
}

int table_get(const struct table *table, const void *object, size_t index, const char **ret_key,
	      char *buffer, size_t size)
{
	char number[CONFIG_SETTING_SIZE];

	if (index >= table->count)
		return -ENOENT;
	if (text_copy(buffer, size, setting_text(&table->rows[index], object, number)) < 0)
		return -ENOSPC;
	*ret_key = table->rows[index].key;
	return 0;
}

void table_difference(const struct table *table, const void *from, const void *to, const char *of,
		      char *text, size_t size)
{
	char buffers[2][CONFIG_SETTING_SIZE], change[2 * CONFIG_SETTING_SIZE + 96];

	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];
		const char *was = setting_text(row, from, buffers[0]);
		const char *shall = setting_text(row, to, buffers[1]);

		if (setting_equal(row, from, to))
			continue;
		(void)snprintf(change, sizeof(change), "%s %s instead of %s%s", row->key,
			       *shall ? shall : "none", *was ? was : "none", of);
		text_append(text, size, *text ? ", " : "", change);
	}
}

const char *table_missing(const struct table *table, const void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *row = &table->rows[i];

		if (row->needed && !*(const char *)place_of(row, object))
			return row->key;
	}
	return NULL;
}

/* --- parts --- */

uint32_t parts_count(const struct parts *parts, const void *object)
{
	uint32_t count;

	memcpy(&count, (const char *)object + parts->count_offset, sizeof(count));
	return count;
}

static void count_store(const struct parts *parts, void *object, uint32_t count)
{
	memcpy((char *)object + parts->count_offset, &count, sizeof(count));
}

void *parts_at(const struct parts *parts, const void *object, uint32_t place)
{
	return (char *)object + parts->offset + place * parts->size;
}

uint32_t parts_place(const struct parts *parts, const void *object, const char *name)
{
	uint32_t count = parts_count(parts, object), i = 0;

	while (i < count && strcmp(parts_at(parts, object, i), name) != 0)
		i++;
	return i;
}

int parts_add(const struct parts *parts, void *object, const char *name, struct problem *problem)
{
	uint32_t count = parts_count(parts, object);
	char spelled[PARTS_NAME_SIZE];
	int err = parts->spell(name, spelled, problem);
	char *part;

	if (err)
		return err;
	if (parts_place(parts, object, spelled) < count)
		return problem_set(problem, -EEXIST, "%s is %s already", spelled, parts->noun);
	if (count >= parts->max)
		return problem_set(problem, -E2BIG, "%s would be %s too many: %s has at most %u",
				   spelled, parts->noun, parts->owner, parts->max);
	part = parts_at(parts, object, count);
	memset(part, 0, parts->size);
	table_defaults(parts->settings, part);
	(void)text_copy(part, parts->name_size, spelled);
	count_store(parts, object, count + 1);
	return 0;
}

int parts_remove(const struct parts *parts, void *object, const char *name, struct problem *problem)
{
	char spelled[PARTS_NAME_SIZE], shown[CONFIG_SHOWN_SIZE];
	uint32_t count = parts_count(parts, object), place = count;

	if (parts->spell(name, spelled, NULL) == 0)
		place = parts_place(parts, object, spelled);
	if (place == count)
		return problem_set(problem, -ENOENT, "%s is not %s", config_shown(name, shown),
				   parts->noun);
	count_store(parts, object, --count);
	memmove(parts_at(parts, object, place), parts_at(parts, object, place + 1),
		(count - place) * parts->size);
	memset(parts_at(parts, object, count), 0, parts->size);
	return 0;
}

bool parts_equal(const struct parts *parts, const void *a, const void *b)
{
	uint32_t count = parts_count(parts, a);

	if (count != parts_count(parts, b))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(parts_at(parts, a, i), parts_at(parts, b, i)) != 0 ||
		    !table_equal(parts->settings, parts_at(parts, a, i), parts_at(parts, b, i)))
			return false;
	return true;
}

void parts_difference(const struct parts *parts, const void *from, const void *to, char *text,
		      size_t size)
{
	char of[PARTS_NAME_SIZE + 8];

	for (uint32_t i = 0; i < parts_count(parts, to); i++) {
		const char *part = parts_at(parts, to, i);
		uint32_t place = parts_place(parts, from, part);

		if (place == parts_count(parts, from))
			continue;
		(void)snprintf(of, sizeof(of), " of %s", part);
		table_difference(parts->settings, parts_at(parts, from, place), part, of, text,
				 size);
	}
}
