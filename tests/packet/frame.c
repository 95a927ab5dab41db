// SPDX-License-Identifier: GPL-2.0-or-later
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static unsigned nibble(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	assert_in_range(c, 'a', 'f');
	return (unsigned)(c - 'a' + 10);
}

size_t frame_parse(const char *text, uint8_t vary, uint8_t *frame)
{
	size_t length = 0;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		assert_true(length < FRAME_MAX);
		if (*text == 'x')
			frame[length++] = vary;
		else
			frame[length++] = (uint8_t)(nibble(text[0]) << 4 | nibble(text[1]));
		text++;
	}
	return length;
}

struct mac frame_mac(const char *text)
{
	uint8_t bytes[FRAME_MAX];
	struct mac mac;

	assert_int_equal(frame_parse(text, 0, bytes), sizeof(mac.bytes));
	memcpy(mac.bytes, bytes, sizeof(mac.bytes));
	return mac;
}

void frame_members(struct pick_state *state)
{
	static const struct {
		unsigned slot;
		const char *mac;
	} members[] = {{SLOT_A, MAC_A}, {SLOT_B, MAC_B}, {SLOT_C, MAC_C}, {SLOT_Z, MAC_Z}};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const struct mac mac = frame_mac(members[i].mac);

		memcpy(state->member_macs[members[i].slot], mac.bytes, sizeof(mac.bytes));
		state->usable |= 1U << members[i].slot;
	}
	state->primary = SLOT_A;
	memcpy(state->team_mac, state->member_macs[SLOT_A], sizeof(state->team_mac));
}

void frame_leave(const struct pick_state *state, unsigned slot, uint8_t *frame)
{
	const uint8_t *mac = slot < PICK_SLOTS ? state->member_macs[slot] : state->team_mac;
	static const uint8_t nobody[6];
	uint8_t *source = frame + 6;

	if (memcmp(source, nobody, sizeof(nobody)) == 0)
		return;
	for (size_t i = 0; i < PICK_SLOTS; i++)
		if (memcmp(source, state->member_macs[i], sizeof(nobody)) == 0) {
			memcpy(source, mac, sizeof(nobody));
			return;
		}
}
