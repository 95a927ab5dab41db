/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted of libvirt's description of a domain: its network cards. */
#pragma once

#include "base/mac.h"

#include <jansson.h>

/*
 * The domain's interfaces, and the PCI devices of the host that it has: an array of objects with
 * "alias", "mac", "target", "pci", "up" and "paired". NULL: it is no domain's XML, or there is no memory.
 */
json_t *domain_xml_cards(const char *xml);

/*
 * The <interface> with this MAC, its link set as @up says; the caller frees it. NULL: it has none,
 * or there is no memory.
 */
char *domain_xml_with_link(const char *xml, const struct mac *mac, bool up);
