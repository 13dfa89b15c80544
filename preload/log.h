/* SPDX-License-Identifier: MIT */
/*
 * Lines on standard error, from inside malloc: built on the stack, one write(2) each, no stdio.
 * Never on a descriptor 2 that is not the one of the start: programs close it and open a file.
 */
#ifndef PRELOAD_LOG_H
#define PRELOAD_LOG_H

#include <stddef.h>
#include <stdint.h>

struct log_line {
	size_t length;
	char text[512];		/* what does not fit is cut */
};

/* log_init - remember what descriptor 2 is. Context: once, early. */
void log_init(void);

/* log_begin - "contig: " */
void log_begin(struct log_line *line);
void log_text(struct log_line *line, const char *text);
void log_count(struct log_line *line, uint64_t value);
void log_bytes(struct log_line *line, uint64_t bytes);		/* "64K" */
void log_pointer(struct log_line *line, const void *p);
void log_end(struct log_line *line);				/* the newline, and out */

/* log_say - a whole line of two parts; @more may be "". */
void log_say(const char *text, const char *more);

/* log_write - bytes as they are, if descriptor 2 is still the one of the start. */
void log_write(const char *text, size_t bytes);

#endif
