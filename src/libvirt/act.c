// SPDX-License-Identifier: GPL-2.0-or-later
#include "libvirt/act.h"

#include "base/cleanup.h"
#include "libvirt/domain_xml.h"

#include <errno.h>
#include <libvirt/virterror.h>

static void free_domain(virDomainPtr *domain)
{
	if (*domain)
		(void)virDomainFree(*domain);
}

#define _cleanup_domain_ _cleanup_(free_domain)

int act_explain(struct problem *problem)
{
	return problem_set(problem, -EREMOTEIO, "%s", virGetLastErrorMessage());
}

/* --- looking --- */

static json_t *read_part(virDomainPtr domain, unsigned int flags, struct problem *problem)
{
	_cleanup_free_ char *xml = virDomainGetXMLDesc(domain, flags);
	json_t *cards = xml ? domain_xml_cards(xml) : NULL;

	if (!xml)
		(void)act_explain(problem);
	else if (!cards)
		(void)problem_set(problem, -EPROTO, "its description has no devices");
	return cards;
}

/* A domain may start, stop or go between two questions: then the next event tells. */
json_t *act_look(virConnectPtr connection, const char *name, struct problem *problem)
{
	_cleanup_domain_ virDomainPtr domain = virDomainLookupByName(connection, name);
	json_t *live = NULL, *config = NULL;

	if (!domain && virGetLastErrorCode() != VIR_ERR_NO_DOMAIN) {
		(void)act_explain(problem);
		return NULL;
	}
	if (domain && virDomainIsActive(domain) == 1)
		live = read_part(domain, 0, problem);
	if (domain && virDomainIsPersistent(domain) == 1)
		config = read_part(domain, VIR_DOMAIN_XML_INACTIVE, problem);
	if (problem->error) {
		json_decref(live);
		json_decref(config);
		return NULL;
	}
	return json_pack("{s:o?, s:o?}", "live", live, "config", config);
}

/* --- doing --- */

static int attach(virDomainPtr domain, const json_t *request, unsigned int flags)
{
	return virDomainAttachDeviceFlags(
		domain, json_string_value(json_object_get(request, "xml")), flags);
}

/* A running guest lets go when it likes: that it has is told by an event. */
static int detach(virDomainPtr domain, const json_t *request, unsigned int flags)
{
	return virDomainDetachDeviceAlias(
		domain, json_string_value(json_object_get(request, "alias")), flags);
}

static int set_link(virDomainPtr domain, const json_t *request, unsigned int flags,
		    struct problem *problem)
{
	const char *text = json_string_value(json_object_get(request, "mac"));
	_cleanup_free_ char *xml = virDomainGetXMLDesc(domain, 0);
	_cleanup_free_ char *changed = NULL;
	struct mac mac;

	if (!xml)
		return -1;
	if (!text || mac_parse(text, &mac))
		return problem_set(problem, -EPROTO, "there is no MAC in the request");
	changed = domain_xml_with_link(xml, &mac, json_is_true(json_object_get(request, "up")));
	if (!changed)
		return problem_set(problem, -ENODEV, "it has no interface with the MAC %s", text);
	return virDomainUpdateDeviceFlags(domain, changed, flags);
}

int act_do(virConnectPtr connection, const char *name, const json_t *request,
	   struct problem *problem)
{
	const char *word = json_string_value(json_object_get(request, "do"));
	unsigned int flags = json_is_true(json_object_get(request, "live"))
				     ? VIR_DOMAIN_AFFECT_LIVE
				     : VIR_DOMAIN_AFFECT_CONFIG;
	_cleanup_domain_ virDomainPtr domain = virDomainLookupByName(connection, name);
	int err = -1;

	if (domain && strcmp(word, "attach") == 0)
		err = attach(domain, request, flags);
	else if (domain && strcmp(word, "detach") == 0)
		err = detach(domain, request, flags);
	else if (domain && strcmp(word, "link") == 0)
		err = set_link(domain, request, flags, problem);
	else if (domain)
		return problem_set(problem, -EPROTO, "there is no request %s", word);
	return err ? act_explain(problem) : 0;
}
