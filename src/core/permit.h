/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * H5: which source MACs an adapter may send from. Its own; those of its team mates, the other
 * adapters of the same VM that also allow teaming, if it allows teaming itself; any, with
 * mac-spoofing.
 */
#pragma once

#include "model/adapter.h"
#include "model/guard.h"

/* @ret_rules is whole: what is not written is zero. */
void permit_macs(const struct vm_config *vm, const struct adapter_config *adapter,
		 struct guard_rules *ret_rules);
