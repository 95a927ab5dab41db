// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/socket_find.h"

#include "base/cleanup.h"
#include "datapath/socket.skel.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

static bool matches(const struct socket_entry *entry, const struct socket_entry *wanted)
{
	if (entry->source_port != wanted->source_port ||
	    entry->destination_port != wanted->destination_port)
		return false;
	if (wanted->family == AF_INET)
		return entry->source4 == wanted->source4 &&
		       entry->destination4 == wanted->destination4;
	return entry->family == AF_INET6 &&
	       !memcmp(entry->source6, wanted->source6, sizeof(entry->source6)) &&
	       !memcmp(entry->destination6, wanted->destination6, sizeof(entry->destination6));
}

/* An iterator's file gives whole entries, as many as fit. */
static int search(int fd, const struct socket_entry *wanted, uint32_t *ret_hash)
{
	struct socket_entry entries[64];
	ssize_t length;

	while ((length = read(fd, entries, sizeof(entries))) > 0)
		for (size_t i = 0; i < (size_t)length / sizeof(entries[0]); i++)
			if (matches(&entries[i], wanted)) {
				*ret_hash = entries[i].hash;
				return 0;
			}
	return length < 0 ? -errno : -ENOENT;
}

static int iterate(const struct bpf_program *program, const struct socket_entry *wanted,
		   uint32_t *ret_hash)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	_cleanup_close_ int fd = -1;
	int err;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? -errno : search(fd, wanted, ret_hash);
	(void)bpf_link__destroy(link);
	return err;
}

int socket_find(const struct socket_entry *wanted, uint32_t *ret_hash)
{
	struct socket_bpf *sockets = socket_bpf__open_and_load();
	int err;

	if (!sockets)
		return -errno;
	err = iterate(wanted->protocol == IPPROTO_TCP ? sockets->progs.tcp_sockets
						      : sockets->progs.udp_sockets,
		      wanted, ret_hash);
	socket_bpf__destroy(sockets);
	return err;
}
