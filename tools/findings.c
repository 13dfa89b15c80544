/* SPDX-License-Identifier: MIT */
#include "findings.h"
#include "command.h"
#include "json.h"

#include <stdarg.h>
#include <string.h>

static const struct { const char *text, *json, *colour; } findings_level[FINDINGS_LEVEL_COUNT] = {
	[FINDINGS_OK] = { "ok", "ok", "\033[32m" },
	[FINDINGS_NOTE] = { "note", "note", "\033[36m" },
	[FINDINGS_LACK] = { "lack", "lack", "\033[33m" },
	[FINDINGS_NEEDED] = { "LACK", "lack", "\033[31m" },
};

void findings_add(struct findings *findings, enum findings_level level, const char *subject,
		const char *format, ...)
{
	struct findings_line *line;
	va_list args;

	if (findings->count == FINDINGS_LINES)
		return;
	line = &findings->line[findings->count++];
	line->level = level;
	line->mend[0] = '\0';
	snprintf(line->subject, sizeof(line->subject), "%s", subject);
	va_start(args, format);
	vsnprintf(line->text, sizeof(line->text), format, args);
	va_end(args);
}

void findings_mend(struct findings *findings, const char *format, ...)
{
	struct findings_line *line = &findings->line[findings->count - 1];
	va_list args;

	va_start(args, format);
	vsnprintf(line->mend, sizeof(line->mend), format, args);
	va_end(args);
}

unsigned int findings_count(const struct findings *findings, enum findings_level level)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < findings->count; i++)
		count += findings->line[i].level == level;
	return count;
}

void findings_print_text(const struct findings *findings)
{
	bool colour = command_colour(stdout), mends = false;

	for (unsigned int i = 0; i < findings->count; i++) {
		const struct findings_line *line = &findings->line[i];

		printf("%s%-4s%s  %-18s %s\n", colour ? findings_level[line->level].colour : "",
		       findings_level[line->level].text, colour ? "\033[0m" : "", line->subject,
		       line->text);
		mends |= line->mend[0] != '\0';
		if (line->mend[0])
			printf("%-25smend: %s\n", "", line->mend);
	}
	if (mends)
		printf("(what mends is mostly root's to do)\n");
	printf("%u ok, %u to note, %u lacking, %u of them needed by default\n",
	       findings_count(findings, FINDINGS_OK), findings_count(findings, FINDINGS_NOTE),
	       findings_count(findings, FINDINGS_LACK) + findings_count(findings, FINDINGS_NEEDED),
	       findings_count(findings, FINDINGS_NEEDED));
}

void findings_print_json(const struct findings *findings)
{
	struct json json = { .out = stdout };

	json_open_object(&json, NULL);
	json_put_number(&json, "needed", findings_count(findings, FINDINGS_NEEDED));
	json_open_list(&json, "lines");
	for (unsigned int i = 0; i < findings->count; i++) {
		const struct findings_line *line = &findings->line[i];

		json_open_object(&json, NULL);
		json_put_text(&json, "level", findings_level[line->level].json);
		json_put_flag(&json, "needed", line->level == FINDINGS_NEEDED);
		json_put_text(&json, "subject", line->subject);
		json_put_text(&json, "text", line->text);
		json_put_text(&json, "mend", line->mend[0] ? line->mend : NULL);
		json_close(&json);
	}
	json_close(&json);
	json_close(&json);
}
