// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * H7. QEMU's guests are told of a lost uplink by QEMU itself: the carrier of a tap does not reach
 * them.
 */
#include "daemon/host_private.h"

void host_tell_guests(struct host *host, const struct store *store)
{
}

void host_guests_done(struct host *host)
{
}

const char *host_guest_trouble(const struct host *host, const struct vm_config *vm,
			       const struct adapter_config *adapter)
{
	return *vm->netns ? ""
	       : *vm->qmp ? "QEMU is not told"
			  : "the guest cannot be told of a lost uplink: its VM has no Qmp socket";
}
