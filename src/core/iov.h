/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * H2: why a switch's NIC gives no VFs. Every reason that can be seen is told at once, but none
 * that only follows from another: of a bond nobody needs to hear that it is no PCI device.
 */
#pragma once

#include "model/switch.h"

/* What the device itself tells; @nic NULL: it is not there. The rest of the facts is sysfs'. */
struct iov_facts iov_look(const struct link *nic);

/* A bit (1 << enum iov_reason) for each reason; 0 = VFs can be had and given to VMs. */
uint32_t iov_reasons(const struct iov_facts *facts);

/*
 * What making VFs has failed for, @error being its negative errno: bits as above. ENOMEM is the
 * kernel's word for memory and for bus numbers, so it is both where @memory is not known.
 */
uint32_t iov_reasons_of_error(int error, enum iov_memory memory);

/* Can VFs be had in spite of @reasons, for namespaces at least? */
bool iov_possible(uint32_t reasons);

/* Can those that there are be given to VMs, too? */
bool iov_possible_for_vms(uint32_t reasons);
