// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * H5 b: a switch's NIC is looked at as its driver reports a carrier (datapath/uplink.bpf.c). The
 * kernel's own event of that may come a second later and finds all done then; it also comes for what
 * the program has missed, and where none is permitted it is all there is.
 */
#include "daemon/host_private.h"

#include "daemon/log.h"
#include "datapath/uplink.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

static void note_report(void *data, int ifindex)
{
	struct host_uplinks *uplinks = data;

	for (size_t i = 0; i < uplinks->count; i++)
		if (uplinks->watched[i].ifindex == ifindex)
			uplinks->watched[i].reported = true;
}

/* However often it was reported, each NIC is asked for once. */
static int on_reports(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct host *host = data;
	struct host_uplinks *uplinks = &host->uplinks;
	bool failed = false;

	uplinks_read(uplinks->program, note_report, uplinks);
	for (size_t i = 0; i < uplinks->count; i++) {
		struct host_uplink *uplink = &uplinks->watched[i];

		if (uplink->reported && observe_link(host->context->observed, uplink->ifindex))
			failed = true;
		uplink->reported = false;
	}
	host->stepped(host->data); /* looking reads events, which may be the teams' */
	host_update(host, uplinks->store);
	if (failed)
		host->changed(host->data);
	return 0;
}

/* Behind the kernel's events: those that wait are read as ever then, and by nobody else. */
static int open_program(struct host *host)
{
	struct host_uplinks *uplinks = &host->uplinks;
	int err = uplinks_open(&uplinks->program);

	if (err)
		return err;
	err = sd_event_add_io(host->context->loop, &uplinks->source, uplinks_fd(uplinks->program),
			      EPOLLIN, on_reports, host);
	if (err >= 0)
		err = sd_event_source_set_priority(uplinks->source,
						   SD_EVENT_PRIORITY_IMPORTANT + 1);
	if (err < 0)
		host_uplinks_done(host);
	return err < 0 ? err : 0;
}

/* Want of memory passes; what a kernel does not permit it does not permit later. */
static bool take_program(struct host *host)
{
	struct host_uplinks *uplinks = &host->uplinks;
	int err;

	if (uplinks->program || uplinks->refused)
		return uplinks->program;
	err = open_program(host);
	uplinks->refused = err && err != -ENOMEM;
	if (uplinks->refused)
		log_notice("the uplink program is not permitted: %s; a lost uplink is noticed by "
			   "the kernel's events",
			   err == -ESRCH ? "the kernel does not describe its types (BTF)"
					 : strerror(-err));
	return !err;
}

static bool is_uplink(const struct host *host, const struct store *store, int ifindex)
{
	for (uint32_t i = 0; i < store->switches.count; i++) {
		const struct link *nic =
			host_nic(&store->switches.switches[i], &host->context->observed->links);

		if (nic && nic->ifindex == ifindex)
			return true;
	}
	return false;
}

static void forget_former(struct host *host, const struct store *store)
{
	struct host_uplinks *uplinks = &host->uplinks;

	for (size_t i = uplinks->count; i-- > 0;)
		if (!is_uplink(host, store, uplinks->watched[i].ifindex)) {
			uplinks_forget(uplinks->program, host->context->netns,
				       uplinks->watched[i].ifindex);
			uplinks->watched[i] = uplinks->watched[--uplinks->count];
		}
}

static void watch(struct host *host, int ifindex)
{
	struct host_uplinks *uplinks = &host->uplinks;

	for (size_t i = 0; i < uplinks->count; i++)
		if (uplinks->watched[i].ifindex == ifindex)
			return;
	if (uplinks->count < SWITCHES_MAX && take_program(host) &&
	    !uplinks_watch(uplinks->program, host->context->netns, ifindex))
		uplinks->watched[uplinks->count++] = (struct host_uplink){.ifindex = ifindex};
}

void host_watch_uplinks(struct host *host, const struct store *store)
{
	host->uplinks.store = store;
	forget_former(host, store);
	for (uint32_t i = 0; i < store->switches.count; i++) {
		const struct link *nic =
			host_nic(&store->switches.switches[i], &host->context->observed->links);

		if (nic)
			watch(host, nic->ifindex);
	}
	if (!host->uplinks.count)
		host_uplinks_done(host);
}

void host_uplinks_done(struct host *host)
{
	struct host_uplinks *uplinks = &host->uplinks;

	uplinks->source = sd_event_source_disable_unref(uplinks->source);
	uplinks_close(uplinks->program);
	uplinks->program = NULL;
	uplinks->count = 0;
}
