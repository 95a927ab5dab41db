// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * iovteam-libvirt DOMAIN: stands between iovteamd and libvirt for one domain. libvirt's calls block
 * for as long as libvirt likes; here they block nobody but this domain. iovteamd starts it, ends it
 * when it says nothing, and starts it anew.
 *
 * It decides nothing. Standard input is a socket of packets, one JSON object each:
 *
 *	from iovteamd	{"id": 1, "do": "look"}
 *			{"id": 2, "do": "attach", "live": true, "xml": "<interface>…"}
 *			{"id": 3, "do": "detach", "live": false, "alias": "ua-iovteam-…"}
 *			{"id": 4, "do": "link", "live": true, "mac": "52:…", "up": false}
 *	to iovteamd	{"done": 2, "error": "…", "live": […], "config": null}
 *			{"live": […], "config": […]}	the domain has changed
 *			{"lost": "…"}			and it ends
 *
 * An answer says how the domain is now; "error" is "" if it was done. It speaks first, as if it had
 * been asked to look under the id 0.
 */
#include "base/cleanup.h"
#include "base/strings.h"
#include "libvirt/act.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define USUAL_URI "qemu:///system"
#define REQUEST_MAX 8192

struct helper {
	const char *domain;
	virConnectPtr connection;
	json_t *told; /* how the domain was when iovteamd heard of it last */
	bool changed; /* an event says so */
	bool over;
};

/* --- telling --- */

static void tell(struct helper *helper, json_t *message)
{
	_cleanup_free_ char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	if (!text || send(STDIN_FILENO, text, strlen(text), MSG_NOSIGNAL) < 0)
		helper->over = true;
	json_decref(message);
}

static void tell_lost(struct helper *helper, const char *why)
{
	if (!helper->over)
		tell(helper, json_pack("{s:s}", "lost", why));
	helper->over = true;
}

/* What libvirt refuses is an answer; that it is gone is the end. */
static bool is_lost(struct helper *helper, const struct problem *problem)
{
	if (!problem->error || virConnectIsAlive(helper->connection) == 1)
		return false;
	tell_lost(helper, problem->text);
	return true;
}

static void answer(struct helper *helper, json_int_t id, const struct problem *problem)
{
	struct problem blind = {};
	json_t *view;

	if (is_lost(helper, problem))
		return;
	view = act_look(helper->connection, helper->domain, &blind);
	if (!view) {
		tell_lost(helper, blind.text);
		return;
	}
	json_decref(helper->told);
	helper->told = json_copy(view);
	(void)json_object_set_new(view, "done", json_integer(id));
	(void)json_object_set_new(view, "error", json_string(problem->text));
	tell(helper, view);
	helper->changed = false;
}

static void tell_change(struct helper *helper)
{
	struct problem problem = {};
	json_t *view = act_look(helper->connection, helper->domain, &problem);

	helper->changed = false;
	if (!view || json_equal(view, helper->told)) {
		json_decref(view);
		return;
	}
	json_decref(helper->told);
	helper->told = json_incref(view);
	tell(helper, view);
}

/* --- being told --- */

static void on_request(int watch, int fd, int events, void *data)
{
	struct helper *helper = data;
	char bytes[REQUEST_MAX];
	ssize_t length = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	json_auto_t *request = NULL;
	struct problem problem = {};
	const char *word;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length > 0)
		request = json_loadb(bytes, (size_t)length, 0, NULL);
	word = json_string_value(json_object_get(request, "do"));
	if (!word) {
		helper->over = true;
		return;
	}
	if (strcmp(word, "look") != 0)
		(void)act_do(helper->connection, helper->domain, request, &problem);
	answer(helper, json_integer_value(json_object_get(request, "id")), &problem);
}

static void on_domain(struct helper *helper, virDomainPtr domain)
{
	if (strcmp(virDomainGetName(domain), helper->domain) == 0)
		helper->changed = true;
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
			void *data)
{
	on_domain(data, domain);
	return 0;
}

static void on_device(virConnectPtr connection, virDomainPtr domain, const char *alias, void *data)
{
	on_domain(data, domain);
}

static void on_close(virConnectPtr connection, int reason, void *data)
{
	tell_lost(data, "the connection was closed");
}

/* libvirt would print each error. */
static void on_error(void *data, virErrorPtr error)
{
}

/* --- the beginning --- */

/* A domain that is not there yet has no events of its own: those of all are listened to. */
static int listen_to_libvirt(struct helper *helper)
{
	static const struct {
		int id;
		virConnectDomainEventGenericCallback call;
	} events[] = {
		{VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
		{VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
		{VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device)},
	};
	const char *uri = getenv("LIBVIRT_DEFAULT_URI");

	helper->connection = virConnectOpen(uri ? uri : USUAL_URI);
	if (!helper->connection ||
	    virConnectRegisterCloseCallback(helper->connection, on_close, helper, NULL))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (virConnectDomainEventRegisterAny(helper->connection, NULL, events[i].id,
						     events[i].call, helper, NULL) < 0)
			return -1;
	return 0;
}

static void run(struct helper *helper)
{
	struct problem problem = {};

	if (virEventRegisterDefaultImpl() || listen_to_libvirt(helper)) {
		(void)act_explain(&problem);
		tell_lost(helper, problem.text);
		return;
	}
	answer(helper, 0, &problem);
	if (virEventAddHandle(STDIN_FILENO, VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP,
			      on_request, helper, NULL) < 0)
		helper->over = true;
	while (!helper->over && virEventRunDefaultImpl() == 0)
		if (helper->changed && !helper->over)
			tell_change(helper);
}

int main(int argc, char **argv)
{
	struct helper helper = {.domain = argc == 2 ? argv[1] : NULL};
	int type = 0;
	socklen_t size = sizeof(type);

	if (!helper.domain || getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) ||
	    type != SOCK_SEQPACKET) {
		(void)fputs("iovteam-libvirt is started by iovteamd alone\n", stderr);
		return 2;
	}
	/* Also while a call blocks. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	virSetErrorFunc(NULL, on_error);
	run(&helper);
	if (helper.connection)
		(void)virConnectClose(helper.connection);
	json_decref(helper.told);
	return 0;
}
