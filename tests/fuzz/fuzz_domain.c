// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What iovteam-libvirt says of a domain, and what follows from it: the steps have room, each can be
 * asked for, and the XML in it is short enough. The first byte says what is wanted.
 */
#include "base/strings.h"
#include "daemon/domain_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds)
{
	if (!holds)
		abort();
}

static void want(uint8_t how, const struct domain_view *view, struct domain_wishes *wishes)
{
	*wishes = (struct domain_wishes){.count = how % (VM_ADAPTERS_MAX + 1)};
	for (uint32_t i = 0; i < wishes->count; i++) {
		struct domain_wish *wish = &wishes->wishes[i];

		/* MACs and ports that the domain has make it interesting. */
		wish->mac = view->live.cards[i].mac;
		(void)text_copy(wish->port, sizeof(wish->port), view->live.cards[i].target);
		(void)text_copy(wish->vf, sizeof(wish->vf), view->config.cards[i].pci);
		wish->port_there = how & 16;
		wish->paired = how & 32;
		wish->sets_link = how & 64;
		wish->up = how & 128;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct domain_message message;
	static struct domain_step steps[DOMAIN_STEPS_MAX];
	struct domain_wishes wishes;
	size_t count;

	if (!size || domain_message_read((const char *)data + 1, size - 1, &message))
		return 0;
	insist(!strchr(message.text, '\n'));
	want(*data, &message.view, &wishes);
	count = domain_plan(&wishes, &message.view, steps);
	insist(count <= DOMAIN_STEPS_MAX);
	for (size_t i = 0; i < count; i++)
		free(domain_request(1, &steps[i]));
	return 0;
}
