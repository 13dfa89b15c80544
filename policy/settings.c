/* SPDX-License-Identifier: MIT */
#include "settings.h"
#include "pattern.h"
#include "value.h"

#include <errno.h>
#include <string.h>

/* In the order of each enum. */
#define SETTINGS_CHOICES_heap	"jemalloc | thp | hugetlb"
#define SETTINGS_CHOICES_fork	"auto | kernel | snapshot | dontfork"
#define SETTINGS_CHOICES_log	"quiet | warn | info"

enum settings_kind {
	SETTINGS_SIZE, SETTINGS_TIME, SETTINGS_ENUM, SETTINGS_FLAG, SETTINGS_LIST, SETTINGS_TEXT
};

struct settings_row {
	const char *name, *help, *values;
	enum settings_kind kind;
	size_t offset;		/* in struct settings */
	uint64_t preset;	/* of a list or a text: its bytes, which are 0 */
	uint64_t min, max;	/* of a size or a time */
};

#define SETTINGS_TEXT_VALUES	"text | json | text:FILE | json:FILE"
#define SETTINGS_ROW(sort, text, def)	.kind = (sort), .values = (text), .preset = (def)
#define SETTINGS_KIND_SIZE(def)	SETTINGS_ROW(SETTINGS_SIZE, "size", def)
#define SETTINGS_KIND_TIME(def)	SETTINGS_ROW(SETTINGS_TIME, "time", def)
#define SETTINGS_KIND_FLAG(def)	SETTINGS_ROW(SETTINGS_FLAG, "yes | no", def)
#define SETTINGS_KIND_LIST(def)	SETTINGS_ROW(SETTINGS_LIST, "names", sizeof(def) - 1)
#define SETTINGS_KIND_TEXT(def)	SETTINGS_ROW(SETTINGS_TEXT, SETTINGS_TEXT_VALUES, sizeof(def) - 1)
#define SETTINGS_KIND_ENUM_heap(def) SETTINGS_ROW(SETTINGS_ENUM, SETTINGS_CHOICES_heap, def)
#define SETTINGS_KIND_ENUM_fork(def) SETTINGS_ROW(SETTINGS_ENUM, SETTINGS_CHOICES_fork, def)
#define SETTINGS_KIND_ENUM_log(def) SETTINGS_ROW(SETTINGS_ENUM, SETTINGS_CHOICES_log, def)

static const struct settings_row settings_row[] = {
#define SETTING(setting, sort, def, low, high, text) \
	{ .name = #setting, .help = (text), .offset = offsetof(struct settings, setting), \
	  .min = (low), .max = (high), SETTINGS_KIND_##sort(def) },
#include "keys.def"
};

#define SETTINGS_COUNT (sizeof(settings_row) / sizeof(settings_row[0]))

/* The fields are written through their offsets, an enum as the integer it is. */
_Static_assert(sizeof(enum heap_id) == sizeof(unsigned int), "enums are unsigned int");
_Static_assert(sizeof(enum fork_id) == sizeof(unsigned int), "enums are unsigned int");
_Static_assert(sizeof(enum log_id) == sizeof(unsigned int), "enums are unsigned int");

unsigned int policy_setting_count(void)
{
	return SETTINGS_COUNT;
}

const char *settings_name(unsigned int index)
{
	return settings_row[index].name;
}

int settings_find(struct slice name)
{
	for (unsigned int i = 0; i < SETTINGS_COUNT; i++)
		if (slice_is(name, settings_row[i].name))
			return (int)i;
	return -1;
}

static void settings_store(struct settings *set, const struct settings_row *row, uint64_t value)
{
	char *field = (char *)set + row->offset;
	unsigned int choice = (unsigned int)value;
	bool flag = value != 0;

	switch (row->kind) {
	case SETTINGS_SIZE:
	case SETTINGS_TIME:
		memcpy(field, &value, sizeof(value));
		break;
	case SETTINGS_ENUM:
		memcpy(field, &choice, sizeof(choice));
		break;
	case SETTINGS_FLAG:
		memcpy(field, &flag, sizeof(flag));
		break;
	case SETTINGS_LIST:
	case SETTINGS_TEXT:
		break;
	}
}

void settings_init(struct settings *set)
{
	memset(set, 0, sizeof(*set));
	for (unsigned int i = 0; i < SETTINGS_COUNT; i++)
		settings_store(set, &settings_row[i], settings_row[i].preset);
}

static int settings_parse_amount(const struct settings_row *row, struct slice value,
				 uint64_t *out, struct text *expected)
{
	bool size = row->kind == SETTINGS_SIZE;
	void (*put)(struct text *text, uint64_t amount) = size ? value_put_size : value_put_time;
	uint64_t amount = 0;
	int ret = size ? value_parse_size(value, &amount) : value_parse_time(value, &amount);

	if (!ret && (amount < row->min || amount > row->max))
		ret = -ERANGE;
	if (!ret) {
		*out = amount;
		return 0;
	}
	text_put(expected, size ? "a size such as 64K or 1.5G, from " :
		 "a time such as 500ms, 10s or 1m, from ");
	put(expected, row->min);
	text_put(expected, " to ");
	put(expected, row->max);
	return ret;
}

/* `stats` is the only text there is. */
static int settings_parse_text(struct slice value, char *out, struct text *expected)
{
	struct slice format = value, file = { "?", 1 };

	slice_split(value, ":", &format, &file);
	if (value.bytes && ((!slice_is(format, "text") && !slice_is(format, "json")) ||
			    !file.bytes)) {
		text_put(expected, SETTINGS_TEXT_VALUES);
		return -EINVAL;
	}
	if (value.bytes >= POLICY_TEXT_BYTES) {
		text_put_above(expected, POLICY_TEXT_BYTES - 1, "bytes");
		return -ENAMETOOLONG;
	}
	memset(out, 0, POLICY_TEXT_BYTES);
	memcpy(out, value.at, value.bytes);
	return 0;
}

static int settings_parse_list(struct slice value, struct pattern_list *out,
			       struct text *expected)
{
	/* As long as a text, so that policy_setting_value() can always show it whole. */
	if (value.bytes >= POLICY_TEXT_BYTES) {
		text_put_above(expected, POLICY_TEXT_BYTES - 1, "bytes");
		return -ENAMETOOLONG;
	}
	if (!value.bytes) {
		memset(out, 0, sizeof(*out));
		return 0;
	}
	return pattern_parse_list(value, ',', out, expected);
}

int settings_set(struct settings *set, unsigned int index, struct slice value,
		 struct text *expected)
{
	const struct settings_row *row = &settings_row[index];
	char *field = (char *)set + row->offset;
	unsigned int choice = 0;
	uint64_t number = 0;
	bool flag = false;
	int ret = 0;

	switch (row->kind) {
	case SETTINGS_SIZE:
	case SETTINGS_TIME:
		ret = settings_parse_amount(row, value, &number, expected);
		break;
	case SETTINGS_ENUM:
		ret = value_parse_choice(value, row->values, &choice);
		number = choice;
		if (ret)
			text_put(expected, row->values);
		break;
	case SETTINGS_FLAG:
		ret = value_parse_flag(value, &flag);
		number = flag;
		if (ret)
			text_put(expected, row->values);
		break;
	case SETTINGS_LIST:
		return settings_parse_list(value, (struct pattern_list *)(void *)field, expected);
	case SETTINGS_TEXT:
		return settings_parse_text(value, field, expected);
	}
	if (!ret)
		settings_store(set, row, number);
	return ret;
}

static void settings_put_value(const struct settings *set, const struct settings_row *row,
			       struct text *text)
{
	const char *field = (const char *)set + row->offset;
	const struct pattern_list *list = (const void *)field;
	unsigned int choice;
	uint64_t amount;
	bool flag;

	switch (row->kind) {
	case SETTINGS_SIZE:
	case SETTINGS_TIME:
		memcpy(&amount, field, sizeof(amount));
		if (row->kind == SETTINGS_SIZE)
			value_put_size(text, amount);
		else
			value_put_time(text, amount);
		break;
	case SETTINGS_ENUM:
		memcpy(&choice, field, sizeof(choice));
		text_put_printable(text, value_choice(row->values, choice));
		break;
	case SETTINGS_FLAG:
		memcpy(&flag, field, sizeof(flag));
		text_put(text, flag ? "yes" : "no");
		break;
	case SETTINGS_LIST:
		for (unsigned int i = 0; i < list->count; i++) {
			text_put(text, i ? "," : "");
			text_put(text, list->name[i]);
		}
		break;
	case SETTINGS_TEXT:
		text_put(text, field);
		break;
	}
}

char *policy_setting_value(const struct settings *set, unsigned int index,
			   char out[static POLICY_TEXT_BYTES])
{
	struct text text = text_in(out, POLICY_TEXT_BYTES);

	settings_put_value(set, &settings_row[index], &text);
	return out;
}

struct policy_key policy_setting(unsigned int index)
{
	const struct settings_row *row = &settings_row[index];
	struct policy_key key = { .name = row->name, .help = row->help, .values = row->values };
	struct text text = text_in(key.preset, sizeof(key.preset));
	struct settings preset;

	settings_init(&preset);
	settings_put_value(&preset, row, &text);
	return key;
}
