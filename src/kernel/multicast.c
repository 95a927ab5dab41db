// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line is of the form "%-4d %-15s %-5d %-5d %*phN\n": the device's index and name, how many
 * hold the address, how many of them by dev_mc_add_global(), and the address in hex.
 */
#include "kernel/multicast.h"

#include "base/cleanup.h"
#include "base/strings.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#define LINE_FIELDS 5

struct line {
	int ifindex;
	const char *name;
	const char *address;
};

struct list {
	struct mac *macs;
	size_t count, room;
};

static void list_done(struct list *list)
{
	free(list->macs);
}

static int list_add(struct list *list, const struct mac *mac)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct mac *macs = reallocarray(list->macs, room, sizeof(*macs));

		if (!macs)
			return -ENOMEM;
		list->macs = macs;
		list->room = room;
	}
	list->macs[list->count++] = *mac;
	return 0;
}

/* Exactly the five fields between spaces and a new line behind them. @text is cut up. */
static int line_parse(char *text, struct line *ret_line)
{
	char *fields[LINE_FIELDS];
	char *end = strchr(text, '\n');
	uint32_t ifindex, number;
	char *rest = NULL;

	if (!end || end[1])
		return -EBADMSG;
	*end = '\0';
	for (size_t i = 0; i < LINE_FIELDS; i++) {
		fields[i] = strtok_r(i == 0 ? text : NULL, " ", &rest);
		if (!fields[i])
			return -EBADMSG;
	}
	if (strtok_r(NULL, " ", &rest) || number_parse(fields[0], 1, INT_MAX, &ifindex) < 0 ||
	    number_parse(fields[2], 0, INT_MAX, &number) < 0 ||
	    number_parse(fields[3], 0, INT_MAX, &number) < 0)
		return -EBADMSG;
	*ret_line = (struct line){(int)ifindex, fields[1], fields[4]};
	return 0;
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -EBADMSG;
}

static int address_parse(const char *text, struct mac *ret_mac)
{
	struct mac mac;

	if (strlen(text) != 2 * sizeof(mac.bytes))
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(mac.bytes); i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		mac.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_mac = mac;
	return 0;
}

static int line_take(char *text, int ifindex, const char *name, struct list *list)
{
	struct line line;
	struct mac mac;
	int err;

	err = line_parse(text, &line);
	if (err || line.ifindex != ifindex)
		return err;
	if (name && strcmp(line.name, name) != 0)
		return -ENODEV;
	err = address_parse(line.address, &mac);
	return err ? err : list_add(list, &mac);
}

int multicast_parse(FILE *file, int ifindex, const char *name, struct mac **ret_macs,
		    size_t *ret_count)
{
	_cleanup_(list_done) struct list list = {};
	/* The longest address is of 32 bytes, so a whole line is of some 100 characters. */
	char text[256];

	while (fgets(text, sizeof(text), file)) {
		int err = line_take(text, ifindex, name, &list);

		if (err)
			return err;
	}
	if (ferror(file))
		return -EIO;
	*ret_count = list.count;
	*ret_macs = steal_ptr(list.macs);
	return 0;
}
