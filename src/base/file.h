/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

/*
 * Open a regular file to read it; NULL with errno, which is EINVAL if it is something else. It never
 * waits: opening a FIFO would, until somebody writes.
 */
FILE *file_open(const char *path);
