/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that says how to take an unconfirmed change back.
 *
 * It lies in the directory of the configuration, hidden, and not below /run: an operator who has
 * cut himself off lets the machine be switched off and on, and then the files must go back, too.
 * Addresses and routes are put back in the boot that they were noted in only; after another one
 * whoever has made them makes them anew.
 */
#pragma once

#include "base/problem.h"
#include "daemon/handover.h"

#include <jansson.h>

/*
 * One file of the configuration as it is: its text, or that it is not there. @text NULL: read it.
 * NULL: no memory, or it cannot be read.
 */
json_t *journal_file(const char *directory, const char *name, const char *text);

/*
 * @files, an array of the above, is consumed. One with a true "by_hand" was edited by hand: what
 * it is by then is kept as NAME.rejected when it goes back.
 */
json_t *journal_make(const char *what, json_t *files, const struct handover *handover);

int journal_write(const char *directory, const json_t *journal, struct problem *problem);

/* A negative errno: it is there still, and the next start would believe it. */
int journal_remove(const char *directory, struct problem *problem);

/*
 * -EBUSY: there is one. While nothing waits it is one that could not be taken back, or removed, and
 * any change now would be lost under the texts that it has.
 */
int journal_none(const char *directory, struct problem *problem);

/* NULL: there is none, or it cannot be understood (which is logged). */
json_t *journal_read(const char *directory);

/* Make the files as they were. A negative errno: not all of them are. */
int journal_restore_files(const char *directory, const json_t *journal, struct problem *problem);

/* What the devices had; NULL if that was in another boot, or there is no memory. */
struct handover *journal_handover(const json_t *journal);
