/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon asks for, done by libvirt's API. Errors are libvirt's own words. */
#pragma once

#include "base/problem.h"

#include <jansson.h>
#include <libvirt/libvirt.h>

/* Store libvirt's last error; returns a negative errno. */
int act_explain(struct problem *problem);

/*
 * The domain @name as it is: an object with "live" and "config", each an array of cards
 * (libvirt/domain_xml.h) or null. A domain that is not there has neither.
 */
json_t *act_look(virConnectPtr connection, const char *name, struct problem *problem);

/* One request: "attach" with "xml", "detach" with "alias", "link" with "mac" and "up". */
int act_do(virConnectPtr connection, const char *name, const json_t *request,
	   struct problem *problem);
