// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/udev.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "core/seat.h"
#include "daemon/clock.h"
#include "daemon/observe.h"
#include "daemon/store.h"

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-device.h>
#include <unistd.h>

#define UDEV_CONTROL "/run/udev/control" /* there while udevd runs */
#define LOOKS 25
#define BETWEEN_LOOKS_MS 20

/* Is @device the member, or the other path of it (T13)? */
static bool is_path(const struct team_config *team, const struct member_config *member,
		    const struct link_table *links, const struct link *device)
{
	const struct link *first = member_link(member, links);

	return first &&
	       (first == device || (seat_pairs(team) && seat_is_pair(first, device, links)));
}

static const char *team_of(const struct team_list *list, const struct link_table *links,
			   const struct link *device)
{
	for (uint32_t i = 0; i < list->count; i++)
		for (uint32_t k = 0; k < list->teams[i].member_count; k++)
			if (!list->teams[i].adopt &&
			    is_path(&list->teams[i], &list->teams[i].members[k], links, device))
				return list->teams[i].name;
	return NULL;
}

static int print_team(const struct store *store, struct observed *observed, const char *interface,
		      const char *name)
{
	struct link *device;
	const char *team;
	int err = observe_open(observed);

	if (!err)
		err = observe_all(observed);
	if (err)
		return err;
	device = link_by_name(&observed->links, interface);
	if (!device)
		return -ENODEV;
	if (name)
		(void)text_copy(device->name, sizeof(device->name), name);
	team = team_of(&store->list, &observed->links, device);
	if (team)
		(void)printf("ID_IOVTEAM_TEAM=%s\n", team);
	return 0;
}

int udev_print(const char *config, const char *interface, const char *name)
{
	_cleanup_(store_freep) struct store *store = store_new();
	_cleanup_free_ struct observed *observed = calloc(1, sizeof(*observed));
	struct config_error error;
	int err;

	if (!store || !observed)
		return -ENOMEM;
	err = store_load(config, store, &error);
	if (err || !store->list.count)
		return err;
	err = print_team(store, observed, interface, name);
	observe_close(observed);
	return err;
}

/* A device of another namespace than sysfs shows is not udev's. */
bool udev_is_done(int ifindex)
{
	_cleanup_(sd_device_unrefp) sd_device *device = NULL;
	const char *renaming;

	if (access(UDEV_CONTROL, F_OK) || sd_device_new_from_ifindex(&device, ifindex) < 0)
		return true;
	return sd_device_get_is_initialized(device) != 0 &&
	       sd_device_get_property_value(device, "ID_RENAMING", &renaming) < 0;
}

bool udev_await(int ifindex)
{
	for (int looks = 0; looks < LOOKS; looks++) {
		if (udev_is_done(ifindex))
			return true;
		clock_pause_ms(BETWEEN_LOOKS_MS);
	}
	return false;
}
