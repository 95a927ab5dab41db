/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling a QEMU guest that its network card has lost the link (H7): QMP's set_link. A tap's carrier
 * does not reach the guest.
 *
 * What is wanted is kept, and told whenever QEMU can be reached: now, when it was restarted, when
 * the card was plugged in again. Nothing here waits. A card is found by the MAC that QEMU's -device
 * gave it, which a guest cannot change.
 */
#pragma once

#include "base/mac.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct qmp;

/*
 * Connect to QEMU's control socket at @path, now and whenever it is gone. @changed is called in the
 * loop when the answer of qmp_told() or qmp_trouble() has changed; it may close.
 */
int qmp_open(sd_event *loop, const char *path, void (*changed)(void *data), void *data,
	     struct qmp **ret_qmp);

/* The links stay as they were told. */
void qmp_close(struct qmp *qmp);

/* -ENOSPC: there is a wish for each of VM_ADAPTERS_MAX other cards. */
int qmp_set_link(struct qmp *qmp, const struct mac *mac, bool up);
void qmp_forget(struct qmp *qmp, const struct mac *mac);

/* QEMU has acknowledged what was wanted last. */
bool qmp_told(const struct qmp *qmp, const struct mac *mac);

/* Why not: one sentence without a full stop. "": told, or it is being told. */
const char *qmp_trouble(const struct qmp *qmp, const struct mac *mac);
