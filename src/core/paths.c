// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/paths.h"

/* The lower the better. */
static unsigned int path_rank(enum member_path path)
{
	switch (path) {
	case MEMBER_PATH_HARDWARE:
		return 0;
	case MEMBER_PATH_UNKNOWN:
		return 1;
	case MEMBER_PATH_SYNTHETIC:
	case MEMBER_PATH_COUNT:
		break;
	}
	return 2;
}

static struct team_seat *seat_in(struct team_seat *seats, unsigned int count, int slot)
{
	for (unsigned int i = 0; i < count; i++)
		if (seats[i].slot == slot)
			return &seats[i];
	return NULL;
}

static void arrange_pair(struct team_seat *a, struct team_seat *b)
{
	unsigned int rank_a = path_rank(a->path), rank_b = path_rank(b->path);
	struct team_seat *spare =
		rank_a > rank_b || (rank_a == rank_b && a->slot > b->slot) ? a : b;
	const struct team_seat *better = spare == a ? b : a;

	spare->spare = true;
	spare->path = better->path;
	if (better->speed)
		spare->speed = better->speed;
}

void paths_arrange(struct team_seat *seats, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct team_seat *other = seat_in(seats, count, seats[i].other - 1);

		if (other && other->slot > seats[i].slot)
			arrange_pair(&seats[i], other);
	}
}

static bool is_usable(const struct team_run *run, int slot)
{
	return slot >= 0 && (run->usable >> slot & 1);
}

uint32_t paths_idle(const struct team_run *run)
{
	uint32_t idle = 0;

	for (unsigned int i = 0; i < run->count; i++) {
		const struct team_seat *seat = &run->seats[i];

		if (seat->spare && is_usable(run, seat->slot) && is_usable(run, seat->other - 1))
			idle |= 1U << seat->slot;
	}
	return idle;
}

int paths_other(const struct team_run *run, int slot)
{
	const struct team_seat *seat = team_run_seat(run, slot);

	return seat ? seat->other - 1 : -1;
}

int paths_front(const struct team_run *run, int slot)
{
	const struct team_seat *seat = team_run_seat(run, slot);
	int better, spare;

	if (!seat || !seat->other)
		return slot;
	better = seat->spare ? seat->other - 1 : slot;
	spare = seat->spare ? slot : seat->other - 1;
	if (is_usable(run, better))
		return better;
	/* Neither carries: the one that is there tells more than the one that is not. */
	return is_usable(run, spare) || run->health[better].reason == REASON_NOT_PRESENT ? spare
											 : better;
}

bool paths_table(const struct team_run *run, uint8_t *ret_others)
{
	bool any = false;

	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		ret_others[slot] = 0;
	for (unsigned int i = 0; i < run->count; i++) {
		ret_others[run->seats[i].slot] = run->seats[i].other;
		any |= run->seats[i].other;
	}
	return any;
}

unsigned int paths_members(const struct team_run *run)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < run->count; i++)
		count += !run->seats[i].spare;
	return count;
}
