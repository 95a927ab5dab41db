// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/varlink_client.h"

#include "base/cleanup.h"
#include "daemon/buffer.h"
#include "daemon/json_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SERVICE "org.varlink.service"
#define STREAM_USED (1ULL << 63)

/* What is said when nothing can be made up any more. */
#define OUT_OF_MEMORY(sentence)                                                                    \
	"{\"error\":\"org.iovteam.Failed\",\"parameters\":{\"message\":\"" sentence "\"}}"

struct varlink_client {
	sd_event_source *source; /* the socket */
	sd_event_source *next;	 /* a timer that fires while a whole request waits in the input */
	const struct varlink_interface *interface;
	varlink_gone gone;
	void *data;
	int fd;
	uid_t uid;
	bool ended; /* it will ask no more; what it has asked is still answered */
	uint64_t used_us;
	struct buffer in, out;
	char *stream; /* the topic of its stream, "" = all; NULL = it has none */
};

/* A method's answer, unless it is a long one, needs no memory any more. */
static int buffer_reserve(struct buffer *buffer)
{
	return buffer_add(buffer, "", 0, VARLINK_OUTPUT_MAX);
}

uint64_t varlink_client_used(const struct varlink_client *client)
{
	return client->stream ? client->used_us | STREAM_USED : client->used_us;
}

uid_t varlink_client_uid(const struct varlink_client *client)
{
	return client->uid;
}

void varlink_client_free(struct varlink_client *client)
{
	sd_event_source_unref(client->next);
	sd_event_source_unref(client->source);
	close_fd(&client->fd);
	buffer_free(&client->in);
	buffer_free(&client->out);
	free(client->stream);
	free(client);
}

/* Write what the socket takes. */
static int flush_output(struct varlink_client *client)
{
	while (client->out.length) {
		ssize_t sent = send(client->fd, client->out.bytes, client->out.length,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return -errno;
		buffer_consume(&client->out, (size_t)sent);
	}
	return 0;
}

static char *print_reply(const struct varlink_client *client, const struct varlink_reply *reply)
{
	json_t *message = json_pack("{s:s*, s:o*, s:o*}", "error", reply->error, "parameters",
				    reply->parameters, "continues",
				    client->stream && !reply->error ? json_true() : NULL);
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	return text;
}

static int send_text(struct varlink_client *client, const char *text)
{
	return buffer_add(&client->out, text, strlen(text) + 1, VARLINK_OUTPUT_MAX);
}

static int send_reply(struct varlink_client *client, const struct varlink_reply *reply)
{
	_cleanup_free_ char *text = print_reply(client, reply);

	if (json_starved())
		return send_text(client, OUT_OF_MEMORY("no memory for the answer; what has "
						       "become of the call: iovteam team show"));
	return text ? send_text(client, text) : -EINVAL;
}

/* --- org.varlink.service: what each Varlink service answers --- */

static void service_error(struct varlink_reply *reply, const char *error, const char *key,
			  const char *value)
{
	reply->error = error;
	reply->parameters = json_pack("{s:s}", key, value);
}

static void get_info(const struct varlink_client *client, struct varlink_reply *reply)
{
	reply->parameters = json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "iovteam",
				      "product", "iovteamd", "version", IOVTEAM_VERSION, "url", "",
				      "interfaces", SERVICE, client->interface->name);
}

static void get_description(const struct varlink_client *client, json_t *parameters,
			    struct varlink_reply *reply)
{
	const char *name = json_string_value(json_object_get(parameters, "interface"));

	if (!name || strcmp(name, client->interface->name) != 0)
		service_error(reply, SERVICE ".InterfaceNotFound", "interface", name ? name : "");
	else
		reply->parameters =
			json_pack("{s:s}", "description", client->interface->description);
}

/* --- calls --- */

static const struct varlink_method *find_method(const struct varlink_client *client,
						const char *name)
{
	for (size_t i = 0; i < client->interface->method_count; i++)
		if (strcmp(client->interface->methods[i].name, name) == 0)
			return &client->interface->methods[i];
	return NULL;
}

static const struct varlink_parameter *find_parameter(const struct varlink_method *method,
						      const char *name)
{
	for (const struct varlink_parameter *known = method->parameters; known->name; known++)
		if (strcmp(known->name, name) == 0)
			return known;
	return NULL;
}

/* The name of the first parameter that is unknown, missing or of another type; NULL: all are right. */
static const char *wrong_parameter(const struct varlink_method *method, json_t *parameters)
{
	const char *name;
	json_t *value;

	json_object_foreach(parameters, name, value) if (!find_parameter(method, name)) return name;
	for (const struct varlink_parameter *known = method->parameters; known->name; known++) {
		value = json_object_get(parameters, known->name);
		if ((!value || json_is_null(value)) && known->optional)
			continue;
		if (known->type == JSON_TRUE && json_is_boolean(value))
			continue;
		if (!value || json_typeof(value) != known->type)
			return known->name;
	}
	return NULL;
}

static void call_method(const struct varlink_client *client, const struct varlink_method *method,
			json_t *parameters, struct varlink_reply *reply)
{
	const char *wrong = wrong_parameter(method, parameters);

	if (method->changes && client->uid != 0) {
		reply->error = "org.iovteam.PermissionDenied";
		reply->parameters = json_pack("{s:s}", "message", "only root may change anything");
	} else if (wrong) {
		service_error(reply, SERVICE ".InvalidParameter", "parameter", wrong);
	} else {
		method->call(client->interface->data, parameters, reply);
	}
}

static void dispatch(const struct varlink_client *client, const char *name, json_t *parameters,
		     struct varlink_reply *reply)
{
	const struct varlink_method *method = find_method(client, name);

	if (method) {
		call_method(client, method, parameters, reply);
	} else if (strcmp(name, SERVICE ".GetInfo") == 0) {
		get_info(client, reply);
	} else if (strcmp(name, SERVICE ".GetInterfaceDescription") == 0) {
		get_description(client, parameters, reply);
	} else {
		service_error(reply, SERVICE ".MethodNotFound", "method", name);
	}
}

/* The first answer says that more follow, so the stream begins before it. */
static void begin_stream(struct varlink_client *client, const char *method, const json_t *message,
			 const struct varlink_reply *reply)
{
	const json_t *parameters = json_object_get(message, "parameters");
	const char *topic = json_string_value(json_object_get(parameters, "name"));

	if (!reply->error && json_is_true(json_object_get(message, "more")) &&
	    client->interface->stream && strcmp(method, client->interface->stream) == 0)
		client->stream = strdup(topic ? topic : "");
}

/* One request that has been read. Negative: it is not one, and the connection ends. */
static int answer(struct varlink_client *client, json_t *message, json_t *none)
{
	const char *name = json_string_value(json_object_get(message, "method"));
	json_t *given = json_object_get(message, "parameters");
	bool oneway = json_is_true(json_object_get(message, "oneway"));
	struct varlink_reply reply = {};
	int err = 0;

	if (!name || (given && !json_is_object(given)) || client->stream) {
		service_error(&reply, SERVICE ".InvalidParameter", "parameter",
			      message ? "method" : "not JSON");
		err = -EBADMSG;
	} else {
		dispatch(client, name, given ? given : none, &reply);
		begin_stream(client, name, message, &reply);
	}
	if (oneway && !err)
		json_decref(reply.parameters);
	else if (send_reply(client, &reply))
		err = -EMSGSIZE;
	return err;
}

/* Nothing is called for that has not been read whole, or that could not be answered. */
static int handle_message(struct varlink_client *client, const char *bytes, size_t length)
{
	json_t *message, *none;
	int err = buffer_reserve(&client->out);

	if (err)
		return err;
	json_watch();
	message = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
	none = json_object();
	err = json_starved() ? send_text(client, OUT_OF_MEMORY("out of memory; nothing was "
							       "changed"))
			     : answer(client, message, none);
	json_decref(none);
	json_decref(message);
	return err;
}

/* --- the connection --- */

static const char *request_end(const struct varlink_client *client)
{
	return client->in.length ? memchr(client->in.bytes, '\0', client->in.length) : NULL;
}

static int handle_next(struct varlink_client *client)
{
	const char *end = request_end(client);
	size_t length = end ? (size_t)(end - client->in.bytes) : 0;
	int err;

	if (!end)
		return 0;
	err = handle_message(client, client->in.bytes, length);
	buffer_consume(&client->in, length + 1);
	return err;
}

static int read_input(struct varlink_client *client)
{
	char bytes[BUFFER_READ_SIZE];
	ssize_t got = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	client->ended = got == 0;
	return buffer_add(&client->in, bytes, (size_t)got, VARLINK_MESSAGE_MAX);
}

/* Nothing more is read before what was read is carried out. -ECONNRESET: all is done and said. */
static int wait_for_more(struct varlink_client *client)
{
	bool waits = request_end(client);
	uint32_t events = client->out.length ? EPOLLOUT : 0;
	int err;

	if (client->ended && !waits && !client->out.length)
		return -ECONNRESET;
	if (!waits && !client->ended)
		events |= EPOLLIN;
	err = sd_event_source_set_io_events(client->source, events);
	if (err >= 0)
		err = sd_event_source_set_enabled(client->next,
						  waits ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

static void client_leave(struct varlink_client *client)
{
	client->gone(client->data, client);
	varlink_client_free(client);
}

/*
 * One request, then the loop's other duties: however many a client has sent, an event of the
 * kernel waits for one of them at most, and other clients have their turn.
 */
static void serve(struct varlink_client *client, int err)
{
	if (!err)
		err = handle_next(client);
	if (flush_output(client) < 0 || err || wait_for_more(client))
		client_leave(client);
}

bool varlink_client_streams(const struct varlink_client *client)
{
	return client->stream != NULL;
}

void varlink_client_publish(struct varlink_client *client, const char *topic, json_t *parameters)
{
	struct varlink_reply reply = {.parameters = parameters};

	if (!client->stream || (*client->stream && *topic && strcmp(client->stream, topic) != 0))
		return;
	json_watch();
	(void)json_incref(parameters);
	if (send_reply(client, &reply) || flush_output(client) < 0 || wait_for_more(client))
		client_leave(client);
}

/* A client that has gone (EPOLLHUP) is noticed by reading its end, or by writing to it. */
static int on_client(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct varlink_client *client = data;
	int err = 0;

	(void)sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &client->used_us);
	if (revents & EPOLLERR)
		err = -ECONNRESET;
	else if ((revents & EPOLLIN) && !request_end(client))
		err = read_input(client);
	serve(client, err);
	return 0;
}

static int on_next(sd_event_source *source, uint64_t at_us, void *data)
{
	serve(data, 0);
	return 0;
}

static int listen_client(struct varlink_client *client, sd_event *loop)
{
	int err = sd_event_add_io(loop, &client->source, client->fd, EPOLLIN, on_client, client);

	/* Long due whenever it is on. A deferred source would come before all other clients. */
	if (err >= 0)
		err = sd_event_add_time(loop, &client->next, CLOCK_MONOTONIC, 0, 1, on_next,
					client);
	if (err >= 0)
		err = sd_event_source_set_enabled(client->next, SD_EVENT_OFF);
	return err < 0 ? err : 0;
}

int varlink_client_new(sd_event *loop, int fd, const struct varlink_interface *interface,
		       varlink_gone gone, void *data, struct varlink_client **ret_client)
{
	struct varlink_client *client = calloc(1, sizeof(*client));
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t size = sizeof(peer);
	int err;

	if (!client) {
		close_fd(&fd);
		return -ENOMEM;
	}
	client->fd = fd;
	client->interface = interface;
	client->gone = gone;
	client->data = data;
	client->uid = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? (uid_t)-1 : peer.uid;
	(void)sd_event_now(loop, CLOCK_MONOTONIC, &client->used_us);
	err = listen_client(client, loop);
	if (err) {
		varlink_client_free(client);
		return err;
	}
	*ret_client = client;
	return 0;
}
