/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM as the host knows it, and its adapters: network cards on switches (SPEC H3). An adapter has
 * a synthetic path, a port of the switch's bridge (a tap for QEMU, a veth for a namespace), and,
 * where its weight earns one, a VF of the switch's NIC with the same MAC.
 */
#pragma once

#include "model/switch.h"

#define VMS_MAX 512
#define VM_ADAPTERS_MAX 8
#define VM_NAME_SIZE 64
#define ADAPTER_NAME_SIZE 13 /* in a namespace it is an interface's name, and "-vf" may follow */
#define VM_PATH_SIZE 108     /* of a QMP socket: sun_path */
#define VM_DOMAIN_SIZE 64
#define ADAPTER_VLAN_MAX 4094
#define ADAPTER_WEIGHT_MAX 100
#define ADAPTER_VF_SUFFIX "-vf"

/* What [Adapter] of a VM's file holds. */
struct adapter_config {
	char name[ADAPTER_NAME_SIZE];
	char switch_name[SWITCH_NAME_SIZE];
	struct mac mac;		   /* never zero: made when the adapter is added */
	uint32_t vlan;		   /* 0 = untagged */
	uint32_t iov_weight;	   /* 0..100; 0 = no VF */
	uint32_t allow_teaming;	   /* H5 */
	uint32_t mac_spoofing;	   /* any source MAC may be sent */
	uint32_t serial;	   /* order of creation: the next highest when it is added (H4) */
	char port[LINK_NAME_SIZE]; /* a port that somebody else makes; "" = it is made here */
};

/* A file with [VM]. */
struct vm_config {
	char name[VM_NAME_SIZE];
	char netns[VM_NAME_SIZE]; /* the guest is this namespace of /run/netns; "" = a QEMU guest */
	char qmp[VM_PATH_SIZE];	  /* QEMU's control socket, to tell it of lost uplinks; "" = none */
	char libvirt[VM_DOMAIN_SIZE]; /* the guest is this domain of libvirt; "" = it is none */
	uint32_t adapter_count;
	struct adapter_config adapters[VM_ADAPTERS_MAX];
};

struct vm_list {
	uint32_t count;
	struct vm_config vms[VMS_MAX];
};

/* H8: the adapter itself. */
enum adapter_status {
	ADAPTER_OK,
	ADAPTER_DEGRADED, /* its port is not as wanted; the note says why */
	ADAPTER_STATUS_COUNT,
};

/* H8: the path behind it. */
enum adapter_path {
	ADAPTER_PATH_OK,
	ADAPTER_PATH_UPLINK_LOST,  /* it still reaches the other VMs of its switch */
	ADAPTER_PATH_DISCONNECTED, /* the uplink is lost and the guest was told (H5 b) */
	ADAPTER_PATH_NO_PORT,	   /* it has no port at its switch, and no VF: it reaches nobody */
	ADAPTER_PATH_COUNT,
};
extern const char *const adapter_status_names[ADAPTER_STATUS_COUNT]; /* "ok" "degraded" */
extern const char *const adapter_path_names[ADAPTER_PATH_COUNT];     /* "ok" "uplink-lost" … */

/* A virtual function as its PF reports it (IFLA_VFINFO_LIST), and its PCI function. */
enum vf_link_state {
	VF_LINK_AUTO,
	VF_LINK_ENABLE,
	VF_LINK_DISABLE,
	VF_LINK_STATE_COUNT
};
extern const char *const vf_link_state_names[VF_LINK_STATE_COUNT];

struct vf {
	uint32_t index;
	struct mac mac;
	uint32_t vlan;
	bool spoofchk, trust;
	bool has_spoofchk, has_trust; /* the driver reports it */
	enum vf_link_state link_state;
	char pci[LINK_BUS_SIZE];       /* "0000:02:10.0" */
	char driver[LINK_DRIVER_SIZE]; /* bound now, "" = none */
	int ifindex; /* its netdev, if that is in the daemon's namespace, else 0 */
};

struct vf_table {
	struct vf *vfs; /* by index */
	size_t count;
	uint32_t total; /* that the NIC can have */
};
void vf_table_done(struct vf_table *table);

struct vm_config *vm_list_find(struct vm_list *list, const char *name);
struct adapter_config *vm_adapter(struct vm_config *vm, const char *name);
