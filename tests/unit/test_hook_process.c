// SPDX-License-Identifier: GPL-2.0-or-later
/* A hook that cannot be run for want of memory takes nothing of the daemon's with it. */
#include "daemon/hook_environment.h"
#include "daemon/hook_process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

char **__wrap_hook_environment(json_t *event, const char *socket, unsigned int dropped);

char **__wrap_hook_environment(json_t *event, const char *socket, unsigned int dropped)
{
	(void)event;
	(void)socket;
	(void)dropped;
	return NULL;
}

static void standard_input_stays_open(void **state)
{
	struct hook_process *process;

	(void)state;
	assert_true(fcntl(0, F_GETFD) >= 0 || open("/dev/null", O_RDONLY | O_CLOEXEC) == 0);
	assert_int_equal(hook_process_start(NULL, "/", "hook", NULL, "", 0, NULL, NULL, &process),
			 -ENOMEM);
	assert_true(fcntl(0, F_GETFD) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(standard_input_stays_open)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
