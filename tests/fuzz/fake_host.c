// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In the place of what a host has besides netlink: the ports' filters (datapath/guard), taps and
 * veths (kernel/rtnl_port), and sysfs, in which no NIC can have VFs.
 */
#include "datapath/guard.h"
#include "kernel/rtnl_bridge.h"
#include "kernel/sriov.h"

#include <errno.h>
#include <stdlib.h>

struct guard {
	int ifindex;
};

int guard_open(const char *pins, const char *name, uint64_t netns, const struct guard_rules *rules,
	       struct guard **ret_guard, struct problem *problem)
{
	struct guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return -ENOMEM;
	*ret_guard = guard;
	return 0;
}

int guard_attach(struct guard *guard, int ifindex, struct problem *problem)
{
	guard->ifindex = ifindex;
	return 0;
}

bool guard_attached(const struct guard *guard)
{
	return guard->ifindex != 0;
}

int guard_set_rules(struct guard *guard, const struct guard_rules *rules, struct problem *problem)
{
	return 0;
}

int guard_read_counts(const struct guard *guard, struct guard_counts *ret_counts)
{
	*ret_counts = (struct guard_counts){.passed = 1};
	return 0;
}

void guard_close(struct guard *guard)
{
	free(guard);
}

void guard_remove(struct guard *guard)
{
	free(guard);
}

int guard_each(const char *pins, int (*found)(const char *name, void *data), void *data)
{
	return 0;
}

int rtnl_veth_create(struct netlink *netlink, const struct veth_ends *ends, struct problem *problem)
{
	return problem_set(problem, -EPERM, "no veth can be made");
}

int tap_create(const char *name, bool multi_queue, int *ret_fd, struct problem *problem)
{
	return problem_set(problem, -EPERM, "no tap can be made");
}

int tap_stay(int fd, struct problem *problem)
{
	return problem_set(problem, -EBADF, "no tap can be made");
}

int sriov_read(const char *root, const char *pci, struct sriov *ret_sriov)
{
	*ret_sriov = (struct sriov){.has_driver = true};
	return 0;
}

int sriov_set_count(const char *root, const char *pci, uint32_t count, bool autoprobe,
		    struct problem *problem)
{
	return problem_set(problem, -EOPNOTSUPP, "%s can have no VFs", pci);
}

int sriov_autoprobe(const char *root, const char *pci, bool *ret_autoprobe)
{
	return -ENOENT;
}

int sriov_set_autoprobe(const char *root, const char *pci, bool autoprobe, struct problem *problem)
{
	return problem_set(problem, -ENOENT, "%s can have no VFs", pci);
}

int sriov_functions(const char *root, const char *pci, struct vf_table *table)
{
	return 0;
}

bool sriov_in_use(const char *root, const char *pci)
{
	return false;
}

bool sriov_shares_group(const char *root, const char *vf_pci)
{
	return false;
}

int sriov_bind(const char *root, const char *vf_pci, const char *driver, struct problem *problem)
{
	return problem_set(problem, -ENODEV, "there is no %s", vf_pci);
}

int sriov_unbind(const char *root, const char *vf_pci, struct problem *problem)
{
	return problem_set(problem, -ENODEV, "there is no %s", vf_pci);
}
