/* SPDX-License-Identifier: MIT */
/* A JSON writer: what is opened is closed in the reverse order, commas come by themselves. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 16

struct json {
	FILE *out;
	bool one_line;		/* one value a line, not one member */
	unsigned int depth;
	char close[JSON_DEPTH];
	bool filled[JSON_DEPTH];	/* something stands in the object or list already */
};

/*
 * In all of these @key is NULL inside a list and at the top. Text may hold any bytes: what is
 * not UTF-8 is replaced, so that the output always is.
 */
void json_open_object(struct json *json, const char *key);
void json_open_list(struct json *json, const char *key);
void json_close(struct json *json);	/* the last one opened; a newline after the first */
void json_put_text(struct json *json, const char *key, const char *text);	/* NULL: null */
void json_put_number(struct json *json, const char *key, uint64_t value);
void json_put_decimal(struct json *json, const char *key, double value);	/* finite */
void json_put_flag(struct json *json, const char *key, bool value);
void json_put_null(struct json *json, const char *key);

#endif
