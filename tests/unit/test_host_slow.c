// SPDX-License-Identifier: GPL-2.0-or-later
/* What becomes of a NIC's VFs when their number is set, and given back. The NIC is not there. */
#include "base/strings.h"
#include "daemon/host_private.h"
#include "daemon/worker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NIC 7

static struct observed observed;
static const struct team_context context = {.observed = &observed};
static const struct switch_config config = {.name = "swA", .iov = true};
static struct host host;
static char asked[256]; /* of the NIC: "autoprobe=1 vfs=4(0) ", in brackets what new VFs get */
static bool autoprobe, in_use;
static int refusal; /* of the NIC's driver */

int __wrap_worker_do(struct worker *worker, worker_job job, worker_done done, void *data);
int __wrap_host_set_mark(struct host *host, int ifindex, const char *mark, struct problem *problem);
bool __wrap_sriov_in_use(const char *root, const char *pci);
int __wrap_sriov_set_count(const char *root, const char *pci, uint32_t count, bool drivers,
			   struct problem *problem);
int __wrap_sriov_autoprobe(const char *root, const char *pci, bool *ret_autoprobe);
int __wrap_sriov_set_autoprobe(const char *root, const char *pci, bool wanted,
			       struct problem *problem);

int __wrap_worker_do(struct worker *worker, worker_job job, worker_done done, void *data)
{
	struct problem problem = {};
	int err = job(data, &problem);

	(void)worker;
	done(data, err, &problem);
	return 0;
}

int __wrap_host_set_mark(struct host *of, int ifindex, const char *mark, struct problem *problem)
{
	struct link *bridge = link_by_index(&observed.links, ifindex);

	(void)of;
	(void)problem;
	return text_copy(bridge->alias, sizeof(bridge->alias), mark);
}

bool __wrap_sriov_in_use(const char *root, const char *pci)
{
	(void)root;
	(void)pci;
	return in_use;
}

int __wrap_sriov_set_count(const char *root, const char *pci, uint32_t count, bool drivers,
			   struct problem *problem)
{
	size_t length = strlen(asked);

	(void)root;
	(void)pci;
	(void)problem;
	if (count)
		autoprobe = drivers;
	(void)snprintf(asked + length, sizeof(asked) - length, "vfs=%u(%d) ", count, drivers);
	return refusal;
}

int __wrap_sriov_autoprobe(const char *root, const char *pci, bool *ret_autoprobe)
{
	(void)root;
	(void)pci;
	*ret_autoprobe = autoprobe;
	return 0;
}

int __wrap_sriov_set_autoprobe(const char *root, const char *pci, bool wanted,
			       struct problem *problem)
{
	size_t length = strlen(asked);

	(void)root;
	(void)pci;
	(void)problem;
	autoprobe = wanted;
	(void)snprintf(asked + length, sizeof(asked) - length, "autoprobe=%d ", wanted);
	return 0;
}

static void nothing(void *data)
{
	(void)data;
}

static const char *mark_now(void)
{
	return link_by_name(&observed.links, "swA")->alias;
}

/* The bridge swA with that mark. */
static void scene(const char *mark)
{
	struct link bridge = {.ifindex = 3, .name = "swA", .kind = "bridge"};

	(void)text_copy(bridge.alias, sizeof(bridge.alias), mark);
	assert_int_equal(link_table_put(&observed.links, &bridge), 0);
	free(host.troubles);
	host = (struct host){.context = &context, .changed = nothing};
	*asked = '\0';
	autoprobe = true;
	in_use = false;
	refusal = 0;
}

static int end(void **state)
{
	(void)state;
	free(host.troubles);
	host = (struct host){};
	link_table_done(&observed.links);
	observed = (struct observed){};
	return 0;
}

/* Of the switch, or as it goes (@sw NULL). Returns what the NIC was asked. */
static const char *set_count(const struct switch_config *sw, uint32_t had, uint32_t wanted)
{
	struct host_step step = {
		.kind = HOST_VFS_MAKE, .sw = sw, .ifindex = NIC, .vf = had, .number = wanted};
	struct problem problem = {};

	(void)text_copy(step.object, sizeof(step.object), "swA");
	*asked = '\0';
	assert_int_equal(host_begin(&host, &step, &problem), 0);
	return asked;
}

static void drivers_come_again_when_the_switch_goes(void **state)
{
	(void)state;
	scene("iovteam switch nic=7 up=1 vfs=0");
	assert_string_equal(set_count(&config, 0, 4), "vfs=4(0) ");
	assert_string_equal(mark_now(), "iovteam switch nic=7 up=1 vfs=0 autoprobe=1");
	/* What there is now is ours. */
	assert_string_equal(set_count(&config, 4, 6), "vfs=6(0) ");
	assert_string_equal(mark_now(), "iovteam switch nic=7 up=1 vfs=0 autoprobe=1");
	assert_string_equal(set_count(NULL, 0, 0), "autoprobe=1 vfs=0(1) ");
	assert_true(autoprobe);
	scene("iovteam switch nic=7 up=1 vfs=2 autoprobe=0");
	assert_string_equal(set_count(NULL, 0, 2), "autoprobe=0 vfs=2(0) ");
}

static void drivers_come_again_when_iov_is_set_off(void **state)
{
	(void)state;
	scene("iovteam switch nic=7 up=1 autoprobe=1");
	in_use = true;
	assert_string_equal(set_count(&config, 4, 2), "");
	assert_string_equal(mark_now(), "iovteam switch nic=7 up=1 vfs=2 autoprobe=1");
	scene("iovteam switch nic=7 up=1 autoprobe=1");
	assert_string_equal(set_count(&config, 4, 2), "autoprobe=1 vfs=2(1) ");
	assert_string_equal(mark_now(), "iovteam switch nic=7 up=1");
}

static void what_was_not_made_is_not_noted(void **state)
{
	(void)state;
	scene("iovteam switch nic=7 up=1 vfs=0");
	in_use = true;
	assert_string_equal(set_count(&config, 0, 4), "");
	assert_string_equal(mark_now(), "iovteam switch nic=7 up=1");
	scene("iovteam switch nic=7 up=1 vfs=0");
	refusal = -EBUSY;
	assert_string_equal(set_count(&config, 0, 4), "vfs=4(0) autoprobe=1 ");
	assert_string_equal(mark_now(), "iovteam switch nic=7 up=1");
}

/* A mark of an earlier version, one of another NIC, and a bridge that was there before. */
static void what_is_not_known_stays(void **state)
{
	(void)state;
	scene("iovteam switch nic=7 up=1 vfs=2");
	assert_string_equal(set_count(NULL, 0, 2), "vfs=2(0) ");
	scene("iovteam switch nic=8 up=1 vfs=2 autoprobe=1");
	assert_string_equal(set_count(NULL, 0, 2), "vfs=2(0) ");
	scene("");
	assert_string_equal(set_count(&config, 0, 2), "vfs=2(0) ");
	assert_string_equal(mark_now(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(drivers_come_again_when_the_switch_goes, end),
		cmocka_unit_test_teardown(drivers_come_again_when_iov_is_set_off, end),
		cmocka_unit_test_teardown(what_was_not_made_is_not_noted, end),
		cmocka_unit_test_teardown(what_is_not_known_stays, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
