/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who else configures a device: what networkd and NetworkManager leave in /run for each, by the
 * device's index, while systemd has them running. No format is promised to others; what is not
 * understood says nothing.
 */
#pragma once

#include "model/link.h"

/*
 * Of the device @ifindex of the calling thread's network namespace. @root is "" but in tests. NONE
 * also where the namespace is another one than that of process 1, where managers run.
 */
enum device_manager device_manager_of(const char *root, int ifindex);
