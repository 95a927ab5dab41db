// SPDX-License-Identifier: GPL-2.0-or-later
/* src/daemon/flow (T18): what is asked, as a frame that the loaded program is given. */
#include "base/strings.h"
#include "daemon/flow.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct mac team = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}};

#define TEAM_MAC 0x52, 0x54, 0x00, 0x12, 0x34, 0x56
#define HOST_MAC 0x02, 0, 0, 0, 0, 0x01 /* where only the address is known */

#define IPV4(proto, s3, d0, d1, d2, d3)                                                            \
	0x45, 0, 0, 40, 0, 0, 0, 0, 64, proto, 0, 0, 192, 0, 2, s3, d0, d1, d2, d3

/* 2001:db8::SOURCE */
#define IPV6(proto, source)                                                                        \
	0x60, 0, 0, 0, 0, 20, proto, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  \
		source

/* As long as TCP's header: enough for the ports of each protocol. */
#define PORTS(from, to)                                                                            \
	(from) >> 8, (from)&0xff, (to) >> 8, (to)&0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0, 0, 0, 0,  \
		0, 0, 0

static const struct frame_case {
	const char *text;
	size_t length;
	uint8_t frame[FLOW_FRAME_SIZE];
} frame_cases[] = {
	{"{'protocol': 'tcp', 'source': '192.0.2.1', 'source_port': 40000,"
	 " 'destination': '198.51.100.2', 'destination_port': 443}",
	 54,
	 {HOST_MAC, TEAM_MAC, 0x08, 0x00, IPV4(6, 1, 198, 51, 100, 2), PORTS(40000, 443)}},
	{"{'protocol': 'udp', 'source': '192.0.2.1', 'source_port': 1,"
	 " 'destination': '224.0.0.251', 'destination_port': 65535}",
	 54,
	 {0x01, 0x00, 0x5e, 0, 0, 251, TEAM_MAC, 0x08, 0x00, IPV4(17, 1, 224, 0, 0, 251),
	  PORTS(1, 65535)}},
	/* The group's MAC has 23 bits of the address. */
	{"{'protocol': 'udp', 'source': '192.0.2.1', 'source_port': 5,"
	 " 'destination': '239.255.1.2', 'destination_port': 5}",
	 54,
	 {0x01, 0x00, 0x5e, 0x7f, 1, 2, TEAM_MAC, 0x08, 0x00, IPV4(17, 1, 239, 255, 1, 2),
	  PORTS(5, 5)}},
	{"{'protocol': 'udp', 'source': '192.0.2.1', 'source_port': 68,"
	 " 'destination': '255.255.255.255', 'destination_port': 67}",
	 54,
	 {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, TEAM_MAC, 0x08, 0x00, IPV4(17, 1, 255, 255, 255, 255),
	  PORTS(68, 67)}},
	/* 240.0.0.0/4 is no multicast. */
	{"{'protocol': 'sctp', 'source': '192.0.2.1', 'source_port': 7,"
	 " 'destination': '240.0.0.1', 'destination_port': 9}",
	 54,
	 {HOST_MAC, TEAM_MAC, 0x08, 0x00, IPV4(132, 1, 240, 0, 0, 1), PORTS(7, 9)}},
	/* No ports: a protocol of which the kernel knows none. */
	{"{'protocol': 'ip', 'source': '192.0.2.1', 'destination': '198.51.100.2'}",
	 54,
	 {HOST_MAC, TEAM_MAC, 0x08, 0x00, IPV4(253, 1, 198, 51, 100, 2), PORTS(0, 0)}},
	/* … even if ports are named. */
	{"{'protocol': 'ip', 'source': '192.0.2.1', 'source_port': 7,"
	 " 'destination': '198.51.100.2', 'destination_port': 70000}",
	 54,
	 {HOST_MAC, TEAM_MAC, 0x08, 0x00, IPV4(253, 1, 198, 51, 100, 2), PORTS(0, 0)}},
	{"{'protocol': 'tcp', 'source': '2001:db8::1', 'source_port': 40000,"
	 " 'destination': '2001:db8::2', 'destination_port': 443}",
	 74,
	 {HOST_MAC,   TEAM_MAC,
	  0x86,	      0xdd,
	  IPV6(6, 1), 0x20,
	  0x01,	      0x0d,
	  0xb8,	      0,
	  0,	      0,
	  0,	      0,
	  0,	      0,
	  0,	      0,
	  0,	      0,
	  2,	      PORTS(40000, 443)}},
	{"{'protocol': 'udp', 'source': '2001:db8::9', 'source_port': 5353,"
	 " 'destination': 'ff02::1:ff12:3456', 'destination_port': 5353}",
	 74,
	 {0x33,	       0x33, 0xff, 0x12, 0x34, 0x56, TEAM_MAC, 0x86, 0xdd,
	  IPV6(17, 9), 0xff, 2,	   0,	 0,    0,    0,	       0,    0,
	  0,	       0,    0,	   1,	 0xff, 0x12, 0x34,     0x56, PORTS(5353, 5353)}},
	{"{'protocol': 'ip', 'source': '2001:db8::1', 'destination': 'fe80::1'}",
	 74,
	 {HOST_MAC, TEAM_MAC, 0x86, 0xdd, IPV6(253, 1), 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	  0,	    0,	      0,    1,	  PORTS(0, 0)}},
	/* Neither IP: MACs only, both as asked. */
	{"{'protocol': 'ethernet', 'source': '02:00:00:00:00:aa',"
	 " 'destination': '01:80:c2:00:00:0e'}",
	 34,
	 {0x01, 0x80, 0xc2, 0, 0, 0x0e, 0x02, 0, 0, 0, 0, 0xaa, 0x88, 0xb5, PORTS(0, 0)}},
};

/* Quotes in the tables are single ones; JSON wants double ones. */
static json_t *json_read(const char *text)
{
	char buffer[512];
	json_t *json;

	assert_int_equal(text_copy(buffer, sizeof(buffer), text), 0);
	for (char *c = buffer; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(buffer, 0, NULL);
	assert_non_null(json);
	return json;
}

static void frames_are_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(frame_cases); i++) {
		const struct frame_case *c = &frame_cases[i];
		uint8_t frame[FLOW_FRAME_SIZE];
		struct problem problem = {};
		struct flow flow;
		json_t *json = json_read(c->text);

		if (flow_read(json, &team, &flow, &problem))
			fail_msg("%s: %s", c->text, problem.text);
		assert_int_equal(flow_frame(&flow, frame), c->length);
		assert_memory_equal(frame, c->frame, c->length);
		json_decref(json);
	}
}

static void nonsense_is_refused_in_words(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
		{"{}", "\"\" is no protocol known here: tcp, udp, sctp, ip or ethernet"},
		{"{'protocol': 6}", "\"\" is no protocol known here: tcp, udp, sctp, ip or "
				    "ethernet"},
		{"{'protocol': 'icmp', 'source': '192.0.2.1', 'destination': '192.0.2.2'}",
		 "\"icmp\" is no protocol known here: tcp, udp, sctp, ip or ethernet"},
		{"{'protocol': 'TCP'}", "\"TCP\" is no protocol known here: tcp, udp, sctp, ip or "
					"ethernet"},
		{"{'protocol': 'ip'}", "\"\" is not an IP address"},
		{"{'protocol': 'ip', 'source': '192.0.2.256', 'destination': '192.0.2.2'}", "\"192."
											    "0.2."
											    "256\" "
											    "is "
											    "not "
											    "an IP "
											    "addres"
											    "s"},
		{"{'protocol': 'ip', 'source': '2001:db8::g', 'destination': '2001:db8::1'}",
		 "\"2001:db8::g\" is not an IP address"},
		{"{'protocol': 'ip', 'source': '192.0.2.1'}", "\"\" is not an address of the same "
							      "family as 192.0.2.1"},
		{"{'protocol': 'ip', 'source': '192.0.2.1', 'destination': '2001:db8::1'}",
		 "\"2001:db8::1\" is not an address of the same family as 192.0.2.1"},
		{"{'protocol': 'ip', 'source': '2001:db8::1', 'destination': '192.0.2.1'}",
		 "\"192.0.2.1\" is not an address of the same family as 2001:db8::1"},
		{"{'protocol': 'tcp', 'source': '192.0.2.1', 'destination': '192.0.2.2'}", "tcp "
											   "needs "
											   "two "
											   "ports "
											   "of 1 "
											   "to "
											   "65535"},
		{"{'protocol': 'udp', 'source': '192.0.2.1', 'destination': '192.0.2.2',"
		 " 'source_port': 0, 'destination_port': 53}",
		 "udp needs two ports of 1 to 65535"},
		{"{'protocol': 'sctp', 'source': '192.0.2.1', 'destination': '192.0.2.2',"
		 " 'source_port': 1, 'destination_port': 65536}",
		 "sctp needs two ports of 1 to 65535"},
		{"{'protocol': 'udp', 'source': '192.0.2.1', 'destination': '192.0.2.2',"
		 " 'source_port': -1, 'destination_port': 53}",
		 "udp needs two ports of 1 to 65535"},
		{"{'protocol': 'udp', 'source': '192.0.2.1', 'destination': '192.0.2.2',"
		 " 'source_port': '1', 'destination_port': 53}",
		 "udp needs two ports of 1 to 65535"},
		{"{'protocol': 'ethernet'}", "a flow of the protocol ethernet is between MACs"},
		{"{'protocol': 'ethernet', 'source': '02:00:00:00:00:aa',"
		 " 'destination': '192.0.2.1'}",
		 "a flow of the protocol ethernet is between MACs"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static const struct flow before = {.family = 77};
		struct flow flow = before;
		struct problem problem = {};
		json_t *json = json_read(cases[i].json);

		assert_int_equal(flow_read(json, &team, &flow, &problem), -EINVAL);
		assert_string_equal(problem.text, cases[i].text);
		assert_memory_equal(&flow, &before, sizeof(flow));
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_exact),
		cmocka_unit_test(nonsense_is_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
