// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/cleanup.h"
#include "daemon/probing.h"
#include "daemon/roll_call.h"
#include "datapath/carrier.h"
#include "kernel/netns.h"
#include "kernel/packet.h"

#include <errno.h>
#include <string.h>

int team_context_open(struct team_context *context, struct observed *observed, sd_event *loop,
		      const char *pins, struct problem *problem)
{
	int err = observe_open(observed);

	if (err)
		return problem_set(problem, err, "cannot open netlink: %s", strerror(-err));
	*context = (struct team_context){
		.loop = loop, .observed = observed, .packet_fd = -1, .pins = pins};
	err = netns_cookie(&context->netns);
	if (err)
		return problem_set(problem, err, "cannot identify the network namespace: %s",
				   strerror(-err));
	err = packet_open(&context->packet_fd);
	if (err)
		return problem_set(problem, err, "cannot open a packet socket: %s", strerror(-err));
	context->carrier = carrier_new(pins);
	if (!context->carrier)
		return problem_set(problem, -ENOMEM, "out of memory");
	err = roll_call_open(loop, probing_called, context, &context->roll_call);
	if (err)
		return problem_set(problem, err, "cannot start a thread: %s", strerror(-err));
	err = observe_all(observed);
	if (err)
		return problem_set(problem, err, "cannot read the devices: %s", strerror(-err));
	return 0;
}

void team_context_close(struct team_context *context)
{
	roll_call_close(context->roll_call);
	carrier_free(context->carrier);
	close_fd(&context->packet_fd);
}
