/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Bytes of the well-formed UTF-8 sequence at @s; 0: none. */
static size_t json_measure_utf8(const unsigned char *s)
{
	static const struct { unsigned char mask, lead, low, high; size_t bytes; } form[] = {
		{ 0xff, 0xe0, 0xa0, 0xbf, 3 }, { 0xff, 0xed, 0x80, 0x9f, 3 },
		{ 0xff, 0xf0, 0x90, 0xbf, 4 }, { 0xff, 0xf4, 0x80, 0x8f, 4 },
		{ 0xe0, 0xc0, 0x80, 0xbf, 2 }, { 0xf0, 0xe0, 0x80, 0xbf, 3 },
		{ 0xfc, 0xf0, 0x80, 0xbf, 4 },
	};

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2)
		return 0;
	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++) {
		if ((s[0] & form[i].mask) != form[i].lead)
			continue;
		if (s[1] < form[i].low || s[1] > form[i].high)
			return 0;
		for (size_t k = 2; k < form[i].bytes; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return form[i].bytes;
	}
	return 0;
}

static void json_write_text(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		size_t bytes = json_measure_utf8(s);

		if (!bytes) {
			fputs("\\ufffd", out);
			bytes = 1;
		} else if (*s == '"' || *s == '\\') {
			fprintf(out, "\\%c", *s);
		} else if (*s < 0x20 || *s == 0x7f) {
			fprintf(out, "\\u%04x", *s);
		} else {
			fwrite(s, 1, bytes, out);
		}
		s += bytes;
	}
	fputc('"', out);
}

static void json_begin_line(const struct json *json)
{
	if (!json->one_line)
		fprintf(json->out, "\n%*s", (int)(2 * json->depth), "");
}

static void json_begin_value(struct json *json, const char *key)
{
	if (json->depth) {
		if (json->filled[json->depth - 1])
			fputs(json->one_line ? ", " : ",", json->out);
		json->filled[json->depth - 1] = true;
		json_begin_line(json);
	}
	if (key) {
		json_write_text(json->out, key);
		fputs(": ", json->out);
	}
}

static void json_open(struct json *json, const char *key, char open, char close)
{
	assert(json->depth < JSON_DEPTH);
	json_begin_value(json, key);
	fputc(open, json->out);
	json->close[json->depth] = close;
	json->filled[json->depth] = false;
	json->depth++;
}

void json_open_object(struct json *json, const char *key)
{
	json_open(json, key, '{', '}');
}

void json_open_list(struct json *json, const char *key)
{
	json_open(json, key, '[', ']');
}

void json_close(struct json *json)
{
	assert(json->depth > 0);
	json->depth--;
	if (json->filled[json->depth])
		json_begin_line(json);
	fputc(json->close[json->depth], json->out);
	if (!json->depth)
		fputc('\n', json->out);
}

void json_put_text(struct json *json, const char *key, const char *text)
{
	if (!text) {
		json_put_null(json, key);
		return;
	}
	json_begin_value(json, key);
	json_write_text(json->out, text);
}

void json_put_number(struct json *json, const char *key, uint64_t value)
{
	json_begin_value(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_put_decimal(struct json *json, const char *key, double value)
{
	json_begin_value(json, key);
	fprintf(json->out, "%.3f", value);
}

void json_put_flag(struct json *json, const char *key, bool value)
{
	json_begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_put_null(struct json *json, const char *key)
{
	json_begin_value(json, key);
	fputs("null", json->out);
}
