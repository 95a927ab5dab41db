// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/switch.h"

#include "base/strings.h"

const char *const iov_reason_names[] = {
	[IOV_REASON_NO_NIC] = "no-nic",
	[IOV_REASON_NOT_PCI] = "not-pci",
	[IOV_REASON_TEAMED] = "teamed",
	[IOV_REASON_NO_CAPABILITY] = "no-capability",
	[IOV_REASON_NO_DRIVER] = "no-driver",
	[IOV_REASON_NO_BUS] = "no-bus",
	[IOV_REASON_NO_BAR_SPACE] = "no-bar-space",
	[IOV_REASON_NO_IOMMU] = "no-iommu",
	[IOV_REASON_NO_ACS] = "no-acs",
	[IOV_REASON_REFUSED] = "refused",
};
NAME_TABLE_COMPLETE(iov_reason_names, IOV_REASON_COUNT);

const char *const iov_reason_sentences[] = {
	[IOV_REASON_NO_NIC] = "the NIC is not there now; look for it with \"ip link\" and "
			      "\"lspci\"",
	[IOV_REASON_NOT_PCI] = "the NIC is no PCI device, and only those have virtual functions; "
			       "put "
			       "the switch on a physical NIC",
	[IOV_REASON_TEAMED] = "the NIC is a bond or a team, which hides SR-IOV; make one switch "
			      "for "
			      "each of its NICs, and team in the guest",
	[IOV_REASON_NO_CAPABILITY] = "the NIC has no SR-IOV, or it is off; look into the "
				     "firmware's "
				     "setup (SR-IOV) and the NIC's own tool, such as mlxconfig",
	[IOV_REASON_NO_DRIVER] = "the NIC's driver cannot make virtual functions; load its "
				 "vendor's "
				 "driver for the physical function",
	[IOV_REASON_NO_BUS] = "the slot has too few PCI bus numbers for virtual functions; boot "
			      "with "
			      "pci=assign-busses, or use another slot",
	[IOV_REASON_NO_BAR_SPACE] = "there is no memory space for the virtual functions; turn on "
				    "\"Above 4G decoding\" in the firmware, or boot with "
				    "pci=realloc",
	[IOV_REASON_NO_IOMMU] = "there is no IOMMU, so that virtual functions can be given to "
				"namespaces but to no VM; turn on VT-d or AMD-Vi in the firmware, "
				"and on Intel boot with intel_iommu=on",
	[IOV_REASON_NO_ACS] = "a virtual function shares its IOMMU group with other devices (no "
			      "ACS), so that it cannot be given to a VM alone; use another slot",
	[IOV_REASON_REFUSED] = "the NIC refused to make virtual functions; \"dmesg\" has the "
			       "driver's "
			       "words",
};
NAME_TABLE_COMPLETE(iov_reason_sentences, IOV_REASON_COUNT);

const char *const uplink_state_names[] = {
	[UPLINK_UP] = "up",
	[UPLINK_DOWN] = "down",
	[UPLINK_MISSING] = "not-present",
	[UPLINK_TAKEN] = "taken",
};
NAME_TABLE_COMPLETE(uplink_state_names, UPLINK_STATE_COUNT);

struct switch_config *switch_list_find(struct switch_list *list, const char *name)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (strcmp(list->switches[i].name, name) == 0)
			return &list->switches[i];
	return NULL;
}

bool switch_means(const struct switch_config *config, const struct link *link)
{
	return device_means(config->nic, link);
}

struct link *switch_nic(const struct switch_config *config, const struct link_table *links)
{
	return device_link(config->nic, links);
}
