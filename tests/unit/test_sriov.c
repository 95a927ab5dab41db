// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SR-IOV on a made-up /sys in a temporary directory. What is written into its files the test
 * answers in the kernel's place: as PCI's core does (drivers/pci/iov.c, drivers/base/bus.c), or
 * with the error that the test wants.
 */
#include "kernel/sriov.h"
#include "kernel/sysfs.h"

#include "base/strings.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PF "0000:01:00.0"
#define VF "0000:01:10.0"

static char root[] = "/tmp/iovteam-sriov-XXXXXX";

/* What the kernel shall do, and what it was asked. */
static struct {
	int error;	   /* of making VFs; 0 = it makes them */
	int error_of_none; /* of taking them away */
	int error_at_close;
	bool part;	  /* it takes a part of the text */
	bool fewer;	  /* the driver makes one less, and calls that success */
	bool no_driver;	  /* none takes the VF */
	int error_unbind; /* of taking a driver away */
	char asked[512];  /* "file=text " of each write */
} kernel;

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
int __real_close(int fd);
int __wrap_close(int fd);

/* --- the tree --- */

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void folder(const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", path_of(name));
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(path, 0700);
		*at = '/';
	}
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void file(const char *name, const char *text)
{
	FILE *stream = fopen(path_of(name), "we");

	assert_non_null(stream);
	(void)fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
}

static void link_to(const char *name, const char *target)
{
	(void)unlink(path_of(name));
	assert_int_equal(symlink(target, path_of(name)), 0);
}

static const char *text_of(const char *name)
{
	static char text[64];

	assert_int_equal(sysfs_read(path_of(name), text, sizeof(text)), 0);
	return text;
}

#define DEVICE(pci, name) "bus/pci/devices/" pci "/" name
#define RESOURCES_OWN                                                                              \
	"0x00000000fe800000 0x00000000fe81ffff 0x0000000000040200\n"                               \
	"0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n"
#define RESOURCES_END "0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n0x0 0x0 0x0\n"

static int tree_make(void **state)
{
	memset(&kernel, 0, sizeof(kernel));
	(void)snprintf(root, sizeof(root), "/tmp/iovteam-sriov-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	folder("bus/pci/drivers/igb");
	folder("bus/pci/drivers/igbvf");
	folder("bus/pci/drivers/vfio-pci");
	file("bus/pci/drivers_probe", "");
	for (const char *const *driver = (const char *const[]){"igb", "igbvf", "vfio-pci", NULL};
	     *driver; driver++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "bus/pci/drivers/%s/unbind", *driver);
		file(name, "");
	}
	folder("kernel/iommu_groups/7/devices");
	folder("bus/pci/devices/" PF);
	folder(DEVICE(VF, "net/ens4"));
	file(DEVICE(PF, "sriov_totalvfs"), "7\n");
	file(DEVICE(PF, "sriov_numvfs"), "0\n");
	file(DEVICE(PF, "sriov_drivers_autoprobe"), "1\n");
	file(DEVICE(PF, "resource"), RESOURCES_OWN "0xfe880000 0xfe89bfff "
						   "0x140204\n" RESOURCES_END);
	link_to(DEVICE(PF, "driver"), "../../../../bus/pci/drivers/igb");
	link_to(DEVICE(PF, "virtfn0"), "../" VF);
	link_to(DEVICE(VF, "physfn"), "../" PF);
	link_to(DEVICE(VF, "driver"), "../../../../bus/pci/drivers/igbvf");
	file(DEVICE(VF, "driver_override"), "(null)\n");
	file(DEVICE(VF, "net/ens4/ifindex"), "12\n");
	return 0;
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static int tree_end(void **state)
{
	return nftw(root, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the kernel's part --- */

/* sriov_numvfs_store(): 0, or negative errno. */
static int numvfs_store(unsigned count, unsigned *made)
{
	if (count == 0) {
		*made = kernel.error_of_none ? *made : 0;
		return kernel.error_of_none;
	}
	if (*made > 0)
		return -EBUSY;
	if (kernel.error)
		return kernel.error;
	*made = kernel.fewer ? count - 1 : count;
	return 0;
}

static int numvfs_written(const char *text)
{
	unsigned made = (unsigned)strtoul(text_of(DEVICE(PF, "sriov_numvfs")), NULL, 10);
	char line[16];
	int err;

	err = numvfs_store((unsigned)strtoul(text, NULL, 10), &made);
	(void)snprintf(line, sizeof(line), "%u\n", made);
	file(DEVICE(PF, "sriov_numvfs"), line);
	return err;
}

static int unbind_written(const char *text)
{
	assert_string_equal(text, VF);
	if (kernel.error_unbind)
		return kernel.error_unbind;
	assert_int_equal(unlink(path_of(DEVICE(VF, "driver"))), 0);
	return 0;
}

static int probe_written(const char *text)
{
	char override[64], target[PATH_MAX];

	assert_string_equal(text, VF);
	(void)snprintf(override, sizeof(override), "%s", text_of(DEVICE(VF, "driver_override")));
	if (override[0] == '(' || !override[0]) {
		if (text_of(DEVICE(PF, "sriov_drivers_autoprobe"))[0] == '0')
			return 0;
		(void)snprintf(override, sizeof(override), "igbvf");
	}
	if (kernel.no_driver)
		return 0;
	(void)snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", override);
	link_to(DEVICE(VF, "driver"), target);
	return 0;
}

/* What is simply kept. */
static int kept(const char *path, const char *text)
{
	FILE *stream = fopen(path, "we");

	assert_non_null(stream);
	(void)fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
	return 0;
}

static int written(const char *path, const char *text)
{
	const char *name = strrchr(path, '/') + 1;
	size_t length = strlen(kernel.asked);

	(void)snprintf(kernel.asked + length, sizeof(kernel.asked) - length, "%s=%s ", name,
		       text[0] == '\n' ? "" : text);
	if (strcmp(name, "sriov_numvfs") == 0)
		return numvfs_written(text);
	if (strcmp(name, "unbind") == 0)
		return unbind_written(text);
	if (strcmp(name, "drivers_probe") == 0)
		return probe_written(text);
	return kept(path, text);
}

/* The path of @fd if it is in the tree. */
static bool fd_path(int fd, char *path, size_t size)
{
	char link[64];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, size - 1);
	path[length < 0 ? 0 : length] = '\0';
	return strncmp(path, root, strlen(root)) == 0;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	char path[PATH_MAX], text[64];
	int err;

	if (!fd_path(fd, path, sizeof(path)))
		return __real_write(fd, data, size);
	if (kernel.part)
		return (ssize_t)size - 1;
	(void)snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)data);
	err = written(path, text);
	if (err) {
		errno = -err;
		return -1;
	}
	return (ssize_t)size;
}

int __wrap_close(int fd)
{
	char path[PATH_MAX];
	bool ours = fd_path(fd, path, sizeof(path));

	(void)__real_close(fd);
	if (!ours || !kernel.error_at_close || !strstr(path, "sriov_numvfs"))
		return 0;
	errno = -kernel.error_at_close;
	return -1;
}

/* --- what there is --- */

static void capability_is_read(void **state)
{
	struct sriov sriov = {.total = 99};

	assert_int_equal(sriov_read(root, "0000:09:00.0", &sriov), -ENODEV);
	assert_int_equal(sriov_read(root, "", &sriov), -ENODEV);
	assert_int_equal(sriov.total, 99);
	assert_int_equal(sriov_read(root, PF, &sriov), 0);
	assert_int_equal(sriov.total, 7);
	assert_true(sriov.has_vfs);
	assert_true(sriov.has_driver);
	assert_false(sriov.iommu);
	assert_int_equal(sriov.memory, IOV_MEMORY_THERE);
	link_to(DEVICE(PF, "iommu_group"), "../../../../kernel/iommu_groups/7");
	(void)unlink(path_of(DEVICE(PF, "driver")));
	assert_int_equal(sriov_read(root, PF, &sriov), 0);
	assert_true(sriov.iommu);
	assert_false(sriov.has_driver);
}

static void use_of_a_vf_is_seen(void **state)
{
	file(DEVICE(VF, "net/ens4/flags"), "0x1002\n");
	assert_false(sriov_in_use(root, PF));
	file(DEVICE(VF, "net/ens4/flags"), "0x1003\n");
	assert_true(sriov_in_use(root, PF));
	file(DEVICE(VF, "net/ens4/flags"), "0x1002\n");
	folder(DEVICE(VF, "net/ens4/master"));
	assert_true(sriov_in_use(root, PF));
	(void)unlink(path_of(DEVICE(VF, "driver")));
	assert_false(sriov_in_use(root, PF));
}

/* A function without SR-IOV has none of the files. */
static void lack_of_capability_is_read(void **state)
{
	struct sriov sriov;

	assert_int_equal(sriov_read(root, VF, &sriov), 0);
	assert_int_equal(sriov.total, 0);
	assert_false(sriov.has_vfs);
	assert_int_equal(sriov.memory, IOV_MEMORY_UNKNOWN);
	file(DEVICE(PF, "sriov_totalvfs"), "many\n");
	assert_int_equal(sriov_read(root, PF, &sriov), 0);
	assert_int_equal(sriov.total, 0);
}

static void lack_of_memory_is_read(void **state)
{
	static const struct {
		const char *lines;
		enum iov_memory memory;
	} cases[] = {
		{"", IOV_MEMORY_UNKNOWN},
		{"nonsense\n", IOV_MEMORY_UNKNOWN},
		{RESOURCES_OWN "0x0 0x0 0x0\n" RESOURCES_END, IOV_MEMORY_UNKNOWN},
		{RESOURCES_OWN "0x0 0x1bfff 0x140204\n" RESOURCES_END, IOV_MEMORY_MISSING},
		{RESOURCES_OWN "0x1000 0x1bfff 0x20140204\n" RESOURCES_END, IOV_MEMORY_MISSING},
		{RESOURCES_OWN "0xfe880000 0xfe89bfff 0x140204\n0x0 0x0 0x0\n0x0 0x0 0x0\n"
			       "0x0 0x1bfff 0x140204\n",
		 IOV_MEMORY_MISSING},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sriov sriov;

		file(DEVICE(PF, "resource"), cases[i].lines);
		assert_int_equal(sriov_read(root, PF, &sriov), 0);
		assert_int_equal(sriov.memory, cases[i].memory);
	}
}

/* --- how many --- */

static void count_is_set(void **state)
{
	struct problem problem = {};

	assert_int_equal(sriov_set_count(root, PF, 4, false, &problem), 0);
	assert_string_equal(kernel.asked, "sriov_drivers_autoprobe=0 sriov_numvfs=4 ");
	assert_int_equal(sriov_set_count(root, PF, 0, false, &problem), 0);
	assert_string_equal(text_of(DEVICE(PF, "sriov_numvfs")), "0");
	kernel.asked[0] = '\0';
	assert_int_equal(sriov_set_count(root, PF, 7, true, &problem), 0);
	assert_string_equal(kernel.asked, "sriov_drivers_autoprobe=1 sriov_numvfs=7 ");
}

static void count_that_is_there_is_not_written(void **state)
{
	assert_int_equal(sriov_set_count(root, PF, 0, true, NULL), 0);
	file(DEVICE(PF, "sriov_numvfs"), "5\n");
	assert_int_equal(sriov_set_count(root, PF, 5, false, NULL), 0);
	assert_int_equal(sriov_set_count(root, VF, 0, false, NULL), 0); /* without SR-IOV */
	assert_string_equal(kernel.asked, "");
}

static void another_count_goes_by_zero(void **state)
{
	struct problem problem = {};

	file(DEVICE(PF, "sriov_numvfs"), "5\n");
	assert_int_equal(sriov_set_count(root, PF, 2, true, &problem), 0);
	assert_string_equal(kernel.asked, "sriov_drivers_autoprobe=1 sriov_numvfs=2 "
					  "sriov_numvfs=0 sriov_numvfs=2 ");
	assert_string_equal(text_of(DEVICE(PF, "sriov_numvfs")), "2");
	/* They are in use. */
	kernel.error_of_none = -EPERM;
	assert_int_equal(sriov_set_count(root, PF, 3, true, &problem), -EPERM);
	assert_string_equal(problem.text, PF " cannot have 3 VFs: its VFs are in use by virtual "
					     "machines, or the privilege is missing");
	assert_string_equal(text_of(DEVICE(PF, "sriov_numvfs")), "2");
}

static void impossible_count_is_refused(void **state)
{
	struct problem problem = {}, none = {}, absent = {};

	assert_int_equal(sriov_set_count(root, PF, 8, true, &problem), -ERANGE);
	assert_string_equal(problem.text, PF " can have 7 VFs at most, not 8");
	assert_int_equal(sriov_set_count(root, VF, 1, true, &none), -EOPNOTSUPP);
	assert_string_equal(none.text, VF " cannot have VFs: it has no SR-IOV, or it is off in "
					  "the NIC's firmware");
	assert_int_equal(sriov_set_count(root, "0000:09:00.0", 1, true, &absent), -ENODEV);
	assert_string_equal(absent.text, "there is no PCI function \"0000:09:00.0\"");
	assert_string_equal(kernel.asked, "");
}

static void refusals_are_explained(void **state)
{
	static const struct {
		int error;
		const char *part;
	} cases[] = {
		{-ENOENT, "no driver, or one that makes no VFs"},
		{-ENOMEM, "\"pci=realloc\""},
		{-ENOSPC, "try fewer"},
		{-EINVAL, "try fewer"},
		{-EPERM, "in use by virtual machines"},
		{-EBUSY, "in use"},
		{-ENODEV, "No such device"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct problem problem = {};

		kernel.error = cases[i].error;
		assert_int_equal(sriov_set_count(root, PF, 2, true, &problem), cases[i].error);
		assert_int_equal(problem.error, cases[i].error);
		assert_non_null(strstr(problem.text, cases[i].part));
		assert_true(strlen(problem.text) < sizeof(problem.text) - 1); /* not cut */
	}
}

static void half_of_it_is_no_success(void **state)
{
	struct problem fewer = {};

	kernel.fewer = true;
	assert_int_equal(sriov_set_count(root, PF, 1, true, &fewer), -EIO);
	assert_string_equal(fewer.text, "the driver of " PF " made 0 VFs where 1 are wanted; some "
					"make them only while the NIC is up");
	kernel.fewer = false;
	kernel.part = true;
	assert_int_equal(sriov_set_count(root, PF, 2, true, NULL), -EIO);
	kernel.part = false;
	kernel.error_at_close = -EREMOTEIO;
	assert_int_equal(sriov_set_count(root, PF, 2, true, NULL), -EREMOTEIO);
}

static void file_that_cannot_be_written_is_told(void **state)
{
	struct problem problem = {};

	(void)unlink(path_of(DEVICE(PF, "sriov_drivers_autoprobe")));
	folder(DEVICE(PF, "sriov_drivers_autoprobe"));
	assert_int_equal(sriov_set_count(root, PF, 2, true, &problem), -EISDIR);
	assert_string_equal(problem.text, PF " cannot have 2 VFs: Is a directory");
	assert_string_equal(kernel.asked, "");
}

static void drivers_come_as_before(void **state)
{
	struct problem problem = {};
	bool autoprobe;

	assert_int_equal(sriov_autoprobe(root, PF, &autoprobe), 0);
	assert_true(autoprobe);
	assert_int_equal(sriov_set_autoprobe(root, PF, false, &problem), 0);
	assert_int_equal(sriov_autoprobe(root, PF, &autoprobe), 0);
	assert_false(autoprobe);
	assert_string_equal(kernel.asked, "sriov_drivers_autoprobe=0 ");
	assert_int_equal(sriov_autoprobe(root, VF, &autoprobe), -ENOENT);
	assert_int_equal(sriov_set_autoprobe(root, VF, true, &problem), -ENOENT);
	assert_non_null(strstr(problem.text, "whether VFs of " VF " get drivers"));
}

/* --- which functions --- */

static void functions_are_found(void **state)
{
	struct vf vfs[2] = {{.index = 0},
			    {.index = 1, .pci = "old", .driver = "old", .ifindex = 3}};
	struct vf_table table = {.vfs = vfs, .count = 2};

	assert_int_equal(sriov_functions(root, "0000:09:00.0", &table), -ENODEV);
	assert_int_equal(sriov_functions(root, PF, &table), 0);
	assert_int_equal(table.total, 7);
	assert_string_equal(vfs[0].pci, VF);
	assert_string_equal(vfs[0].driver, "igbvf");
	assert_int_equal(vfs[0].ifindex, 12);
	/* One that has gone. */
	assert_string_equal(vfs[1].pci, "");
	assert_string_equal(vfs[1].driver, "");
	assert_int_equal(vfs[1].ifindex, 0);
	/* One whose interface is in another namespace, and one without a driver. */
	(void)unlink(path_of(DEVICE(VF, "net/ens4/ifindex")));
	(void)rmdir(path_of(DEVICE(VF, "net/ens4")));
	assert_int_equal(sriov_functions(root, PF, &table), 0);
	assert_int_equal(vfs[0].ifindex, 0);
	assert_string_equal(vfs[0].driver, "igbvf");
	(void)unlink(path_of(DEVICE(VF, "driver")));
	assert_int_equal(sriov_functions(root, PF, &table), 0);
	assert_string_equal(vfs[0].driver, "");
}

static void shared_group_is_found(void **state)
{
	assert_false(sriov_shares_group(root, VF));
	link_to(DEVICE(VF, "iommu_group"), "../../../../kernel/iommu_groups/7");
	link_to("kernel/iommu_groups/7/devices/" VF, "../../../../bus/pci/devices/" VF);
	assert_false(sriov_shares_group(root, VF));
	link_to("kernel/iommu_groups/7/devices/" PF, "../../../../bus/pci/devices/" PF);
	assert_true(sriov_shares_group(root, VF));
}

/* --- drivers --- */

static void assert_driver(const char *driver)
{
	char bound[32] = "";

	(void)sysfs_link_name(path_of(DEVICE(VF, "driver")), bound, sizeof(bound));
	assert_string_equal(bound, driver);
}

static void driver_is_changed_and_comes_back(void **state)
{
	struct problem problem = {};

	assert_int_equal(sriov_bind(root, VF, "vfio-pci", &problem), 0);
	assert_driver("vfio-pci");
	assert_string_equal(kernel.asked, "driver_override= unbind=" VF " driver_override=vfio-pci "
					  "drivers_probe=" VF " ");
	assert_int_equal(sriov_bind(root, VF, "", &problem), 0);
	assert_driver("igbvf");
	assert_string_equal(text_of(DEVICE(VF, "driver_override")), "");
	/* The same one again: its interface begins anew, where it was born. */
	kernel.asked[0] = '\0';
	assert_int_equal(sriov_bind(root, VF, "", &problem), 0);
	assert_string_equal(kernel.asked, "driver_override= unbind=" VF " drivers_probe=" VF " ");
}

static void driver_is_taken_away(void **state)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sriov_unbind(root, VF, NULL), 0);
		assert_driver("");
	}
	assert_int_equal(sriov_unbind(root, "0000:09:10.0", NULL), -ENODEV);
}

/* VFs that have no driver by themselves get it by this request, and only this one does. */
static void own_driver_is_bound_without_autoprobe(void **state)
{
	file(DEVICE(PF, "sriov_drivers_autoprobe"), "0\n");
	assert_int_equal(sriov_unbind(root, VF, NULL), 0);
	assert_int_equal(sriov_bind(root, VF, "", NULL), 0);
	assert_driver("igbvf");
	assert_string_equal(text_of(DEVICE(PF, "sriov_drivers_autoprobe")), "0");
}

static void driver_is_not_there(void **state)
{
	struct problem absent = {}, refused = {}, none = {};

	assert_int_equal(sriov_bind(root, VF, "uio", &absent), -ENOENT);
	assert_string_equal(absent.text, "there is no driver uio; load it with \"modprobe uio\"");
	assert_driver("igbvf");
	kernel.no_driver = true;
	assert_int_equal(sriov_bind(root, VF, "vfio-pci", &refused), -ENODEV);
	assert_non_null(strstr(refused.text, "vfio-pci does not take " VF));
	assert_driver("");
	assert_string_equal(text_of(DEVICE(VF, "driver_override")), "");
	assert_int_equal(sriov_bind(root, VF, "", &none), -ENODEV);
	assert_non_null(strstr(none.text, "no driver takes " VF));
}

static void driver_that_stays_is_told(void **state)
{
	struct problem problem = {}, gone = {};

	kernel.error_unbind = -EINTR;
	assert_int_equal(sriov_bind(root, VF, "vfio-pci", &problem), -EINTR);
	assert_string_equal(problem.text, "the driver of " VF " cannot be changed: Interrupted "
					  "system call");
	assert_driver("igbvf");
	kernel.error_unbind = -ENODEV; /* it went by itself */
	assert_int_equal(sriov_unbind(root, VF, &gone), 0);
	assert_int_equal(sriov_bind(root, "", "vfio-pci", &gone), -ENODEV);
}

#define ON_TREE(test) cmocka_unit_test_setup_teardown(test, tree_make, tree_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TREE(capability_is_read),
		ON_TREE(use_of_a_vf_is_seen),
		ON_TREE(lack_of_capability_is_read),
		ON_TREE(lack_of_memory_is_read),
		ON_TREE(count_is_set),
		ON_TREE(count_that_is_there_is_not_written),
		ON_TREE(another_count_goes_by_zero),
		ON_TREE(impossible_count_is_refused),
		ON_TREE(refusals_are_explained),
		ON_TREE(half_of_it_is_no_success),
		ON_TREE(file_that_cannot_be_written_is_told),
		ON_TREE(drivers_come_as_before),
		ON_TREE(functions_are_found),
		ON_TREE(shared_group_is_found),
		ON_TREE(driver_is_changed_and_comes_back),
		ON_TREE(driver_is_taken_away),
		ON_TREE(own_driver_is_bound_without_autoprobe),
		ON_TREE(driver_is_not_there),
		ON_TREE(driver_that_stays_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
