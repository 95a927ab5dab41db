// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/iov.h"

#include <errno.h>
#include <string.h>

#define REASON(name) (1U << IOV_REASON_##name)

/* VFs are made and work, but a VM cannot have one of its own. */
#define REASONS_OF_VMS (REASON(NO_IOMMU) | REASON(NO_ACS))

struct iov_facts iov_look(const struct link *nic)
{
	struct iov_facts facts = {.present = nic != NULL};

	if (!nic)
		return facts;
	facts.pci = strcmp(nic->bus, "pci") == 0;
	facts.teamed = strcmp(nic->kind, "bond") == 0 || strcmp(nic->kind, "team") == 0;
	return facts;
}

/* drivers/pci/iov.c: sriov_numvfs_store(), sriov_enable(). Drivers have errors of their own. */
uint32_t iov_reasons_of_error(int error, enum iov_memory memory)
{
	if (error == -ENOENT) /* no driver, or one without sriov_configure */
		return REASON(NO_DRIVER);
	if (error != -ENOMEM)
		return error ? REASON(REFUSED) : 0;
	switch (memory) {
	case IOV_MEMORY_THERE:
		return REASON(NO_BUS);
	case IOV_MEMORY_MISSING:
		return REASON(NO_BAR_SPACE);
	case IOV_MEMORY_UNKNOWN:
		break;
	}
	return REASON(NO_BUS) | REASON(NO_BAR_SPACE);
}

uint32_t iov_reasons(const struct iov_facts *facts)
{
	uint32_t reasons = 0;

	if (!facts->present)
		return REASON(NO_NIC);
	if (facts->teamed)
		return REASON(TEAMED);
	if (!facts->pci)
		return REASON(NOT_PCI);
	if (!facts->iommu)
		reasons |= REASON(NO_IOMMU);
	if (!facts->total)
		return reasons | REASON(NO_CAPABILITY);
	if (!facts->has_driver)
		reasons |= REASON(NO_DRIVER);
	if (facts->memory == IOV_MEMORY_MISSING)
		reasons |= REASON(NO_BAR_SPACE);
	if (facts->shares_group)
		reasons |= REASON(NO_ACS);
	return reasons | iov_reasons_of_error(facts->error, facts->memory);
}

bool iov_possible(uint32_t reasons)
{
	return !(reasons & ~REASONS_OF_VMS);
}

bool iov_possible_for_vms(uint32_t reasons)
{
	return !(reasons & REASONS_OF_VMS);
}
