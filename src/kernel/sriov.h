/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SR-IOV as sysfs has it: how many VFs, which PCI functions they are, who drives them. @root is
 * "/sys" but in tests. Making and taking VFs can take seconds: for a worker only.
 */
#pragma once

#include "base/problem.h"
#include "model/adapter.h"

/* What can be seen of a NIC's SR-IOV. */
struct sriov {
	uint32_t total; /* sriov_totalvfs, 0 = no capability, or off in its firmware */
	bool has_vfs;
	bool iommu;	 /* the PF is in an IOMMU group */
	bool has_driver; /* whether it can make VFs only the attempt tells: -ENOENT */
	enum iov_memory memory;
};

/*
 * @pci: "0000:01:00.0". -ENODEV: there is no such function. Never blocks: sriov_numvfs would, while
 * somebody changes it.
 */
int sriov_read(const char *root, const char *pci, struct sriov *ret_sriov);

/*
 * Make @count VFs, or take all away with 0. Where there are that many already nothing is written.
 * Other ones go first, also those that are in use, since the kernel changes no number but from or
 * to 0; they stay away if the new ones cannot be made. @autoprobe false: no driver is bound to
 * the new ones. Blocks.
 *   -ENODEV      there is no such function
 *   -EOPNOTSUPP  it can have no VFs
 *   -ERANGE      it cannot have so many
 *   -ENOENT      it has no driver, or one that makes no VFs
 *   -ENOMEM      no PCI memory, or no bus numbers
 *   -EIO         the driver made another number of them, without an error
 * and the driver's own errors. The problem says what each means here, and what to do.
 */
int sriov_set_count(const char *root, const char *pci, uint32_t count, bool autoprobe,
		    struct problem *problem);

/*
 * Are drivers bound to VFs of this PF as they are made? Of those that there are nothing changes. -ENOENT:
 * it has no such setting.
 */
int sriov_autoprobe(const char *root, const char *pci, bool *ret_autoprobe);
int sriov_set_autoprobe(const char *root, const char *pci, bool autoprobe, struct problem *problem);

/*
 * Fill in the function, the driver and the interface's index of each VF of the table, and the
 * table's total. A VF that has gone meanwhile has none of them. -ENODEV: there is no such NIC.
 */
int sriov_functions(const char *root, const char *pci, struct vf_table *table);

/*
 * Does somebody use a VF of this PF: a guest, or an interface here that is up or in a bridge? What
 * is in another namespace counts as used.
 */
bool sriov_in_use(const char *root, const char *pci);

/* The VF's IOMMU group has other functions than itself (no ACS). */
bool sriov_shares_group(const char *root, const char *vf_pci);

/*
 * Bind @driver ("vfio-pci"), "" = its own, whatever "sriov_drivers_autoprobe" says. The driver
 * that it has is taken away before, also if it is the same: an interface in some other namespace
 * comes back that way. On failure it has no driver. Blocks.
 *   -ENODEV  there is no such function, or none of the drivers that are loaded takes it
 *   -ENOENT  @driver is not loaded
 */
int sriov_bind(const char *root, const char *vf_pci, const char *driver, struct problem *problem);

/* No driver afterwards. Blocks, with vfio-pci until QEMU lets go. -ENODEV. */
int sriov_unbind(const char *root, const char *vf_pci, struct problem *problem);
