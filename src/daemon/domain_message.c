// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/domain_message.h"

#include "base/strings.h"
#include "daemon/json_watch.h"

#include <errno.h>
#include <stdio.h>

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* A name that is too long for what we make is none of ours. */
static int read_card(const json_t *object, struct domain_card *card)
{
	const char *mac = string_of(object, "mac");

	*card = (struct domain_card){.up = json_is_true(json_object_get(object, "up")),
				     .paired = json_is_true(json_object_get(object, "paired"))};
	if (!json_is_object(object) || (*mac && mac_parse(mac, &card->mac)))
		return -EPROTO;
	(void)text_copy(card->alias, sizeof(card->alias), string_of(object, "alias"));
	(void)text_copy(card->target, sizeof(card->target), string_of(object, "target"));
	(void)text_copy(card->pci, sizeof(card->pci), string_of(object, "pci"));
	return 0;
}

static int read_part(const json_t *cards, struct domain_part *part)
{
	const json_t *card;
	size_t i;
	int err = 0;

	if (json_is_null(cards))
		return 0;
	if (!json_is_array(cards))
		return -EPROTO;
	if (json_array_size(cards) > DOMAIN_CARDS_MAX)
		return -E2BIG;
	part->present = true;
	json_array_foreach(cards, i, card)
	{
		err = read_card(card, &part->cards[part->count++]);
		if (err)
			break;
	}
	return err;
}

/* In a sentence it is one line. */
static void take_text(struct domain_message *message, const char *text)
{
	(void)snprintf(message->text, sizeof(message->text), "%s", text);
	for (char *c = message->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

static int read_object(const json_t *object, struct domain_message *message)
{
	const json_t *lost = json_object_get(object, "lost");
	const json_t *done = json_object_get(object, "done");
	int err;

	message->lost = json_is_string(lost);
	message->done = json_is_integer(done);
	message->id = json_integer_value(done);
	take_text(message, message->lost ? json_string_value(lost) : string_of(object, "error"));
	if (message->lost)
		return 0;
	err = read_part(json_object_get(object, "live"), &message->view.live);
	return err ? err : read_part(json_object_get(object, "config"), &message->view.config);
}

int domain_message_read(const char *text, size_t length, struct domain_message *ret_message)
{
	struct domain_message message = {};
	json_t *object;
	int err;

	json_watch();
	object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	err = json_is_object(object) ? read_object(object, &message) : -EPROTO;
	json_decref(object);
	if (json_starved())
		return -ENOMEM;
	if (!err)
		*ret_message = message;
	return err;
}

/* --- requests --- */

static char *print(json_t *request)
{
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;

	json_decref(request);
	return text;
}

char *domain_request_look(uint32_t id)
{
	return print(json_pack("{s:i, s:s}", "id", (int)id, "do", "look"));
}

static json_t *attach_request(uint32_t id, const struct domain_step *step)
{
	const struct domain_wish *wish = step->wish;
	char xml[DOMAIN_XML_SIZE];

	if (!step->vf)
		domain_interface_xml(&wish->mac, wish->port, wish->paired, xml);
	else if (domain_hostdev_xml(&wish->mac, wish->vf, xml))
		return NULL;
	return json_pack("{s:i, s:s, s:b, s:s}", "id", (int)id, "do", "attach", "live", step->live,
			 "xml", xml);
}

char *domain_request(uint32_t id, const struct domain_step *step)
{
	char mac[MAC_TEXT_SIZE];

	switch (step->kind) {
	case DOMAIN_SET_LINK:
		return print(json_pack("{s:i, s:s, s:b, s:s, s:b}", "id", (int)id, "do", "link",
				       "live", step->live, "mac", mac_format(&step->mac, mac), "up",
				       step->up));
	case DOMAIN_DETACH:
		return print(json_pack("{s:i, s:s, s:b, s:s}", "id", (int)id, "do", "detach",
				       "live", step->live, "alias", step->alias));
	case DOMAIN_ATTACH:
		return print(attach_request(id, step));
	case DOMAIN_STEP_COUNT:
		break;
	}
	return NULL;
}
