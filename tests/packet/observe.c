// SPDX-License-Identifier: GPL-2.0-or-later
#include "observe.h"

#include "base/cleanup.h"
#include "world.h"

#include "observer.skel.h" /* uses the types of observer.h */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <bpf/bpf.h>
#include <cmocka.h>

/* linux/bpf.h of 6.6 and later */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1U << 3)
#define TCX_AFTER (1U << 4)

static int attach(const struct bpf_program *program, int ifindex, bool ingress, uint32_t where)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = where);
	int link = bpf_link_create(bpf_program__fd(program), ifindex,
				   (enum bpf_attach_type)(ingress ? TCX_INGRESS : TCX_EGRESS),
				   &options);

	assert_true(link >= 0);
	return link;
}

void observer_attach(struct observer *observer, int ifindex, bool ingress, bool marked)
{
	*observer = (struct observer){.programs = observer_bpf__open_and_load(), .before = -1};
	assert_non_null(observer->programs);
	observer->after = attach(observer->programs->progs.observer, ifindex, ingress, TCX_AFTER);
	if (marked)
		observer->before =
			attach(observer->programs->progs.marker, ifindex, ingress, TCX_BEFORE);
}

void observer_detach(struct observer *observer)
{
	close_fd(&observer->before);
	close_fd(&observer->after);
	observer_bpf__destroy(observer->programs);
	observer->programs = NULL;
}

unsigned observer_frames(const struct observer *observer)
{
	const volatile struct observed *observed = &observer->programs->data_observed->observed;

	return (unsigned)observed->frames;
}

struct wait {
	const struct observer *observer;
	unsigned number;
};

static bool has_come(void *data)
{
	const struct wait *wait = data;

	return observer_frames(wait->observer) >= wait->number;
}

const volatile struct observed *observer_frame(const struct observer *observer, unsigned number)
{
	struct wait wait = {observer, number};

	world_wait(has_come, &wait);
	assert_int_equal(observer_frames(observer), number);
	return &observer->programs->data_observed->observed;
}
