// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <time.h>

void run_again(int fd, struct run *run)
{
	struct __sk_buff context = {.ifindex = (uint32_t)run->ifindex,
				    .cb = {run->cb[0], run->cb[1]}};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = run->in,
		    .data_size_in = (uint32_t)run->in_length, .data_out = run->out,
		    .data_size_out = sizeof(run->out), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .ctx_out = &context,
		    .ctx_size_out = sizeof(context));

	int err = bpf_prog_test_run_opts(fd, &options);

	if (err)
		fail_msg("test run of %zu bytes: %s", run->in_length, strerror(-err));
	run->out_length = options.data_size_out;
	run->verdict = (int)options.retval;
	memcpy(run->cb, context.cb, sizeof(run->cb));
}

void run_text(int fd, const char *frame, uint8_t vary, int ifindex, uint32_t hash,
	      struct run *ret_run)
{
	*ret_run = (struct run){.ifindex = ifindex, .cb = {0, hash}};
	ret_run->in_length = frame_parse(frame, vary, ret_run->in);
	run_again(fd, ret_run);
}

uint64_t monotonic(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
