/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of the host's nouns: switches, VMs and adapters, VFs. */
#pragma once

#include "daemon/manager.h"
#include "daemon/varlink.h"

void call_show_switches(void *data, json_t *parameters, struct varlink_reply *reply);
void call_show_adapters(void *data, json_t *parameters, struct varlink_reply *reply);
void call_show_vfs(void *data, json_t *parameters, struct varlink_reply *reply);
void call_reallot_vfs(void *data, json_t *parameters, struct varlink_reply *reply);
void call_add_switch(void *data, json_t *parameters, struct varlink_reply *reply);
void call_set_switch(void *data, json_t *parameters, struct varlink_reply *reply);
void call_remove_switch(void *data, json_t *parameters, struct varlink_reply *reply);
void call_add_adapter(void *data, json_t *parameters, struct varlink_reply *reply);
void call_set_adapter(void *data, json_t *parameters, struct varlink_reply *reply);
void call_remove_adapter(void *data, json_t *parameters, struct varlink_reply *reply);
