// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/carry.h"

#include "base/cleanup.h"
#include "model/steering.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The one value of a pinned map of global data; the caller frees it. NULL: there is none. */
static void *read_pinned(const char *path, size_t *ret_size)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), key = 0;
	void *value;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) || info.max_entries != 1 ||
	    info.type != BPF_MAP_TYPE_ARRAY)
		return NULL;
	value = calloc(1, info.value_size + sizeof(__u64)); /* the kernel copies whole words */
	if (value && bpf_map_lookup_elem(fd, &key, value)) {
		free(value);
		return NULL;
	}
	*ret_size = info.value_size;
	return value;
}

bool carry_possible(const char *path)
{
	_cleanup_free_ void *value = NULL;
	size_t size = 0;
	__u32 layout;

	value = read_pinned(path, &size);
	if (!value || size < sizeof(layout))
		return false;
	memcpy(&layout, value, sizeof(layout));
	return layout >= PICK_LAYOUT_OLDEST && layout <= PICK_LAYOUT;
}

bool carry_map(const char *path, struct bpf_map *map)
{
	_cleanup_free_ void *value = NULL, *ours = NULL;
	size_t size = 0, room = bpf_map__value_size(map);

	value = read_pinned(path, &size);
	if (!value || size >= room)
		return false;
	ours = calloc(1, room);
	if (!ours)
		return false;
	memcpy(ours, value, size);
	return !bpf_map__set_initial_value(map, ours, room);
}
