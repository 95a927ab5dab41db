// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/pins.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define NEW_DIRECTORY_MODE 0700

int pins_path(const char *directory, const char *name, char *ret_path)
{
	int length = snprintf(ret_path, PATH_MAX, "%s/%s", directory, name);

	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int pins_map_path(const char *directory, const struct bpf_map *map, char *ret_path)
{
	static const char section[] = ".data.";
	const char *name = bpf_map__name(map);

	if (strncmp(name, section, strlen(section)) == 0)
		name += strlen(section);
	return pins_path(directory, name, ret_path);
}

void pins_discard_unfit(const char *path, const struct bpf_map *map)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	if (info.value_size != bpf_map__value_size(map) || info.key_size != bpf_map__key_size(map))
		(void)unlink(path);
}

int pins_make(const char *pins, const char *name, char *ret_directory, bool *ret_made)
{
	int err = pins_path(pins, name, ret_directory);

	if (err)
		return err;
	if (mkdir(pins, NEW_DIRECTORY_MODE) && errno != EEXIST)
		return -errno;
	*ret_made = mkdir(ret_directory, NEW_DIRECTORY_MODE) == 0;
	if (*ret_made || errno == EEXIST)
		return 0;
	err = -errno;
	(void)rmdir(pins); /* stays if there are others */
	return err;
}

static void unpin_all(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		(void)closedir(dir);
}

/*
 * Maps and links are all that is pinned; what is left after detaching are the maps. Twice, if
 * something stays: until the next start it would be a team that nobody wants.
 */
void pins_remove(char *directory)
{
	char *end = strrchr(directory, '/');

	for (int i = 0; i < 2; i++) {
		unpin_all(directory);
		if (!rmdir(directory) || errno == ENOENT)
			break;
	}
	*end = '\0';
	if (rmdir(directory) && errno != ENOENT && errno != ENOTEMPTY)
		(void)rmdir(directory); /* the last one's goes with it */
}

const char *pins_error_text(int err, char *buffer, size_t size)
{
	(void)libbpf_strerror(err, buffer, size);
	return buffer;
}

int pins_each(const char *pins, int (*found)(const char *name, void *data), void *data)
{
	DIR *dir = opendir(pins);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (err >= 0 && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && entry->d_type == DT_DIR)
			err = found(entry->d_name, data);
	(void)closedir(dir);
	return err < 0 ? err : 0;
}
