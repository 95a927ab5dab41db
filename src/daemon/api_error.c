// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/api_error.h"

#include "daemon/json_text.h"

#include <stdio.h>
#include <string.h>

void api_error(struct varlink_reply *reply, const char *error, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_decref(reply->parameters);
	reply->error = error;
	reply->parameters = json_pack("{s:o}", "message", json_text(text));
}

void api_bad_configuration(struct varlink_reply *reply, const char *directory,
			   const struct config_error *error)
{
	char file[CONFIG_FILE_SIZE + 256];

	if (strcmp(error->file, directory) == 0) /* it is the directory that cannot be read */
		(void)snprintf(file, sizeof(file), "%s", directory);
	else
		(void)snprintf(file, sizeof(file), "%s/%s", directory, error->file);
	json_decref(reply->parameters);
	reply->error = API_BAD_CONFIGURATION;
	reply->parameters = json_pack("{s:o, s:o, s:i}", "message", json_text(error->text), "file",
				      json_text(file), "line", (int)error->line);
}
