/* SPDX-License-Identifier: MIT */
/* What `contig doctor` found, line by line: gathered first, then printed as text or JSON. */
#ifndef TOOLS_FINDINGS_H
#define TOOLS_FINDINGS_H

#include <limits.h>
#include <stdbool.h>

#define FINDINGS_LINES 96

enum findings_level {
	FINDINGS_OK,
	FINDINGS_NOTE,		/* worth knowing; nothing to do */
	FINDINGS_LACK,		/* something better could be had */
	FINDINGS_NEEDED,		/* a lack that a program under the default policy feels */
	FINDINGS_LEVEL_COUNT
};

struct findings_line {
	enum findings_level level;
	char subject[32];	/* "pool 2M" */
	char text[256];
	char mend[PATH_MAX + 128];		/* the command; "" none */
};

struct findings {
	unsigned int count;
	struct findings_line line[FINDINGS_LINES];
};

/* findings_add - one more line, in printf's format. */
void findings_add(struct findings *findings, enum findings_level level, const char *subject,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* findings_mend - the command that mends the line added last. */
void findings_mend(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

unsigned int findings_count(const struct findings *findings, enum findings_level level);
void findings_print_text(const struct findings *findings);
void findings_print_json(const struct findings *findings);

#endif
