// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/host_mark.h"

#include <stdio.h>
#include <string.h>

#define SWITCH_MARK "iovteam switch"
#define PORT_MARK "iovteam port"
#define MARK_GUEST_MAX 60 /* of its name, and so much is compared */
#define AUTOPROBE " autoprobe="

const char *host_mark_switch(const struct host_mark *mark, char *text)
{
	int length = snprintf(text, LINK_ALIAS_SIZE, SWITCH_MARK " nic=%d up=%d", mark->nic,
			      mark->nic_up);

	if (mark->made_vfs)
		length += snprintf(text + length, LINK_ALIAS_SIZE - (size_t)length, " vfs=%u",
				   mark->vfs_before);
	if (mark->has_autoprobe)
		(void)snprintf(text + length, LINK_ALIAS_SIZE - (size_t)length, AUTOPROBE "%d",
			       mark->autoprobe);
	return text;
}

/* A daemon was killed before it had got its mark. */
static bool is_unfinished(const struct link *link, const char *kind)
{
	return !*link->alias && link->group == HOST_MARK_GROUP && strcmp(link->kind, kind) == 0;
}

bool host_mark_read(const struct link *link, struct host_mark *ret_mark)
{
	const char *autoprobe = strstr(link->alias, AUTOPROBE);
	struct host_mark mark = {};
	unsigned int up = 0;
	int count = sscanf(link->alias, SWITCH_MARK " nic=%d up=%u vfs=%u", &mark.nic, &up,
			   &mark.vfs_before);

	if (count < 2 && !is_unfinished(link, "bridge"))
		return false;
	mark.nic_up = up != 0;
	mark.made_vfs = count == 3;
	mark.has_autoprobe = autoprobe != NULL;
	mark.autoprobe = autoprobe && autoprobe[strlen(AUTOPROBE)] == '1';
	*ret_mark = mark;
	return true;
}

bool host_mark_undo_making(struct host_mark *mark, uint32_t had, uint32_t wanted)
{
	if (mark->made_vfs && mark->vfs_before != had)
		return false;
	mark->made_vfs = !mark->made_vfs;
	mark->vfs_before = mark->made_vfs ? wanted : 0;
	if (!mark->made_vfs)
		mark->has_autoprobe = mark->autoprobe = false;
	return true;
}

const char *host_mark_port(const struct vm_config *vm, const struct adapter_config *adapter,
			   char *text)
{
	char mac[MAC_TEXT_SIZE];

	(void)snprintf(text, LINK_ALIAS_SIZE, PORT_MARK " %s %s %.*s", *vm->netns ? "veth" : "tap",
		       mac_format(&adapter->mac, mac), MARK_GUEST_MAX,
		       *vm->netns ? vm->netns : vm->name);
	return text;
}

bool host_mark_is_port(const struct link *link)
{
	return strncmp(link->alias, PORT_MARK " ", strlen(PORT_MARK " ")) == 0 ||
	       is_unfinished(link, "veth");
}

bool host_mark_is_in(const struct link *link, const char *netns)
{
	static const char veth[] = PORT_MARK " veth ";
	const char *mac = link->alias + strlen(veth), *guest = mac + MAC_TEXT_SIZE;

	if (is_unfinished(link, "veth"))
		return true;
	return strncmp(link->alias, veth, strlen(veth)) == 0 && strlen(mac) > MAC_TEXT_SIZE &&
	       strncmp(guest, netns, MARK_GUEST_MAX) == 0;
}
