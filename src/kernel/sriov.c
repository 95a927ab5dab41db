// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sriov.h"

#include "base/cleanup.h"
#include "base/strings.h"
#include "kernel/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUTOPROBE "sriov_drivers_autoprobe"

/* Lines of "resource": six BARs and the ROM of the function itself, then its VFs' six BARs. */
#define RESOURCE_OF_VFS 7
#define RESOURCES 13
#define RESOURCE_UNSET 0x20000000 /* IORESOURCE_UNSET of the kernel */

struct path {
	char text[PATH_MAX];
};

/* @file of a PCI function, "" = its folder. */
static const char *function_path(struct path *path, const char *root, const char *pci,
				 const char *file)
{
	(void)snprintf(path->text, sizeof(path->text), "%s/bus/pci/devices/%s/%s", root, pci, file);
	return path->text;
}

static bool function_is_there(const char *root, const char *pci)
{
	struct path path;

	return *pci && access(function_path(&path, root, pci, ""), F_OK) == 0;
}

static bool function_has(const char *root, const char *pci, const char *file)
{
	struct path path;

	return access(function_path(&path, root, pci, file), F_OK) == 0;
}

static int function_write(const char *root, const char *pci, const char *file, const char *text)
{
	struct path path;

	return sysfs_write(function_path(&path, root, pci, file), text);
}

static void directory_close(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

/* The next entry that is neither "." nor "..", NULL at the end. */
static const char *directory_next(DIR *directory)
{
	const struct dirent *entry;

	do
		entry = readdir(directory);
	while (entry && entry->d_name[0] == '.');
	return entry ? entry->d_name : NULL;
}

/* --- what there is --- */

static uint32_t number_of(const char *root, const char *pci, const char *file)
{
	uint32_t number = 0;
	struct path path;

	(void)sysfs_read_number(function_path(&path, root, pci, file), &number);
	return number;
}

/* The kernel says ENOMEM for missing memory and for missing bus numbers: here one sees which. */
static enum iov_memory memory_read(const char *root, const char *pci)
{
	enum iov_memory memory = IOV_MEMORY_UNKNOWN;
	unsigned long long start, end, flags;
	_cleanup_fclose_ FILE *file = NULL;
	struct path path;

	file = fopen(function_path(&path, root, pci, "resource"), "re");
	for (int i = 0; file && i < RESOURCES; i++) {
		if (fscanf(file, "%llx %llx %llx", &start, &end, &flags) != 3)
			break;
		if (i < RESOURCE_OF_VFS || !flags)
			continue;
		if (!start || flags & RESOURCE_UNSET)
			return IOV_MEMORY_MISSING;
		memory = IOV_MEMORY_THERE;
	}
	return memory;
}

int sriov_read(const char *root, const char *pci, struct sriov *ret_sriov)
{
	if (!function_is_there(root, pci))
		return -ENODEV;
	*ret_sriov = (struct sriov){
		.total = number_of(root, pci, "sriov_totalvfs"),
		.has_vfs = function_has(root, pci, "virtfn0"),
		.iommu = function_has(root, pci, "iommu_group"),
		.has_driver = function_has(root, pci, "driver"),
		.memory = memory_read(root, pci),
	};
	return 0;
}

/* --- how many --- */

static int no_function(const char *pci, struct problem *problem)
{
	return problem_set(problem, -ENODEV, "there is no PCI function \"%s\"", pci);
}

static const char *refusal_meaning(int error)
{
	static const struct {
		int error;
		const char *meaning;
	} meanings[] = {
		{-ENOENT, "it has no driver, or one that makes no VFs"},
		{-ENOMEM, "PCI memory for the VFs' BARs or PCI bus numbers are missing (\"dmesg\" "
			  "says which); boot with \"pci=realloc\" or \"pci=assign-busses\", or "
			  "enable SR-IOV in the machine's firmware"},
		{-ENOSPC, "the NIC has not enough left for them; try fewer"},
		{-EINVAL, "its driver refuses that number (\"dmesg\" may say why); try fewer"},
		{-EPERM, "its VFs are in use by virtual machines, or the privilege is missing"},
		{-EACCES, "the privilege is missing"},
		{-EROFS, "/sys is read-only here"},
		{-EBUSY, "the NIC or its VFs are in use"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].error == error)
			return meanings[i].meaning;
	return strerror(-error);
}

static int count_refused(const char *pci, uint32_t count, int error, struct problem *problem)
{
	return problem_set(problem, error, "%s cannot have %u VFs: %s", pci, count,
			   refusal_meaning(error));
}

/* Is it a number that the NIC can have at all? */
static int count_check(const struct sriov *now, const char *pci, uint32_t count,
		       struct problem *problem)
{
	if (!now->total)
		return problem_set(problem, -EOPNOTSUPP,
				   "%s cannot have VFs: it has no SR-IOV, or it is off in the "
				   "NIC's firmware",
				   pci);
	if (count > now->total)
		return problem_set(problem, -ERANGE, "%s can have %u VFs at most, not %u", pci,
				   now->total, count);
	return 0;
}

static int count_write(const char *root, const char *pci, uint32_t count)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", count);
	return function_write(root, pci, "sriov_numvfs", text);
}

/* Some drivers make fewer, or none while the NIC is down, and call that success. */
static int count_confirm(const char *root, const char *pci, uint32_t count, struct problem *problem)
{
	uint32_t made = number_of(root, pci, "sriov_numvfs");

	if (made == count)
		return 0;
	return problem_set(problem, -EIO,
			   "the driver of %s made %u VFs where %u are wanted; some make them only "
			   "while the NIC is up",
			   pci, made, count);
}

int sriov_set_count(const char *root, const char *pci, uint32_t count, bool autoprobe,
		    struct problem *problem)
{
	struct sriov now;
	uint32_t made;
	int err;

	if (sriov_read(root, pci, &now))
		return no_function(pci, problem);
	made = number_of(root, pci, "sriov_numvfs");
	if (made == count)
		return 0;
	err = count_check(&now, pci, count, problem);
	if (err)
		return err;
	if (count > 0)
		err = function_write(root, pci, AUTOPROBE, autoprobe ? "1" : "0");
	if (!err)
		err = count_write(root, pci, count);
	if (err == -EBUSY && count > 0 && made > 0) {
		err = count_write(root, pci, 0);
		if (!err)
			err = count_write(root, pci, count);
	}
	if (err)
		return count_refused(pci, count, err, problem);
	return count_confirm(root, pci, count, problem);
}

int sriov_autoprobe(const char *root, const char *pci, bool *ret_autoprobe)
{
	uint32_t number = 0;
	struct path path;
	int err = sysfs_read_number(function_path(&path, root, pci, AUTOPROBE), &number);

	if (!err)
		*ret_autoprobe = number > 0;
	return err;
}

int sriov_set_autoprobe(const char *root, const char *pci, bool autoprobe, struct problem *problem)
{
	int err = function_write(root, pci, AUTOPROBE, autoprobe ? "1" : "0");

	return err ? problem_set(problem, err,
				 "whether VFs of %s get drivers by themselves cannot be set: %s",
				 pci, err == -EROFS ? "/sys is read-only here" : strerror(-err))
		   : 0;
}

/* --- which functions --- */

/* The interface of a VF, if it is in the namespace of which @root tells. */
static int function_ifindex(const char *root, const char *pci)
{
	_cleanup_(directory_close) DIR *directory = NULL;
	struct path path, file;
	uint32_t ifindex = 0;
	const char *name;

	directory = opendir(function_path(&path, root, pci, "net"));
	name = directory ? directory_next(directory) : NULL;
	if (!name)
		return 0;
	if (snprintf(file.text, sizeof(file.text), "%s/%s/ifindex", path.text, name) >=
	    (int)sizeof(file.text))
		return 0;
	(void)sysfs_read_number(file.text, &ifindex);
	return ifindex <= INT_MAX ? (int)ifindex : 0;
}

static void vf_fill(const char *root, const char *pci, struct vf *vf)
{
	struct path path;
	char file[32];

	vf->pci[0] = vf->driver[0] = '\0';
	vf->ifindex = 0;
	(void)snprintf(file, sizeof(file), "virtfn%u", vf->index);
	if (sysfs_link_name(function_path(&path, root, pci, file), vf->pci, sizeof(vf->pci)))
		return;
	(void)sysfs_link_name(function_path(&path, root, vf->pci, "driver"), vf->driver,
			      sizeof(vf->driver));
	vf->ifindex = function_ifindex(root, vf->pci);
}

int sriov_functions(const char *root, const char *pci, struct vf_table *table)
{
	if (!function_is_there(root, pci))
		return -ENODEV;
	table->total = number_of(root, pci, "sriov_totalvfs");
	for (size_t i = 0; i < table->count; i++)
		vf_fill(root, pci, &table->vfs[i]);
	return 0;
}

static bool interface_in_use(const char *net, const char *name)
{
	char text[32] = "";
	struct path path;

	if (snprintf(path.text, sizeof(path.text), "%s/%s/master", net, name) >=
		    (int)sizeof(path.text) ||
	    access(path.text, F_OK) == 0)
		return true;
	if (snprintf(path.text, sizeof(path.text), "%s/%s/flags", net, name) >=
	    (int)sizeof(path.text))
		return true;
	return sysfs_read(path.text, text, sizeof(text)) || strtoul(text, NULL, 16) & IFF_UP;
}

static bool function_in_use(const char *root, const char *pci)
{
	_cleanup_(directory_close) DIR *directory = NULL;
	struct path path;
	const char *name;

	if (!function_has(root, pci, "driver"))
		return false;
	directory = opendir(function_path(&path, root, pci, "net"));
	name = directory ? directory_next(directory) : NULL;
	return !name || interface_in_use(path.text, name);
}

bool sriov_in_use(const char *root, const char *pci)
{
	uint32_t total = number_of(root, pci, "sriov_totalvfs");
	bool used = false;

	for (uint32_t i = 0; i < total && !used; i++) {
		struct vf vf = {.index = i};

		vf_fill(root, pci, &vf);
		if (!*vf.pci)
			break;
		used = function_in_use(root, vf.pci);
	}
	return used;
}

bool sriov_shares_group(const char *root, const char *vf_pci)
{
	_cleanup_(directory_close) DIR *directory = NULL;
	struct path path;
	const char *name;

	directory = opendir(function_path(&path, root, vf_pci, "iommu_group/devices"));
	while (directory && (name = directory_next(directory)))
		if (strcmp(name, vf_pci) != 0)
			return true;
	return false;
}

/* --- drivers --- */

static int driver_problem(const char *pci, int error, struct problem *problem)
{
	return problem_set(problem, error, "the driver of %s cannot be changed: %s", pci,
			   error == -EROFS ? "/sys is read-only here" : strerror(-error));
}

/* Only this driver may have the function; "" = any that knows it. The kernel wants a line. */
static int override_write(const char *root, const char *pci, const char *driver)
{
	return function_write(root, pci, "driver_override", *driver ? driver : "\n");
}

int sriov_unbind(const char *root, const char *vf_pci, struct problem *problem)
{
	int err;

	if (!function_is_there(root, vf_pci))
		return no_function(vf_pci, problem);
	err = override_write(root, vf_pci, "");
	if (!err && function_has(root, vf_pci, "driver"))
		err = function_write(root, vf_pci, "driver/unbind", vf_pci);
	if (err == -ENODEV || err == -ENOENT) /* it has gone meanwhile */
		err = 0;
	return err ? driver_problem(vf_pci, err, problem) : 0;
}

static int driver_probe(const char *root, const char *pci)
{
	struct path path;

	(void)snprintf(path.text, sizeof(path.text), "%s/bus/pci/drivers_probe", root);
	return sysfs_write(path.text, pci);
}

/*
 * While the PF's VFs are to have no driver by themselves, not even this request gives them their
 * own one: so they may, as long as it takes.
 */
static int own_driver_probe(const char *root, const char *pci)
{
	static const char file[] = "physfn/" AUTOPROBE;
	bool may = !function_has(root, pci, file) || number_of(root, pci, file) > 0;
	int err = 0, end = 0;

	if (!may)
		err = function_write(root, pci, file, "1");
	if (!err)
		err = driver_probe(root, pci);
	if (!may)
		end = function_write(root, pci, file, "0");
	return err ? err : end;
}

static bool driver_is_loaded(const char *root, const char *driver)
{
	struct path path;

	(void)snprintf(path.text, sizeof(path.text), "%s/bus/pci/drivers/%s", root, driver);
	return access(path.text, F_OK) == 0;
}

static int driver_confirm(const char *root, const char *pci, const char *driver,
			  struct problem *problem)
{
	if (function_has(root, pci, "driver"))
		return 0;
	(void)override_write(root, pci, "");
	if (!*driver)
		return problem_set(problem, -ENODEV,
				   "no driver takes %s; load the one for it with \"modprobe\"",
				   pci);
	return problem_set(problem, -ENODEV,
			   "%s does not take %s; \"dmesg\" says why (an IOMMU that is off: boot "
			   "with \"intel_iommu=on\")",
			   driver, pci);
}

int sriov_bind(const char *root, const char *vf_pci, const char *driver, struct problem *problem)
{
	int err;

	if (!function_is_there(root, vf_pci))
		return no_function(vf_pci, problem);
	if (*driver && !driver_is_loaded(root, driver))
		return problem_set(problem, -ENOENT,
				   "there is no driver %s; load it with \"modprobe %s\"", driver,
				   driver);
	err = sriov_unbind(root, vf_pci, problem);
	if (err)
		return err;
	err = *driver ? override_write(root, vf_pci, driver) : 0;
	if (!err)
		err = *driver ? driver_probe(root, vf_pci) : own_driver_probe(root, vf_pci);
	if (err) {
		(void)override_write(root, vf_pci, "");
		return driver_problem(vf_pci, err, problem);
	}
	return driver_confirm(root, vf_pci, driver, problem);
}
