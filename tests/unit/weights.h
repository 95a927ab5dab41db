/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Weights as core/deal takes them, for tests in which all members are alike. */
#pragma once

#include "model/steering.h"

#include <stdint.h>

/* The same weight for each of @slots. Good until the call after the next. */
static inline const uint32_t *even(uint32_t slots)
{
	static uint32_t weights[2][PICK_SLOTS];
	static unsigned int turn;

	turn = !turn;
	for (unsigned int slot = 0; slot < PICK_SLOTS; slot++)
		weights[turn][slot] = slots >> slot & 1;
	return weights[turn];
}
