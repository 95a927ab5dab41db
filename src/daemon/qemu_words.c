// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/qemu_words.h"

#include "base/mac.h"

#include <ctype.h>
#include <stdio.h>

const char *qemu_id(const char *adapter, char id[static QEMU_ID_SIZE])
{
	char *end = id;

	for (const char *c = adapter; *c && end + 3 < id + QEMU_ID_SIZE; c++)
		if (isalnum((unsigned char)*c) || *c == '-' || *c == '_')
			*end++ = *c;
		else
			end += sprintf(end, ".%02x", (unsigned char)*c);
	*end = '\0';
	return id;
}

static const char *escaped(const char *value, char text[static 2 * LINK_NAME_SIZE])
{
	char *end = text;

	for (const char *c = value; *c && end + 2 < text + (2 * LINK_NAME_SIZE); c++) {
		*end++ = *c;
		if (*c == ',')
			*end++ = *c;
	}
	*end = '\0';
	return text;
}

/* An option and its value. */
static void add(json_t *words, const char *option, json_t *value)
{
	(void)json_array_append_new(words, json_string(option));
	(void)json_array_append_new(words, value);
}

json_t *qemu_words(const struct adapter_config *adapter, const char *port, const char *vf)
{
	char id[QEMU_ID_SIZE], mac[MAC_TEXT_SIZE], name[2 * LINK_NAME_SIZE];
	json_t *words = json_array();

	(void)qemu_id(adapter->name, id);
	add(words, "-netdev",
	    json_sprintf("tap,id=tap-%s,ifname=%s,script=no,downscript=no", id,
			 escaped(port, name)));
	add(words, "-device",
	    json_sprintf("virtio-net-pci,id=net-%s,netdev=tap-%s,mac=%s", id, id,
			 mac_format(&adapter->mac, mac)));
	if (vf)
		add(words, "-device", json_sprintf("vfio-pci,id=vf-%s,host=%s", id, vf));
	return words;
}
