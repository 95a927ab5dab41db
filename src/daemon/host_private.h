/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files daemon/host*.c. */
#pragma once

#include "daemon/host.h"
#include "datapath/guard.h"
#include "kernel/sriov.h"

#define HOST_SYSFS "/sys"
#define HOST_NETNS_DIRECTORY "/run/netns"

/* What is remembered of a NIC, by the switch's name. Another NIC than @ifindex has none of it. */
struct host_nic_memory {
	char sw[SWITCH_NAME_SIZE];
	int ifindex;
	unsigned int busy;	/* slow steps that are not done … */
	unsigned int making;	/* … and those of them that change how many VFs there are */
	uint32_t refused_count; /* so many VFs the NIC did not make, 0 = none refused */
	int refused_errno;
	char refused_text[HOST_TEXT_SIZE];
	int unread; /* why its VFs could not be read last, 0 = they could; as it was logged */
	bool no_trust, no_spoofchk, no_link;
	bool again; /* VFs are dealt anew, until all are where they belong (H4) */
	uint64_t ours[4];
	struct mac *put;
	size_t put_count;
};

/* A filter that is open, by its port's name. */
struct host_guard {
	char port[LINK_NAME_SIZE];
	struct guard *guard;
	struct guard_rules rules;
	int ifindex; /* where it is attached */
	bool was_up; /* the port was up before it was ours, as far as is known */
};

struct host_trouble {
	char object[HOST_OBJECT_SIZE];
	char text[HOST_TEXT_SIZE];
	uint64_t first_ns; /* noted first … */
	uint64_t noted_ns; /* … and last */
	uint64_t retry_ns; /* not tried before */
	unsigned int retries;
};

/* The VF that an adapter has had last: the VF's MAC may be another by now. */
struct host_holding {
	char object[HOST_OBJECT_SIZE];
	int nic; /* ifindex */
	int vf;
	struct mac mac; /* the adapter's */
};

/* A VF that a domain of libvirt may be given: of an adapter, by its MAC. */
struct host_given {
	struct mac mac;
	char vf[LINK_BUS_SIZE];
};

/* The VF of an adapter as it was seen last. */
struct host_vf_note {
	struct mac mac;		   /* whose, … */
	char sw[SWITCH_NAME_SIZE]; /* … on this switch; two switches may have the same MAC */
	int vf;
	char pci[LINK_BUS_SIZE];
};

/* What has been told of a switch or an adapter. */
struct host_told {
	char object[HOST_OBJECT_SIZE];
	char sw[SWITCH_NAME_SIZE];
	bool is_adapter;
	unsigned int state;		 /* enum adapter_path, or enum uplink_state */
	int vf;				 /* -1 = none */
	char device[MEMBER_DEVICE_SIZE]; /* of the VF, or the NIC as configured */
};

/* A switch's NIC whose driver is listened to. */
struct host_uplink {
	int ifindex;
	bool reported; /* look at it */
};

struct host_uplinks {
	struct uplinks *program; /* NULL: not loaded */
	bool refused;
	sd_event_source *source;
	const struct store *store; /* what is in force */
	struct host_uplink watched[SWITCHES_MAX];
	size_t count;
};

struct worker;
struct host_guest;
struct domain;
struct domain_view;

struct host {
	const struct team_context *context;
	void (*changed)(void *data), (*stepped)(void *data);
	void *data;
	char guard_pins[256];
	struct worker *worker;
	struct host_nic_memory nics[2 * SWITCHES_MAX]; /* those of a change that is made, too */
	size_t nic_count;
	struct host_guard *guards;
	size_t guard_count;
	struct host_trouble *troubles;
	size_t trouble_count;
	struct host_holding *holdings;
	size_t holding_count;
	struct host_guest *guests; /* QEMU's, that are to be told */
	size_t guest_count;
	const char *libvirt;	 /* the program that speaks with it, NULL: there is none */
	struct domain **domains; /* libvirt's */
	size_t domain_count;
	struct host_given *given;
	size_t given_count;
	struct host_vf_note *vfs; /* sorted: VMs change their places */
	size_t vf_count;
	unsigned int changes, told_changes; /* looks at what may have changed; when it was told */
	struct host_told *told;
	size_t told_count;
	struct host_uplinks uplinks;
};

/* Everything that the plan wants to know; made anew for each. */
struct host_seen {
	struct host_view view;
	struct bridge_vlan *vlans;
	struct bridge_fdb *fdb;
	struct host_nic nics[SWITCHES_MAX];
	struct sriov sriovs[SWITCHES_MAX];
	int unread[SWITCHES_MAX]; /* why the VFs of a NIC cannot be read, 0 = they can */
	struct host_port (*ports)[VM_ADAPTERS_MAX];
	struct host_leaving *leaving;
	char (*guards)[LINK_NAME_SIZE];
};

/* What everything that is shown, or judged by doctor, looks at. */
struct showing {
	struct host *host;
	const struct store *store;
	struct host_seen seen;
	struct host_steps steps;	    /* what is not as wanted */
	int held[VMS_MAX][VM_ADAPTERS_MAX]; /* the VF of each adapter, on its switch's NIC */
	int got[VMS_MAX][VM_ADAPTERS_MAX],
		of_switch[VMS_MAX][VM_ADAPTERS_MAX]; /* for allot_all() */
};

/* host_show.c. NULL: the kernel could not be asked, or there is no memory; @problem says which. */
struct showing *host_begin_showing(struct host *host, const struct store *store,
				   struct problem *problem);
void host_end_showing(struct showing *of);
/* That the VFs of the NIC at @place cannot be read, and why. False: they can. */
bool host_unread_text(const struct showing *of, uint32_t place, char text[static HOST_TEXT_SIZE]);
/* A switch or a port that is ours, or one that is wanted: without one there is nothing to see to. */
bool host_has_work(const struct host *host, const struct store *store);

int host_observe(struct host *host, const struct store *store, struct host_seen *ret_seen,
		 struct problem *problem);
void host_seen_done(struct host_seen *seen);
/* Logged as it begins: the NIC is asked again at each look. */
void host_note_unread(struct host_nic_memory *memory, const char *nic, int err);

/* H2: why the NIC of the switch at @place gives no VFs, or none to VMs; bits as of core/iov. */
uint32_t host_iov_reasons(struct host *host, const struct store *store,
			  const struct host_seen *seen, uint32_t place);

struct host_config host_want(const struct store *store);

struct host_nic_memory *host_nic_memory(struct host *host, const char *sw);
/* To note something of that NIC; NULL: there is no place. Only steps do so: a look changes nothing. */
struct host_nic_memory *host_remember_nic(struct host *host, const char *sw, int ifindex);
/* @mac was put into the filter of the switch's NIC by us … */
void host_note_put(struct host *host, const char *sw, int nic, const struct mac *mac);
/* … and so were those of adapters that are there, maybe by a daemon before this one. */
void host_note_filters(struct host *host, const struct store *store, const struct host_seen *seen);
/* Adapter @object has VF @vf of @nic; with no MAC nobody has it. */
void host_hold(struct host *host, const char *object, int nic, int vf, const struct mac *mac);
/* Those of switches that are not in @store, the one that is in force, and whose bridges are gone. */
void host_forget_nics(struct host *host, const struct store *store);
struct host_guard *host_guard_of(const struct host *host, const char *port);
/* The adapter that is called "VM/ADAPTER" where steps and troubles are; NULL: none is. */
const struct adapter_config *host_adapter_of(const struct store *store, const char *object);
/* Does a command from @before to @after change the switch or adapter that is called so? */
bool host_is_changed(const struct store *before, const struct store *after, const char *object);
const struct host_trouble *host_trouble_of(const struct host *host, const char *object);

void host_note_trouble(struct host *host, const char *object, const char *text);

/* Open the filter of @port, or take over the one that is pinned. */
int host_take_guard(struct host *host, const char *port, const struct guard_rules *rules,
		    struct problem *problem);

/* The switch whose NIC a step is about; one that is not wanted any more has its name alone. */
static inline const char *host_step_switch(const struct host_step *step)
{
	return step->sw ? step->sw->name : step->object;
}

int host_set_mark(struct host *host, int ifindex, const char *mark, struct problem *problem);

/* One step. Slow ones are begun. */
int host_apply(struct host *host, const struct host_step *step, struct problem *problem);

/* host_reallot.c: forget what was asked of NICs whose VFs are all where they belong. */
void host_end_reallot(struct host *host, const struct store *store, const struct host_seen *seen);

/* … and of the NIC whose VF was to be moved by @step, which has failed: it is not tried for ever. */
void host_give_up_reallot(struct host *host, const struct host_step *step);

/* host_events.c: which adapter has which VF, for those who are told; and which NIC does not say. */
void host_note_vfs(struct host *host, const struct store *store, const struct host_seen *seen);

/* H8: the path behind an adapter. */
enum adapter_path host_path(const struct host *host, const struct switch_config *sw,
			    const struct vm_config *vm, const struct adapter_config *adapter);

/* host_slow.c: hand a step to the worker. */
int host_begin(struct host *host, const struct host_step *step, struct problem *problem);

/* host_guest.c: H7. Tell QEMU's guests of VMs whose adapters are cut off, or are not any more. */
void host_tell_guests(struct host *host, const struct store *store);
void host_guests_done(struct host *host);
/* Has QEMU told its guest what is the case now? */
bool host_guest_told(const struct host *host, const struct vm_config *vm,
		     const struct adapter_config *adapter);
/* "" or why not. */
const char *host_guest_trouble(const struct host *host, const struct vm_config *vm,
			       const struct adapter_config *adapter);

/* host_uplink.c: listen to the drivers of the NICs of @store, the one that is in force. */
void host_watch_uplinks(struct host *host, const struct store *store);
void host_uplinks_done(struct host *host);

/* host_domain.c: make the domains of libvirt what their VMs want, as host_tell_guests() does. */
void host_tell_domains(struct host *host, const struct store *store);
void host_domains_done(struct host *host);
/* Which VFs are to be in domains now: after each look at the NICs. */
void host_note_given(struct host *host, const struct store *store, const struct host_seen *seen);
bool host_domain_told(const struct host *host, const struct vm_config *vm,
		      const struct adapter_config *adapter);
/* Untouched if the adapter is in its domain as wanted, or will be soon, or has none. */
void host_domain_explain(const struct host *host, const struct vm_config *vm,
			 const struct adapter_config *adapter, struct problem *problem);
/* NULL: it is no domain, or libvirt has not said how it is. */
const struct domain_view *host_domain_seen(const struct host *host, const struct vm_config *vm);
