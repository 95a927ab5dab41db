// SPDX-License-Identifier: GPL-2.0-or-later
/* Domains of libvirt: what they lack (core/domain_plan), and what is said with iovteam-libvirt. */
#include "core/domain_plan.h"

#include "base/strings.h"
#include "daemon/domain_message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define VF "0000:02:10.0"
#define OTHER_VF "0000:02:10.2"
#define ALIAS "ua-iovteam-52540000000a"
#define VF_ALIAS ALIAS "-vf"

static const struct mac mac_a = {{0x52, 0x54, 0, 0, 0, 0x0a}};
static const struct mac mac_b = {{0x52, 0x54, 0, 0, 0, 0x0b}};

static struct domain_wishes wishes;
static struct domain_view view;
static struct domain_step steps[DOMAIN_STEPS_MAX];

/* One adapter "nicA" on the port "tap0"; a domain that is stopped and empty. */
static int set_up(void **state)
{
	wishes = (struct domain_wishes){
		.count = 1,
		.wishes = {{.name = "nicA", .port = "tap0", .port_there = true, .up = true}}};
	wishes.wishes[0].mac = mac_a;
	view = (struct domain_view){.config.present = true};
	return 0;
}

static struct domain_wish *wish(void)
{
	return &wishes.wishes[0];
}

static struct domain_card *put(struct domain_part *part, const char *alias, const char *target,
			       const char *pci)
{
	struct domain_card *card = &part->cards[part->count++];

	part->present = true;
	*card = (struct domain_card){.up = true};
	(void)text_copy(card->alias, sizeof(card->alias), alias);
	(void)text_copy(card->target, sizeof(card->target), target);
	(void)text_copy(card->pci, sizeof(card->pci), pci);
	if (!*pci)
		card->mac = mac_a;
	return card;
}

static size_t plan(void)
{
	return domain_plan(&wishes, &view, steps);
}

static void expect(size_t place, enum domain_step_kind kind, bool live, const char *alias)
{
	assert_int_equal(steps[place].kind, kind);
	assert_int_equal(steps[place].live, live);
	assert_string_equal(steps[place].alias, alias);
}

/* --- attaching and detaching --- */

static void test_states(void **state)
{
	assert_int_equal(domain_state_of(NULL), DOMAIN_UNKNOWN);
	assert_int_equal(domain_state_of(&view), DOMAIN_STOPPED);
	view.config.present = false;
	assert_int_equal(domain_state_of(&view), DOMAIN_MISSING);
	assert_int_equal(plan(), 0); /* there is nothing to attach to */
	view.live.present = true;
	assert_int_equal(domain_state_of(&view), DOMAIN_RUNNING);
}

static void test_attach(void **state)
{
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_ATTACH, false, ALIAS);
	view.live.present = true;
	assert_int_equal(plan(), 2);
	expect(0, DOMAIN_ATTACH, true, ALIAS);
	/* A running domain opens the tap, so that must be there. */
	wish()->port_there = false;
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_ATTACH, false, ALIAS);
	put(&view.config, ALIAS, "tap0", "");
	put(&view.live, ALIAS, "tap0", "");
	assert_int_equal(plan(), 0);
}

static void test_detach(void **state)
{
	put(&view.config, ALIAS, "tap0", "");
	put(&view.live, "net0", "vnet7", "")->mac = mac_b;
	wishes.count = 0;
	assert_false(domain_is_clear(&view));
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_DETACH, false, ALIAS);
	assert_null(steps[0].wish);
	view.config.count = 0;
	assert_true(domain_is_clear(&view));
	assert_int_equal(plan(), 0);
}

/* The port has another name now: the old one goes, and the new one comes when it is gone. */
static void test_other_port(void **state)
{
	put(&view.config, ALIAS, "tap9", "");
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_DETACH, false, ALIAS);
	view.config.count = 0;
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_ATTACH, false, ALIAS);
}

/* Another MAC is another alias. */
static void test_other_mac(void **state)
{
	put(&view.config, ALIAS, "tap0", "");
	wish()->mac = mac_b;
	assert_int_equal(plan(), 2);
	expect(0, DOMAIN_DETACH, false, ALIAS);
	expect(1, DOMAIN_ATTACH, false, "ua-iovteam-52540000000b");
}

static void test_strangers(void **state)
{
	struct domain_card *card = put(&view.config, "ua-mine", "tap0", "");

	/* On the adapter's port: used as it is. */
	assert_int_equal(plan(), 0);
	assert_false(domain_in_the_way(&view.config, wish()));
	wishes.count = 0;
	assert_int_equal(plan(), 0);
	/* On another: left alone, and none is attached beside it. */
	wishes.count = 1;
	(void)text_copy(card->target, sizeof(card->target), "");
	assert_true(domain_in_the_way(&view.config, wish()));
	assert_int_equal(plan(), 0);
	/* Nor is its link touched. */
	put(&view.live, "", "", "")->up = false;
	wish()->sets_link = true;
	assert_int_equal(plan(), 0);
}

/* --- the link --- */

static void test_link(void **state)
{
	struct domain_card *card = put(&view.live, ALIAS, "tap0", "");

	view.config.present = false;
	card->up = false;
	assert_int_equal(plan(), 0); /* it is nobody's of ours */
	wish()->sets_link = true;
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_SET_LINK, true, ALIAS);
	assert_true(steps[0].up);
	card->up = true;
	assert_int_equal(plan(), 0);
	wish()->up = false;
	/* Before all else: it is what a failover waits for. */
	put(&view.live, "ua-iovteam-000000000001", "tap5", "")->mac = mac_b;
	assert_int_equal(plan(), 2);
	expect(0, DOMAIN_SET_LINK, true, ALIAS);
	assert_false(steps[0].up);
	/* What is stopped has no link. */
	view.live = (struct domain_part){};
	put(&view.config, ALIAS, "tap0", "")->up = false;
	assert_int_equal(plan(), 0);
}

/* --- the VF --- */

static void test_vf(void **state)
{
	wish()->paired = true;
	(void)text_copy(wish()->vf, sizeof(wish()->vf), VF);
	/* It names its partner, which comes first. */
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_ATTACH, false, ALIAS);
	put(&view.config, ALIAS, "tap0", "")->paired = true;
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_ATTACH, false, VF_ALIAS);
	assert_true(steps[0].vf);
	put(&view.config, VF_ALIAS, "", VF);
	assert_int_equal(plan(), 0);
	/* Another VF; none any more. */
	(void)text_copy(wish()->vf, sizeof(wish()->vf), OTHER_VF);
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_DETACH, false, VF_ALIAS);
	wish()->vf[0] = '\0';
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_DETACH, false, VF_ALIAS);
	/* Somebody has given it the VF by himself. */
	view.config.count = 1;
	put(&view.config, "hostdev0", "", VF);
	(void)text_copy(wish()->vf, sizeof(wish()->vf), VF);
	assert_int_equal(plan(), 0);
}

/* The weight has changed: in the definition it is made anew, in the running domain it stays. */
static void test_pair(void **state)
{
	put(&view.live, ALIAS, "tap0", "");
	put(&view.config, ALIAS, "tap0", "");
	wish()->paired = true;
	(void)text_copy(wish()->vf, sizeof(wish()->vf), VF);
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_DETACH, false, ALIAS);
	view.config.count = 0;
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_ATTACH, false, ALIAS);
	view.live.cards[0].paired = true;
	put(&view.config, ALIAS, "tap0", "")->paired = true;
	assert_int_equal(plan(), 2);
	expect(0, DOMAIN_ATTACH, true, VF_ALIAS);
	expect(1, DOMAIN_ATTACH, false, VF_ALIAS);
	/* It is 0 again: the VF first, which names the other. */
	put(&view.config, VF_ALIAS, "", VF);
	view.live = (struct domain_part){};
	wish()->paired = false;
	wish()->vf[0] = '\0';
	assert_int_equal(plan(), 2);
	expect(0, DOMAIN_DETACH, false, VF_ALIAS);
	expect(1, DOMAIN_DETACH, false, ALIAS);
}

/* Of an adapter that leaves the link alone is seen to, and only of somebody else's card. */
static void test_leaving(void **state)
{
	struct domain_card *card;

	wish()->leaving = true;
	wish()->sets_link = true;
	view.live.present = true;
	assert_int_equal(plan(), 0);
	assert_false(domain_is_cut_off(&view, wish()));
	card = put(&view.live, "net0", "tap0", "");
	assert_false(domain_is_cut_off(&view, wish()));
	card->up = false;
	assert_true(domain_is_cut_off(&view, wish()));
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_SET_LINK, true, ALIAS);
	assert_true(steps[0].up);
	(void)text_copy(card->target, sizeof(card->target), "tap9");
	assert_false(domain_is_cut_off(&view, wish()));
	assert_int_equal(plan(), 0);
	/* Ours is taken out. */
	view.live.count = 0;
	put(&view.live, ALIAS, "tap0", "");
	assert_false(domain_is_cut_off(&view, wish()));
	assert_int_equal(plan(), 1);
	expect(0, DOMAIN_DETACH, true, ALIAS);
}

static void test_most(void **state)
{
	view.live.present = true;
	wishes.count = DOMAIN_WISHES_MAX;
	for (uint32_t i = 0; i < DOMAIN_WISHES_MAX; i++) {
		wishes.wishes[i] = *wish();
		wishes.wishes[i].mac.bytes[5] = (uint8_t)(i + 1);
	}
	for (uint32_t i = 0; i < DOMAIN_CARDS_MAX; i++) {
		put(&view.live, "ua-iovteam-x", "tap0", "")->mac.bytes[0] = 0xf2;
		put(&view.config, "ua-iovteam-x", "tap0", "")->mac.bytes[0] = 0xf2;
	}
	assert_in_range(plan(), 2 * (DOMAIN_CARDS_MAX + DOMAIN_WISHES_MAX), DOMAIN_STEPS_MAX);
}

/* --- XML --- */

static void test_xml(void **state)
{
	char xml[DOMAIN_XML_SIZE];

	domain_interface_xml(&mac_a, "web1.nicA", false, xml);
	assert_string_equal(xml, "<interface type='ethernet'><mac address='52:54:00:00:00:0a'/>"
				 "<target dev='web1.nicA' managed='no'/><model type='virtio'/>"
				 "<alias name='" ALIAS "'/></interface>");
	domain_interface_xml(&mac_a, "'&<>'&<>'&<>'&<", true, xml);
	assert_non_null(strstr(xml, "dev='&apos;&amp;&lt;&gt;&apos;&amp;&lt;&gt;&apos;&amp;&lt;&gt;"
				    "&apos;&amp;&lt;'"));
	assert_non_null(strstr(xml, "<teaming type='persistent'/>"));
	assert_int_equal(domain_hostdev_xml(&mac_a, VF, xml), 0);
	assert_string_equal(xml, "<hostdev mode='subsystem' type='pci' "
				 "managed='no'><source><address "
				 "domain='0x0000' bus='0x02' slot='0x10' "
				 "function='0x0'/></source><teaming "
				 "type='transient' persistent='" ALIAS "'/><alias name='" VF_ALIAS
				 "'/></hostdev>");
	assert_int_equal(domain_hostdev_xml(&mac_a, "virtio0", xml), -EINVAL);
}

/* --- messages --- */

static struct domain_message message;

static int take(const char *text)
{
	return domain_message_read(text, strlen(text), &message);
}

#define CARD                                                                                       \
	"{\"alias\":\"" ALIAS "\",\"mac\":\"52:54:00:00:00:0a\",\"target\":\"tap0\",\"pci\":\"\"," \
	"\"up\":false}"

static void test_messages(void **state)
{
	assert_int_equal(take("{\"live\":[" CARD "],\"config\":null}"), 0);
	assert_false(message.done || message.lost || !message.view.live.present);
	assert_false(message.view.config.present);
	assert_int_equal(message.view.live.count, 1);
	assert_true(domain_card_is_ours(message.view.live.cards));
	assert_true(mac_equal(&message.view.live.cards[0].mac, &mac_a));
	assert_false(message.view.live.cards[0].up);
	assert_int_equal(take("{\"done\":7,\"error\":\"no\\nway\",\"live\":null,\"config\":[]}"),
			 0);
	assert_true(message.done && message.id == 7 && message.view.config.present);
	assert_string_equal(message.text, "no way");
	assert_int_equal(take("{\"lost\":\"gone\"}"), 0);
	assert_true(message.lost);
	assert_string_equal(message.text, "gone");
	/* A long name is somebody else's. */
	assert_int_equal(take("{\"live\":[{\"alias\":\"ua-iovteam-0123456789abcdef0123456789\"}],"
			      "\"config\":null}"),
			 0);
	assert_string_equal(message.view.live.cards[0].alias, "");
}

static void test_nonsense(void **state)
{
	static const char *const texts[] = {
		"",
		"nonsense",
		"[]",
		"{}",
		"{\"live\":1,\"config\":null}",
		"{\"live\":[]}",
		"{\"live\":[1],\"config\":null}",
		"{\"live\":[{\"mac\":\"x\"}],\"config\":null}",
		"{\"live\":[],\"live\":[],\"config\":null}",
	};
	char many[DOMAIN_CARDS_MAX * 4 + 64] = "{\"config\":null,\"live\":[";

	message = (struct domain_message){.id = 5};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(take(texts[i]), -EPROTO);
	for (int i = 0; i <= DOMAIN_CARDS_MAX; i++)
		(void)strcat(many, i ? ",{}" : "{}");
	(void)strcat(many, "]}");
	assert_int_equal(take(many), -E2BIG);
	assert_int_equal(message.id, 5);
}

static void expect_request(struct domain_step step, const char *expected)
{
	char *text = domain_request(3, &step);

	assert_string_equal(text, expected);
	free(text);
}

static void test_requests(void **state)
{
	char *text = domain_request_look(4);

	assert_string_equal(text, "{\"id\":4,\"do\":\"look\"}");
	free(text);
	expect_request((struct domain_step){.kind = DOMAIN_SET_LINK, .live = true, .mac = mac_a},
		       "{\"id\":3,\"do\":\"link\",\"live\":true,\"mac\":\"52:54:00:00:00:0a\","
		       "\"up\":false}");
	expect_request((struct domain_step){.kind = DOMAIN_DETACH, .alias = ALIAS},
		       "{\"id\":3,\"do\":\"detach\",\"live\":false,\"alias\":\"" ALIAS "\"}");
	(void)text_copy(wish()->vf, sizeof(wish()->vf), "none");
	assert_null(domain_request(
		3, &(struct domain_step){.kind = DOMAIN_ATTACH, .vf = true, .wish = wish()}));
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_states),     TEST(test_attach),    TEST(test_detach),
		TEST(test_other_port), TEST(test_other_mac), TEST(test_strangers),
		TEST(test_link),       TEST(test_vf),	     TEST(test_pair),
		TEST(test_leaving),    TEST(test_most),	     TEST(test_xml),
		TEST(test_messages),   TEST(test_nonsense),  TEST(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
