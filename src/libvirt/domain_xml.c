// SPDX-License-Identifier: GPL-2.0-or-later
#include "libvirt/domain_xml.h"

#include "base/cleanup.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

static void free_document(xmlDoc **document)
{
	xmlFreeDoc(*document);
}

static void free_text(xmlChar **text)
{
	xmlFree(*text);
}

#define _cleanup_document_ _cleanup_(free_document)
#define _cleanup_text_ _cleanup_(free_text)

static xmlDoc *read_document(const char *xml)
{
	return xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

static bool is_called(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && xmlStrEqual(node->name, BAD_CAST name);
}

static xmlNode *child_of(const xmlNode *node, const char *name)
{
	for (xmlNode *child = node ? node->children : NULL; child; child = child->next)
		if (is_called(child, name))
			return child;
	return NULL;
}

static xmlChar *attribute_of(const xmlNode *node, const char *name)
{
	return node ? xmlGetNoNsProp(node, BAD_CAST name) : NULL;
}

static bool has_attribute(const xmlNode *node, const char *name, const char *value)
{
	_cleanup_text_ xmlChar *text = attribute_of(node, name);

	return text && xmlStrEqual(text, BAD_CAST value);
}

static void put_attribute(json_t *card, const char *key, const xmlNode *node, const char *name)
{
	_cleanup_text_ xmlChar *text = attribute_of(node, name);

	(void)json_object_set_new(card, key, json_string(text ? (const char *)text : ""));
}

static unsigned int number_of(const xmlNode *node, const char *name)
{
	_cleanup_text_ xmlChar *text = attribute_of(node, name);

	return text ? (unsigned int)strtoul((const char *)text, NULL, 0) : 0;
}

static json_t *new_card(const xmlNode *device)
{
	json_t *card = json_pack("{s:s, s:s, s:s, s:b, s:b}", "mac", "", "target", "", "pci", "",
				 "up", true, "paired", false);

	put_attribute(card, "alias", child_of(device, "alias"), "name");
	return card;
}

/* The target of another type than ethernet is an interface that libvirt makes itself. */
static json_t *read_interface(const xmlNode *device)
{
	json_t *card = new_card(device);

	put_attribute(card, "mac", child_of(device, "mac"), "address");
	if (has_attribute(device, "type", "ethernet"))
		put_attribute(card, "target", child_of(device, "target"), "dev");
	if (has_attribute(child_of(device, "link"), "state", "down"))
		(void)json_object_set_new(card, "up", json_false());
	if (has_attribute(child_of(device, "teaming"), "type", "persistent"))
		(void)json_object_set_new(card, "paired", json_true());
	return card;
}

static json_t *read_hostdev(const xmlNode *device)
{
	const xmlNode *address = child_of(child_of(device, "source"), "address");
	json_t *card = new_card(device);

	(void)json_object_set_new(card, "pci",
				  json_sprintf("%04x:%02x:%02x.%x", number_of(address, "domain"),
					       number_of(address, "bus"),
					       number_of(address, "slot"),
					       number_of(address, "function")));
	return card;
}

json_t *domain_xml_cards(const char *xml)
{
	_cleanup_document_ xmlDoc *document = read_document(xml);
	const xmlNode *devices = child_of(document ? xmlDocGetRootElement(document) : NULL, "device"
											    "s");
	json_t *cards = devices ? json_array() : NULL;

	for (const xmlNode *device = cards ? devices->children : NULL; device;
	     device = device->next)
		if (is_called(device, "interface"))
			(void)json_array_append_new(cards, read_interface(device));
		else if (is_called(device, "hostdev") && has_attribute(device, "type", "pci"))
			(void)json_array_append_new(cards, read_hostdev(device));
	return cards;
}

static bool has_mac(const xmlNode *device, const struct mac *mac)
{
	_cleanup_text_ xmlChar *text = attribute_of(child_of(device, "mac"), "address");
	struct mac found;

	return text && !mac_parse((const char *)text, &found) && mac_equal(&found, mac);
}

static xmlNode *find_interface(xmlDoc *document, const struct mac *mac)
{
	xmlNode *devices = child_of(document ? xmlDocGetRootElement(document) : NULL, "devices");

	for (xmlNode *device = devices ? devices->children : NULL; device; device = device->next)
		if (is_called(device, "interface") && has_mac(device, mac))
			return device;
	return NULL;
}

static char *print_node(xmlDoc *document, xmlNode *node)
{
	xmlBuffer *buffer = xmlBufferCreate();
	char *text = NULL;

	if (buffer && xmlNodeDump(buffer, document, node, 0, 0) > 0)
		text = strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}

char *domain_xml_with_link(const char *xml, const struct mac *mac, bool up)
{
	_cleanup_document_ xmlDoc *document = read_document(xml);
	xmlNode *device = find_interface(document, mac);
	xmlNode *link = child_of(device, "link");

	if (!device)
		return NULL;
	if (!link)
		link = xmlNewChild(device, NULL, BAD_CAST "link", NULL);
	if (!link || !xmlSetProp(link, BAD_CAST "state", BAD_CAST(up ? "up" : "down")))
		return NULL;
	return print_node(document, device);
}
