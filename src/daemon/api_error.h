/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors of org.iovteam.varlink. */
#pragma once

#include "core/config.h"
#include "daemon/varlink.h"

#define API_REFUSED "org.iovteam.Refused"
#define API_BAD_CONFIGURATION "org.iovteam.BadConfiguration"
#define API_NOT_FOUND "org.iovteam.NotFound"
#define API_FAILED "org.iovteam.Failed"

/* @error with a sentence in "message". */
void api_error(struct varlink_reply *reply, const char *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* BadConfiguration, with the file and line. */
void api_bad_configuration(struct varlink_reply *reply, const char *directory,
			   const struct config_error *error);
