/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces. */
#pragma once

#include <stdint.h>

/*
 * The number of the calling thread's network namespace, unique until the next boot; BPF programs
 * see the same (bpf_get_netns_cookie). -ENOPROTOOPT before Linux 5.14.
 */
int netns_cookie(uint64_t *ret_cookie);
