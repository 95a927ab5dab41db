// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/rtnl_vf.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/attribute.h"
#include "kernel/message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define VF_MAX 4096 /* NICs have up to 1024 */

/* What a driver does not tell is all ones. */
#define VF_UNKNOWN UINT32_MAX

_Static_assert((int)VF_LINK_AUTO == IFLA_VF_LINK_STATE_AUTO &&
		       (int)VF_LINK_ENABLE == IFLA_VF_LINK_STATE_ENABLE &&
		       (int)VF_LINK_DISABLE == IFLA_VF_LINK_STATE_DISABLE,
	       "the model's link states are the kernel's");

/* --- reading --- */

/* What the kernel reports of one VF; each part begins with the VF's index. */
struct vf_report {
	struct ifla_vf_mac mac;
	struct ifla_vf_vlan vlan;
	struct ifla_vf_spoofchk spoofchk;
	struct ifla_vf_trust trust;
	struct ifla_vf_link_state link_state;
};

static const struct attribute_rule report_rules[] = {
	ATTRIBUTE_RULE(IFLA_VF_MAC, ATTRIBUTE_NUMBER, struct vf_report, mac),
	ATTRIBUTE_RULE(IFLA_VF_VLAN, ATTRIBUTE_NUMBER, struct vf_report, vlan),
	ATTRIBUTE_RULE(IFLA_VF_SPOOFCHK, ATTRIBUTE_NUMBER, struct vf_report, spoofchk),
	ATTRIBUTE_RULE(IFLA_VF_TRUST, ATTRIBUTE_NUMBER, struct vf_report, trust),
	ATTRIBUTE_RULE(IFLA_VF_LINK_STATE, ATTRIBUTE_NUMBER, struct vf_report, link_state),
};

static void vf_fill(struct vf *vf, const struct vf_report *report)
{
	memcpy(vf->mac.bytes, report->mac.mac, sizeof(vf->mac.bytes));
	vf->vlan = report->vlan.vlan;
	vf->has_spoofchk = report->spoofchk.setting != VF_UNKNOWN;
	vf->spoofchk = vf->has_spoofchk && report->spoofchk.setting;
	vf->has_trust = report->trust.setting != VF_UNKNOWN;
	vf->trust = vf->has_trust && report->trust.setting;
	if (report->link_state.link_state < VF_LINK_STATE_COUNT)
		vf->link_state = (enum vf_link_state)report->link_state.link_state;
}

static int info_read(const struct nlattr *info, struct vf_table *table)
{
	struct vf_report report = {.spoofchk.setting = VF_UNKNOWN, .trust.setting = VF_UNKNOWN};
	const struct nlattr *attributes[IFLA_VF_TRUST + 1];
	int err;

	err = attribute_index_nested(info, attributes, ARRAY_SIZE(attributes));
	if (!err)
		err = attribute_read(attributes, report_rules, ARRAY_SIZE(report_rules), &report);
	if (!err && !attributes[IFLA_VF_MAC])
		err = -EBADMSG;
	/* VFs can be made while the kernel writes: then there are more than it has counted. */
	if (!err && report.mac.vf < table->count)
		vf_fill(&table->vfs[report.mac.vf], &report);
	return err;
}

static int list_read(const struct nlattr *list, struct vf_table *table)
{
	const struct nlattr *none[1], *info;
	int err;

	err = attribute_index_nested(list, none, ARRAY_SIZE(none));
	if (err)
		return err;
	mnl_attr_for_each_nested(info, list)
	{
		if (mnl_attr_get_type(info) != IFLA_VF_INFO)
			continue;
		err = info_read(info, table);
		if (err)
			return err;
	}
	return 0;
}

static int table_make(uint32_t count, struct vf_table *table)
{
	if (count > VF_MAX)
		return -EBADMSG;
	if (count == 0)
		return 0;
	table->vfs = calloc(count, sizeof(*table->vfs));
	if (!table->vfs)
		return -ENOMEM;
	table->count = count;
	for (uint32_t i = 0; i < count; i++)
		table->vfs[i].index = i;
	return 0;
}

static int vfs_read(const struct nlattr *const *attributes, struct vf_table *ret_table)
{
	_cleanup_(vf_table_done) struct vf_table table = {};
	uint32_t count = 0;
	int err = 0;

	if (attributes[IFLA_NUM_VF])
		err = attribute_copy(attributes[IFLA_NUM_VF], &count, sizeof(count));
	if (!err)
		err = table_make(count, &table);
	if (!err && attributes[IFLA_VFINFO_LIST])
		err = list_read(attributes[IFLA_VFINFO_LIST], &table);
	if (err)
		return err;
	*ret_table = table;
	table = (struct vf_table){};
	return 0;
}

int rtnl_vf_decode(const struct nlmsghdr *message, struct vf_table *ret_table)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const size_t offset = MNL_NLMSG_HDRLEN + MNL_ALIGN(sizeof(*header));
	const struct nlattr *attributes[IFLA_VFINFO_LIST + 1];
	int err;

	if (message->nlmsg_type != RTM_NEWLINK)
		return -ENOMSG;
	if (message->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*header))
		return -EBADMSG;
	if (header->ifi_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	err = attribute_index((const uint8_t *)message + offset, message->nlmsg_len - offset,
			      attributes, ARRAY_SIZE(attributes));
	return err ? err : vfs_read(attributes, ret_table);
}

static int table_take(const struct nlmsghdr *message, void *data)
{
	struct vf_table *table = data;

	vf_table_done(table);
	return rtnl_vf_decode(message, table);
}

int rtnl_vf_dump(struct netlink *netlink, int ifindex, struct vf_table *ret_table)
{
	_cleanup_(vf_table_done) struct vf_table table = {};
	struct message request;
	int err;

	message_start_link(&request, RTM_GETLINK, 0, ifindex);
	mnl_attr_put_u32(&request.header, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	err = netlink_query(netlink, &request.header, table_take, &table);
	if (err)
		return err;
	*ret_table = table;
	table = (struct vf_table){};
	return 0;
}

/* --- setting --- */

/* IFLA_VFINFO_LIST { IFLA_VF_INFO { @type } }. @what completes "cannot set …". */
static int vf_set(struct netlink *netlink, int ifindex, uint16_t type, const void *setting,
		  size_t size, const char *what, struct problem *problem)
{
	struct problem refusal = {};
	struct nlattr *list, *info;
	struct message request;
	int err;

	message_start_link(&request, RTM_SETLINK, 0, ifindex);
	list = mnl_attr_nest_start(&request.header, IFLA_VFINFO_LIST);
	info = mnl_attr_nest_start(&request.header, IFLA_VF_INFO);
	mnl_attr_put(&request.header, type, size, setting);
	mnl_attr_nest_end(&request.header, info);
	mnl_attr_nest_end(&request.header, list);
	err = netlink_request(netlink, &request.header, &refusal);
	if (err == -EOPNOTSUPP)
		return problem_set(problem, err, "the NIC's driver cannot set %s of a VF", what);
	return err ? problem_set(problem, err, "the NIC's driver does not set %s of the VF: %s",
				 what, refusal.text)
		   : 0;
}

int rtnl_vf_set_mac(struct netlink *netlink, int ifindex, uint32_t vf, const struct mac *mac,
		    struct problem *problem)
{
	struct ifla_vf_mac setting = {.vf = vf};

	memcpy(setting.mac, mac->bytes, sizeof(mac->bytes));
	return vf_set(netlink, ifindex, IFLA_VF_MAC, &setting, sizeof(setting), "the MAC", problem);
}

int rtnl_vf_set_vlan(struct netlink *netlink, int ifindex, uint32_t vf, uint16_t vlan,
		     struct problem *problem)
{
	const struct ifla_vf_vlan setting = {.vf = vf, .vlan = vlan};

	return vf_set(netlink, ifindex, IFLA_VF_VLAN, &setting, sizeof(setting), "the VLAN",
		      problem);
}

int rtnl_vf_set_spoofchk(struct netlink *netlink, int ifindex, uint32_t vf, bool on,
			 struct problem *problem)
{
	const struct ifla_vf_spoofchk setting = {.vf = vf, .setting = on};

	return vf_set(netlink, ifindex, IFLA_VF_SPOOFCHK, &setting, sizeof(setting),
		      "the spoof check", problem);
}

int rtnl_vf_set_trust(struct netlink *netlink, int ifindex, uint32_t vf, bool on,
		      struct problem *problem)
{
	const struct ifla_vf_trust setting = {.vf = vf, .setting = on};

	return vf_set(netlink, ifindex, IFLA_VF_TRUST, &setting, sizeof(setting), "the trust",
		      problem);
}

int rtnl_vf_set_link_state(struct netlink *netlink, int ifindex, uint32_t vf,
			   enum vf_link_state state, struct problem *problem)
{
	const struct ifla_vf_link_state setting = {.vf = vf, .link_state = state};

	return vf_set(netlink, ifindex, IFLA_VF_LINK_STATE, &setting, sizeof(setting),
		      "the link state", problem);
}
