// SPDX-License-Identifier: GPL-2.0-or-later
#include "datapath/stations.h"

#include "base/cleanup.h"

#include <errno.h>

#include <bpf/bpf.h>

/* All at once: a walk key by key costs two system calls for each. */
static int read_all(int map, struct station_key *keys, struct station *stations, size_t *ret_count)
{
	__u32 count = STATIONS_MAX, batch;
	int err = bpf_map_lookup_batch(map, NULL, &batch, keys, stations, &count, NULL);

	if (err && err != -ENOENT) /* which says that this was the last batch */
		return err;
	*ret_count = count;
	return 0;
}

int stations_take(int map, uint64_t since_ns, uint64_t flooded_ns, struct station_key **ret_keys,
		  size_t *ret_count)
{
	_cleanup_free_ struct station_key *keys = calloc(STATIONS_MAX, sizeof(*keys));
	_cleanup_free_ struct station *stations = calloc(STATIONS_MAX, sizeof(*stations));
	size_t read, kept = 0;
	__u32 count;
	int err;

	if (!keys || !stations)
		return -ENOMEM;
	err = read_all(map, keys, stations, &read);
	if (err)
		return err;
	for (size_t i = 0; i < read; i++) {
		if (stations[i].seen_ns < since_ns)
			continue;
		keys[kept] = keys[i];
		stations[kept] = (struct station){stations[i].seen_ns, flooded_ns};
		kept++;
	}
	count = (__u32)kept;
	err = kept ? bpf_map_update_batch(map, keys, stations, &count, NULL) : 0;
	if (err)
		return err;
	*ret_count = kept;
	*ret_keys = steal_ptr(keys);
	return 0;
}
