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
	uint32_t total; /* sriov_totalvfs, 0 = no capability */
	uint32_t made;	/* sriov_numvfs */
	bool iommu;	/* the PF is in an IOMMU group */
	bool driver_can; /* there is a driver, and it has sriov_configure: sriov_numvfs is writable */
};

/* @pci: "0000:01:00.0". -ENODEV. */
int sriov_read(const char *root, const char *pci, struct sriov *ret_sriov);

/*
 * Set the number of VFs. Busy: to zero first. @autoprobe false: no driver is bound to the new VFs.
 * Blocks. The problem says what the errno means here and what to do.
 */
int sriov_set_count(const char *root, const char *pci, uint32_t count, bool autoprobe,
		    struct problem *problem);

/* Fill in pci, driver and the netdev's name -> ifindex of each VF of the table. */
int sriov_functions(const char *root, const char *pci, struct vf_table *table);

/* The VF's IOMMU group has other functions than itself (no ACS). */
bool sriov_shares_group(const char *root, const char *vf_pci);

/* Bind a function to @driver ("vfio-pci") by driver_override; "" = back to its own. Blocks. */
int sriov_bind(const char *root, const char *vf_pci, const char *driver, struct problem *problem);
