// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/domain_plan.h"

#include "base/strings.h"

#include <errno.h>
#include <stdio.h>

/* libvirt keeps aliases of others only if they begin so. */
#define ALIAS_PREFIX "ua-iovteam-"
#define ALIAS_VF_SUFFIX "-vf"

/* The longest of names, each byte escaped. */
#define ESCAPED_SIZE (LINK_NAME_SIZE * 6)

const char *const domain_state_names[] = {
	[DOMAIN_UNKNOWN] = "unknown",
	[DOMAIN_MISSING] = "missing",
	[DOMAIN_STOPPED] = "stopped",
	[DOMAIN_RUNNING] = "running",
};
NAME_TABLE_COMPLETE(domain_state_names, DOMAIN_STATE_COUNT);

/* --- what is there --- */

enum domain_state domain_state_of(const struct domain_view *view)
{
	if (!view)
		return DOMAIN_UNKNOWN;
	if (view->live.present)
		return DOMAIN_RUNNING;
	return view->config.present ? DOMAIN_STOPPED : DOMAIN_MISSING;
}

const char *domain_alias(const struct mac *mac, bool vf, char alias[static DOMAIN_ALIAS_SIZE])
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(alias, DOMAIN_ALIAS_SIZE, ALIAS_PREFIX "%02x%02x%02x%02x%02x%02x%s", b[0],
		       b[1], b[2], b[3], b[4], b[5], vf ? ALIAS_VF_SUFFIX : "");
	return alias;
}

bool domain_card_is_ours(const struct domain_card *card)
{
	return strncmp(card->alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) == 0;
}

const struct domain_card *domain_card_of(const struct domain_part *part, const struct mac *mac)
{
	for (uint32_t i = 0; i < part->count; i++)
		if (!*part->cards[i].pci && mac_equal(&part->cards[i].mac, mac))
			return &part->cards[i];
	return NULL;
}

static const struct domain_card *vf_card_of(const struct domain_part *part, const char *pci)
{
	for (uint32_t i = 0; i < part->count; i++)
		if (*pci && strcmp(part->cards[i].pci, pci) == 0)
			return &part->cards[i];
	return NULL;
}

static bool has_alias(const struct domain_part *part, const char *alias)
{
	for (uint32_t i = 0; i < part->count; i++)
		if (strcmp(part->cards[i].alias, alias) == 0)
			return true;
	return false;
}

bool domain_in_the_way(const struct domain_part *part, const struct domain_wish *wish)
{
	const struct domain_card *card = domain_card_of(part, &wish->mac);

	return card && !domain_card_is_ours(card) && strcmp(card->target, wish->port) != 0;
}

bool domain_is_cut_off(const struct domain_view *view, const struct domain_wish *wish)
{
	const struct domain_card *card = domain_card_of(&view->live, &wish->mac);

	return card && !card->up && !domain_card_is_ours(card) &&
	       !domain_in_the_way(&view->live, wish);
}

static bool is_clear(const struct domain_part *part)
{
	for (uint32_t i = 0; i < part->count; i++)
		if (domain_card_is_ours(&part->cards[i]))
			return false;
	return true;
}

bool domain_is_clear(const struct domain_view *view)
{
	return is_clear(&view->live) && is_clear(&view->config);
}

/* --- steps --- */

struct planning {
	const struct domain_wishes *wishes;
	const struct domain_part *part;
	bool live;
	struct domain_step *steps;
	size_t count;
};

static void add(struct planning *plan, enum domain_step_kind kind, const char *alias,
		const struct domain_wish *wish, bool vf)
{
	struct domain_step *step = &plan->steps[plan->count++];

	*step = (struct domain_step){.kind = kind, .live = plan->live, .wish = wish, .vf = vf};
	(void)text_copy(step->alias, sizeof(step->alias), alias);
	if (!wish)
		return;
	step->mac = wish->mac;
	step->up = wish->up;
}

/* Whose card of ours it is, if it is as wanted. */
static bool is_wanted(const struct planning *plan, const struct domain_card *card)
{
	char alias[DOMAIN_ALIAS_SIZE];

	for (uint32_t i = 0; i < plan->wishes->count; i++) {
		const struct domain_wish *wish = &plan->wishes->wishes[i];
		bool vf = *card->pci != '\0';

		if (wish->leaving || strcmp(card->alias, domain_alias(&wish->mac, vf, alias)) != 0)
			continue;
		if (vf)
			return strcmp(card->pci, wish->vf) == 0;
		return mac_equal(&card->mac, &wish->mac) && strcmp(card->target, wish->port) == 0 &&
		       (plan->live || card->paired == wish->paired);
	}
	return false;
}

static void plan_links(struct planning *plan)
{
	char alias[DOMAIN_ALIAS_SIZE];

	for (uint32_t i = 0; i < plan->wishes->count; i++) {
		const struct domain_wish *wish = &plan->wishes->wishes[i];
		const struct domain_card *card = domain_card_of(plan->part, &wish->mac);

		if (wish->sets_link && card && card->up != wish->up &&
		    !domain_in_the_way(plan->part, wish))
			add(plan, DOMAIN_SET_LINK, domain_alias(&wish->mac, false, alias), wish,
			    false);
	}
}

static void plan_unwanted(struct planning *plan, bool vfs)
{
	for (uint32_t i = 0; i < plan->part->count; i++) {
		const struct domain_card *card = &plan->part->cards[i];

		if ((*card->pci != '\0') == vfs && domain_card_is_ours(card) &&
		    !is_wanted(plan, card))
			add(plan, DOMAIN_DETACH, card->alias, NULL, vfs);
	}
}

/* What is in its place still goes first; the next look attaches. */
static void plan_missing(struct planning *plan)
{
	char alias[DOMAIN_ALIAS_SIZE], vf_alias[DOMAIN_ALIAS_SIZE];

	for (uint32_t i = 0; i < plan->wishes->count; i++) {
		const struct domain_wish *wish = &plan->wishes->wishes[i];
		const struct domain_card *card = domain_card_of(plan->part, &wish->mac);

		if (wish->leaving)
			continue;
		(void)domain_alias(&wish->mac, false, alias);
		(void)domain_alias(&wish->mac, true, vf_alias);
		if (!card && !has_alias(plan->part, alias) && (wish->port_there || !plan->live))
			add(plan, DOMAIN_ATTACH, alias, wish, false);
		/* The pair's other half names it. */
		if (*wish->vf && card && card->paired && strcmp(card->alias, alias) == 0 &&
		    !vf_card_of(plan->part, wish->vf) && !has_alias(plan->part, vf_alias))
			add(plan, DOMAIN_ATTACH, vf_alias, wish, true);
	}
}

size_t domain_plan(const struct domain_wishes *wishes, const struct domain_view *view,
		   struct domain_step ret_steps[static DOMAIN_STEPS_MAX])
{
	struct planning plan = {.wishes = wishes, .steps = ret_steps};
	const struct domain_part *parts[] = {&view->live, &view->config};

	plan.live = true;
	plan.part = &view->live;
	if (view->live.present)
		plan_links(&plan);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		plan.live = i == 0;
		plan.part = parts[i];
		if (!plan.part->present)
			continue;
		plan_unwanted(&plan, true);
		plan_unwanted(&plan, false);
		plan_missing(&plan);
	}
	return plan.count;
}

/* --- XML --- */

static const char *escape(const char *text, char escaped[static ESCAPED_SIZE])
{
	char *to = escaped;

	for (; *text; text++) {
		const char *word = *text == '&'	   ? "&amp;"
				   : *text == '<'  ? "&lt;"
				   : *text == '>'  ? "&gt;"
				   : *text == '\'' ? "&apos;"
						   : (char[]){*text, '\0'};

		to = stpcpy(to, word);
	}
	*to = '\0';
	return escaped;
}

void domain_interface_xml(const struct mac *mac, const char *port, bool paired,
			  char xml[static DOMAIN_XML_SIZE])
{
	char text[MAC_TEXT_SIZE], alias[DOMAIN_ALIAS_SIZE], target[ESCAPED_SIZE];

	(void)snprintf(xml, DOMAIN_XML_SIZE,
		       "<interface type='ethernet'><mac address='%s'/>"
		       "<target dev='%s' managed='no'/><model type='virtio'/>%s"
		       "<alias name='%s'/></interface>",
		       mac_format(mac, text), escape(port, target),
		       paired ? "<teaming type='persistent'/>" : "",
		       domain_alias(mac, false, alias));
}

int domain_hostdev_xml(const struct mac *mac, const char *vf, char xml[static DOMAIN_XML_SIZE])
{
	char alias[DOMAIN_ALIAS_SIZE], partner[DOMAIN_ALIAS_SIZE];
	unsigned int domain, bus, device, function;

	if (sscanf(vf, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4)
		return -EINVAL;
	(void)snprintf(xml, DOMAIN_XML_SIZE,
		       "<hostdev mode='subsystem' type='pci' managed='no'><source>"
		       "<address domain='0x%04x' bus='0x%02x' slot='0x%02x' "
		       "function='0x%x'/></source>"
		       "<teaming type='transient' persistent='%s'/><alias name='%s'/></hostdev>",
		       domain, bus, device, function, domain_alias(mac, false, partner),
		       domain_alias(mac, true, alias));
	return 0;
}
