/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of org.iovteam.varlink, put into the program by the build. */
#pragma once

extern const char interface_description[];
