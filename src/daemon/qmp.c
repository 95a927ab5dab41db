// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is asked next follows from the state, whenever an answer has come: first what is wanted of
 * cards that are known, then the search for those that are not. The search walks QEMU's devices
 * (QOM) and asks each for its property `mac`; the one that matches is asked for its `netdev`, which
 * is what set_link is given.
 */
#include "daemon/qmp.h"

#include "base/strings.h"
#include "daemon/qmp_wire.h"
#include "model/adapter.h"

#include <errno.h>
#include <stdlib.h>

#define DEVICE_NAME_SIZE 128
#define SEARCH_AGAIN_US 3000000

enum question {
	ASKED_DEVICES,
	ASKED_MAC,
	ASKED_NETDEV,
	ASKED_LINK
};

struct wish {
	bool used, up, told;
	bool refused; /* until it is found anew */
	struct mac mac;
	char netdev[DEVICE_NAME_SIZE]; /* "" = not found yet */
	struct problem trouble;
};

struct search {
	bool on, again; /* again: from the beginning when it is over */
	size_t parent;	/* of parents[] */
	json_t *devices;
	size_t device;
	struct mac mac; /* of this device */
};

struct qmp {
	struct qmp_wire *wire;
	sd_event_source *timer; /* who was not found is looked for again */
	struct problem trouble; /* of the connection */
	enum question asked;
	bool outdated; /* the answer to it will be */
	struct mac asked_mac;
	bool asked_up;
	struct wish wishes[VM_ADAPTERS_MAX];
	struct search search;
	void (*changed)(void *data);
	void *data;
	bool news; /* for @changed */
};

/* Devices with an id, and without. */
static const char *const parents[] = {"/machine/peripheral", "/machine/peripheral-anon"};

static struct wish *find_wish(struct wish *wishes, const struct mac *mac)
{
	for (size_t i = 0; i < VM_ADAPTERS_MAX; i++)
		if (wishes[i].used && mac_equal(&wishes[i].mac, mac))
			return &wishes[i];
	return NULL;
}

static void set_trouble(struct qmp *qmp, struct problem *trouble, const struct problem *now)
{
	qmp->news |= strcmp(trouble->text, now->text) != 0;
	*trouble = *now;
}

static void set_told(struct qmp *qmp, struct wish *wish, bool told)
{
	qmp->news |= wish->told != told;
	wish->told = told;
	if (told)
		set_trouble(qmp, &wish->trouble, &(struct problem){});
}

/* What was said of cards does not hold any more: another QEMU, or another card. */
static void forget_answers(struct qmp *qmp)
{
	for (size_t i = 0; i < VM_ADAPTERS_MAX; i++) {
		struct wish *wish = &qmp->wishes[i];

		wish->netdev[0] = '\0';
		wish->refused = false;
		set_told(qmp, wish, false);
		set_trouble(qmp, &wish->trouble, &(struct problem){});
	}
}

/* One that is under way may have passed who is wanted now. */
static void begin_search(struct qmp *qmp)
{
	qmp->search.again = qmp->search.on;
	qmp->search.on = true;
}

static void end_search(struct qmp *qmp)
{
	json_decref(qmp->search.devices);
	qmp->search = (struct search){};
}

/* --- questions --- */

static void ask_link(struct qmp *qmp, const struct wish *wish)
{
	qmp->asked = ASKED_LINK;
	qmp->asked_mac = wish->mac;
	qmp->asked_up = wish->up;
	qmp_wire_ask(qmp->wire, "\"set_link\",\"arguments\":{\"name\":\"%s\",\"up\":%s}}",
		     wish->netdev, wish->up ? "true" : "false");
}

static void ask_devices(struct qmp *qmp)
{
	qmp->asked = ASKED_DEVICES;
	qmp_wire_ask(qmp->wire, "\"qom-list\",\"arguments\":{\"path\":\"%s\"}}",
		     parents[qmp->search.parent]);
}

static void ask_property(struct qmp *qmp, enum question question, const char *device,
			 const char *property)
{
	qmp->asked = question;
	qmp_wire_ask(qmp->wire,
		     "\"qom-get\",\"arguments\":{\"path\":\"%s/%s\",\"property\":\"%s\"}}",
		     parents[qmp->search.parent], device, property);
}

/* The name of the device where the search is, if it is one that can be asked. */
static const char *search_device(const struct search *search)
{
	const json_t *device = json_array_get(search->devices, search->device);
	const char *name = json_string_value(json_object_get(device, "name"));
	const char *type = json_string_value(json_object_get(device, "type"));

	if (!name || !type || strncmp(type, "child<", strlen("child<")) != 0)
		return NULL;
	return strlen(name) < DEVICE_NAME_SIZE && qmp_wire_plain(name) ? name : NULL;
}

static bool is_missing(const struct wish *wish)
{
	return wish->used && (!wish->netdev[0] || wish->refused);
}

static bool somebody_missing(const struct qmp *qmp)
{
	for (size_t i = 0; i < VM_ADAPTERS_MAX; i++)
		if (is_missing(&qmp->wishes[i]))
			return true;
	return false;
}

static void say_missing(struct qmp *qmp)
{
	for (size_t i = 0; i < VM_ADAPTERS_MAX; i++) {
		struct wish *wish = &qmp->wishes[i];
		struct problem missing = {};
		char text[MAC_TEXT_SIZE];

		if (!wish->used || wish->netdev[0])
			continue;
		(void)problem_set(&missing, -ENODEV, "QEMU has no network card with the MAC %s",
				  mac_format(&wish->mac, text));
		set_trouble(qmp, &wish->trouble, &missing);
	}
}

/* Ask for the next thing that the search needs; false: it is over, or begins anew. */
static bool ask_search(struct qmp *qmp)
{
	struct search *search = &qmp->search;
	bool again = search->again;
	const char *name;

	for (; search->parent < ARRAY_SIZE(parents) && somebody_missing(qmp); search->parent++) {
		if (!search->devices) {
			ask_devices(qmp);
			return true;
		}
		for (; search->device < json_array_size(search->devices); search->device++) {
			name = search_device(search);
			if (!name)
				continue;
			ask_property(qmp, ASKED_MAC, name, "mac");
			return true;
		}
		json_decref(search->devices);
		search->devices = NULL;
		search->device = 0;
	}
	end_search(qmp);
	search->on = again;
	if (!again)
		say_missing(qmp);
	return false;
}

static bool ask_wish(struct qmp *qmp)
{
	for (size_t i = 0; i < VM_ADAPTERS_MAX; i++) {
		const struct wish *wish = &qmp->wishes[i];

		if (!wish->used || wish->told || !wish->netdev[0] || wish->refused)
			continue;
		ask_link(qmp, wish);
		return true;
	}
	return false;
}

static void search_later(struct qmp *qmp)
{
	(void)sd_event_source_set_time_relative(qmp->timer, SEARCH_AGAIN_US);
	(void)sd_event_source_set_enabled(qmp->timer,
					  somebody_missing(qmp) ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void ask_next(struct qmp *qmp)
{
	if (!qmp_wire_free(qmp->wire) || ask_wish(qmp))
		return;
	while (qmp->search.on)
		if (ask_search(qmp))
			return;
	search_later(qmp);
}

/* --- answers --- */

static int take_devices(struct qmp *qmp, json_t *devices)
{
	if (!devices)
		qmp->search.parent++; /* there is none */
	else if (!json_is_array(devices))
		return -EPROTO;
	qmp->search.devices = json_incref(devices);
	return 0;
}

/* A device that has no MAC answers with an error. */
static void take_mac(struct qmp *qmp, const json_t *value)
{
	struct search *search = &qmp->search;
	const char *text = json_string_value(value);
	const struct wish *wish = NULL;

	if (text && !mac_parse(text, &search->mac))
		wish = find_wish(qmp->wishes, &search->mac);
	if (wish && is_missing(wish))
		ask_property(qmp, ASKED_NETDEV, search_device(search), "netdev");
	else
		search->device++;
}

/* A card without a netdev goes by its own name. */
static void take_netdev(struct qmp *qmp, const json_t *value)
{
	struct wish *wish = find_wish(qmp->wishes, &qmp->search.mac);
	const char *name = json_string_value(value);

	if (!name || !*name)
		name = search_device(&qmp->search);
	if (wish && qmp_wire_plain(name) && !text_copy(wish->netdev, sizeof(wish->netdev), name))
		wish->refused = false;
	qmp->search.device++;
}

static void take_link(struct qmp *qmp, const json_t *error)
{
	struct wish *wish = find_wish(qmp->wishes, &qmp->asked_mac);
	const char *text = json_string_value(json_object_get(error, "desc"));
	struct problem trouble = {};

	if (!wish)
		return;
	if (!error) {
		set_told(qmp, wish, wish->up == qmp->asked_up);
		return;
	}
	(void)problem_set(&trouble, -EREMOTEIO, "QEMU refuses to set the link of %s: %.100s",
			  wish->netdev, text && qmp_wire_plain(text) ? text : "an error");
	set_trouble(qmp, &wish->trouble, &trouble);
	wish->refused = true;
}

static int on_answer(void *data, json_t *value, const json_t *error)
{
	struct qmp *qmp = data;
	int err = 0;

	if (qmp->outdated) {
		qmp->outdated = false;
		ask_next(qmp);
		return 0;
	}
	switch (qmp->asked) {
	case ASKED_DEVICES:
		err = take_devices(qmp, value);
		break;
	case ASKED_MAC:
		take_mac(qmp, value);
		break;
	case ASKED_NETDEV:
		take_netdev(qmp, value);
		break;
	case ASKED_LINK:
		take_link(qmp, error);
		break;
	}
	if (!err)
		ask_next(qmp);
	return err;
}

static void on_ready(void *data)
{
	struct qmp *qmp = data;

	set_trouble(qmp, &qmp->trouble, &(struct problem){});
	end_search(qmp);
	begin_search(qmp);
	ask_next(qmp);
}

/* A card that was unplugged comes back with its link up. */
static void on_event(void *data, const char *name)
{
	struct qmp *qmp = data;

	if (strcmp(name, "DEVICE_DELETED") != 0)
		return;
	qmp->outdated = !qmp_wire_free(qmp->wire);
	forget_answers(qmp);
	end_search(qmp);
	begin_search(qmp);
	ask_next(qmp);
}

static void on_lost(void *data, const struct problem *why)
{
	struct qmp *qmp = data;

	(void)sd_event_source_set_enabled(qmp->timer, SD_EVENT_OFF);
	qmp->outdated = false;
	end_search(qmp);
	forget_answers(qmp);
	set_trouble(qmp, &qmp->trouble, why);
}

/* Whoever is told may close: nothing behind it touches @data. */
static void on_turn(void *data)
{
	struct qmp *qmp = data;
	bool news = qmp->news;

	qmp->news = false;
	if (news)
		qmp->changed(qmp->data);
}

static int on_timer(sd_event_source *source, uint64_t at_us, void *data)
{
	begin_search(data);
	ask_next(data);
	on_turn(data);
	return 0;
}

/* --- the owner's --- */

int qmp_open(sd_event *loop, const char *path, void (*changed)(void *data), void *data,
	     struct qmp **ret_qmp)
{
	static const struct qmp_wire_calls calls = {on_ready, on_answer, on_event, on_lost,
						    on_turn};
	struct qmp *qmp = calloc(1, sizeof(*qmp));
	int err;

	if (!qmp)
		return -ENOMEM;
	qmp->changed = changed;
	qmp->data = data;
	err = sd_event_add_time(loop, &qmp->timer, CLOCK_MONOTONIC, 0, 0, on_timer, qmp);
	if (err >= 0)
		err = sd_event_source_set_enabled(qmp->timer, SD_EVENT_OFF);
	if (err >= 0)
		err = qmp_wire_open(loop, path, &calls, qmp, &qmp->wire);
	if (err < 0) {
		qmp_close(qmp);
		return err;
	}
	*ret_qmp = qmp;
	return 0;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	qmp_wire_close(qmp->wire);
	(void)sd_event_source_disable_unref(qmp->timer);
	end_search(qmp);
	free(qmp);
}

static struct wish *add_wish(struct qmp *qmp, const struct mac *mac)
{
	for (size_t i = 0; i < VM_ADAPTERS_MAX; i++) {
		if (qmp->wishes[i].used)
			continue;
		qmp->wishes[i] = (struct wish){.used = true, .mac = *mac};
		return &qmp->wishes[i];
	}
	return NULL;
}

int qmp_set_link(struct qmp *qmp, const struct mac *mac, bool up)
{
	struct wish *wish = find_wish(qmp->wishes, mac);

	if (wish && wish->up == up)
		return 0;
	if (!wish)
		wish = add_wish(qmp, mac);
	if (!wish)
		return -ENOSPC;
	wish->up = up;
	wish->told = false;
	wish->trouble = (struct problem){};
	if (!wish->netdev[0])
		begin_search(qmp);
	ask_next(qmp);
	return 0;
}

void qmp_forget(struct qmp *qmp, const struct mac *mac)
{
	struct wish *wish = find_wish(qmp->wishes, mac);

	if (wish)
		*wish = (struct wish){};
}

bool qmp_told(const struct qmp *qmp, const struct mac *mac)
{
	const struct wish *wish = find_wish((struct wish *)qmp->wishes, mac);

	return wish && wish->told;
}

const char *qmp_trouble(const struct qmp *qmp, const struct mac *mac)
{
	const struct wish *wish = find_wish((struct wish *)qmp->wishes, mac);

	if (qmp->trouble.error)
		return qmp->trouble.text;
	return wish ? wish->trouble.text : "";
}
