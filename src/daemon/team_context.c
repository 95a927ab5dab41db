// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/team.h"
#include "kernel/netns.h"
#include "kernel/packet.h"

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
	err = observe_all(observed);
	if (err)
		return problem_set(problem, err, "cannot read the devices: %s", strerror(-err));
	return 0;
}
