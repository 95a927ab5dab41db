/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM's adapters are in its libvirt domain (H3, H7, H10): desired minus observed, as steps.
 *
 * Theory of operation. An adapter is an <interface> on its tap, and where it has a VF that QEMU may
 * use, a <hostdev> beside it; libvirt pairs the two by <teaming>. Both bear an alias that is made of
 * the adapter's MAC, and that is how they are known again: nothing else is remembered. A running
 * domain and what libvirt has written down of it are two parts of one domain, and each is made as
 * wanted. The link's state (H5 b) is the running domain's alone.
 *
 * A running interface cannot be made the half of a pair, so whether it is one is put right in the
 * definition only, and a VF is given to the running domain only beside one that is.
 *
 * A card that is as wanted but has no alias of ours was put there by somebody else. It is used as it
 * is, and never taken out.
 */
#pragma once

#include "model/adapter.h"

#include <stddef.h>

#define DOMAIN_ALIAS_SIZE 32
#define DOMAIN_CARDS_MAX 64
#define DOMAIN_WISHES_MAX (2 * VM_ADAPTERS_MAX) /* of those that leave, too */
#define DOMAIN_STEPS_MAX (2 * (DOMAIN_CARDS_MAX + 3 * DOMAIN_WISHES_MAX))
#define DOMAIN_XML_SIZE 1024

enum domain_state {
	DOMAIN_UNKNOWN, /* libvirt has not said yet */
	DOMAIN_MISSING, /* libvirt has none of that name */
	DOMAIN_STOPPED,
	DOMAIN_RUNNING,
	DOMAIN_STATE_COUNT,
};
extern const char *const domain_state_names[DOMAIN_STATE_COUNT]; /* "unknown" "missing" … */

/* An <interface>, or a PCI <hostdev>, of a domain. */
struct domain_card {
	char alias[DOMAIN_ALIAS_SIZE]; /* "" = none, or one that is too long for ours */
	struct mac mac;		       /* zero: a hostdev */
	char target[LINK_NAME_SIZE];   /* the host's end of an <interface type='ethernet'> */
	char pci[LINK_BUS_SIZE];       /* of a hostdev: "0000:02:10.0" */
	bool up;
	bool paired; /* the persistent one of a pair, beside which a VF may be */
};

struct domain_part {
	bool present; /* it runs; or libvirt keeps its definition */
	uint32_t count;
	struct domain_card cards[DOMAIN_CARDS_MAX];
};

struct domain_view {
	struct domain_part live, config;
};

/* An adapter as its domain shall have it. */
struct domain_wish {
	char name[ADAPTER_NAME_SIZE];
	struct mac mac;
	char port[LINK_NAME_SIZE];
	bool port_there;	/* only then it can be given to a running domain */
	bool paired;		/* it may have a VF beside it */
	char vf[LINK_BUS_SIZE]; /* the VF that it has now, "" = none */
	bool sets_link;		/* else the link's state is nothing of ours */
	bool up;
	bool leaving; /* no adapter any more: nothing but its link is seen to */
};

struct domain_wishes {
	uint32_t count;
	struct domain_wish wishes[DOMAIN_WISHES_MAX];
};

enum domain_step_kind {
	DOMAIN_SET_LINK,
	DOMAIN_DETACH,
	DOMAIN_ATTACH,
	DOMAIN_STEP_COUNT,
};

struct domain_step {
	enum domain_step_kind kind;
	bool live;
	char alias[DOMAIN_ALIAS_SIZE]; /* of what is attached or detached */
	struct mac mac;		       /* the adapter's; zero: of one that is not wanted any more */
	bool up;
	const struct domain_wish *wish; /* whose it is, NULL: not wanted any more */
	bool vf;			/* it is about the hostdev */
};

enum domain_state domain_state_of(const struct domain_view *view);

/*
 * All steps of now, links first; no steps means that all is as wanted. Returns how many there are.
 */
size_t domain_plan(const struct domain_wishes *wishes, const struct domain_view *view,
		   struct domain_step ret_steps[static DOMAIN_STEPS_MAX]);

/* The adapter's <interface>, whoever's it is; NULL: there is none. */
const struct domain_card *domain_card_of(const struct domain_part *part, const struct mac *mac);

/*
 * Somebody else's card has the adapter's MAC, and is no such <interface> as is wanted: iovteam leaves
 * it alone, and attaches none beside it.
 */
bool domain_in_the_way(const struct domain_part *part, const struct domain_wish *wish);

/*
 * Of an adapter that leaves: somebody else's card was its, runs, and is disconnected. Ours is taken out.
 */
bool domain_is_cut_off(const struct domain_view *view, const struct domain_wish *wish);

/* Does it bear an alias of ours? */
bool domain_card_is_ours(const struct domain_card *card);

/* Nothing of ours is in it. */
bool domain_is_clear(const struct domain_view *view);

/* "ua-iovteam-" and the MAC's digits, "-vf" behind them for the hostdev; returns @alias. */
const char *domain_alias(const struct mac *mac, bool vf, char alias[static DOMAIN_ALIAS_SIZE]);

/*
 * libvirt's XML of an adapter: the <interface> on @port, with @paired as the persistent one of a
 * pair; and the <hostdev> of its VF. Names are escaped. @vf: "0000:02:10.0"; -EINVAL: it is none.
 */
void domain_interface_xml(const struct mac *mac, const char *port, bool paired,
			  char xml[static DOMAIN_XML_SIZE]);
int domain_hostdev_xml(const struct mac *mac, const char *vf, char xml[static DOMAIN_XML_SIZE]);
