// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/finding.h"

#include "base/strings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const finding_severity_names[] = {
	[FINDING_FATAL] = "fatal",
	[FINDING_WARNING] = "warning",
	[FINDING_NOTE] = "note",
};
NAME_TABLE_COMPLETE(finding_severity_names, FINDING_SEVERITY_COUNT);

struct finding *finding_list_add(struct finding_list *list)
{
	struct finding *added;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct finding *grown = reallocarray(list->findings, room, sizeof(*grown));

		if (!grown)
			return NULL;
		list->findings = grown;
		list->room = room;
	}
	added = &list->findings[list->count++];
	*added = (struct finding){};
	return added;
}

void finding_list_done(struct finding_list *list)
{
	free(list->findings);
	*list = (struct finding_list){};
}

void finding_say(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + used, FINDING_TEXT_SIZE - used, format, args);
	va_end(args);
}
